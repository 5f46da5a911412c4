# GPT-2 under every schedule. Its embedding is tied to its head: cut apart, the
# two halves of its gradient are added up on their own, so that a split model
# is equal to another split to the bit and to the unsplit one to rounding.
source "$(dirname "$0")/every_schedule.sh"
points=(transformer.h.0.mlp transformer.h.1 transformer.h.1.mlp transformer.h.2
  transformer.h.2.mlp transformer.h.3 transformer.h.3.mlp)
cat >job.toml <<TOML
[model]
path = "$FIXTURES/gpt2.pt2"

[pipeline]
microbatches = 4

[data]
batch_size = 6
inputs.input_ids = { path = "tokens.npy" }
target = { path = "targets.npy" }

[train]
steps = 2
loss = { name = "cross_entropy" }
optimizer = { name = "sgd", lr = 1e-1 }

[eval]
data = { inputs.input_ids = { path = "tokens.npy" }, target = { path = "targets.npy" } }

[output]
dir = "runs"
TOML
"$PYTHON" -c '
import numpy as np
tokens = np.random.default_rng(0).integers(0, 64, (12, 17))
targets = tokens[:, 1:].copy()
targets[3, 5:] = -100  # microbatches of unequal weight
np.save("tokens.npy", tokens[:, :-1])
np.save("targets.npy", targets)'

train ascending GPipe 1 1
train descending LoopedBFS 1 1
train split-ascending GPipe 2 2
train split-descending LoopedBFS 2 2
same_runs split-ascending ascending 1e-6
same_runs split-descending descending 1e-6
check() { same_runs "$1" "split-$2"; }
every_schedule
