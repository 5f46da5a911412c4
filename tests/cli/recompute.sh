# pipeline.recompute: the same bits as without, under every schedule, with
# dropout, batch norm and values written in place.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
sed -i "s|mlp-plain.pt2|mlp.pt2|; s/^steps = 6/steps = 2/; s/\"layers.2\"/\
\"layers.1\", \"layers.2\", \"layers.3\"/" job.toml

compare() {
  for ((part = 0; part < $3; ++part)); do
    expect_same "$1/checkpoints/step_2/part_$part.safetensors" \
      "$2/checkpoints/step_2/part_$part.safetensors"
  done
}

for schedule in $("$PP" schedule --list | awk '{print $1}'); do
  train=("$PP" run job.toml --schedule "$schedule" --ranks 2)
  expect_ok "${train[@]}" --set output.dir=kept
  expect_ok "${train[@]}" --set output.dir=again --set pipeline.recompute=true
  compare kept again 4
  rm -rf kept again
done
expect_ok "$PP" run job.toml --set output.dir=kept
expect_ok "$PP" run job.toml --set output.dir=blocks \
  --set 'pipeline.recompute=["layers.*"]'
compare kept blocks 4

# ResNet-18: batch norm's running statistics move once a microbatch.
cat >resnet.toml <<TOML
[model]
path = "$FIXTURES/resnet18.pt2"
[split]
at = ["layer2"]
[pipeline]
microbatches = 2
schedule = "GPipe"
[data]
batch_size = 4
inputs.x = { path = "random_x.npy" }
target = { path = "random_y.npy" }
[train]
steps = 2
loss = { name = "cross_entropy" }
optimizer = { name = "sgd", lr = 0.05 }
TOML
"$PYTHON" "$SOURCE/scripts/make_data.py" random -o . --rows 8 \
  --shape 3 32 32 >/dev/null
expect_ok "$PP" run resnet.toml --set output.dir=resnet
for recompute in true '["layer?.?", "bn1"]'; do
  expect_ok "$PP" run resnet.toml --set output.dir=again \
    --set "pipeline.recompute=$recompute"
  compare resnet again 2
  rm -rf again
done

# Fewer bytes, as the dry run counts them.
activations() {
  expect_ok "$PP" run resnet.toml --dry-run --set "pipeline.recompute=$1"
  grep -m1 -o 'at the peak: activations [^,]*' out
}
[[ "$(activations true)" != "$(activations false)" ]] || fail "no difference"

refused 2 "pipeline.recompute" "'layer9'" "did you mean" -- "$PP" run \
  resnet.toml --set 'pipeline.recompute=["layer9"]'
