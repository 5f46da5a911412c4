# model.checkpoint: weights to start, evaluate or infer from.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
expect_ok "$PP" run job.toml
newest=runs/checkpoints/step_6
expect_file $newest/state.json $newest/part_0.safetensors
check_python '
import json
state = json.load(open("runs/checkpoints/step_6/state.json"))
assert state["step"] == 6, state
'

# Its parts open in Python: parameters by FQN and the optimizer's state.
check_python '
from safetensors.torch import load_file
import sys, torch
parts = [load_file(f"runs/checkpoints/step_6/part_{k}.safetensors") for k in (0, 1)]
both = parts[0] | parts[1]
source = torch.export.load(sys.argv[1]).state_dict
for fqn, tensor in source.items():
    assert both[fqn].shape == tensor.shape
    assert not both[fqn].equal(tensor), fqn  # trained
assert len(both) > 2 * len(source)
' "$FIXTURES/mlp-plain.pt2"

# Inference from it, in another split: what Python makes of the same weights.
cat >infer.toml <<TOML
model = { path = "$FIXTURES/mlp-plain.pt2", checkpoint = "$newest" }
split.at = ["head"]
pipeline.microbatches = 2
data = { batch_size = 8, inputs.x = { path = "x.npy" } }
output.dir = "results"
TOML
expect_ok "$PP" run infer.toml
check_python '
from safetensors.torch import load_file
import numpy as np, sys, torch
program = torch.export.load(sys.argv[1])
module = program.module()
weights = {}
for k in (0, 1):
    weights |= load_file(f"runs/checkpoints/step_6/part_{k}.safetensors")
module.load_state_dict({k: weights[k] for k in program.state_dict})
want = module(torch.from_numpy(np.load("x.npy")))
got = load_file("results/outputs.safetensors")["output_0"]
error = (got - want).abs().max() / want.abs().max()
assert error < 1e-6, error
' "$FIXTURES/mlp-plain.pt2"

# A fresh training from it starts at step 1 with its weights.
expect_ok "$PP" run job.toml --set model.checkpoint=$newest \
  --set output.dir=further --set train.steps=4
check_python '
import json
def losses(name):
    return [json.loads(l)["loss"] for l in open(f"{name}/metrics.jsonl")]
assert losses("further")[0] < losses("runs")[0], (losses("further"), losses("runs"))
assert len(losses("further")) == 4
'
expect_text further/metrics.jsonl '"step":1,'

# Folders that are not a checkpoint, or hold a damaged one or another model's.
refused 3 "nowhere" "state.json" \
  -- "$PP" run infer.toml --set model.checkpoint=nowhere
mkdir folder
refused 3 "folder" "state.json" \
  -- "$PP" run infer.toml --set model.checkpoint=folder
cp -r $newest damaged
head -c 500 $newest/part_1.safetensors >damaged/part_1.safetensors
refused 3 "damaged/part_1.safetensors" \
  -- "$PP" run infer.toml --set model.checkpoint=damaged
cp -r $newest missing
rm missing/part_0.safetensors
refused 3 "part_0.safetensors" \
  -- "$PP" run infer.toml --set model.checkpoint=missing
cp -r $newest flipped
printf '\x55' | dd of=flipped/part_0.safetensors bs=1 seek=3000 conv=notrunc \
  2>/dev/null
refused 3 "flipped" -- "$PP" run infer.toml --set model.checkpoint=flipped
cp -r $newest garbage
echo '{"step": ' >garbage/state.json
refused 3 "garbage/state.json" \
  -- "$PP" run infer.toml --set model.checkpoint=garbage
refused 3 "$newest: has no 'layer" "is it a checkpoint of another model" \
  -- "$PP" run infer.toml --set model.path="$FIXTURES/mynetwork.pt2" \
  --set 'split.at=["layer1"]'

# A damaged newest checkpoint is not resumed from: the one before is.
cp -r runs torn
truncate -s 600 torn/checkpoints/step_6/part_0.safetensors
expect_ok "$PP" run job.toml --resume --set output.dir=torn
expect_text err "step_6"
expect_same torn/checkpoints/step_6/part_0.safetensors \
  $newest/part_0.safetensors
