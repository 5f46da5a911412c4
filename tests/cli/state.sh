# State beside parameters and persistent buffers: constants and transient
# buffers that the graph writes are in checkpoints, resumes and merged files.
# A strided parameter trains.
source "$(dirname "$0")/lib.sh"
cat >export.py <<'PY'
import numpy as np, torch
from torch import nn
torch.manual_seed(0)
count = torch.zeros(1)
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 6), nn.Linear(6, 6)
        self.b.weight = nn.Parameter(torch.randn(6, 12)[:, 6:])
        self.register_buffer("seen", torch.zeros(1), persistent=False)
    def forward(self, x):
        count.add_(1.0)
        self.seen.add_(0.5)
        return self.b(torch.relu(self.a(x)) * count + self.seen)
x = torch.randn(8, 6)
y = torch.randn(8, 6)
np.save("x.npy", x), np.save("y.npy", y)
torch.export.save(torch.export.export(Model(), (x[:2],)), "m.pt2")
PY
run "$PYTHON" export.py
((status == 0)) || fail "no model"
cat >job.toml <<'TOML'
[model]
path = "m.pt2"
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
expect_ok "$PP" split m.pt2 -o stages --at b
expect_ok "$PP" run job.toml
expect_ok "$PP" merge stages --checkpoint runs/checkpoints/step_3 -o new.pt2
expect_ok "$PP" run job.toml --set output.dir=two --set train.steps=2
expect_ok "$PP" run job.toml --set output.dir=two --resume
expect_ok "$PP" merge stages --checkpoint two/checkpoints/step_3 -o resumed.pt2
check_python '
import numpy as np, torch
def states(p): return {**p.state_dict, **{k: v for k, v in p.constants.items() if isinstance(v, torch.Tensor)}}
new, resumed, source = (torch.export.load(f"{n}.pt2") for n in ("new", "resumed", "m"))
model = source.module()
x, y = (torch.from_numpy(np.load(f"{n}.npy")) for n in "xy")
params = list(model.parameters())
for step in range(3):
    for p in params: p.grad = None
    for k in range(4):
        rows = slice(2 * k, 2 * k + 2)
        (torch.nn.functional.mse_loss(model(x[rows]), y[rows]) / 4).backward()
    with torch.no_grad():
        for p in params: p -= 0.01 * p.grad
a, b = states(new), states(resumed)
assert a.keys() == b.keys() and all(a[k].equal(b[k]) for k in a), (a, b)
old = states(torch.export.load("m.pt2"))
counted = sorted(a[k].item() - old[k].item() for k in a if a[k].numel() == 1)
assert counted == [6.0, 12.0], counted
for name, p in model.named_parameters():
    torch.testing.assert_close(a[name], p.detach(), rtol=1e-5, atol=1e-6)
'
