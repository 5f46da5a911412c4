# Inputs of a model that takes a dict of tensors: their names have dots.
source "$(dirname "$0")/lib.sh"
check_python '
import numpy as np
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.nn.Linear(4, 4)
    def forward(self, x, cond):
        return self.a(x) + cond["text"] * cond["ids"]["one"]
def draw():
    return torch.rand(2, 4)
example = {"x": draw(), "cond": {"text": draw(), "ids": {"one": draw()}}}
torch.export.save(torch.export.export(Net(), (), example), "net.pt2")
for name in "x", "text", "one":
    np.save(f"{name}.npy", torch.rand(4, 4).numpy())'
cat >head.toml <<TOML
model.path = "net.pt2"
[data]
batch_size = 4
inputs.x = { path = "x.npy" }
TOML

# With quotes, without, and as tables; --set with or without them.
{
  cat head.toml
  echo 'inputs."cond.text" = { path = "text.npy" }'
  echo 'inputs."cond.ids.one" = { path = "one.npy" }'
} >quoted.toml
{
  cat head.toml
  echo 'inputs.cond.text = { path = "text.npy" }'
  echo 'inputs.cond.ids.one.path = "one.npy"'
} >dotted.toml
{
  cat head.toml
  printf '[data.inputs.cond]\ntext = { path = "text.npy" }\n'
  printf '[data.inputs.cond.ids.one]\npath = "nothing.npy"\n'
} >tables.toml
set_one=(--set data.inputs.cond.ids.one.path=one.npy)
expect_ok "$PP" run quoted.toml
expect_ok "$PP" run dotted.toml
refused 3 "nothing.npy" -- "$PP" run tables.toml
expect_ok "$PP" run tables.toml "${set_one[@]}"
expect_ok "$PP" run quoted.toml "${set_one[@]}" --set output.dir=set
for way in runs/dotted runs/tables set; do
  expect_same runs/quoted/outputs.safetensors $way/outputs.safetensors
done

# The key that a message suggests is one that works.
refused 2 "head.toml:4:1: the model's input 'cond." 'add data.inputs.cond.' \
  -- "$PP" run head.toml
key="$(grep -oE 'data\.inputs\.cond\.[a-z.]+' err)"
expect_exit 2 "$PP" run head.toml --set "$key={path='one.npy'}"
expect_no_text err "$key"
sed 's/cond.text/cond.txt/' dotted.toml >typo.toml
refused 2 "typo.toml:5:13: data.inputs.cond.txt: the model has no such input" \
  "it has " "cond.text" -- "$PP" run typo.toml
[[ "$(grep -o "cond.text" err | wc -l)" == 1 ]] || fail "a name stands twice"
