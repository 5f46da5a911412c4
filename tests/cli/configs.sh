# Every job in configs/ runs as it is: only the number of steps is cut down.
source "$(dirname "$0")/lib.sh"
mkdir configs demo
cp "$SOURCE"/configs/*.toml configs/
ln -s "$FIXTURES"/demo/* demo/

expect_ok "$PP" split demo/gpt2.pt2 -o demo/stages --at transformer.h.2
expect_ok "$PP" run configs/gpt2_demo.toml --set train.steps=6 \
  --set train.lr_schedule.warmup=2 --set eval.every=3 \
  --set output.checkpoint_every=3
expect_match out '^step 6/6  loss [0-9.]+ '
expect_file runs/gpt2_demo/checkpoints/step_{3,6}/state.json
check_python '
import json
rows = [json.loads(line) for line in open("runs/gpt2_demo/metrics.jsonl")]
losses = [row["loss"] for row in rows if "loss" in row]
assert len(losses) == 6 and losses[-1] < losses[0] - 0.3, losses
assert [row["step"] for row in rows if "eval_loss" in row] == [3, 6], rows
'

expect_ok "$PP" run configs/resnet18_digits.toml --set train.epochs=1 \
  --set train.lr_schedule.warmup=1 --set data.batch_size=192 \
  --set eval.every=8
expect_file runs/resnet18_digits/checkpoints/step_8/part_2.safetensors

mynetwork=(run configs/mynetwork.toml --set train.steps=8)
expect_ok "$TORCHRUN" --standalone --no-python --nproc-per-node 3 \
  "$PP" "${mynetwork[@]}"
expect_match out '^step 8/8 '
expect_file runs/mynetwork/checkpoints/step_8/part_{0,1,2}.safetensors
cp -r runs/mynetwork torchrun
expect_ok "$PP" "${mynetwork[@]}"
for part in 0 1 2; do
  expect_same "torchrun/checkpoints/step_8/part_$part.safetensors" \
    "runs/mynetwork/checkpoints/step_8/part_$part.safetensors"
done

# No job lies in configs/ that neither this test nor model_configs.sh runs.
others="$(find "$SOURCE/configs" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort |
  grep -vE '^(gpt2|llama|bert|t5|resnet50)_(train|infer)\.toml$')"
[[ "$others" == \
  $'gpt2_demo.toml\nmynetwork.toml\nresnet18_digits.toml' ]] ||
  fail "configs/ holds a job that is not run here"
