# A run that stopped and was resumed ends where an uninterrupted one does.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
# Dropout, shuffling and a schedule of the learning rate continue.
sed -i 's/mlp-plain/mlp/' job.toml
echo 'lr_schedule = { name = "cosine", warmup = 2 }' >lr
sed -i '/^optimizer/r lr' job.toml

same_weights() {
  local part
  for part in 0 1; do
    expect_same "$1/part_$part.safetensors" "$2/part_$part.safetensors"
  done
}

expect_ok "$PP" run job.toml --set output.dir=whole --set train.steps=12
expect_file whole/checkpoints/step_12/state.json
[[ "$(ls whole/checkpoints | sort)" == $'step_10\nstep_12\nstep_8' ]] ||
  fail "keep = 3 keeps $(ls whole/checkpoints | tr '\n' ' ')"
expect_clean whole

# Cut down by SIGKILL after step 5 of 12 (80 rows, 16 a step: the second
# epoch); it resumes from step_4 or, where it was quick, a later one.
cp -r whole killed
rm -r killed/checkpoints/step_{10,12}
"$PYTHON" - <<'PY'
lines = open("killed/metrics.jsonl").readlines()
open("killed/metrics.jsonl", "w").writelines(lines[:9])  # one past step_8
PY
expect_ok "$PP" run job.toml --resume --set output.dir=killed \
  --set train.steps=12
same_weights whole/checkpoints/step_12 killed/checkpoints/step_12
check_python '
import json
def rows(name):
    return [json.loads(line) for line in open(f"{name}/metrics.jsonl")]
whole, killed = rows("whole"), rows("killed")
assert [r["step"] for r in killed] == list(range(1, 13)), killed
assert [r["loss"] for r in killed] == [r["loss"] for r in whole]
assert [r["lr"] for r in killed] == [r["lr"] for r in whole]
'

# Really killed, in a run that is long enough to be.
expect_ok "$PP" run job.toml --set output.dir=long --set train.steps=4000 \
  --set output.checkpoint_every=500 --set output.keep=100
"$PP" run job.toml --set output.dir=cut --set train.steps=4000 \
  --set output.checkpoint_every=500 --set output.keep=100 >out 2>err &
pid=$!
wait_for 120 test -e cut/checkpoints/step_500
kill -9 $pid
wait $pid 2>/dev/null
[[ ! -e cut/checkpoints/step_4000 ]] || echo "note: it was done before the kill"
expect_ok "$PP" run job.toml --resume --set output.dir=cut \
  --set train.steps=4000 --set output.checkpoint_every=500 --set output.keep=100
same_weights long/checkpoints/step_4000 cut/checkpoints/step_4000
expect_clean cut

# Other launchers and another split resume from the same checkpoint.
for how in processes split four; do
  cp -r whole "$how"
  rm -r "$how"/checkpoints/step_{10,12}
done
expect_ok "$PP" run job.toml --resume --set output.dir=processes \
  --set train.steps=12 --launcher processes
same_weights whole/checkpoints/step_12 processes/checkpoints/step_12
expect_ok "$PP" run job.toml --resume --set output.dir=split \
  --set train.steps=12 --set 'split.at=["layers.1","layers.3"]'
# Into four stages on two ranks, under another schedule.
expect_ok "$PP" run job.toml --resume --set output.dir=four \
  --set train.steps=12 --set 'split.at=["layers.1","layers.2:end","head"]' \
  --schedule ZBVZeroBubble --ranks 2
check_python '
import glob
from safetensors.torch import load_file
def load(name):
    parts = glob.glob(f"{name}/checkpoints/step_12/part_*.safetensors")
    return {k: t for part in parts for k, t in load_file(part).items()}
whole = load("whole")
for other in load("split"), load("four"):
    assert whole.keys() == other.keys()
    assert all(whole[k].equal(other[k]) for k in whole)
'

# Nothing to do; nothing to resume from; another job's checkpoint.
expect_ok "$PP" run job.toml --resume --set output.dir=whole \
  --set train.steps=12
expect_text out "resuming from" "step_12; the job's 12 steps are done, so nothing is left to train"
refused 3 "fresh/checkpoints" "without --resume" \
  -- "$PP" run job.toml --resume --set output.dir=fresh
cp -r whole other
expect_exit 2 "$PP" run job.toml --resume --set output.dir=other \
  --set train.steps=14 --set train.seed=7
expect_text err "other/checkpoints/step_12 was saved with train.seed = 0, but the job has 7"
expect_exit 2 "$PP" run job.toml --resume --set output.dir=other \
  --set train.steps=14 --set train.seed=7 --set data.batch_size=8
expect_text err "train.seed = 0, but the job has 7" \
  "data.batch_size = 16, but the job has 8"
# A run that is not resumed starts at step 1, also in its metrics.
expect_ok "$PP" run job.toml --set output.dir=whole --set train.steps=2
[[ "$(num_lines whole/metrics.jsonl '"step"')" == 2 ]] ||
  fail "metrics of the run before are still there"
# The checkpoints of the run before are kept, out of the new one's way.
expect_text err "earlier run" "whole/checkpoints.1"
expect_file whole/checkpoints.1/step_12/state.json
[[ "$(ls whole/checkpoints)" == step_2 ]] ||
  fail "checkpoints of two runs: $(ls whole/checkpoints | tr '\n' ' ')"

# A run whose first step fails leaves them where they are.
cp whole/metrics.jsonl before
refused 3 "cross_entropy" -- "$PP" run job.toml --set output.dir=whole \
  --set data.target.path=x.npy
expect_same before whole/metrics.jsonl
expect_file whole/checkpoints/step_2/state.json
