# A training may end before its last step: after a time, or when evaluations no
# longer improve. The best checkpoint is kept, and resumed runs continue as if they
# had never stopped.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
sed -i 's/mlp-plain/mlp/' job.toml # dropout
cat >>job.toml <<TOML
[eval]
every = 2
data.inputs.x = { path = "held_out.npy" }
data.target = { path = "y.npy" }
TOML
"$PYTHON" -c '
import numpy as np
x = np.load("x.npy")
np.save("held_out.npy", np.random.default_rng(1).random(x.shape, np.float32))'

# Time: the step is finished and saved, and the exit code is 0.
for options in "" "--launcher processes" "--set parallel.replicas=2 --set pipeline.microbatches=2"; do
  rm -rf timed whole
  # shellcheck disable=SC2086 # words of a command line
  expect_ok "$PP" run job.toml $options --set output.dir=timed \
    --set train.steps=1000000 --set train.max_time=0.3s --set eval.every=1000000 \
    --set output.checkpoint_every=1000000
  expect_match out '^ended after step [0-9]+ of 1000000: train.max_time is over; --resume continues'
  done_steps="$(sed -nE 's/^ended after step ([0-9]+) .*/\1/p' out)"
  expect_file "timed/checkpoints/step_$done_steps/state.json"
  more=(--set "train.steps=$((done_steps + 3))" --set eval.every=1000000
    --set output.checkpoint_every=1000000)
  # shellcheck disable=SC2086
  expect_ok "$PP" run job.toml $options --resume --set output.dir=timed "${more[@]}"
  # shellcheck disable=SC2086
  expect_ok "$PP" run job.toml $options --set output.dir=whole "${more[@]}"
  for part in 0 1; do
    expect_same {whole,timed}/checkpoints/step_$((done_steps + 3))/part_$part.safetensors
  done
done
expect_ok "$PP" run job.toml --set train.max_time=1h --set output.dir=short
expect_no_text out "max_time"

# Early stop: without a learning rate nothing improves after the first evaluation.
still=(--set 'train.optimizer={name="sgd",lr=0}' --set train.steps=50
  --set train.early_stop.patience=2)
for options in "" "--launcher processes"; do
  rm -rf still cut
  # shellcheck disable=SC2086
  expect_ok "$PP" run job.toml $options "${still[@]}" --set output.dir=still
  expect_match out '^ended after step 6 of 50: no improvement in 2 evaluations: loss was best at step 2, [0-9.]+ \(train.early_stop\)'
  expect_file still/checkpoints/step_6/state.json
  expect_no_file still/checkpoints/step_8
  # Nothing is left for a resumed run; one that was cut off finds the same end.
  cp -r still cut
  # shellcheck disable=SC2086
  expect_ok "$PP" run job.toml $options "${still[@]}" --resume --set output.dir=still
  expect_text out "ended after step 6 of 50"
  rm -r cut/checkpoints/step_6
  # shellcheck disable=SC2086
  expect_ok "$PP" run job.toml $options "${still[@]}" --resume --set output.dir=cut
  expect_text out "ended after step 6 of 50"
  expect_same {still,cut}/checkpoints/step_6/part_1.safetensors
done

# The best checkpoint: random targets make the held-out loss rise before long.
best=(--set train.steps=40 --set output.keep_best=loss --set output.keep=1
  --set output.checkpoint_every=4)
cat >check_best.py <<'PY'
import json, os, sys
folder = sys.argv[1]
lines = [json.loads(line) for line in open(f"{folder}/metrics.jsonl")]
losses = {line["step"]: line["eval_loss"] for line in lines if "eval_loss" in line}
assert len(losses) == 20, losses
best = min(losses, key=lambda step: (losses[step], step))
assert best < 40, "the best is the last: the test shows nothing"
assert os.readlink(f"{folder}/checkpoints/best") == f"step_{best}", best
there = sorted(os.listdir(f"{folder}/checkpoints"))
assert there == sorted(["best", f"step_{best}", "step_40"]), there
print(losses[best])
PY
for options in "" "--launcher processes"; do
  rm -rf best cut
  # shellcheck disable=SC2086
  expect_ok "$PP" run job.toml $options "${best[@]}" --set output.dir=best
  run "$PYTHON" check_best.py best
  ((status == 0)) || fail "the best checkpoint isn't the best"
