# Sizes that an export excludes are refused before anything runs, as Python does.
source "$(dirname "$0")/lib.sh"

cat >models.py <<'PY'
"""Models whose graph is right for some sizes only, and data that fit or don't."""
import numpy as np
import torch
from torch import nn

ANY = torch.export.Dim.AUTO


class Even(nn.Module):
    """Branches on whether the number of columns is even."""
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(4, 4), nn.Linear(4, 4)
    def forward(self, x):
        h = self.first(x)
        return self.last(h.relu() if x.shape[1] % 2 == 0 else -h)


class Area(Even):
    """Branches on a product of sizes of a tensor in a dict, and of another."""
    def forward(self, batch, y):
        h = self.first(batch["x"])
        if batch["x"].shape[1] * y.shape[1] < 20:
            h = h.relu()
        return self.last(h) + y.sum(dim=1).reshape(-1, 1, 1)


def save(name, model, example, shapes, good, bad):
    program = torch.export.export(model, example, dynamic_shapes=shapes)
    torch.export.save(program, f"{name}.pt2")
    for kind, tensors in ("good", good), ("bad", bad):
        for key, tensor in tensors.items():
            np.save(f"{name}_{kind}_{key}.npy", tensor.numpy())
    with torch.no_grad():
        program.module()(*(good.values() if name == "even" else
                           ({"x": good["batch.x"]}, good["y"])))
        try:
            program.module()(*(bad.values() if name == "even" else
                               ({"x": bad["batch.x"]}, bad["y"])))
        except Exception:
            return
    raise SystemExit(f"Python accepts the bad sizes of {name}")


free = torch.export.Dim("rows", max=16)
save("even", Even(), (torch.rand(2, 6, 4),), ({0: free, 1: ANY},),
     {"x": torch.rand(8, 8, 4)}, {"x": torch.rand(8, 9, 4)})
save("area", Area(), ({"x": torch.rand(2, 6, 4)}, torch.rand(2, 3)),
     ({"x": {0: ANY, 1: ANY}}, {0: ANY, 1: ANY}),
     {"batch.x": torch.rand(8, 4, 4), "y": torch.rand(8, 4)},
     {"batch.x": torch.rand(8, 5, 4), "y": torch.rand(8, 4)})
np.save("even_many_x.npy", np.zeros((17, 8, 4), "float32"))
PY
run "$PYTHON" models.py
((status == 0)) || fail "the models can't be exported"

# job NAME KIND ROWS: the model's job with this kind of data.
job() {
  local key
  printf '[model]\nstages = "%s"\n[data]\nbatch_size = %s\n' "$1" "$3"
  for key in x batch.x y; do
    [[ ! -e "$1_$2_$key.npy" ]] ||
      printf 'inputs."%s" = { path = "%s_%s_%s.npy" }\n' "$key" "$1" "$2" "$key"
  done
  printf '[output]\ndir = "out_%s_%s"\n' "$1" "$2"
}

for name in even area; do
  expect_ok "$PP" split "$name.pt2" -o "$name" --at last
  job "$name" good 8 >good.toml
  expect_ok "$PP" run good.toml
  sed "s/^stages = .*/path = \"$name.pt2\"/" good.toml >whole.toml
  expect_ok "$PP" run whole.toml
  job "$name" bad 8 | sed "s/^stages = .*/path = \"$name.pt2\"/" >whole_bad.toml
  refused 3 "exported under the condition" -- "$PP" run whole_bad.toml
done
job even bad 8 >bad.toml
refused 3 "microbatches of 8 rows" "x.size()[1] % 2" "x has shape [8, 9, 4]" -- \
  "$PP" run bad.toml
job area bad 8 >bad.toml
refused 3 "< 20" "batch.x has shape [8, 5, 4]" "y has shape [8, 4]" -- \
  "$PP" run bad.toml
job even many 17 >many.toml
refused 3 "dimension 0 of x is 17" "at most 16" -- "$PP" run many.toml
expect_no_file out_even_bad out_area_bad out_even_many

# Inputs in **kwargs and *args, sizes that are computed from a free one, and
# functions that torch prints in conditions.
cat >more.py <<'PY'
import numpy as np
import torch
from torch import nn

ANY = torch.export.Dim.AUTO


class Named(nn.Module):
    def forward(self, *args, **kwargs):
        x, k = args[0], kwargs["k"]
        out = x * 2 if k.shape[0] % 3 == 0 else x * 3
        return (out + k.sum()) * (2 if x.shape[1] % 2 == 0 else 5)


