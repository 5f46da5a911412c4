# Rows of different length: filled up on the way, they train as if they had been
# before. And pipeline.rank_map: the same training on other ranks.
source "$(dirname "$0")/lib.sh"
"$PYTHON" -c '
import numpy as np
generator = np.random.default_rng(0)
lengths = generator.integers(2, 13, 24)
rows = [generator.integers(0, 64, n) for n in lengths]
np.save("x.npy", np.concatenate(rows))
np.save("lengths.npy", lengths)
x = np.zeros((24, 12), int)
y = np.full((24, 12), -100)
for i, row in enumerate(rows):
    x[i, : len(row)] = row
    y[i, : len(row) - 1] = row[1:]
np.save("filled_x.npy", x)
np.save("filled_y.npy", y)'
cat >job.toml <<TOML
model.path = "$FIXTURES/gpt2.pt2"
split.at = ["transformer.h.2"]
pipeline.microbatches = 2
[data]
batch_size = 8
inputs.input_ids = { path = "x.npy", lengths = "lengths.npy", pad_to = 12 }
target = { path = "x.npy", lengths = "lengths.npy", shift = 1, pad_to = 12 }
[train]
epochs = 2
loss = { name = "cross_entropy" }
optimizer = { name = "adamw", lr = 0.01 }
[output]
dir = "ragged"
TOML
sed '/^inputs\|^target\|^dir/d' job.toml >filled.toml
cat >>filled.toml <<TOML
dir = "filled"
[data.inputs.input_ids]
path = "filled_x.npy"
[data.target]
path = "filled_y.npy"
TOML

expect_ok "$PP" run job.toml
expect_ok "$PP" run filled.toml
for part in 0 1; do
  expect_same ragged/checkpoints/step_6/part_$part.safetensors \
    filled/checkpoints/step_6/part_$part.safetensors
done

# As long as the batch's longest, or the next bucket: what fills up changes
# rounding only. losses FOLDER
losses() {
  "$PYTHON" -c '
import json, sys
for line in open(sys.argv[1] + "/metrics.jsonl"):
    print("%.4f" % json.loads(line)["loss"])' "$1"
}
for pad_to in '"batch"' '[6, 9, 12]'; do
  expect_ok "$PP" run job.toml --set output.dir=other \
    --set "data.inputs.input_ids.pad_to=$pad_to" \
    --set "data.target.pad_to=$pad_to"
  [[ "$(losses other)" == "$(losses ragged)" ]] || fail "other losses"
  rm -rf other
done

expect_ok "$PP" run job.toml --set pipeline.rank_map='[1, 0]' \
  --set output.dir=mapped --launcher processes
for part in 0 1; do
  expect_same ragged/checkpoints/step_6/part_$part.safetensors \
    mapped/checkpoints/step_6/part_$part.safetensors
done
refused 2 "pipeline.rank_map puts stages 0 and 1 on one rank" \
  -- "$PP" run job.toml --set pipeline.rank_map='[0, 0]'
refused 3 "row 0 of" "filled_x.npy has length 11" "more than pad_to = 5" -- "$PP" run job.toml \
  --set data.inputs.input_ids.path=filled_x.npy \
  --set data.inputs.input_ids.pad_to=5
refused 2 "data.target.pad needs lengths" -- "$PP" run filled.toml \
  --set data.target.pad=1
