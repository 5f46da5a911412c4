# A second signal, a short time to save, and signals to the ranks of torchrun.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
torchrun=("$TORCHRUN" --standalone --no-python --nproc-per-node 2)
has_metrics() { [[ -s "$1/metrics.jsonl" ]]; }
has_checkpoint() { compgen -G "$1/checkpoints/step_*" >/dev/null; }
says() { grep -qsF -- "$1" err; } # TEXT
last_step() { num_lines "$1/metrics.jsonl" '"loss"'; }
# signal_ranks SIGNAL: to both ranks, as a scheduler does.
signal_ranks() {
  # shellcheck disable=SC2046 # one word per process
  kill "-$1" $(rank_pid 0) $(rank_pid 1)
}
# ended CODE: the job has ended with this code, and no process of it is left.
ended() {
  wait $pid
  status=$?
  took=$(($(now_ms) - began))
  ((status == $1)) || fail "ended with $status, not $1"
  [[ -z "$(ours)" ]] || fail "left behind: $(ours)"
  expect_no_text err "terminate called" "bug in pp"
}

# A job whose step takes most of a minute, in many short actions.
cat >slow.toml <<TOML
model.path = "$FIXTURES/gpt2.pt2"
split.at = ["transformer.h.2"]
pipeline.microbatches = 2000
[data]
batch_size = 128000
inputs.input_ids = { path = "tokens.npy", window = 16 }
target = { path = "tokens.npy", window = 16, shift = 1 }
[train]
steps = 2
loss = { name = "cross_entropy" }
optimizer = { name = "sgd", lr = 0.1 }
[output]
interrupt_timeout = 600
TOML
"$PYTHON" -c '
import numpy as np
np.save("tokens.npy", np.zeros(128001 * 16, dtype=np.int64))'
slow=("$PP" run slow.toml)
export TORCH_LOGS=+pp # says which action begins

# second NAME CODE SEND COMMAND...: the first signal waits for the end of the
# step, the second ends the job at once, and nothing is saved.
second() {
  local name="$1" code="$2" send="$3"
  shift 3
  command_line="$* (TERM twice)"
  "$@" --set output.dir="$name" >out 2>err &
  pid=$!
  wait_for 120 says "] action 0F0" || { kill $pid; return; }
  $send TERM
  wait_for 30 says "a second signal stops at once"
  expect_text err "finishing the step and saving, for at most 600 s"
  [[ -n "$(ours)" ]] || fail "ended by the first signal"
  began=$(now_ms)
  $send TERM
  ended "$code"
  within "$took" 5000 || fail "stopped after $took ms"
  [[ "$(grep -c '^pp: error: ' err)" == 1 ]] || fail "not one error"
  expect_text err "interrupted; there is no checkpoint yet"
  expect_no_file "$name/checkpoints" "$name/metrics.jsonl" "$name/.lock"
}
signal_job() { kill "-$1" $pid; }
second local 143 signal_job "${slow[@]}"
second processes 143 signal_job "${slow[@]}" --launcher processes
second torchrun 1 signal_ranks "${torchrun[@]}" "${slow[@]}"
expect_match err "exitcode *: 143"
unset TORCH_LOGS

# The first signal to the ranks of torchrun saves the step that is running.
long=("$PP" run job.toml --set train.steps=1000000
  --set output.checkpoint_every=1000000)
command_line="torchrun, TERM to both ranks"
"${torchrun[@]}" "${long[@]}" --set output.dir=saved >out 2>err &
pid=$!
if wait_for 120 has_metrics saved; then
  began=$(now_ms)
  signal_ranks TERM
  ended 1
  within "$took" 6000 || fail "ended after $took ms"
  expect_match err "exitcode *: 143"
  expect_text err "interrupted; --resume continues from" \
    "saved/checkpoints/step_$(last_step saved)"
  expect_file "saved/checkpoints/step_$(last_step saved)"/{state.json,part_{0,1}.safetensors}
  expect_clean saved
else
  kill $pid
fi

# A rank that is stopped can't save: the job ends when its time to save is over,
# or at a second signal.
stopped() { # NAME INTERRUPT_TIMEOUT NUM_SIGNALS
  local name="$1" last
  command_line="processes, rank 1 stopped, interrupt_timeout=$2 (TERM, $3 times)"
  "${long[@]}" --launcher processes --set output.dir="$name" \
    --set output.checkpoint_every=1 --set output.interrupt_timeout="$2" \
    >out 2>err &
  pid=$!
  wait_for 120 has_checkpoint "$name" || { kill $pid; return; }
  kill -STOP "$(rank_pid 1)"
  sleep 0.5
  began=$(now_ms)
  kill -TERM $pid
  if (($3 == 2)); then
    sleep 0.6
    kill -TERM $pid
  fi
  ended 143
  # The rank gets two seconds to end by itself. Without an end to its time, the
  # job would take 20 s and more.
  within "$took" 8000 || fail "ended after $took ms"
  expect_text err "interrupted; --resume continues from"
  expect_clean "$name"
  check_python '
import json, sys
for line in open(sys.argv[1]):
    json.loads(line)' "$name/metrics.jsonl"
  last=$(ls -d "$name"/checkpoints/step_* | sort -V | tail -1)
  expect_ok "$PP" run job.toml --resume --set output.dir="$name" \
    --set train.steps=$((${last##*_} + 2))
}
stopped timeout 1 1
stopped twice 600 2
