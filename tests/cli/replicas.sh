# [parallel] replicas: several pipelines share each step's rows and train the
# weights of one, with or without shares of the optimizer's state.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
sed -i 's/^steps = 6/steps = 4/; s/^microbatches = 4/microbatches = 2/' job.toml
# Replicas sum gradients in another order. With this eps the rounding of a gradient
# that is almost zero can't turn into a full step of AdamW: eps is large beside it.
sed -i 's/name = "adamw", lr = 1e-2/&, eps = 1e-4/' job.toml
cat >>job.toml <<TOML
[eval]
data.batch_size = 77  # the last batch has fewer rows than microbatches
data.inputs.x = { path = "x.npy" }
data.target = { path = "y.npy" }
TOML

# The unsplit model on the same microbatches; its weights are Python's
# (fine_tune.sh).
sgd=(--set 'train.optimizer={name="sgd",lr=0.1}')
one=(--set 'split.at=[]' --set pipeline.microbatches=4)
expect_ok "$PP" run job.toml "${one[@]}" "${sgd[@]}" --set output.dir=sgd
expect_ok "$PP" run job.toml "${one[@]}" --set output.dir=adamw

two=(--set parallel.replicas=2)
for schedule in GPipe 1F1B; do
  for zero in 0 1; do
    train=("$PP" run job.toml "${two[@]}" --schedule "$schedule"
      --set "parallel.zero=$zero")
    name=$schedule-$zero
    expect_ok "${train[@]}" "${sgd[@]}" --set "output.dir=sgd-$name"
    same_runs "sgd-$name" sgd 1e-6
    expect_ok "${train[@]}" --set "output.dir=$name"
    same_runs "$name" adamw 1e-5
    expect_file "$name"/checkpoints/step_4/part_{0,1}.safetensors
    expect_no_file "$name/checkpoints/step_4/part_2.safetensors"
  done
done
same_runs GPipe-0 1F1B-0
same_runs GPipe-1 1F1B-1

# Bits are equal under every launcher and in any order of the mesh.
run_other() {
  expect_ok "$PP" run job.toml "${two[@]}" --set parallel.zero=1 \
    --set output.dir=other "$@"
  same_runs other 1F1B-1
  rm -rf other
}
run_other --launcher processes
run_other --set 'parallel.order=["replica","pipeline"]'
expect_ok "$TORCHRUN" --standalone --no-python --nproc-per-node 4 \
  "$PP" run job.toml "${two[@]}" --set parallel.zero=1 --set output.dir=env
same_runs env 1F1B-1

# Three replicas, several pipeline steps an update, clipping, a frozen layer,
# dropout: masks belong to microbatches, wherever they run.
mixed=(--set data.batch_size=12 --set train.accumulate=2
  --set train.clip_grad_norm=0.5 --set 'train.freeze=["layers.1.*"]'
  --set "model.path=$FIXTURES/mlp.pt2" "${sgd[@]}")
expect_ok "$PP" run job.toml "${mixed[@]}" --set output.dir=mixed \
  --set pipeline.microbatches=6
for zero in 0 1; do
  expect_ok "$PP" run job.toml "${mixed[@]}" --set output.dir=mixed-$zero \
    --set parallel.replicas=3 --set parallel.zero=$zero
  same_runs mixed-$zero mixed 1e-6
done

# A checkpoint does not depend on replicas: any number of them can resume from it,
# and the same number to the bit.
expect_ok "$PP" run job.toml "${two[@]}" --set parallel.zero=1 \
  --set output.dir=half --set train.steps=2
cp -r half alone
expect_ok "$PP" run job.toml "${two[@]}" --set parallel.zero=1 \
  --set output.dir=half --resume
for part in 0 1; do
  expect_same 1F1B-1/checkpoints/step_4/part_$part.safetensors \
    half/checkpoints/step_4/part_$part.safetensors
done
expect_ok "$PP" run job.toml --set pipeline.microbatches=4 \
  --set output.dir=alone --resume
expect_ok "$PP" run job.toml "${one[@]}" --set output.dir=adamw2 \
  --set train.steps=2
expect_ok "$PP" run job.toml "${one[@]}" --set output.dir=adamw2 --resume
same_runs alone adamw2 1e-5

# Saving after every step, also on replicas that write nothing, and evaluation
# where one of them gets no rows.
"$PYTHON" -c 'import numpy as np
for name in "xy": np.save(f"few_{name}.npy", np.load(f"{name}.npy")[:1])'
expect_ok "$PP" run job.toml --set parallel.replicas=3 \
  --set data.batch_size=12 --set train.steps=60 --set output.dir=often \
  --set output.checkpoint_every=1 --set pipeline.stall_timeout=5 \
  --set eval.data.inputs.x.path=few_x.npy \
  --set eval.data.target.path=few_y.npy --set eval.data.batch_size=6
expect_file often/checkpoints/step_60/state.json

# Batch norm: statistics are those of the first replica, on all of them; so a
# resumed run is the same run.
"$PYTHON" "$SOURCE/scripts/make_data.py" random -o . --rows 16 --classes 4 --shape 3 8 8 \
  >/dev/null
norm=(--set "model.path=$FIXTURES/batch-norm.pt2" --set 'split.at=[]'
  --set 'data.inputs={x={path="random_x.npy"}}'
  --set 'data.target={path="random_y.npy"}' --set 'data.batch_size=8'
  --set 'eval.data.batch_size=8'
  --set 'eval.data.inputs={x={path="random_x.npy"}}'
  --set 'eval.data.target={path="random_y.npy"}' "${two[@]}")
expect_ok "$PP" run job.toml "${norm[@]}" --set output.dir=norm
expect_ok "$PP" run job.toml "${norm[@]}" --set output.dir=norm2 \
  --set train.steps=2
expect_ok "$PP" run job.toml "${norm[@]}" --set output.dir=norm2 --resume
expect_same norm/checkpoints/step_4/part_0.safetensors \
  norm2/checkpoints/step_4/part_0.safetensors

# The optimizer's memory halves.
expect_ok "$PP" run job.toml "${two[@]}" --dry-run
expect_text out "weights 8.2 KiB, gradients 8.2 KiB, optimizer state 16.5 KiB" \
  "on each of 2 replicas"
expect_ok "$PP" run job.toml "${two[@]}" --set parallel.zero=1 --dry-run
expect_text out "weights 8.2 KiB, gradients 8.2 KiB, optimizer state 8.2 KiB"

# Options that contradict each other.
refused 2 "parallel.zero = 2 is not yet supported" \
  -- "$PP" run job.toml "${two[@]}" --set parallel.zero=2
refused 2 "parallel.order" -- "$PP" run job.toml \
  --set 'parallel.order=["replica","replica"]'
refused 2 "batch_size 16" "microbatches 2 x replicas 9" \
  -- "$PP" run job.toml --set parallel.replicas=9
refused 2 "parallel.replicas is 2" "3 ranks" -- env RANK=0 WORLD_SIZE=3 \
  MASTER_ADDR=127.0.0.1 MASTER_PORT=29999 "$PP" run job.toml "${two[@]}"
