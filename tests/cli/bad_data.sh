# Data that does not fit the model: exit code 3 where a file is wrong, 2 where
# the numbers of the job are; the input is named; nothing is written.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
"$PYTHON" - <<'PY'
import numpy as np
import torch
from safetensors.numpy import save_file
rng = np.random.default_rng(0)
x = rng.standard_normal((80, 32), dtype=np.float32)
np.save("integers.npy", x.astype(np.int64))
np.save("narrow.npy", x[:, :16].copy())
np.save("deep.npy", x[:, None].copy())
np.save("short.npy", x[:40])
np.save("none.npy", x[:0])
np.save("fortran.npy", np.asfortranarray(x))
np.save("objects.npy", np.array([{}, []], dtype=object), allow_pickle=True)
np.save("y_float.npy", rng.standard_normal((80, 10), dtype=np.float32))
np.save("y_large.npy", np.full(80, 10))
np.save("y_negative.npy", np.full(80, -7))
np.save("few.npy", x[:3])
save_file({"a": x, "b": x}, "two.safetensors")
save_file({"x": x}, "one.safetensors")
torch.save(torch.nn.Linear(2, 2), "module.pt")
PY
head -c 5000 x.npy >cut.npy
head -c 60 x.npy >header.npy
echo "1,2,3" >rows.csv

# A file of the wrong kind is the input's fault, a path that can't be told what
# it is the job's.
data() { # CODE INPUT-PATH TEXT...
  local code="$1" path="$2"
  shift 2
  refused "$code" "$@" -- "$PP" run job.toml --set "data.inputs.x.path=$path"
}
data 3 nope.npy "nope.npy" "No such file"
data 3 integers.npy "x needs float32" "int64" "integers.npy"
data 3 narrow.npy "x needs" "32" "narrow.npy" "[80, 16]"
data 3 deep.npy "x needs" "deep.npy" "[80, 1, 32]"
data 3 short.npy "40" "80"
data 3 none.npy "none.npy"
data 3 cut.npy "cut.npy"
data 3 header.npy "header.npy"
data 3 objects.npy "objects.npy"
data 2 rows.csv "rows.csv" ".npy"
data 2 two.safetensors "two.safetensors" "key" "a, b"
data 3 module.pt "module.pt"
data 2 /dev/null "/dev/null"
data 2 . ".npy"
data 3 'no-*.npy' "no-*.npy"
refused 3 "two.safetensors" "'c'" "a" -- "$PP" run job.toml \
  --set 'data.inputs.x={path="two.safetensors",key="c"}'
expect_ok "$PP" run job.toml --set data.inputs.x.path=one.safetensors \
  --set output.dir=one
expect_ok "$PP" run job.toml --set output.dir=two \
  --set 'data.inputs.x={path="two.safetensors",key="b"}'

[[ -z "$(find runs -type f 2>/dev/null)" ]] || fail "left: $(find runs -type f)"

target() { # CODE PATH TEXT...
  local code="$1" path="$2"
  shift 2
  refused "$code" "$@" -- "$PP" run job.toml --set "data.target.path=$path"
}
target 3 y_float.npy "cross_entropy" "integer"
target 3 y_large.npy "10"
target 3 y_negative.npy "-7"
target 3 none.npy "none.npy"
target 3 nope.npy "nope.npy"

# Inputs that the model lacks, and one that the job lacks.
refused 2 "data.inputs.z" "x" -- "$PP" run job.toml \
  --set 'data.inputs.z={path="x.npy"}'
sed '/^inputs.x/d; s/^target/inputs.y = { path = "x.npy" }\ntarget/' job.toml >bad.toml
refused 2 "data.inputs.y" "x" -- "$PP" run bad.toml

# A sequence that is longer than the export allows.
"$PYTHON" -c 'import numpy as np; np.save("long.npy", np.zeros((8, 200), np.int64))'
cat >gpt2.toml <<TOML
model.path = "$FIXTURES/gpt2.pt2"
pipeline.microbatches = 2
data = { batch_size = 4, inputs.input_ids = { path = "long.npy" } }
output.dir = "gpt2"
TOML
refused 3 "input_ids" "long.npy" "16" -- "$PP" run gpt2.toml

# Sizes: fewer rows than microbatches, and a batch that the export fixed.
refused 2 "batch_size 3" "microbatches 4" -- "$PP" run job.toml \
  --set data.batch_size=3
fixed=(--set "model.path=$FIXTURES/mlp-fixed.pt2")
refused 2 "--set data.batch_size=8: x was exported with batch 4" \
  "microbatches of 2" "batch_size to 16 or microbatches to 2" \
  "dynamic dimension 0" \
  -- "$PP" run job.toml "${fixed[@]}" --set data.batch_size=8
expect_ok "$PP" run job.toml "${fixed[@]}" --set output.dir=fixed
sed '/^microbatches/d' job.toml >default.toml
expect_ok "$PP" run default.toml "${fixed[@]}" --set output.dir=default
expect_same fixed/checkpoints/step_6/part_0.safetensors \
  default/checkpoints/step_6/part_0.safetensors
refused 2 "batch 4" -- "$PP" run default.toml "${fixed[@]}" \
  --set data.batch_size=10
# A last batch that is too small is left out with a notice.
expect_ok "$PP" run job.toml "${fixed[@]}" --set data.batch_size=32 \
  --microbatches 8 --set output.dir=dropped
expect_text err "80" "16"
expect_no_file runs/checkpoints
[[ ! -s runs/metrics.jsonl ]] || fail "metrics of steps that failed"
expect_clean .