done
best_loss="$(cat out)"
expect_ok "$PP" run job.toml --set model.checkpoint=best/checkpoints/best \
  --set train.steps=0 --set output.dir=only
check_python '
import json, sys
loss = json.load(open("only/eval.json"))["eval_loss"]
assert loss == float(sys.argv[1]), loss' "$best_loss"
# A run that was cut off after step 12 ends with the same best one.
expect_ok "$PP" run job.toml "${best[@]}" --set output.keep=0 --set output.dir=all
cp -r all cut
for step in $(seq 14 2 40); do rm -rf "cut/checkpoints/step_$step"; done
rm cut/checkpoints/best && ln -s step_99 cut/checkpoints/best
expect_ok "$PP" run job.toml "${best[@]}" --resume --set output.dir=cut
run "$PYTHON" check_best.py cut
((status == 0)) || fail "the resumed run has another best checkpoint"
expect_same {all,cut}/checkpoints/best/part_1.safetensors
# Without its metrics a resumed run keeps the checkpoint that the link names.
rm -rf lost && cp -r best lost && rm lost/metrics.jsonl
expect_ok "$PP" run job.toml "${best[@]}" --resume --set output.dir=lost \
  --set eval.every=1000000 --set train.steps=1000000 --set train.max_time=0.01s
expect_text err "to which checkpoints/best links; it stays the best checkpoint"
[[ "$(readlink lost/checkpoints/best)" == "$(readlink best/checkpoints/best)" &&
  -d lost/checkpoints/best ]] || fail "the best checkpoint is gone"
# A run that begins to keep the best one chooses among the checkpoints that exist.
rm -rf later && cp -r all later
rm -r "later/$(readlink all/checkpoints/best | sed 's|^|checkpoints/|')" later/checkpoints/best
expect_ok "$PP" run job.toml "${best[@]}" --resume --set output.keep=0 --set output.dir=later
check_python '
import json, os
lines = [json.loads(line) for line in open("later/metrics.jsonl")]
losses = {line["step"]: line["eval_loss"] for line in lines if "eval_loss" in line}
there = [step for step in losses if os.path.isdir(f"later/checkpoints/step_{step}")]
assert len(there) < len(losses), there
best = min(there, key=lambda step: (losses[step], step))
assert os.readlink("later/checkpoints/best") == f"step_{best}", best
'
# A new run sets the link aside with the checkpoints, or removes it.
expect_ok "$PP" run job.toml --set output.dir=cut
[[ -L cut/checkpoints.1/best && ! -L cut/checkpoints/best ]] ||
  fail "the link was not set aside"
rm -rf new && cp -r best new
expect_ok "$PP" run job.toml --overwrite --set output.dir=new
[[ ! -L new/checkpoints/best ]] || fail "the link was not removed"

# A seed from the clock: runs differ, and a resumed run keeps its own.
clock=(--set train.seed=clock --set eval.every=1000)
for options in "" "--launcher processes"; do
  rm -rf first second
  # shellcheck disable=SC2086
  expect_ok "$PP" run job.toml $options "${clock[@]}" --set output.dir=first
  # shellcheck disable=SC2086
  expect_ok "$PP" run job.toml $options "${clock[@]}" --set output.dir=second
  ! cmp -s {first,second}/checkpoints/step_6/part_1.safetensors ||
    fail "two clocks gave the same seed"
  seed="$(sed -nE 's/.*"seed": ?([0-9]+).*/\1/p' first/checkpoints/step_6/state.json | head -1)"
  # shellcheck disable=SC2086
  expect_ok "$PP" run job.toml $options "${clock[@]}" --resume --set train.steps=9 \
    --set output.dir=first
  # shellcheck disable=SC2086
  expect_ok "$PP" run job.toml $options "${clock[@]}" --dry-run --resume \
    --set train.steps=12 --set output.dir=first
  rm -rf whole
  # shellcheck disable=SC2086
  expect_ok "$PP" run job.toml $options --set eval.every=1000 --set train.steps=9 \
    --set "train.seed=$seed" --set output.dir=whole
  expect_same {whole,first}/checkpoints/step_9/part_1.safetensors
done
