# Inference with a batch that the export fixed: no row is lost, and the rows that
# fill the last microbatch change nothing.
source "$(dirname "$0")/lib.sh"

# fixed_job NAME MODEL BATCH_SIZE: writes NAME.toml, a job on rows.npy.
fixed_job() {
  cat >"$1.toml" <<TOML
[model]
path = "$2"

[data]
batch_size = $3
inputs.x = { path = "rows.npy" }

[output]
dir = "$1"
TOML
}

"$PYTHON" -c '
import numpy as np
rows = np.random.default_rng(0).standard_normal((24, 32), dtype=np.float32)
rows[21:] = rows[20]
np.save("whole.npy", rows)
np.save("rows.npy", rows[:21])
np.save("three.npy", rows[:3])
np.save("one.npy", rows[:1])'

# Rows have the bits of whole batches, for any batch size, split and launcher.
fixed_job whole "$FIXTURES/mlp-fixed.pt2" 4
expect_ok "$PP" run whole.toml --set data.inputs.x.path=whole.npy
cat >first_rows.py <<'PY'
"""Whether outputs are the first rows of those of whole batches."""
import sys
from safetensors.torch import load_file
whole = load_file("whole/outputs.safetensors")
got = load_file(f"{sys.argv[1]}/outputs.safetensors")
assert got.keys() == whole.keys()
for name, value in got.items():
    assert len(value) == int(sys.argv[2]), value.shape
    assert value.equal(whole[name][: len(value)]), name
PY
# equals NAME ROWS OPTION...: runs the job with these options.
equals() {
  local name="$1" rows="$2"
  shift 2
  expect_ok "$PP" run whole.toml --set data.inputs.x.path=rows.npy \
    --set "output.dir=$name" "$@"
  expect_no_text err "left out"
  run "$PYTHON" first_rows.py "$name" "$rows"
  ((status == 0)) || fail "not the rows of whole batches"
  expect_clean "$name"
}
equals one 21
equals two 21 --set data.batch_size=8
equals four 21 --set data.batch_size=16 --set 'split.at=["layers.2"]'
equals above 21 --set data.batch_size=400
equals vee 21 --set data.batch_size=8 --schedule ZBVZeroBubble --ranks 2 \
  --set 'split.at=["layers.1","layers.2","head"]'
equals processes 21 --set data.batch_size=8 --launcher processes \
  --set 'split.at=["layers.2"]'
equals trace 21 --set output.trace=true
equals few 3 --set data.inputs.x.path=three.npy --set data.batch_size=8
equals single 1 --set data.inputs.x.path=one.npy
expect_ok "$PP" run whole.toml --set data.inputs.x.path=rows.npy --dry-run
equals dropped 20 --set data.drop_last=true
equals dropped_more 16 --set data.drop_last=true --set data.batch_size=8

# Where outputs depend on the other rows, or aren't rows, nothing is guessed.
"$PYTHON" -c '
import torch
class Model(torch.nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.norm = torch.nn.BatchNorm1d(32)
        self.register_buffer("count", torch.zeros(()))
    def forward(self, x):
        if self.kind == "norm":
            return self.norm(x) * 2
        if self.kind == "counts":
            self.count += 1
            return x + self.count * 0
        return {
            "scalar": x.mean(),
            "reduced": x.sum(0),
            "mixed": x - x.mean(0, keepdim=True),
            "gram": x @ x.t(),
            "second": torch.relu(x).t(),
            "rows": x + 1,
        }[self.kind]
for kind in "scalar reduced mixed gram second rows norm counts".split():
    program = torch.export.export(Model(kind), (torch.ones(4, 32),))
    torch.export.save(program, kind + ".pt2")' >out 2>err || fail "no models"
# refuses KIND TEXT OPTION...: nothing is written.
refuses() {
  local kind="$1" text="$2"
  shift 2
  fixed_job "$kind" "$kind.pt2" 8
  refused 2 "21 rows" "the last 1 don't fill a microbatch of 4" "output_0" \
    "$text" "pad the data to 24 rows" "data.drop_last = true" "the last 5" \
    -- "$PP" run "$kind.toml" "$@"
  expect_no_file "$kind/outputs.safetensors"
  expect_ok "$PP" run "$kind.toml" --set data.drop_last=true "$@"
}
refuses scalar "is one value for all rows"
refuses reduced "has shape [32], which doesn't have one entry per row"
refuses mixed "depends on the other rows"
refuses gram "depends on the other rows"
refuses norm "depends on the other rows" --set model.mode=train
refuses rows "is one value for all rows" \
  --set 'output.outputs.output_0={ join = "sum" }'
# Outputs can be cut along another dimension, too.
fixed_job second second.pt2 8
expect_ok "$PP" run second.toml --set 'output.outputs.output_0={ join = 1 }'
check_python '
import numpy as np, torch
from safetensors.torch import load_file
got = load_file("second/outputs.safetensors")["output_0"]
assert got.equal(torch.from_numpy(np.load("rows.npy")).relu().t()), got.shape'
# The trial leaves no trace in states that a forward changes.
fixed_job counts counts.pt2 8
expect_ok "$PP" run counts.toml
