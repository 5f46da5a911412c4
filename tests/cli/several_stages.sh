# More stages than ranks under every launcher, with an evaluation.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
port=$((20000 + $$ % 20000))

# losses FOLDER: what does not depend on the clock
losses() {
  "$PYTHON" -c '
import json, sys
for line in open(sys.argv[1] + "/metrics.jsonl"):
    row = json.loads(line)
    print([row.get(k) for k in ("step", "loss", "grad_norm", "lr", "eval_loss")])' "$1"
}

# by_hand ARG...: two ranks that find each other by MASTER_ADDR.
by_hand() {
  local pids=() rank pid code=0
  ((++port))
  for rank in 0 1; do
    RANK=$rank WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port \
      timeout 200 "$PP" run job.toml "$@" >>out 2>>err &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || code=$?; done
  command_line="two ranks by hand: $*"
  status=$code
  ((code == 0)) || fail "ranks by hand ended with $code"
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
by_hand "${stages[@]}" --schedule InterleavedZeroBubble \
  --set output.dir=loop_env
expect_ok "$PP" run job.toml "${stages[@]}" --schedule DualPipeV \
  --launcher processes --set output.dir=v_processes
by_hand "${stages[@]}" --schedule ZBVZeroBubble --set output.dir=v_env
for how in loop_processes loop_env v_processes v_env; do
  losses "$how" >got
  expect_same want_eval got
done
