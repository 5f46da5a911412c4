# Frozen parameters, groups of parameters and accumulation over steps.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
sed -i 's/^steps = 6/steps = 3/; s/^checkpoint_every.*//' job.toml

# Torch's result with the same options on the same rows.
expect_ok "$PP" run job.toml --set 'data.shuffle=false' \
  --set 'train.freeze=["layers.1.*"]' \
  --set 'train.groups=[{match="*.bias",weight_decay=0,lr=1e-3}]'
check_python '
import glob, sys
import numpy as np
import torch
from safetensors.torch import load_file

program = torch.export.load(sys.argv[1])
module = program.module()
frozen = {n for n, _ in module.named_parameters() if n.startswith("layers.1.")}
assert frozen
trained = [(n, p) for n, p in module.named_parameters() if n not in frozen]
optimizer = torch.optim.AdamW([
    {"params": [p for n, p in trained if not n.endswith(".bias")]},
    {"params": [p for n, p in trained if n.endswith(".bias")],
     "weight_decay": 0.0, "lr": 1e-3}], lr=1e-2, fused=True)
x, y = torch.from_numpy(np.load("x.npy")), torch.from_numpy(np.load("y.npy"))
for step in range(3):
    # Microbatches are those of pp, so that gradients have the same rounding: AdamW
    # makes full steps of gradients that are nothing but rounding.
    for first in range(16 * step, 16 * step + 16, 4):
        rows = slice(first, first + 4)
        loss = torch.nn.functional.cross_entropy(module(x[rows]), y[rows])
        (loss / 4).backward()
    optimizer.step()
    optimizer.zero_grad()
saved = {}
for part in glob.glob("runs/checkpoints/step_3/part_*.safetensors"):
    saved |= load_file(part)
source = program.state_dict
for name, parameter in module.named_parameters():
    if name in frozen:
        assert saved[name].equal(source[name]), name
        assert not any(k.startswith("optimizer.") and k.endswith("." + name)
                       for k in saved), name
        continue
    error = (saved[name] - parameter).abs().max()
    assert error < 1e-5 * parameter.abs().max(), (name, float(error))
' "$FIXTURES/mlp-plain.pt2"

# Below the lowest trainable parameter no backward runs: no gradient is sent.
expect_ok "$PP" run job.toml --set output.dir=top --log +pp \
  --set 'train.freeze=["layers.0.*", "layers.1.*"]'
expect_text err "to rank 0: none"
check_python '
from safetensors.torch import load_file
import torch, sys
part = load_file("top/checkpoints/step_3/part_0.safetensors")
source = torch.export.load(sys.argv[1]).state_dict
assert all(part[k].equal(source[k]) for k in part), list(part)
' "$FIXTURES/mlp-plain.pt2"

# 2 steps of 4 microbatches are one of 8, to the bit.
expect_ok "$PP" run job.toml --set output.dir=one \
  --set data.batch_size=16 --set pipeline.microbatches=8 --set train.steps=4
expect_ok "$PP" run job.toml --set output.dir=two --set train.accumulate=2 \
  --set data.batch_size=8 --set pipeline.microbatches=4 --set train.steps=4
for part in 0 1; do
  expect_same one/checkpoints/step_4/part_$part.safetensors \
    two/checkpoints/step_4/part_$part.safetensors
done
check_python '
import json
def losses(name):
    return [json.loads(l)["loss"] for l in open(f"{name}/metrics.jsonl")]
assert losses("one") == losses("two"), (losses("one"), losses("two"))
'
expect_ok "$PP" run job.toml --set output.dir=resumed --set train.accumulate=2 \
  --set data.batch_size=8 --set train.steps=2
expect_ok "$PP" run job.toml --set output.dir=resumed --set train.accumulate=2 \
  --set data.batch_size=8 --set train.steps=4 --resume
expect_same two/checkpoints/step_4/part_1.safetensors \
  resumed/checkpoints/step_4/part_1.safetensors

# bf16: what torch.autocast makes of the model, with the loss in float32; the
# same bits however it is cut.
expect_ok "$PP" run job.toml --set output.dir=bf16 --set 'data.shuffle=false' \
  --set 'train.precision="bf16"' --set 'train.optimizer={name="sgd",lr=0.1}'
expect_ok "$PP" run job.toml --set output.dir=uncut --set 'data.shuffle=false' \
  --set 'train.precision="bf16"' --set 'train.optimizer={name="sgd",lr=0.1}' \
  --set 'split.at=[]'
check_python '
import glob, sys
import numpy as np
import torch
from safetensors.torch import load_file

def load(name):
    parts = glob.glob(f"{name}/checkpoints/step_3/part_*.safetensors")
    return {k: t for part in parts for k, t in load_file(part).items()}
