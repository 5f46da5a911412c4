# Lion and Muon: the weights don't depend on how the job runs, and a resumed run
# ends where an uninterrupted one does.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
cat >>job.toml <<TOML
[eval]
data.inputs.x = { path = "x.npy" }
data.target = { path = "y.npy" }
TOML

lion='train.optimizer={name="lion",lr=1e-3,weight_decay=0.1}'
muon='train.optimizer={name="muon",lr=0.02}'
for optimizer in lion muon; do
  train=("$PP" run job.toml --set "${!optimizer}" --set train.clip_grad_norm=1
    --set 'train.groups=[{match="*.bias",weight_decay=0}]')
  expect_ok "${train[@]}" --set output.dir=$optimizer
  expect_ok "${train[@]}" --set output.dir=one --set 'split.at=[]'
  same_runs one $optimizer
  expect_ok "${train[@]}" --set output.dir=processes --launcher processes
  same_runs processes $optimizer
  expect_ok "${train[@]}" --set output.dir=gpipe --schedule GPipe
  same_runs gpipe $optimizer

  cp -r $optimizer cut
  rm -r cut/checkpoints/step_{4,6}
  expect_ok "${train[@]}" --set output.dir=cut --resume
  expect_text out "resuming from $work/cut/checkpoints/step_2"
  for part in 0 1; do
    expect_same {$optimizer,cut}/checkpoints/step_6/part_$part.safetensors
  done
  rm -rf one processes gpipe cut
done

# Replicas sum gradients in another order, and shards of them the squares for the
# norm. Muon computes in bfloat16, so that its updates may differ by one rounding.
train=("$PP" run job.toml --set "$lion" --set parallel.replicas=2
  --set pipeline.microbatches=2)
expect_ok "${train[@]}" --set output.dir=whole
expect_ok "${train[@]}" --set output.dir=shards --set parallel.zero=1
same_runs shards whole 1e-12
expect_ok "$PP" run job.toml --set "$muon" --set train.clip_grad_norm=1 \
  --set 'train.groups=[{match="*.bias",weight_decay=0}]' \
  --set parallel.replicas=2 --set pipeline.microbatches=2 --set output.dir=replicas
same_runs replicas muon 1e-3
refused 2 "parallel.zero divides every parameter among the replicas, but muon updates whole matrices" -- \
  "$PP" run job.toml --set "$muon" --set parallel.replicas=2 \
  --set pipeline.microbatches=2 --set parallel.zero=1

# Muon keeps one state for a matrix, and three for everything else.
check_python '
from safetensors.torch import load_file
names = load_file("muon/checkpoints/step_6/part_1.safetensors").keys()
kept = {name for name in names if name.startswith("optimizer.")}
assert "optimizer.momentum_buffer.head.weight" in kept, kept
assert "optimizer.exp_avg_sq.head.bias" in kept, kept
assert not any("exp_avg" in name and name.endswith("weight") for name in kept), kept
'
