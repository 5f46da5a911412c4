# A training run keeps no outputs unless asked; then those of every step.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
sed -i 's/^steps = 6/steps = 2/; s/^checkpoint_every.*//' job.toml
keep=(--set data.shuffle=false --set 'output.save=["output_0"]')
expect_ok "$PP" run job.toml "${keep[@]}"
expect_text out "wrote" "outputs.safetensors"
check_python '
import numpy as np, sys, torch
from safetensors.torch import load_file
saved = load_file("runs/outputs.safetensors")["output_0"]
assert saved.shape == (32, 10), saved.shape
module = torch.export.load(sys.argv[1]).module()
want = module(torch.from_numpy(np.load("x.npy")[:16]))
error = (saved[:16] - want).abs().max() / want.abs().max()
assert error < 1e-6, error
after = module(torch.from_numpy(np.load("x.npy")[16:32]))
assert not saved[16:].allclose(after), "the second step has new weights"
' "$FIXTURES/mlp-plain.pt2"

# Outputs are equal on other ranks and schedules.
expect_ok "$PP" run job.toml "${keep[@]}" --launcher processes \
  --set output.dir=processes
expect_same runs/outputs.safetensors processes/outputs.safetensors
expect_ok "$PP" run job.toml "${keep[@]}" --set output.dir=v \
  --schedule ZBVZeroBubble --set 'split.at=["layers.0:end","layers.1:end","head"]'
expect_same runs/outputs.safetensors v/outputs.safetensors
refused 2 "no output 'output_1'" -- "$PP" run job.toml \
  --set 'output.save=["output_1"]'