saved, uncut = load("bf16"), load("uncut")
assert all(saved[k].equal(uncut[k]) for k in saved)
module = torch.export.load(sys.argv[1]).module()
optimizer = torch.optim.SGD(module.parameters(), lr=0.1, fused=True)
x, y = torch.from_numpy(np.load("x.npy")), torch.from_numpy(np.load("y.npy"))
for step in range(3):
    for first in range(16 * step, 16 * step + 16, 4):
        rows = slice(first, first + 4)
        with torch.autocast("cpu", torch.bfloat16):
            out = module(x[rows])
        assert out.dtype == torch.bfloat16
        loss = torch.nn.functional.cross_entropy(out.float(), y[rows]) / 4
        loss.backward()
    optimizer.step()
    optimizer.zero_grad()
for name, parameter in module.named_parameters():
    assert saved[name].dtype == torch.float32
    error = (saved[name] - parameter).abs().max()
    assert error < 1e-6 * parameter.abs().max(), (name, float(error))
' "$FIXTURES/mlp-plain.pt2"

# fp16: the loss is scaled as torch.amp.GradScaler does, also where gradients
# overflow and their update is left out; a resumed run goes on with the scale.
check_python '
import numpy as np
np.save("big.npy", np.load("x.npy") * np.float32(1000))'
for rows in x big; do
  fp16=(--set 'data.shuffle=false' --set 'train.precision="fp16"'
    --set 'train.optimizer={name="sgd",lr=0.1}' --set train.clip_grad_norm=10
    --set "data.inputs.x.path=\"$rows.npy\"")
  expect_ok env TORCH_LOGS=pp "$PP" run job.toml "${fp16[@]}" \
    --set output.dir=fp16_$rows
  mv err log_$rows
  expect_ok "$PP" run job.toml "${fp16[@]}" --set output.dir=again_$rows \
    --set train.steps=2
  expect_ok "$PP" run job.toml "${fp16[@]}" --set output.dir=again_$rows --resume
  for part in 0 1; do
    expect_same fp16_$rows/checkpoints/step_3/part_$part.safetensors \
      again_$rows/checkpoints/step_3/part_$part.safetensors
  done
done
# Before any update was taken, AdamW has nothing to save.
adamw=(--set 'data.shuffle=false' --set 'train.precision="fp16"'
  --set 'train.optimizer={name="adamw",lr=0.1}' --set output.dir=new
  --set 'data.inputs.x.path="big.npy"')
expect_ok "$PP" run job.toml "${adamw[@]}" --set train.steps=1
expect_ok "$PP" run job.toml "${adamw[@]}" --resume

expect_no_text log_x overflow
expect_text log_big "step 1: the gradients overflow at a loss scale of 65536"
check_python '
import glob, json, sys
import numpy as np
import torch
from safetensors.torch import load_file

def scale_of(name):
    state = json.load(open(f"{name}/checkpoints/step_3/state.json"))
    return float(state["job"]["loss_scale"].split()[0])
y = torch.from_numpy(np.load("y.npy"))
for rows in ("x", "big"):
    parts = glob.glob(f"fp16_{rows}/checkpoints/step_3/part_*.safetensors")
    saved = {k: t for part in parts for k, t in load_file(part).items()}
    module = torch.export.load(sys.argv[1]).module()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu")
    x = torch.from_numpy(np.load(f"{rows}.npy"))
    for step in range(3):
        for first in range(16 * step, 16 * step + 16, 4):
            part = slice(first, first + 4)
            with torch.autocast("cpu", torch.float16):
                out = module(x[part])
            assert out.dtype == torch.float16
            loss = torch.nn.functional.cross_entropy(out.float(), y[part]) / 4
            scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(module.parameters(), 10)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
    assert scaler.get_scale() == scale_of(f"fp16_{rows}"), (
        rows, scaler.get_scale(), scale_of(f"fp16_{rows}"))
    assert (scaler.get_scale() < 65536) == (rows == "big")
    for name, parameter in module.named_parameters():
        error = (saved[name] - parameter).abs().max()
        assert error < 1e-6 * parameter.abs().max(), (rows, name, float(error))
' "$FIXTURES/mlp-plain.pt2"

# Options that contradict each other.
refused 2 "train.freeze" "'layer.*'" \
  -- "$PP" run job.toml --set 'train.freeze=["layer.*"]'
refused 2 "train.groups" "no parameter matches '*.biass'" \
  -- "$PP" run job.toml --set 'train.groups=[{ match = "*.biass", lr = 0.1 }]'
refused 2 "train.freeze" "no parameter to train" \
  -- "$PP" run job.toml --set 'train.freeze=["*"]'
refused 2 "unknown key 'weight_deca'" "train.groups" \
  -- "$PP" run job.toml --set 'train.groups=[{match="*",weight_deca=0}]'
refused 2 "train.groups" "match" \
  -- "$PP" run job.toml --set 'train.groups=[{weight_decay=0}]'
sed 's/^steps = 3/epochs = 1/' job.toml >epochs.toml
refused 2 "train.accumulate is 20" "10 batches" \
  -- "$PP" run epochs.toml --set data.batch_size=8 --set train.accumulate=20
