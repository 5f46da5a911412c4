# Ctrl-C and SIGTERM: 128 + signal, soon, nothing left behind or half-written.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
job=("$PP" run job.toml --set train.steps=1000000
  --set output.checkpoint_every=50)
ours() {
  local pid
  for pid in $(pgrep -x "$(basename "$PP")"); do
    [[ "$(readlink "/proc/$pid/cwd")" == "$work" ]] && echo "$pid"
  done
}
has_steps() { compgen -G "$1/checkpoints/step_*" >/dev/null; }

# interrupt NAME SIGNAL CODE COMMAND...
interrupt() {
  local name="$1" signal="$2" code="$3" began took
  shift 3
  command_line="$* ($signal)"
  # A shell in the background ignores SIGINT, and so would its children.
  "$PYTHON" -c '
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' "$@" --set output.dir="$name" \
    >out 2>err &
  local pid=$!
  wait_for 60 has_steps "$name" || { kill -9 $pid; return; }
  began=$(now_ms)
  kill "-$signal" $pid
  wait $pid
  status=$?
  took=$(($(now_ms) - began))
  ((status == code)) || fail "ended with $status, not $code"
  ((took < 3000)) || fail "stopped after $took ms"
  [[ -z "$(ours)" ]] || fail "left behind: $(ours)"
  expect_no_text err "terminate called" "Aborted" "Traceback"
  expect_match err "[Ii]nterrupt"
  check_python '
import json, sys
for line in open(sys.argv[1] + "/metrics.jsonl"):
    json.loads(line)' "$name"
}

interrupt local INT 130 "${job[@]}"
interrupt local_term TERM 143 "${job[@]}"
interrupt processes INT 130 "${job[@]}" --launcher processes
interrupt processes_term TERM 143 "${job[@]}" --launcher processes

# Ctrl-C in a terminal goes to every process of the group at once.
command_line="a process group (INT)"
"$PYTHON" -c '
import os, signal, sys
os.setpgid(0, 0)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' "${job[@]}" --launcher processes \
  --set output.dir=group >out 2>err &
pid=$!
if wait_for 60 has_steps group; then
  kill -INT -- -$pid
  wait $pid
  status=$?
  ((status == 130)) || fail "ended with $status, not 130"
  [[ -z "$(ours)" ]] || fail "left behind: $(ours)"
fi

# It goes on from the newest checkpoint.
last=$(ls -d local/checkpoints/step_* 2>/dev/null | sort -V | tail -1)
expect_ok "$PP" run job.toml --resume \
  --set output.dir=local --set train.steps=$((${last##*_} + 2))
