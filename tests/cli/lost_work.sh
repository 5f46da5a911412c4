# A signal, a second run, a rerun and an evaluation lose nothing.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
cat >>job.toml <<'TOML'
[eval]
data = { inputs.x = { path = "x.npy" }, target = { path = "y.npy" } }
TOML
long=("$PP" run job.toml --set train.steps=1000000
  --set output.checkpoint_every=1000000)
has_metrics() { [[ -s "$1/metrics.jsonl" ]]; }
last_step() {
  "$PYTHON" -c '
import json, sys
print(json.loads(open(sys.argv[1] + "/metrics.jsonl").readlines()[-1])["step"])' "$1"
}

# start NAME COMMAND...: in the background, with SIGINT as in a terminal.
start() {
  "$PYTHON" -c '
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' "${@:2}" --set output.dir="$1" \
    >"$1.out" 2>"$1.err" &
  pid=$!
  wait_for 120 has_metrics "$1"
}

# saves NAME SIGNAL CODE COMMAND...: the last finished step is saved.
saves() {
  command_line="${*:4} ($2)"
  start "$1" "${@:4}" || return
  kill "-$2" $pid
  wait $pid
  status=$?
  ((status == $3)) || fail "ended with $status, not $3: $(<"$1.err")"
  expect_file "$1/checkpoints/step_$(last_step "$1")/state.json"
  expect_text "$1.err" "interrupted; --resume continues from" \
    "checkpoints/step_$(last_step "$1")"
}
saves int INT 130 "${long[@]}"
saves term TERM 143 "${long[@]}"
saves hup HUP 129 "${long[@]}"
saves processes TERM 143 "${long[@]}" --launcher processes
saves processes_int INT 130 "${long[@]}" --launcher processes
saves processes_hup HUP 129 "${long[@]}" --launcher processes

# The first signal stops at once where saving is switched off.
command_line="no saving"
start unsaved "${long[@]}" --set output.save_on_interrupt=false
kill -TERM $pid
wait $pid
status=$?
((status == 143)) || fail "ended with $status"
expect_no_file unsaved/checkpoints
expect_text unsaved.err "there is no checkpoint yet"

# A second run in the same folder is refused by name; the first one goes on.
command_line="two runs in one folder"
start shared "${long[@]}"
before=$(last_step shared)
refused 2 "shared is in use by another job, process $pid on host" \
  -- "$PP" run job.toml --set output.dir=shared
goes_on() { (($(last_step shared) > before)); }
wait_for 60 goes_on
kill -KILL $pid
wait $pid 2>/dev/null
expect_file shared/.lock # a stale one
expect_ok "$PP" run job.toml --set output.dir=shared --set train.steps=2
expect_no_file shared/.lock

# Evaluation alone leaves metrics and checkpoints as they are.
expect_ok "$PP" run job.toml --set output.dir=full --set output.trace=true
cp full/metrics.jsonl before
cp full/trace.json trace_before
expect_ok "$PP" run job.toml --set output.dir=full --set train.steps=0 \
  --set model.checkpoint=full/checkpoints/step_6 --set output.trace=true \
  --set train.lr_schedule.name=cosine --set train.lr_schedule.warmup=3
expect_same before full/metrics.jsonl
expect_same trace_before full/trace.json
expect_file full/eval_trace.json
expect_file full/checkpoints/step_6/state.json
expect_no_file full/checkpoints.1
check_python '
import json
row = json.load(open("full/eval.json"))
last = json.loads(open("full/metrics.jsonl").readlines()[-1])
assert row["version"] == 1 and row["eval_loss"] == last["eval_loss"], (row, last)
'

# It needs no optimizer; a training does.
grep -v '^optimizer' job.toml >no_optimizer.toml
cp full/eval.json before
expect_ok "$PP" run no_optimizer.toml --set output.dir=full \
  --set train.steps=0 --set model.checkpoint=full/checkpoints/step_6
check_python '
import json
rows = [json.load(open(path)) for path in ("before", "full/eval.json")]
assert rows[0]["eval_loss"] == rows[1]["eval_loss"], rows'
refused 2 "[train] needs optimizer.name" -- "$PP" run no_optimizer.toml

# Nothing to do leaves the trace, and says where the checkpoint stands.
cp full/trace.json before
expect_ok "$PP" run job.toml --set output.dir=full --set output.trace=true \
  --resume
expect_same before full/trace.json
expect_ok "$PP" run job.toml --set output.dir=full --set train.steps=4 --resume
expect_text out "step_6; the job's 4 steps are done, so nothing is left to train"

# Earlier runs: metrics go with checkpoints, and what is removed is named.
for _ in 1 2 3; do
  expect_ok "$PP" run job.toml --set output.dir=again --set output.keep=1
done
cmp -s again/metrics.jsonl.1 again/metrics.jsonl && fail "not another run's"
[[ "$(num_lines again/metrics.jsonl.1 '"loss"')" == 6 ]] || fail "lines"
expect_file again/checkpoints.1/step_6/state.json
expect_no_file again/checkpoints.2
expect_no_file again/metrics.jsonl.2
expect_text err "again held files of an earlier run; they are now in" \
  "again/metrics.jsonl.1" \
  "removed the files of an earlier run" "again/checkpoints.2" \
  "again/metrics.jsonl.2"
expect_ok "$PP" run job.toml --set output.dir=again --overwrite
expect_text err "removed" "again/checkpoints, " "--overwrite"
expect_no_file again/metrics.jsonl.2

# A folder that can't be read is not an empty one. Root may read everything.
reader=()
if ((EUID == 0)); then
  reader=(setpriv --reuid 65534 --regid 65534 --clear-groups)
  chmod -R a+rwX "$work"
fi
if "${reader[@]}" "$PP" --version >/dev/null 2>&1; then
  expect_ok "$PP" split "$FIXTURES/mlp-plain.pt2" -o stages --at layers.2
  chmod -R a+rwX "$work"
  for hidden in full/checkpoints full/checkpoints/step_6; do
    chmod 333 "$hidden" # can be written, but not listed
    refused 3 "$hidden" "Permission denied" -- "${reader[@]}" \
      "$PP" run job.toml --set output.dir=full --resume-if-any
    chmod 777 "$hidden"
  done
  chmod 000 full/checkpoints/step_6
  refused 3 "full/checkpoints/step_6" "Permission denied" -- "${reader[@]}" \
    "$PP" run job.toml --set output.dir=fresh \
    --set model.checkpoint=full/checkpoints/step_6
  refused 3 "full/checkpoints/step_6" "Permission denied" -- "${reader[@]}" \
    "$PP" merge stages --checkpoint full/checkpoints/step_6 -o merged.pt2
  chmod 777 full/checkpoints/step_6
  mkdir rows && cp x.npy rows && chmod 000 rows
  refused 3 "rows" "Permission denied" -- "${reader[@]}" \
    "$PP" run job.toml --set output.dir=fresh \
    --set 'data.inputs.x.path=rows/*.npy'
  chmod 755 rows
fi
