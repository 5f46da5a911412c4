# One job under every launcher: the same metrics and the same bits.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
torchrun=("$TORCHRUN" --standalone --no-python --nproc-per-node)

# losses FOLDER: what does not depend on the clock
losses() {
  "$PYTHON" -c '
import json, sys
for line in open(sys.argv[1] + "/metrics.jsonl"):
    row = json.loads(line)
    print(row["step"], row["loss"], row["grad_norm"], row["lr"])' "$1"
}

expect_ok "$PP" run job.toml --set output.dir=local
expect_text out "loss" "saved"
expect_file local/metrics.jsonl local/checkpoints/step_6/part_{0,1}.safetensors
losses local >want

expect_ok "$PP" run job.toml --launcher local --set output.dir=local2
expect_ok "$PP" run job.toml --launcher processes --set output.dir=processes
expect_ok "${torchrun[@]}" 2 "$PP" run job.toml --set output.dir=env
[[ "$(num_lines out '^step 6/6 ')" == 1 ]] || fail "not one rank reports"
expect_ok "${torchrun[@]}" 2 "$PP" run job.toml --launcher env \
  --set output.dir=env2

# Ranks that someone starts by hand.
port=$((20000 + $$ % 20000))
run_by_hand() {
  local pids=() rank pid code=0
  for rank in 0 1; do
    RANK=$rank WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port \
      timeout 200 "$PP" run job.toml --set output.dir=hand &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || code=$?; done
  return $code
}
command_line="two ranks by hand"
run_by_hand >out 2>err
status=$?
((status == 0)) || fail "ranks by hand ended with $status"

for how in local2 processes env env2 hand; do
  losses "$how" >got
  expect_same want got
  for part in 0 1; do
    expect_same "local/checkpoints/step_6/part_$part.safetensors" \
      "$how/checkpoints/step_6/part_$part.safetensors"
  done
  expect_clean "$how"
done

# Ranks that were given different jobs do not start.
command_line="two ranks with different jobs"
different() { # --set of rank 1, text
  local pids=() rank code extra=()
  ((++port))
  for rank in 0 1; do
    ((rank == 0)) || extra=(--set "$1")
    RANK=$rank WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port timeout 200 \
      "$PP" run job.toml --set output.dir=different "${extra[@]}" \
      >"out_$rank" 2>"err_$rank" &
    pids+=($!)
  done
  wait "${pids[0]}"
  wait "${pids[1]}"
  code=$?
  cp err_1 err
  ((code == 2)) || fail "$1 on one rank: ended with $code, not 2"
  expect_text err "rank 1 has" "$2"
}
different train.optimizer.lr=1 "train.optimizer.lr = 1, but rank 0 has 0.01"
different data.shuffle=false "data.shuffle = false, but rank 0 has none"
different 'split.at=["layers.1"]' "split.at"
[[ ! -e different ]] || fail "something was written"

# GPipe takes the microbatches in the same order: the same bits.
expect_ok "$PP" run job.toml --schedule GPipe --set output.dir=gpipe
losses gpipe >got
expect_same want got
# So does the same schedule from a file; one for other sizes is refused.
expect_ok "$PP" schedule 1F1B --ranks 2 --microbatches 4 --format csv -o own.csv
expect_ok "$PP" run job.toml --schedule own.csv --set output.dir=csv
losses csv >got
expect_same want got
refused 2 "own.csv" -- "$PP" run job.toml --schedule own.csv --microbatches 8
# So does another split, and no split.
expect_ok "$PP" run job.toml --set 'split.at=["layers.1","layers.2:end","head"]' \
  --ranks 4 --set output.dir=four
losses four >got
expect_same want got
expect_ok "$PP" run job.toml --set 'split.at=[]' --set output.dir=one
losses one >got
expect_same want got

# Stages that were split before, straight from the directory.
expect_ok "$PP" split "$FIXTURES/mlp-plain.pt2" -o stages --at layers.2
expect_ok "$PP" run stages --set data.batch_size=16 --microbatches 4 \
  --set data.inputs.x.path=x.npy --set data.target.path=y.npy \
  --set train.steps=6 --set train.loss.name=cross_entropy \
  --set 'train.optimizer={name="adamw",lr=1e-2}' --set output.dir=directory
losses directory >got
expect_same want got

# More stages than ranks: neighbours run as one, and nothing else changes.
for ranks in 2 1; do
  expect_ok "$PP" run job.toml --ranks $ranks --set output.dir=fewer \
    --set 'split.at=["layers.1","layers.2:end","head"]'
  losses fewer >got
  expect_same want got
done
# Under torchrun rank 0 cuts, and the others take its cuts.
expect_ok env TORCH_LOGS=pp "${torchrun[@]}" 2 "$PP" run job.toml \
  --set output.dir=balanced --set 'split={stages=2}'
losses balanced >got
expect_same want got

# Numbers that do not fit.
refused 2 "3 ranks" "2 stages" -- "$PP" run job.toml --ranks 3
refused 2 "RANK" "WORLD_SIZE" -- "$PP" run job.toml --launcher env
refused 2 "RANK" -- env RANK=x WORLD_SIZE=2 "$PP" run job.toml
refused 2 "rank 3" "0 to 1" -- env RANK=3 WORLD_SIZE=2 \
  MASTER_ADDR=127.0.0.1 MASTER_PORT=1 "$PP" run job.toml
expect_exit 1 "${torchrun[@]}" 3 "$PP" run job.toml
expect_text err "3 ranks" "2 stages"
expect_exit 1 "${torchrun[@]}" 2 "$PP" run job.toml --launcher local
expect_text err "local" "'env'"
expect_exit 1 "${torchrun[@]}" 2 "$PP" run job.toml --ranks 3
expect_text err "3" "2 ranks"
