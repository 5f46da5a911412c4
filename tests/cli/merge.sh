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

# Merging an untrained split gives the source, record by record.
for name in gpt2 llama resnet18 buffers mlp-functional; do
  expect_ok "$PP" split "$FIXTURES/$name.pt2" -o "$name" --stages 2
  expect_ok "$PP" merge "$name" -o "$name.pt2"
  expect_text out "wrote $name.pt2"
  run "$PYTHON" same_records.py "$FIXTURES/$name.pt2" "$name.pt2"
  ((status == 0)) || fail "not the source of $name"
done

# Merging a trained one: Python opens it and computes what pp did.
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

# An older file is replaced as a whole or not at all.
expect_ok "$PP" merge stages -o new.pt2
run "$PYTHON" same_records.py "$FIXTURES/mlp-plain.pt2" new.pt2
((status == 0)) || fail "the older file is not replaced"
cp new.pt2 before.pt2
refused 3 "nowhere" -- "$PP" merge stages --checkpoint nowhere -o new.pt2
refused 3 "stages: not a checkpoint: there is no state.json" \
  -- "$PP" merge stages --checkpoint stages -o new.pt2
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

# Only models are written, and only over models.
refused 2 "x.npy" ".pt2" ".safetensors" -- "$PP" merge stages -o x.npy
# The extension says which format the file has.
refused 2 "-o x.pt:" "must end in .pt2, because" "exported programs" \
  ".safetensors" -- "$PP" merge stages -o x.pt
expect_ok "$PP" split "$FIXTURES/mlp-plain-trace.pt" -o traced --at layers.2
refused 2 "-o x.pt2:" "must end in .pt, because" "TorchScript" \
  ".safetensors" -- "$PP" merge traced -o x.pt2
expect_no_file x.pt x.pt2
expect_ok "$PP" merge traced -o traced.pt
expect_text out "wrote traced.pt"
"$PYTHON" -c 'import torch; torch.save({"w": torch.ones(2)}, "state.pt2")'
cp state.pt2 before
refused 2 "state.pt2" "not a model" "--force" \
  -- "$PP" merge stages -o state.pt2
expect_same before state.pt2
expect_ok "$PP" merge stages -o state.pt2 --force
expect_ok "$PP" merge stages -o state.pt2

# The weights alone, as Python's state_dict has them. Tied parameters are there
# once, with a note of their other names; strides are gone.
"$PYTHON" -c '
import torch
class Strided(torch.nn.Module):
    def __init__(self):
        super().__init__()
        storage = torch.arange(24.0).reshape(4, 6)
        self.wide = torch.nn.Parameter(storage.t())
        self.part = torch.nn.Parameter(storage[1:3, ::2])
        self.low = torch.nn.Parameter(torch.randn(4, 4).half())
        self.first = torch.nn.Linear(4, 4)
        self.second = torch.nn.Linear(4, 4)
        self.register_buffer("kept", torch.tensor(7))
        self.register_buffer("lost", torch.ones(3), persistent=False)
    def forward(self, x):
        x = self.first(x @ self.low.float()) + self.kept + self.lost.sum()
        return self.second(x) @ self.wide[:4, :2] @ self.part[:, :2]
torch.export.save(torch.export.export(Strided(), (torch.ones(2, 4),)),
                  "strided.pt2")' >out 2>err || fail "no strided model"
expect_ok "$PP" split strided.pt2 -o strided --at second
cat >same_weights.py <<'PY'
"""A file of weights against the state dict of a program, or a checkpoint."""
import sys
import torch
import transformers.modeling_outputs  # the class of GPT-2's output
from safetensors import safe_open
from safetensors.torch import load_file

path, model, ties, *parts = sys.argv[1:]
got = load_file(path)
notes = safe_open(path, "pt").metadata()
assert notes.pop("format") == "pt" and notes.pop("written_by") == "pp merge"
assert len(notes) == int(ties), notes
for alias, name in notes.items():
    assert alias not in got
    got[alias] = got[name]
want = torch.export.load(model).state_dict
if parts:
    trained = {}
    for part in parts:
        trained |= load_file(part)
    assert not all(trained[name].equal(want[name]) for name in trained)
    want = {name: trained.get(name, trained.get(notes.get(name))) for name in want}
assert got.keys() == want.keys(), got.keys() ^ want.keys()
for name, value in want.items():
    assert got[name].dtype == value.dtype, name
    assert got[name].equal(value), name
PY
weights() {
  expect_ok "$PP" merge "$1" -o "$1.safetensors"
  run "$PYTHON" same_weights.py "$1.safetensors" "$2" "$3"
  ((status == 0)) || fail "not the weights of $1"
}
weights gpt2 "$FIXTURES/gpt2.pt2" 1
weights resnet18 "$FIXTURES/resnet18.pt2" 0
weights buffers "$FIXTURES/buffers.pt2" 0
weights strided strided.pt2 0
expect_ok "$PP" merge stages --checkpoint runs/checkpoints/step_40 \
  -o trained.safetensors
run "$PYTHON" same_weights.py trained.safetensors "$FIXTURES/mlp-plain.pt2" 0 \
  runs/checkpoints/step_40/part_{0,1}.safetensors
((status == 0)) || fail "not the weights of the checkpoint"
# pp reads them back, and writes over nothing but what it wrote.
expect_ok "$PP" split "$FIXTURES/mlp-plain.pt2" -o again_split \
  --weights trained.safetensors --at layers.2
expect_ok "$PP" merge again_split -o again.safetensors
expect_same trained.safetensors again.safetensors
expect_ok "$PP" merge stages -o trained.safetensors
"$PYTHON" -c '
import torch
from safetensors.torch import save_file
save_file({"w": torch.ones(2)}, "data.safetensors")'
cp data.safetensors before
refused 2 "data.safetensors" "not written by pp merge" "--force" \
  -- "$PP" merge stages -o data.safetensors
expect_same before data.safetensors
expect_ok "$PP" merge stages -o data.safetensors --force
expect_clean .
