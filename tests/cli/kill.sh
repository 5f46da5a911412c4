# A rank that is killed while the job runs: within two seconds the others stop
# and say which one it was, nothing is left behind, and the job can go on.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
job=("$PP" run job.toml --set train.steps=1000000 --set output.keep=3
  --set output.checkpoint_every=50)

has_steps() { compgen -G "$1/checkpoints/step_*" >/dev/null; }

# kill_one NAME RANK COMMAND...: 0 where it was done
kill_one() {
  local name="$1" rank="$2" victim end
  shift 2
  command_line="$* (rank $rank killed)"
  "$@" --set output.dir="$name" >out 2>err &
  parent=$!
  wait_for 120 has_steps "$name" || { kill $parent; return 1; }
  victim=$(rank_pid "$rank") || { fail "rank $rank not found"; return 1; }
  began=$(now_ms)
  kill -9 "$victim"
}

for rank in 0 1; do
  kill_one "processes_$rank" $rank "${job[@]}" --launcher processes || continue
  wait $parent
  status=$?
  took=$(($(now_ms) - began))
  ((status == 4)) || fail "ended with $status, not 4"
  within "$took" 2000 || fail "stopped after $took ms"
  expect_text err "rank $rank" "killed by signal 9"
  [[ -z "$(ours)" ]] || fail "left behind: $(ours)"
  find "processes_$rank" -name '*.json*' -size 0 | grep -q . &&
    fail "an empty file"
done

# Under torchrun the other rank says so itself (torchrun's own report follows).
for rank in 0 1; do
  kill_one "torchrun_$rank" $rank "$TORCHRUN" --standalone --no-python \
    --nproc-per-node 2 "${job[@]}" || continue
  gone() { ! rank_pid $((1 - rank)) >/dev/null; }
  wait_for 10 gone
  took=$(($(now_ms) - began))
  within "$took" 2500 || fail "the other rank stopped after $took ms"
  wait $parent
  status=$?
  ((status != 0)) || fail "torchrun ended with 0"
  [[ -z "$(ours)" ]] || fail "left behind: $(ours)"
done

# Ranks started by hand: only the ranks watch each other.
port=$((20000 + $$ % 20000))
by_hand() {
  RANK=$1 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port \
    "${job[@]}" --set output.dir="hand_$2" >"out_$1" 2>"err_$1" &
  pids[$1]=$!
}
for rank in 1 0; do # rank 0 holds the store: the worst one to lose
  command_line="two ranks by hand, $rank killed"
  ((++port))
  by_hand 0 $rank
  by_hand 1 $rank
  wait_for 120 has_steps "hand_$rank" || { kill "${pids[@]}"; continue; }
  began=$(now_ms)
  kill -9 "${pids[rank]}"
  wait "${pids[1 - rank]}"
  status=$?
  took=$(($(now_ms) - began))
  cp "err_$((1 - rank))" err
  ((status == 4)) || fail "the other rank ended with $status, not 4"
  within "$took" 2500 || fail "the other rank stopped after $took ms"
  [[ "$(num_lines err "rank $rank")" -ge 1 ]] || fail "rank $rank is not named"
done

# The parent is killed: its ranks do not outlive it.
command_line="processes, the parent killed"
"${job[@]}" --launcher processes --set output.dir=parent >out 2>err &
parent=$!
if wait_for 120 has_steps parent; then
  kill -9 $parent
  wait $parent 2>/dev/null
  none() { [[ -z "$(ours)" ]]; }
  wait_for 3 none || ours | xargs kill -9
fi

# The last checkpoint is whole, and the job resumes from it.
last=$(ls -d processes_1/checkpoints/step_* 2>/dev/null | sort -V | tail -1)
if [[ -z "$last" ]]; then
  fail "no checkpoint"
else
  step="${last##*_}"
  expect_ok "$PP" run job.toml --resume --set output.dir=processes_1 \
    --set train.steps=$((step + 4)) --set output.checkpoint_every=50
  expect_file "processes_1/checkpoints/step_$((step + 4))/state.json"
fi
