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
  [[ "$(grep -c '' err)" == 1 ]] || fail "not one line"
  expect_match err "interrupted; --resume goes on from .*$name/checkpoints/step_"
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

# What is in the making when split, merge or verify is interrupted: the big
# weight takes a while to write, so that a signal finds it half done.
mkdir cut && cd cut || exit 1
"$PYTHON" -c '
import torch
class Big(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.nn.Linear(4096, 4096)
        self.b = torch.nn.Linear(4096, 4096)
        self.c = torch.nn.Linear(4096, 4096)
    def forward(self, x):
        return self.c(self.b(self.a(x)))
from safetensors.torch import save_file
big = Big()
torch.export.save(torch.export.export(big, (torch.zeros(2, 4096),)), "big.pt2")
save_file(big.state_dict(), "big.safetensors")' >out 2>err || fail "no big model"
mkdir scratch
export TMPDIR="$PWD/scratch"
# cut_short SIGNAL CODE PATTERN COMMAND...: a signal as soon as a file or
# folder of that pattern is there.
has() { compgen -G "$1" >/dev/null; }
cut_short() {
  local signal="$1" code="$2" pattern="$3"
  shift 3
  command_line="$* ($signal)"
  "$PYTHON" -c '
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' "$@" >out 2>err &
  local pid=$!
  wait_for 60 has "$pattern" || { kill -9 $pid; return; }
  kill "-$signal" $pid
  wait $pid
  status=$?
  ((status == code)) || fail "ended with $status, not $code"
  [[ "$(<err)" == "pp: error: interrupted" ]] || fail "not one line of it"
  [[ ! -s out ]] || fail "something on stdout"
  expect_no_file $pattern
  expect_clean .
  [[ -z "$(ls -A scratch)" ]] || fail "left: $(ls -A scratch)"
}
split=("$PP" split big.pt2 -o big --at b)
cut_short INT 130 '.big.pp-*' "${split[@]}"
cut_short TERM 143 '.big.pp-*' "${split[@]}"
expect_no_file big
# The same with weights from a file, which are bound in a folder of their own.
cut_short INT 130 '.big.pp-*.weights' "${split[@]}" --weights big.safetensors
expect_no_file big
# What a killed process left is gone after the next one; another's stays.
mkdir .big.pp-999999999 .big.pp-999999999.weights .big.pp-$$ \
  .bigger.pp-999999999
expect_ok "${split[@]}"
expect_no_file .big.pp-999999999 .big.pp-999999999.weights
[[ -d .big.pp-$$ && -d .bigger.pp-999999999 ]] || fail "removed too much"
rmdir .big.pp-$$ .bigger.pp-999999999
# Stages that are to be replaced are still whole.
cut_short INT 130 '.big.pp-*' "${split[@]}"
expect_ok "$PP" inspect big
merge=("$PP" merge big -o whole.pt2)
cut_short INT 130 '.whole.pt2.tmp.*' "${merge[@]}"
expect_no_file whole.pt2
: >.whole.pt2.tmp.999999999
expect_ok "${merge[@]}"
expect_clean .
cut_short TERM 143 'scratch/pp_verify_*.pt2' "$PP" verify big
cd .. && rm -r cut
unset TMPDIR

# It goes on from the newest checkpoint.
last=$(ls -d local/checkpoints/step_* 2>/dev/null | sort -V | tail -1)
expect_ok "$PP" run job.toml --resume \
  --set output.dir=local --set train.steps=$((${last##*_} + 2))