class Halves(nn.Module):
    def forward(self, x):
        n = x.shape[1]
        return x[:, : n // 2].sum() * (2 if n <= 128 else 3)


x, k = torch.rand(4, 6), torch.rand(6)
torch.export.save(
    torch.export.export(Named(), (x,), {"k": k}, dynamic_shapes={
        "args": ({0: ANY, 1: ANY},), "kwargs": {"k": {0: ANY}}}), "named.pt2")
half = torch.export.Dim("half", max=64)
torch.export.save(
    torch.export.export(Halves(), (x,), dynamic_shapes=({1: 2 * half},)),
    "halves.pt2")
for rows, columns in ((4, 6), (4, 7), (4, 200)):
    np.save(f"m_{columns}.npy", np.ones((rows, columns), "float32"))
for count in (6, 7):
    np.save(f"k_{count}.npy", np.ones((count,), "float32"))
PY
run "$PYTHON" more.py
((status == 0)) || fail "the models can't be exported"
named() { # COLUMNS COUNT
  printf '[model]\npath = "named.pt2"\n[data]\nbatch_size = 4\n'
  printf 'inputs.args_0 = { path = "m_%s.npy" }\n' "$1"
  printf 'inputs.k = { path = "k_%s.npy", split_dim = "none" }\n' "$2"
}
halves() { # COLUMNS
  printf '[model]\npath = "halves.pt2"\n[data]\nbatch_size = 4\n'
  printf 'inputs.x = { path = "m_%s.npy" }\n' "$1"
}
named 6 6 >more.toml && expect_ok "$PP" run more.toml
named 6 7 >more.toml && refused 3 "% 3" "k has shape [7]" -- "$PP" run more.toml
named 7 6 >more.toml && refused 3 "% 2" "args_0 has shape" -- "$PP" run more.toml
halves 6 >more.toml && expect_ok "$PP" run more.toml
halves 7 >more.toml && refused 3 "must be 2*" "but is 7" -- "$PP" run more.toml
halves 200 >more.toml && refused 3 "at most 128" -- "$PP" run more.toml

# Stages that were exported one by one keep their conditions: on the model's
# inputs before anything runs, on what they receive when they run.
cat >stages.py <<'PY'
import numpy as np
import torch
from torch import nn
from models import ANY, Even


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.own = nn.Linear(4, 4)
    def forward(self, x):
        return {"h": torch.cat([self.own(x), x], 1)}


class Head(Even):
    def forward(self, h):
        first = self.first(h)
        return self.last(first.relu() if h.shape[1] % 4 == 0 else -first)


rows, x, h = torch.export.Dim("rows"), torch.rand(2, 6, 4), torch.rand(2, 8, 4)
cols = torch.export.Dim.AUTO(max=20)
for name, model, example, shapes in (
    ("twice", Twice(), x, ({0: rows, 1: ANY},)),
    ("even_first", Even(), x, ({0: rows, 1: ANY},)),
    ("head", Head(), h, ({0: rows, 1: cols},)),
):
    torch.export.save(
        torch.export.export(model, (example,), dynamic_shapes=shapes), f"{name}.pt2")
for columns in (4, 5, 12):
    np.save(f"x_{columns}.npy", np.zeros((8, columns, 4), "float32"))
PY
run "$PYTHON" stages.py
((status == 0)) || fail "the stages can't be exported"
chained() { # STAGES COLUMNS
  printf '[model]\nstages = [%s]\n[data]\nbatch_size = 8\n' "$1"
  printf 'inputs.x = { path = "x_%s.npy" }\n[output]\ndir = "chained"\n' "$2"
}
chained '"twice.pt2", "head.pt2"' 4 >chained.toml
expect_ok "$PP" run chained.toml
chained '"twice.pt2", "head.pt2"' 5 >chained.toml
expect_exit 3 "$PP" run chained.toml
expect_text err "stage 1, microbatch 0" "% 4" "has shape [8, 10, 4]"
chained '"twice.pt2", "head.pt2"' 12 >chained.toml
expect_exit 3 "$PP" run chained.toml
expect_text err "stage 1" "<= 20" "has shape [8, 24, 4]"
chained '"even_first.pt2", "head.pt2"' 5 >chained.toml
refused 3 "microbatches of 8 rows" "x.size()[1] % 2" -- "$PP" run chained.toml
expect_ok "$PP" split --assemble twice.pt2 head.pt2 -o by_hand
expect_ok "$PP" merge by_hand -o by_hand.pt2
expect_text out "the stages require" "% 4"
expect_ok "$PP" split --assemble even_first.pt2 head.pt2 -o even_by_hand
expect_ok "$PP" merge even_by_hand -o even_by_hand.pt2
expect_ok "$PP" split even_by_hand.pt2 -o even_merged --at stage_1.last
expect_text even_merged/manifest.json "% 2"

# The lower bound of 2 that every free size has isn't enforced, as in Python.
expect_ok "$PP" run good.toml --set data.batch_size=1
expect_ok "$PP" merge even -o merged.pt2
expect_ok "$PP" split merged.pt2 -o even_again --at last
expect_text even_again/manifest.json "% 2"
