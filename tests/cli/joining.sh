# Ranks that can't join, and what they say meanwhile.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
torchrun=("$TORCHRUN" --standalone --no-python --nproc-per-node)
# Below the ports that the system gives to connections.
port=$((10000 + $$ * 20 % 20000))

# rank NUMBER COMMAND...: as rank NUMBER of two, without a launcher
rank() {
  RANK=$1 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port "${@:2}"
}

# After five seconds a rank says once whom it waits for. Both wait in vain here:
# each at a port of its own.
rank 0 timeout 8 "$PP" run job.toml >out_0 2>err_0 &
pids=($!)
((++port))
rank 1 timeout 8 "$PP" run job.toml >out_1 2>err_1 &
pids+=($!)

# Meanwhile: what all ranks know is printed once. A mistake in the command, in
# the job file, in what it names, and an error of a rank at work.
expect_once() { # TEXT
  local lines
  lines=$(grep -c '^pp: error: ' err)
  [[ "$lines" == 1 ]] || fail "$lines errors"
  expect_text err "$1"
}
expect_exit 1 "${torchrun[@]}" 2 "$PP" run job.toml --stepz
expect_once "does not accept '--stepz'"
expect_exit 1 "${torchrun[@]}" 2 "$PP" run job.toml --set train.stepz=3
expect_once "unknown key 'train.stepz'"
expect_exit 1 "${torchrun[@]}" 2 "$PP" run job.toml --set data.target.path=none.npy
expect_once "none.npy"
echo "this is no checkpoint" >file
expect_exit 1 "${torchrun[@]}" 2 "$PP" run job.toml --set output.dir=file/x
expect_once "file"

# Ranks by hand on one console, too; a rank that can't start ends the others.
by_hand() { # CODE ARGUMENT... of rank 1
  local code="$1" began first second
  shift
  ((++port))
  command_line="two ranks by hand, rank 1 with $*"
  began=$(now_ms)
  { rank 0 "$PP" run job.toml --set output.dir=hand >out & } 2>err
  first=$!
  rank 1 "$PP" run job.toml --set output.dir=hand "$@" >>out 2>>err
  second=$?
  wait $first
  status=$?
  ((status == code && second == code)) || fail "ended with $status and $second"
  (($(now_ms) - began < 20000)) || fail "rank 0 waited"
}
by_hand 2 --set train.steps=7
expect_once "rank 1 has train.steps = 7, but rank 0 has 6"

wait "${pids[0]}" "${pids[1]}"
for number in 0 1; do
  other=$((1 - number))
  command_line="rank $number alone"
  [[ "$(grep -c 'W .*waiting for rank' "err_$number")" == 1 ]] ||
    fail "not said once: $(<"err_$number")"
  expect_match "err_$number" \
    "waiting for rank $other of 2 at 127.0.0.1:$((10000 + $$ * 20 % 20000 + number))$"
done
