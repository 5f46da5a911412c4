# output.export_dtype: a training's end writes the weights alone, in that type.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
cat >check.py <<'PY'
"""check.py FOLDER TYPE PREFIX: the weights are those of the last checkpoint."""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

folder, dtype, prefix = Path(sys.argv[1]), getattr(torch, sys.argv[2]), sys.argv[3]
saved, weights = {}, {}
for path in (folder / "checkpoints/step_6").glob("part_*"):
    saved |= load_file(path)
for path in (folder / "weights").glob("part_*"):
    weights |= load_file(path)
names = {name for name in saved if not name.startswith("optimizer.")}
assert set(weights) == names, set(weights) ^ names
for name, value in weights.items():
    assert value.dtype == dtype, (name, value.dtype)
    assert value.equal(saved[prefix + name].to(dtype)), name
PY

expect_weights() {
  run "$PYTHON" check.py "$@"
  ((status == 0)) || fail "the weights of $1 aren't right"
}

bf16=(--set output.export_dtype=bf16)
expect_ok "$PP" run job.toml "${bf16[@]}" --set output.dir=plain
expect_text out "wrote $work/plain/weights"
expect_weights plain bfloat16 ""
expect_ok "$PP" run job.toml "${bf16[@]}" --set output.dir=processes --launcher processes
expect_same {plain,processes}/weights/part_1.safetensors
expect_ok "$PP" run job.toml "${bf16[@]}" --set output.dir=replicas \
  --set parallel.replicas=2 --set pipeline.microbatches=2 --set parallel.zero=1 \
  --set train.ema.decay=0.5
expect_weights replicas bfloat16 optimizer.ema.

# A later run with fewer stages leaves no part of the earlier one; the user's files
# stay, and weights that the job itself reads aren't replaced.
echo mine >plain/weights/notes.txt
refused 2 "export_dtype writes to" "plain/weights, but model.weights is there" -- \
  "$PP" run job.toml "${bf16[@]}" --overwrite --set output.dir=plain \
  --set 'model.weights="plain/weights/part_*.safetensors"'
expect_ok "$PP" run job.toml --overwrite --set output.dir=plain --set 'split.at=[]' \
  --set output.export_dtype=float32
expect_weights plain float32 ""
expect_no_file plain/weights/part_1.safetensors
expect_file plain/weights/notes.txt
expect_ok "$PP" run job.toml --set output.dir=only --set train.steps=0 \
  --set 'model.weights="plain/weights/part_*.safetensors"' \
  --set 'eval.data={inputs={x="x.npy"},target="y.npy"}'

# A resumed run with no step left writes them too; a job that asks for none has none.
expect_ok "$PP" run job.toml --resume "${bf16[@]}" --set output.dir=processes
expect_weights processes bfloat16 ""
expect_ok "$PP" run job.toml --set output.dir=none
expect_no_file none/weights
