# Ctrl-C and SIGTERM: 128 + signal, soon, nothing left behind or half-written.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
job=("$PP" run job.toml --set train.steps=1000000
  --set output.checkpoint_every=50)
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
  wait_for 120 has_steps "$name" || { kill -9 $pid; return; }
  began=$(now_ms)
  kill "-$signal" $pid
  wait $pid
  status=$?
  took=$(($(now_ms) - began))
  ((status == code)) || fail "ended with $status, not $code"
  within "$took" 3000 || fail "stopped after $took ms"
  [[ -z "$(ours)" ]] || fail "left behind: $(ours)"
  expect_no_text err "terminate called" "Aborted" "Traceback"
  # A save that takes longer than a second is announced.
  [[ "$(grep -cv 'finishing the step and saving' err)" == 1 ]] ||
    fail "not one line"
  expect_match err "interrupted; --resume continues from .*$name/checkpoints/step_"
  check_python '
import json, sys
for line in open(sys.argv[1] + "/metrics.jsonl"):
    json.loads(line)' "$name"
}

interrupt local INT 130 "${job[@]}"
interrupt local_term TERM 143 "${job[@]}"
interrupt processes INT 130 "${job[@]}" --launcher processes
interrupt processes_term TERM 143 "${job[@]}" --launcher processes

# Inference keeps the rows that are finished, and says how many they are.
sed '/^\[train\]/,/^optimizer/d; /^target/d; /checkpoint_every/d' job.toml \
  >infer.toml
"$PYTHON" -c '
import numpy as np
rng = np.random.default_rng(0)
np.save("many.npy", rng.standard_normal((400000, 32), dtype=np.float32))'
infer=("$PP" run infer.toml --set data.batch_size=1 --microbatches 1)
long_infer=("${infer[@]}" --set data.inputs.x.path=many.npy)
has_outputs() { [[ -n "$(find "$1" -name '.outputs*' -size +3k 2>/dev/null)" ]]; }
interrupt_inference() {
  local name="$1" code="$2"
  shift 2
  command_line="$* (TERM)"
  "$@" --set output.dir="$name" >out 2>err &
  local pid=$!
  wait_for 120 has_outputs "$name" || { kill -9 $pid; return; }
  kill -TERM $pid
  wait $pid
  status=$?
  ((status == code)) || fail "ended with $status, not $code"
  expect_no_file "$name/outputs.safetensors"
  [[ ! -d "$name" ]] || expect_clean "$name"
}
# keeps NAME CODE COMMAND...
keeps() {
  interrupt_inference "$@"
  expect_text err "the outputs of the first" "of 400000 rows are in" \
    "$1/outputs.interrupted.safetensors"
  check_python '
import sys
import numpy as np
from safetensors import safe_open
with safe_open(sys.argv[1] + "/outputs.interrupted.safetensors", "np") as file:
    rows = int(file.metadata()["rows"])
    assert file.metadata()["all_rows"] == "400000"
    assert 0 < rows < 400000 and len(file.get_tensor("output_0")) == rows
np.save("first.npy", np.load("many.npy")[:rows])' "$1"
  expect_ok "${infer[@]}" --set data.inputs.x.path=first.npy \
    --set "output.dir=first"
  check_python '
import sys
from safetensors.torch import load_file
a, b = (load_file(path)["output_0"] for path in sys.argv[1:])
assert a.equal(b)' "$1/outputs.interrupted.safetensors" \
    first/outputs.safetensors
}
keeps infer_local 143 "${long_infer[@]}"
keeps infer_one_rank 143 "${long_infer[@]}" --ranks 1
keeps infer_processes 143 "${long_infer[@]}" --launcher processes
interrupt_inference infer_nothing 143 "${long_infer[@]}" \
  --set output.save_on_interrupt=false
expect_no_file infer_nothing/outputs.interrupted.safetensors
[[ "$(<err)" == "pp: error: interrupted" ]] || fail "not one line of it"

# Ctrl-C in a terminal goes to every process of the group at once.
command_line="a process group (INT)"
"$PYTHON" -c '
import os, signal, sys
os.setpgid(0, 0)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' "${job[@]}" --launcher processes \
  --set output.dir=group >out 2>err &
pid=$!
if wait_for 120 has_steps group; then
  kill -INT -- -$pid
  wait $pid
  status=$?
  ((status == 130)) || fail "ended with $status, not 130"
  [[ -z "$(ours)" ]] || fail "left behind: $(ours)"
fi

# Files being written when split, merge or verify is interrupted: the big
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
  wait_for 120 has "$pattern" || { kill -9 $pid; return; }
  kill "-$signal" $pid
  wait $pid
  status=$?
  ((status == code)) || fail "ended with $status, not $code"
  [[ "$(<err)" == "pp: error: interrupted" ]] || fail "not one line of it"
  [[ ! -s out ]] || fail "something on stdout"
  # shellcheck disable=SC2086  # a pattern
  expect_no_file $pattern
  expect_clean .
  [[ -z "$(ls -A scratch)" ]] || fail "left: $(ls -A scratch)"
}
split=("$PP" split big.pt2 -o big --at b)
cut_short INT 130 '.big.pp-*' "${split[@]}"
cut_short TERM 143 '.big.pp-*' "${split[@]}"
expect_no_file big
# Also with weights from a file, which are bound in a folder of their own.
cut_short INT 130 '.big.pp-*.weights' "${split[@]}" --weights big.safetensors
expect_no_file big
# Files left by a killed process are gone after the next one; another's stays.
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
