# A new user exports a model with torch, then runs 'pp init' and 'pp run', with no
# failed attempt. Jobs without a file, and checkpoints named by the folder of a run.
source "$(dirname "$0")/lib.sh"

check_python '
import numpy as np
import torch
from torch import nn
from torch.export import Dim, export, save

torch.manual_seed(0)

class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Linear(width, width)
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        return x + self.drop(torch.cumsum(self.mix(self.norm(x)), 1).tanh())

class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(64, 32)
        self.blocks = nn.ModuleList(Block(32) for _ in range(4))
        self.head = nn.Linear(32, 64)

    def forward(self, tokens):
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x)
        return self.head(x)

cnn = nn.Sequential(
    nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
    nn.Conv2d(8, 8, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(392, 10))
x = torch.randn(2, 3, 16, 16)
batch = Dim("batch")
save(export(cnn, (x,), dynamic_shapes={"input": {0: batch}}), "cnn.pt2")
save(export(cnn.eval(), (torch.randn(4, 3, 16, 16),)), "fixed.pt2")
tokens = torch.randint(0, 64, (2, 16))
save(export(Transformer(), (tokens,), dynamic_shapes={
    "tokens": {0: batch, 1: Dim("length")}}), "gpt.pt2")
np.save("images.npy", np.random.rand(70, 3, 16, 16).astype("float32"))
np.save("classes.npy", np.random.randint(0, 10, 70))
np.save("text.npy", np.random.randint(0, 64, 3000))
'

# A CNN whose data exist: two commands.
expect_ok "$PP" init cnn.pt2 --stages 2 --data images.npy --target classes.npy
expect_text out "wrote job.toml" "2 stages" "cross_entropy" "pp run job.toml"
expect_text job.toml 'inputs.input = "images.npy"' 'target = "classes.npy"' \
  'mode = "train"' 'loss = "cross_entropy"'
expect_ok "$PP" run job.toml
expect_text out "step 100/100"
expect_file runs/job/checkpoints/step_100/state.json

# Nothing is overwritten.
cp job.toml before.toml
refused 2 "job.toml exists" "-o" -- "$PP" init gpt.pt2
expect_same job.toml before.toml

# A transformer whose data come later: the comment says what to save.
mkdir later
expect_ok "$PP" init gpt.pt2 -o later/gpt.toml --stages 3
expect_text out "first save your data" "tokens.npy" "int64"
expect_text later/gpt.toml 'path = "../gpt.pt2"' 'shift = 1'
cp text.npy later/tokens.npy
expect_ok "$PP" run later/gpt.toml --set train.steps=5
expect_text out "step 5/5"
expect_file later/runs/gpt/checkpoints/step_5/state.json

# Fine-tuning from a run's newest checkpoint, and inference with its weights.
expect_ok "$PP" init gpt.pt2 -o tune.toml --finetune --data text.npy
expect_ok "$PP" run tune.toml --set train.steps=3 \
  --set model.checkpoint=later/runs/gpt
expect_file runs/tune/checkpoints/step_3/state.json
expect_ok "$PP" init cnn.pt2 -o infer.toml --infer --data images.npy --stages 2
expect_no_text infer.toml "[train]"
expect_ok "$PP" run infer.toml --set model.checkpoint=runs/job
expect_file runs/infer/outputs.safetensors
mv runs/infer/outputs.safetensors by_folder.safetensors
expect_ok "$PP" run infer.toml --set model.checkpoint=latest \
  --set output.dir=runs/job
expect_same by_folder.safetensors runs/job/outputs.safetensors
refused 3 "checkpoint" -- "$PP" run infer.toml --set model.checkpoint=latest

# A model that was exported with a fixed batch.
expect_ok "$PP" init fixed.pt2 -o fixed.toml --data images.npy \
  --target classes.npy
expect_ok "$PP" run fixed.toml --set train.steps=2

# Stages without a job file.
expect_ok "$PP" split cnn.pt2 -o stages --stages 2
expect_ok "$PP" run stages --data images.npy --target classes.npy \
  --loss CrossEntropyLoss --steps 4
expect_text out "step 4/4"
expect_file runs/stages/checkpoints/step_4/state.json
expect_ok "$PP" run stages --data images.npy --set output.dir=inferred
expect_file inferred/outputs.safetensors
expect_ok "$PP" init stages -o of_stages.toml --data input=images.npy \
  --target classes.npy
expect_text of_stages.toml 'stages = "stages"'
expect_ok "$PP" run of_stages.toml --steps 2 --loss cross_entropy
for checkpoint in runs/stages runs/stages/checkpoints latest \
  runs/stages/checkpoints/step_4; do
  expect_ok "$PP" merge stages --checkpoint "$checkpoint" -o merged.pt2
  mv merged.pt2 "merged_$(basename "$checkpoint").pt2"
done
for name in checkpoints latest step_4; do
  expect_same merged_stages.pt2 merged_$name.pt2
done

# One file with tensors by the names of the inputs.
check_python '
import numpy as np, torch
from safetensors.torch import save_file
save_file({"input": torch.from_numpy(np.load("images.npy")),
           "target": torch.from_numpy(np.load("classes.npy"))},
          "both.safetensors")'
expect_ok "$PP" init cnn.pt2 -o both.toml --data both.safetensors
expect_text both.toml 'inputs.input = "both.safetensors"' \
  'target = "both.safetensors"'
expect_ok "$PP" run both.toml --set train.steps=2

# Data that don't fit are refused before a file is written.
refused 2 "no input 'inputs'" "did you mean 'input'" \
  -- "$PP" init cnn.pt2 -o no.toml --data inputs=images.npy
refused 3 "nowhere.npy" -- "$PP" init cnn.pt2 -o no.toml --data nowhere.npy
refused 3 "input needs" "text.npy" \
  -- "$PP" init cnn.pt2 -o no.toml --data text.npy --target classes.npy
refused 2 "already split" -- "$PP" init stages -o no.toml --stages 2
refused 2 "data.inputs" -- "$PP" run job.toml --data images.npy
expect_no_file no.toml
expect_clean .
