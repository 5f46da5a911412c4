# configs/MODEL_{train,infer}.toml run as they are, but for fewer steps.
source "$(dirname "$0")/lib.sh"
mkdir configs demo
cp "$SOURCE"/configs/*.toml configs/
ln -s "$FIXTURES"/demo/* demo/

for model in gpt2 llama bert t5 resnet50; do
  expect_ok "$PP" run "configs/${model}_train.toml" --set train.steps=4 \
    --set train.lr_schedule.warmup=1 --set output.checkpoint_every=4
  expect_match out '^step 4/4  loss [0-9.]+ '
  expect_file "runs/${model}_train/checkpoints/step_4/part_3.safetensors"
  # From those weights, as the job's comment says.
  grep -q "checkpoint = \"../runs/${model}_train/checkpoints/step_" \
    "configs/${model}_infer.toml" || fail "no checkpoint in the comment"
  expect_ok "$PP" run "configs/${model}_infer.toml" \
    --set "model.checkpoint=../runs/${model}_train/checkpoints/step_4"
done

check_python '
import json
import numpy as np
from safetensors.torch import load_file

outputs, losses = {}, {}
for model in ("gpt2", "llama", "bert", "t5", "resnet50"):
    outputs[model] = load_file(f"runs/{model}_infer/outputs.safetensors")
    lines = open(f"runs/{model}_train/metrics.jsonl")
    losses[model] = [json.loads(x)["loss"] for x in lines]
    assert len(losses[model]) == 4 and np.isfinite(losses[model]).all(), model
rows = {k: len(np.load(f"demo/{k}.npy")) for k in
        ("val", "masked_val_x", "pairs_val_x", "digits_val_x")}
shapes = {m: tuple(next(iter(o.values())).shape) for m, o in outputs.items()
          if m != "t5"}
assert shapes == {
    "gpt2": (rows["val"] // 128, 128),
    "llama": (rows["val"] // 32, 32),
    "bert": (rows["masked_val_x"], 64),
    "resnet50": (rows["digits_val_x"],),
}, shapes
t5 = outputs["t5"]
assert set(t5) == {"loss", "logits", "encoder_last_hidden_state"}, set(t5)
assert t5["logits"].shape == (rows["pairs_val_x"], 16), t5["logits"].shape
assert t5["encoder_last_hidden_state"].shape[:2] == (rows["pairs_val_x"], 32)
'
