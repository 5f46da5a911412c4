"""strided.py PP FOLDER

Values that cross a cut as views (a chunk, a class token, an expanded value) reach the
next stage laid out as they left, so that every kernel is the one of the unsplit model.
`pp verify --exact` compares the bits; a training of each model on processes and with
each stage recomputed gives the bits of the unsplit one.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from reported_models import PermutedChunk
from safetensors import safe_open
from torch import nn

PP, FOLDER = Path(sys.argv[1]), Path(sys.argv[2]) / "strided"


class Chunk(PermutedChunk):
    """The chunk is a view in the order NHWC; a convolution reads it."""

    x = torch.randn(8, 8, 8, 16)


class Token(nn.Module):
    """A narrow slice: kernels run row by row, with a remainder in each row."""

    x = torch.randn(8, 6, 20)

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(20, 20)
        self.b = nn.GELU()
        self.c = nn.Linear(20, 4)

    def forward(self, x):
        return self.c(torch.sigmoid(self.b(self.a(x)[:, 0]) * 3))


class Expanded(nn.Module):
    """A value that is expanded; its gradient is expanded by a mean."""

    x = torch.randn(8, 1, 20)

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(20, 20)
        self.b = nn.GELU()
        self.c = nn.Linear(20, 4)

    def forward(self, x):
        h = self.a(x).expand(-1, 5, -1)
        return self.c(self.b(h)).mean(1)


class Volume(nn.Module):
    """The order of channels last in three dimensions, with sizes of 1."""

    x = torch.randn(8, 3, 4, 1, 8)

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(8, 16)
        self.b = nn.Conv3d(8, 8, 3, padding=1)
        self.c = nn.Linear(8, 4)

    def forward(self, x):
        v, w = self.a(x).chunk(2, -1)
        v = self.b(v.permute(0, 4, 1, 2, 3)).permute(0, 2, 3, 4, 1)
        return self.c(v * torch.tanh(w)).mean((1, 2, 3))


class Relayed(nn.Module):
    """A view that stage 0 makes and stage 2 reads."""

    x = torch.randn(8, 8, 8, 16)

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(16, 32)
        self.b = nn.Linear(16, 16)
        self.c = nn.Conv2d(16, 4, 3)

    def forward(self, x):
        v, w = self.a(x).chunk(2, -1)
        w = self.b(torch.tanh(w))
        return (self.c(v.permute(0, 3, 1, 2)) * w.mean()).mean((2, 3))


def run(*arguments):
    done = subprocess.run([PP, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"pp {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")


def trained(name, stages, *settings):
    out = FOLDER / f"{name}_{stages}_{len(settings)}"
    job = FOLDER / f"{name}.toml"
    run("run", job, "--set", f"output.dir={out}", *settings)
    tensors = {}
    for part in sorted((out / "checkpoints" / "step_2").glob("part_*.safetensors")):
        with safe_open(part, "pt") as file:
            tensors |= {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    return tensors


def check(kind):
    name = kind.__name__.lower()
    torch.manual_seed(3)
    model, x = kind(), kind.x
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(model, (x[:2],), dynamic_shapes=({0: batch},))
    torch.export.save(program, FOLDER / f"{name}.pt2")
    np.save(FOLDER / f"{name}_x.npy", x.numpy())
    np.save(FOLDER / f"{name}_y.npy", np.arange(len(x)) % 4)
    (FOLDER / f"{name}.toml").write_text(f"""
model.path = "{name}.pt2"
pipeline.microbatches = 4
pipeline.threads_per_rank = 1
data.batch_size = 8
data.shuffle = false
data.inputs.x.path = "{name}_x.npy"
data.target.path = "{name}_y.npy"
train.steps = 2
train.loss.name = "cross_entropy"
train.optimizer.name = "sgd"
train.optimizer.lr = 0.1
""")
    cut = "--at=b,c" if kind is Relayed else "--at=b"
    points = '["b", "c"]' if kind is Relayed else '["b"]'
    run("verify", FOLDER / f"{name}.pt2", cut, "--exact")
    whole = trained(name, 1)
    split = ("--set", f"split.at={points}")
    for settings in (
        ("--set", "pipeline.launcher=processes"),
        ("--set", "pipeline.recompute=true", "--set", "pipeline.schedule=GPipe"),
    ):
        tensors = trained(name, 2, *split, *settings)
        if whole.keys() != tensors.keys():
            sys.exit(f"{name}: other tensors {whole.keys() ^ tensors.keys()}")
        for key, value in whole.items():
            if not torch.equal(value, tensors[key]):
                sys.exit(f"{name}: {key} has other bits with {settings}")
    print(name, "has equal bits")


FOLDER.mkdir(parents=True, exist_ok=True)
for each in (Chunk, Token, Expanded, Volume, Relayed):
    check(each)
