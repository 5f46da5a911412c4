# ResNet-18 under every schedule: the bits of the unsplit graph.
source "$(dirname "$0")/every_schedule.sh"
points=(layer1.1 layer2 layer2.1 layer3 layer3.1 layer4 layer4.1)
cat >job.toml <<TOML
[model]
path = "$FIXTURES/resnet18.pt2"

[pipeline]
microbatches = 4

[data]
batch_size = 16
inputs.x = { path = "random_x.npy" }
target = { path = "random_y.npy" }

[train]
steps = 2
loss = { name = "cross_entropy" }
optimizer = { name = "sgd", lr = 1e-2 }

[eval]
data = { inputs.x = { path = "random_x.npy" }, target = { path = "random_y.npy" } }

[output]
dir = "runs"
TOML
"$PYTHON" "$SOURCE/scripts/make_data.py" random -o . --rows 32 --shape 3 32 32 \
  >/dev/null

train ascending GPipe 1 1
train descending LoopedBFS 1 1
check() { same_runs "$1" "$2"; }
every_schedule
