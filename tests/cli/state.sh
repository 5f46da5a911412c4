# State beside parameters and persistent buffers is in checkpoints, resumes and
# merged files where the graph writes it: constants and transient buffers of an
# export, tensor attributes of a script, constants of a trace. A strided
# parameter trains.
source "$(dirname "$0")/lib.sh"
cat >export.py <<'PY'
import numpy as np, torch
from torch import nn
torch.manual_seed(0)
count, early, late = torch.zeros(1), torch.zeros(1), torch.zeros(2)
class Exported(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 6), nn.Linear(6, 6)
        self.b.weight = nn.Parameter(torch.randn(6, 12)[:, 6:])
        self.register_buffer("seen", torch.zeros(1), persistent=False)
    def forward(self, x):
        count.add_(1.0)
        self.seen.add_(0.5)
        return self.b(torch.relu(self.a(x)) * count + self.seen)
class Scripted(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 6), nn.Linear(6, 6)
        self.seen = torch.zeros(1)
        self.kept = torch.full((1,), 0.125)
    def forward(self, x):
        self.seen.add_(0.5)
        return self.b(torch.relu(self.a(x)) * self.seen) * self.kept
class Traced(Scripted):
    def forward(self, x):
        early.add_(1.0)
        y = super().forward(x) + early
        late.add_(0.25)
        return y * late.sum()
x = torch.randn(8, 6)
y = torch.randn(8, 6)
np.save("x.npy", x), np.save("y.npy", y)
torch.export.save(torch.export.export(Exported(), (x[:2],)), "exported.pt2")
torch.jit.script(Scripted()).save("scripted.pt")
torch.jit.trace(Traced(), (x[:2],), check_trace=False).save("traced.pt")
PY
run "$PYTHON" export.py
((status == 0)) || fail "no model"
cat >job.toml <<'TOML'
[model]
path = "no.pt"
[split]
at = ["b"]
[pipeline]
microbatches = 4
[data]
batch_size = 8
shuffle = false
inputs.x = { path = "x.npy" }
target = { path = "y.npy" }
[train]
steps = 3
loss = { name = "mse" }
optimizer = { name = "sgd", lr = 0.01 }
[output]
dir = "runs"
checkpoint_every = 2
TOML
sed '/^\[split\]/,/^at/d; s/^path = "no.pt"/stages = "no"/' job.toml >stages.toml

# Trains a model for 3 steps: its stages at once, and the model, resumed after 2.
for model in exported.pt2 scripted.pt traced.pt; do
  name="${model%.*}"
  expect_ok "$PP" split "$model" -o "$name" --at b
  expect_ok "$PP" run stages.toml --set "model.stages=$name" \
    --set "output.dir=runs_$name"
  expect_ok "$PP" merge "$name" --checkpoint "runs_$name/checkpoints/step_3" \
    -o "new_$model"
  resumed=(job.toml --set "model.path=$model" --set "output.dir=two_$name")
  expect_ok "$PP" run "${resumed[@]}" --set train.steps=2
  expect_ok "$PP" run "${resumed[@]}" --resume
  expect_ok "$PP" merge "$name" --checkpoint "two_$name/checkpoints/step_3" \
    -o "resumed_$model"
done

cat >reference.py <<'PY'
import numpy as np, torch
x, y = (torch.from_numpy(np.load(f"{n}.npy")) for n in "xy")
def train(model):
    params = list(model.parameters())
    for step in range(3):
        for p in params: p.grad = None
        for k in range(4):
            rows = slice(2 * k, 2 * k + 2)
            (torch.nn.functional.mse_loss(model(x[rows]), y[rows]) / 4).backward()
        with torch.no_grad():
            for p in params: p -= 0.01 * p.grad
PY
check_python '
import torch
from reference import train
def states(p): return {**p.state_dict, **{k: v for k, v in p.constants.items() if isinstance(v, torch.Tensor)}}
new, resumed, source = (torch.export.load(f"{n}exported.pt2") for n in ("new_", "resumed_", ""))
model = source.module()
train(model)
a, b = states(new), states(resumed)
assert a.keys() == b.keys() and all(a[k].equal(b[k]) for k in a), (a, b)
old = states(torch.export.load("exported.pt2"))
counted = sorted(a[k].item() - old[k].item() for k in a if a[k].numel() == 1)
assert counted == [6.0, 12.0], counted
for name, p in model.named_parameters():
    torch.testing.assert_close(a[name], p.detach(), rtol=1e-5, atol=1e-6)
'
check_python '
import torch
from reference import train, x
def constants(model):
    graph = model.inlined_graph
    nodes = [n for n in graph.findAllNodes("prim::Constant") if n.hasAttribute("value")]
    return [n.t("value").clone() for n in nodes if n.kindOf("value") == "t"]
def attributes(model): return [model.seen.clone(), model.kept.clone()]
for name, written, wanted in ("scripted", attributes, {6.0}), ("traced", constants, {3.25, 6.5, 13.0}):
    new, resumed, source = (torch.jit.load(f"{n}{name}.pt") for n in ("new_", "resumed_", ""))
    train(source)
    a, b, c = written(new), written(resumed), written(source)
    assert len(a) == len(b) == len(c)
    assert all(u.equal(v) and u.equal(w) for u, v, w in zip(a, b, c)), (name, a, b, c)
    assert wanted <= {v.flatten()[0].item() for v in a}, (name, a)
    for p, q, r in zip(new.parameters(), resumed.parameters(), source.parameters()):
        assert p.equal(q), name
        torch.testing.assert_close(p, r, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(new(x), source(x), rtol=1e-5, atol=1e-5)
'
