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

# The lower bound of 2 that every free size has isn't enforced, as in Python.
expect_ok "$PP" run good.toml --set data.batch_size=1
expect_ok "$PP" merge even -o merged.pt2
expect_ok "$PP" split merged.pt2 -o even_again --at last
expect_text even_again/manifest.json "% 2"
