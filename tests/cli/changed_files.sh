# Files that change while a job uses them, more files than may be open at once,
# and a limit that is too low for anything.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
cp x.npy whole_x.npy
expect_ok "$PP" split "$FIXTURES/mlp-plain.pt2" -o whole_stages --at layers.2
long=(--set train.steps=1000000 --set output.checkpoint_every=1000000)
has_metrics() { [[ -s "$1/metrics.jsonl" ]]; }

# cut NAME FILE COMMAND...: while the command runs, the file loses its end; its
# ranks end soon, with the code of a runtime error and a line that names it.
cut() {
  local name="$1" file="$2" began took
  shift 2
  command_line="$* ($file is cut short)"
  "$@" --set "output.dir=$name" >out 2>err &
  local pid=$!
  wait_for 120 has_metrics "$name" || { kill -9 $pid; return; }
  began=$(now_ms)
  truncate -s 200 "$file"
  wait $pid
  status=$?
  took=$(($(now_ms) - began))
  ((status == 4 || (status == 1 && ${torchrun:-0}))) || fail "not 4"
  ((took < 20000)) || fail "ended after $took ms"
  expect_match err "^pp: error: .*$file was truncated while it was in use: it has 200 bytes, but had [0-9]+ when"
  expect_no_text err "Bus error" "bug in pp" "terminate called"
  # The next run doesn't mind what this one left.
  cp whole_x.npy x.npy
}
cut local x.npy "$PP" run job.toml "${long[@]}"
[[ "$(grep -c '' err)" == 1 ]] || fail "not one line"
cut processes x.npy "$PP" run job.toml "${long[@]}" --launcher processes
torchrun=1 cut torchrun x.npy "$TORCHRUN" --standalone --no-python \
  --nproc-per-node 2 "$PP" run job.toml "${long[@]}"
expect_ok "$PP" run job.toml --set output.dir=local
expect_clean local

# A stage file. What a training reads of it once is its own afterwards, so
# inference reads pages that nobody has read before.
command_line="a stage file is cut short"
cp -r whole_stages stages
sed -e '/^\[split\]/,/^at/d; /^\[train\]/,/^optimizer/d; /^target/d' \
  -e 's/^path = ".*pt2"/stages = "stages"/' -e '/checkpoint_every/d' \
  job.toml >stages.toml
"$PYTHON" -c '
import numpy as np
np.save("many.npy", np.zeros((300000, 32), dtype=np.float32))'
"$PP" run stages.toml --set data.inputs.x.path=many.npy \
  --set data.batch_size=4 --set output.dir=inferred >out 2>err &
pid=$!
has_outputs() { [[ -n "$(find inferred -name '.outputs*' -size +0 2>/dev/null)" ]]; }
if wait_for 120 has_outputs; then
  truncate -s 100 stages/stage_0.pt2
  wait $pid
  status=$?
  ((status == 4)) || fail "not 4"
  expect_match err "^pp: error: .*stage_0.pt2 was truncated"
fi

# A file that is written over in place is named; one that is replaced is not
# even a change.
changed() {
  command_line="$1 over the data of a job"
  "$PP" run job.toml "${long[@]}" --set "output.dir=$1" >out 2>err &
  pid=$!
  wait_for 120 has_metrics "$1" || { kill -9 $pid; return; }
  "$2" whole_x.npy x.npy
  sleep 0.1
  kill -TERM $pid
  wait $pid
  status=$?
  ((status == 143)) || fail "not 143"
}
write_over() { dd if="$1" of="$2" conv=notrunc status=none; }
replace() { cp "$1" "$2.new" && mv "$2.new" "$2"; }
changed written write_over
expect_match err "W .*x.npy was written to while it was in use"
changed replaced replace
expect_no_text err "x.npy"

# The output folder goes while a training writes there, and its lock with it:
# the job ends at its next step and makes no folder that is not its own.
# gone NAME REGEX COMMAND... -- COMMAND...: the second command does it.
gone() {
  local name="$1" regex="$2" began took job=()
  shift 2
  while [[ "$1" != -- ]]; do
    job+=("$1")
    shift
  done
  shift
  command_line="${job[*]} (then $*)"
  "${job[@]}" --set "output.dir=$name" >out 2>err &
  local pid=$!
  wait_for 120 has_metrics "$name" || { kill -9 $pid; return; }
  began=$(now_ms)
  "$@" 2>/dev/null
  wait $pid
  status=$?
  took=$(($(now_ms) - began))
  ((status == 4)) || fail "not 4"
  within "$took" 5000 || fail "ended after $took ms"
  [[ "$(grep -c '^pp: error: ' err)" == 1 ]] || fail "not one error"
  expect_match err "^pp: error: .*$regex"
  expect_no_text err "bug in pp" "terminate called"
}
for launcher in local processes; do
  job=("$PP" run job.toml "${long[@]}" --launcher "$launcher")
  gone removed "removed(/metrics.jsonl)? was (moved, )?removed" \
    "${job[@]}" -- rm -rf removed
  expect_no_file removed
  gone moved "moved was moved, removed or replaced" \
    "${job[@]}" -- mv moved elsewhere
  expect_no_file moved
  expect_file elsewhere/metrics.jsonl
  rm -rf elsewhere
  # While it saves, which may find the removal first.
  gone saving "saving( was moved|/metrics.jsonl was removed|/checkpoints/)" "${job[@]}" \
    --set output.checkpoint_every=1 -- rm -rf saving
  rm -rf saving
done

# 400 files with fewer descriptors than that; the same bits as from one file.
"$PYTHON" -c '
import numpy as np
for name, rows in ("x", 5), ("y", 5):
    whole = np.concatenate([np.load(name + ".npy")] * 25)
    np.save("all_" + name + ".npy", whole)
    for i in range(400):
        np.save(f"{name}_{i:03}.npy", whole[5 * i : 5 * i + 5])'
expect_ok "$PP" run job.toml --set output.dir=one_file \
  --set data.inputs.x.path=all_x.npy --set data.target.path=all_y.npy
many=("$PP" run job.toml --set 'data.inputs.x.path=x_*.npy'
  --set 'data.target.path=y_*.npy')
for launcher in local processes; do
  expect_ok bash -c 'ulimit -n 64; exec "$@"' _ "${many[@]}" \
    --set "output.dir=$launcher.many" --launcher "$launcher"
  for part in 0 1; do
    expect_same "one_file/checkpoints/step_6/part_$part.safetensors" \
      "$launcher.many/checkpoints/step_6/part_$part.safetensors"
  done
done

# Every limit below what a job needs is one line that names it.
for launcher in local processes; do
  for limit in 4 6 8 10 12 14 16 18 20 22 24 28 32; do
    run bash -c "ulimit -n $limit"'; exec "$@"' _ "$PP" run job.toml \
      --set "output.dir=low_$launcher" --launcher "$launcher"
    # With fewer still, the system can't load pp's libraries (127).
    ((status == 0 || status == 127)) && continue
    ((status != 134)) || fail "not refused by pp"
    [[ "$(grep -c '^pp: error: ' err)" == 1 ]] || fail "limit $limit: no error"
    expect_text err "ulimit -n" "$limit"
    expect_no_text err "bug in pp" "terminate called" "what()"
  done
done
