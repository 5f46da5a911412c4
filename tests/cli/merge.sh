# pp merge: the source again, with its own weights or a checkpoint's.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
cat >same_records.py <<'PY'
"""The records of two archives: names and content."""
import sys, zipfile
def records(path):
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert len(names) == len(set(names)), path
        assert archive.testzip() is None
        return {n.split("/", 1)[1]: archive.read(n) for n in names}
a, b = map(records, sys.argv[1:])
assert a.keys() == b.keys(), a.keys() ^ b.keys()
assert all(a[name] == b[name] for name in a), [n for n in a if a[n] != b[n]]
PY

# Of an untrained split: the source, record by record.
for name in gpt2 llama resnet18 buffers mlp-functional; do
  expect_ok "$PP" split "$FIXTURES/$name.pt2" -o "$name" --stages 2
  expect_ok "$PP" merge "$name" -o "$name.pt2"
  expect_text out "wrote $name.pt2"
  run "$PYTHON" same_records.py "$FIXTURES/$name.pt2" "$name.pt2"
  ((status == 0)) || fail "not the source of $name"
done

# Of a trained one: Python opens it and computes what pp did.
expect_ok "$PP" split "$FIXTURES/mlp-plain.pt2" -o stages --at layers.2
expect_ok "$PP" run job.toml --set train.steps=40 --set output.checkpoint_every=20 \
  --set train.optimizer.lr=3e-2
expect_ok "$PP" merge stages --checkpoint runs/checkpoints/step_40 -o new.pt2
expect_ok "$PP" run job.toml --set output.dir=again --set train.steps=1 \
  --set data.shuffle=false --set model.path=new.pt2
check_python '
import json, sys
import numpy as np, torch
from safetensors.torch import load_file
program, source = (torch.export.load(p) for p in ("new.pt2", sys.argv[1]))
weights = {}
for part in 0, 1:
    weights |= load_file(f"runs/checkpoints/step_40/part_{part}.safetensors")
for fqn, tensor in source.state_dict.items():
    assert program.state_dict[fqn].equal(weights[fqn]), fqn
    assert not program.state_dict[fqn].equal(tensor), fqn
x, y = (torch.from_numpy(np.load(f"{n}.npy")) for n in "xy")
loss = torch.nn.functional.cross_entropy(program.module()(x[:16]), y[:16])
row = json.loads(open("again/metrics.jsonl").readline())
assert abs(row["loss"] - loss.item()) < 1e-5, (row, loss)
assert row["loss"] < 2.2, row  # it learned
' "$FIXTURES/mlp-plain.pt2"

# The checkpoint of another split of the same model fits as well.
expect_ok "$PP" split "$FIXTURES/mlp-plain.pt2" -o three --stages 3
expect_ok "$PP" merge three --checkpoint runs/checkpoints/step_40 -o three.pt2
run "$PYTHON" same_records.py new.pt2 three.pt2
((status == 0)) || fail "another split gives another model"

# Over an older file, whole or not at all.
expect_ok "$PP" merge stages -o new.pt2
run "$PYTHON" same_records.py "$FIXTURES/mlp-plain.pt2" new.pt2
((status == 0)) || fail "the older file is not replaced"
cp new.pt2 before.pt2
refused 3 "nowhere" -- "$PP" merge stages --checkpoint nowhere -o new.pt2
cp -r runs/checkpoints/step_40 damaged
truncate -s 900 damaged/part_0.safetensors
refused 3 "part_0.safetensors" \
  -- "$PP" merge stages --checkpoint damaged -o new.pt2
refused 3 "step_40" "transformer.wte.weight" -- "$PP" merge gpt2 \
  --checkpoint runs/checkpoints/step_40 -o new.pt2
expect_same before.pt2 new.pt2
refused 2 "stages/stage_0.pt2" -- "$PP" merge stages -o stages/stage_0.pt2
expect_ok "$PP" inspect stages
refused 3 "nowhere" -- "$PP" merge nowhere -o out.pt2
refused 3 "not a stage directory" -- "$PP" merge "$FIXTURES/gpt2.pt2" -o out.pt2
expect_no_file out.pt2
refused 4 "/proc/nowhere" -- "$PP" merge stages -o /proc/nowhere/m.pt2
expect_clean .
