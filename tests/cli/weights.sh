# model.weights and pp split --weights: values from safetensors files.
source "$(dirname "$0")/lib.sh"
"$PYTHON" "$SOURCE/tests/cli/weights.py" . >out 2>err ||
  fail "the models can't be exported"
cat >job.toml <<'TOML'
[model]
path = "real.pt2"

[split]
at = ["norm"]

[pipeline]
microbatches = 2

[data]
batch_size = 8
shuffle = false
inputs.ids = { path = "ids.npy" }
target = { path = "target.npy" }

[train]
steps = 3
loss = { name = "cross_entropy" }
optimizer = { name = "adamw", lr = 1e-2 }
TOML

same_weights() {
  local part
  for part in 0 1; do
    expect_same "$1/checkpoints/step_3/part_$part.safetensors" \
      "$2/checkpoints/step_3/part_$part.safetensors"
  done
}

# Whatever the export holds, a run starts from the files' values.
expect_ok "$PP" run job.toml --set output.dir=real
for model in other.pt2 meta.pt2 other.pt; do
  expect_ok "$PP" run job.toml --set model.path=$model \
    --set 'model.weights=w-*.safetensors' --set output.dir=$model.run
  same_weights real $model.run
  expect_ok "$PP" split $model --weights 'w-*.safetensors' -o $model.stages \
    --at norm
  expect_text out "tied: embed.weight"
  # Two microbatches: with more the tied weight's gradient is a small sum of
  # large terms (batch norm over four rows), which rounding shows.
  expect_ok "$PP" verify $model.stages --microbatches 2
  sed '/^path/d; /^\[split/,/^at/d' job.toml |
    sed "s/^\[model\]/&\nstages = \"$model.stages\"/" >stages.toml
  expect_ok "$PP" run stages.toml --set output.dir=$model.split
  same_weights real $model.split
done
expect_ok "$PP" split meta.pt2 --weights 'w-*.safetensors' -o meta.stages --at norm
expect_ok "$PP" merge meta.stages -o merged.pt2
# A stage directory can run with other values.
sed -i 's/^stages = .*/stages = "plain.stages"/' stages.toml
expect_ok "$PP" split other.pt2 -o plain.stages --at norm
expect_ok "$PP" run stages.toml --set 'model.weights=w-*.safetensors' \
  --set output.dir=plain.split --launcher processes
same_weights real plain.split
check_python '
import numpy as np, torch
real, merged = (torch.export.load(p) for p in ("real.pt2", "merged.pt2"))
assert merged.state_dict.keys() == real.state_dict.keys()
for name, value in real.state_dict.items():
    other = merged.state_dict[name]
    assert other.device.type == "cpu" and other.equal(value), name
    assert other.requires_grad == value.requires_grad, name
assert (merged.state_dict["head.weight"].data_ptr()
        == merged.state_dict["embed.weight"].data_ptr())
ids = torch.from_numpy(np.load("ids.npy"))[:4]
assert merged.module()(ids).equal(real.module()(ids))
'

# The tied parameter may have either name or both; a tensor that the model lacks
# is only mentioned.
expect_ok "$PP" run job.toml --set model.weights=both.safetensors \
  --set model.path=meta.pt2 --set output.dir=both
same_weights real both
expect_ok "$PP" run job.toml --set model.weights=extra.safetensors \
  --set output.dir=extra
expect_text err "extra.safetensors holds 1 tensor" "'rotary.inv_freq'"
expect_ok "$PP" split real.pt2 --weights extra.safetensors --at norm -o extra.stages
expect_text out "'rotary.inv_freq'"

# A folder that transformers wrote: one file, or several with an index. Its names
# may have another first part than the model's.
for folder in single sharded longer; do
  expect_ok "$PP" run job.toml --set model.path=meta.pt2 \
    --set model.weights=$folder --set output.dir=$folder.run
  same_weights real $folder.run
  expect_ok "$PP" split meta.pt2 --weights $folder -o $folder.stages --at norm
done
expect_text out "longer: names have the prefix 'base.'; they are read without it"
"$PYTHON" -c '
import sys, torch
sys.path.insert(0, sys.argv[1])
from weights import Tied, export
class Head(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.base = Tied()
    def forward(self, ids):
        return self.base(ids)
export(Head(), torch.arange(4), "head.pt2")' "$SOURCE/tests/cli" >out 2>err ||
  fail "the model with a prefix can't be exported"
expect_ok "$PP" split head.pt2 --weights sharded -o head.stages --at base.norm
expect_text out "sharded: names lack the model's prefix 'base.'"
expect_ok "$PP" merge head.stages -o head.pt2
check_python '
import torch
real, head = (torch.export.load(p).state_dict for p in ("real.pt2", "head.pt2"))
assert head.keys() == {"base." + name for name in real}
assert all(head["base." + name].equal(value) for name, value in real.items())
'

# A fault is named before anything runs.
wrong() {
  refused 3 "${@:2}" -- "$PP" run job.toml --set model.weights="$1"
  refused 3 "${@:2}" -- "$PP" split real.pt2 --weights "$1" --at norm -o bad
}
wrong mixed.safetensors "mixed.safetensors lacks 1 tensor" "'body.bias'" \
  "; the model has no 'rotary.inv_freq', which the files hold"
wrong moved "moved/model.safetensors.index.json: 'body.bias' is not in" \
  "model-00002-of-00002.safetensors, where the index places it"
wrong outside "weight_map" "must be the name of a file in the same folder"
wrong absent "absent/model-00002-of-00002.safetensors"
wrong pickle "pickle: the folder holds no weights; expected model.safetensors or" \
  "pytorch_model.bin is a pickle"
wrong missing.safetensors "missing.safetensors lacks 2 tensors" "'body.weight'" \
  "'body.bias'"
wrong dtype.safetensors "'body.weight' is float64[8, 8]" "float32[8, 8]"
wrong shape.safetensors "'body.bias' is float32[3]" "float32[8]"
wrong untied.safetensors "'embed.weight' and 'head.weight' are tied in the model"
wrong 'w-*.nothing' "no file matches" "w-*.nothing"
wrong none.safetensors "none.safetensors"
wrong '[bw]*.safetensors' "no file matches"
cp w-1.safetensors w-3.safetensors
wrong 'w-*.safetensors' "is in two files" "w-1.safetensors" "w-3.safetensors"
rm w-3.safetensors
refused 3 "meta.pt2" "'embed.weight' has no values" "weights" \
  -- "$PP" split meta.pt2 --at norm -o bad
expect_exit 3 "$PP" run job.toml --set model.path=meta.pt2
expect_text err "has no values"
expect_no_file bad
expect_clean .
