# More stages than ranks under every launcher, with an evaluation.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
torchrun=("$TORCHRUN" --standalone --no-python --nproc-per-node)

# losses FOLDER: what does not depend on the clock
losses() {
  "$PYTHON" -c '
import json, sys
for line in open(sys.argv[1] + "/metrics.jsonl"):
    row = json.loads(line)
    print([row.get(k) for k in ("step", "loss", "grad_norm", "lr", "eval_loss")])' "$1"
}

# Several stages a rank, split backwards, an evaluation in between: the bits of
# one stage a rank by every launcher, and the loss reaches rank 0 whether the
# last stage is there (a V) or on the other.
stages=(--set 'split.at=["layers.1","layers.2","head"]' --ranks 2
  --set eval.every=3 --set eval.data.inputs.x.path=x.npy
  --set eval.data.target.path=y.npy)
expect_ok "$PP" run job.toml --set eval.every=3 \
  --set eval.data.inputs.x.path=x.npy --set eval.data.target.path=y.npy \
  --set output.dir=evaluated
losses evaluated >want_eval
expect_match want_eval ', [0-9.]+\]$'
expect_ok "$PP" run job.toml "${stages[@]}" --schedule Interleaved1F1B \
  --launcher processes --set output.dir=loop_processes
expect_ok "${torchrun[@]}" 2 "$PP" run job.toml "${stages[@]}" \
  --schedule InterleavedZeroBubble --set output.dir=loop_env
expect_ok "$PP" run job.toml "${stages[@]}" --schedule DualPipeV \
  --launcher processes --set output.dir=v_processes
expect_ok "${torchrun[@]}" 2 "$PP" run job.toml "${stages[@]}" \
  --schedule ZBVZeroBubble --set output.dir=v_env
for how in loop_processes loop_env v_processes v_env; do
  losses "$how" >got
  expect_same want_eval got
done
