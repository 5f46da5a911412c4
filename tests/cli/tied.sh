# split.tied = "transmit": one stage holds a parameter of several, sends it
# forward and gets its gradient back. The same result as a copy in each.
source "$(dirname "$0")/lib.sh"
model="$FIXTURES/tied-gpt.pt2"
at=(--at layers.1 layers.2)
expect_ok "$PP" split "$model" "${at[@]}" --tied transmit -o stages
expect_text out "sends its parameter" "which reads it too" "relays"
expect_no_text out "tied:"
expect_ok "$PP" split "$model" "${at[@]}" -o copies
expect_text out "tied:"
check_python '
import torch
from glob import glob
held = [set(torch.export.load(f"stages/stage_{k}.pt2").state_dict) for k in range(3)]
assert not set.intersection(held[0], held[2]), held
'

# Training and inference under every schedule, against the unsplit model.
for schedule in GPipe 1F1B Interleaved1F1B LoopedBFS InterleavedZeroBubble \
  ZBVZeroBubble DualPipeV VHalf VMin; do
  expect_ok "$PP" verify "$model" --stages 4 --tied transmit \
    --schedule "$schedule"
done
expect_ok "$PP" verify stages --forward-only --exact

# A trained model is the same within what the order of sums makes of it.
cat >job.toml <<TOML
[model]
path = "$model"

[split]
at = ["layers.1", "layers.2"]
tied = "transmit"

[pipeline]
microbatches = 4

[data]
batch_size = 8
shuffle = false
inputs.tokens = { path = "tokens.npy" }
target = { path = "target.npy" }

[train]
steps = 3
loss = { name = "cross_entropy" }
optimizer = { name = "sgd", lr = 0.1 }
TOML
check_python '
import sys, numpy as np, torch
from safetensors.torch import load_file
sample = load_file(sys.argv[1])
name, tokens = next((k, v) for k, v in sample.items() if k.startswith("input."))
torch.manual_seed(0)
rows = torch.randint(int(tokens.max()) + 1, (24, tokens.shape[1] + 1))
np.save("tokens.npy", rows[:, :-1].numpy())
np.save("target.npy", rows[:, 1:].numpy())
open("input", "w").write(name.removeprefix("input."))
' "$FIXTURES/tied-gpt.ref.safetensors"
sed -i "s/inputs.tokens/inputs.$(cat input)/" job.toml
expect_ok "$PP" run job.toml --set output.dir=local
expect_ok "$PP" run job.toml --set output.dir=copies.run \
  --set split.tied=replicate
expect_ok "$PP" run job.toml --set output.dir=processes --launcher processes
expect_ok "$TORCHRUN" --no-python --standalone --nproc-per-node 2 "$PP" run \
  job.toml --set output.dir=env
check_python '
from glob import glob
from safetensors.torch import load_file
def load(run):
    parts = glob(f"{run}/checkpoints/step_3/part_*.safetensors")
    return {k: t for part in parts for k, t in load_file(part).items()}
local, copies = load("local"), load("copies.run")
assert local.keys() == copies.keys(), local.keys() ^ copies.keys()
scale = max(t.abs().max() for t in copies.values())
for name, value in copies.items():
    error = (local[name] - value).abs().max() / max(value.abs().max(), 1e-3 * scale)
    assert error <= 1e-6, (name, error)
for run in "processes", "env":
    other = load(run)
    assert other.keys() == local.keys()
    assert all(other[k].equal(local[k]) for k in local), run
'
expect_clean .
