"""Exports the TorchScript files that the tests here read.

    export_cases.py FOLDER
"""

import sys
import warnings
from pathlib import Path
from typing import Dict, NamedTuple, Optional, Tuple

import torch
from torch import nn
from torch.distributed.pipelining import pipe_split

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import export  # noqa: E402
from models import Options  # noqa: E402


class Scored(NamedTuple):
    hidden: torch.Tensor
    score: torch.Tensor


class TupleOutput(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(8, 8)
        self.b = nn.Linear(8, 3)

    def forward(self, x) -> Tuple[torch.Tensor, torch.Tensor]:
        hidden = torch.relu(self.a(x))
        return hidden, self.b(hidden)


class NamedOutput(TupleOutput):
    def forward(self, x) -> Scored:
        hidden = torch.relu(self.a(x))
        return Scored(hidden, self.b(hidden))


class DictOutput(TupleOutput):
    def forward(self, x, scale: Optional[torch.Tensor] = None) -> Dict[str, torch.Tensor]:
        hidden = torch.relu(self.a(x))
        if scale is not None:
            hidden = hidden * scale
        return {"hidden": hidden, "score": self.b(hidden)}


class Buffers(nn.Module):
    """A buffer written in place, and one that is read."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(8, 8)
        self.b = nn.Linear(8, 3)
        self.register_buffer("calls", torch.zeros(1))
        self.register_buffer("shift", torch.arange(8.0))

    def forward(self, x):
        self.calls.add_(1.0)
        x = self.a(x + self.shift)
        return self.b(torch.tanh(x)) + self.calls


class SharedModule(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(8, 8)
        self.again = self.a
        self.b = nn.Linear(8, 3)

    def forward(self, x):
        return self.b(self.again(torch.relu(self.a(x))))


class Lists(nn.Module):
    """Sizes, slices of lists, a loop of known length, a constant branch."""

    turns: int

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(8, 8)
        self.b = nn.Linear(8, 3)
        self.turns = 3
        self.wide = True

    def forward(self, x):
        parts = []
        for i in range(self.turns):
            parts.append(self.a(x) * float(i + 1))
        y = torch.cat(parts, 0)
        rows, width = x.shape
        if self.wide:
            y = y.reshape(self.turns, rows, width).sum(0)
        else:
            y = y[:rows]
        low, high = y.chunk(2, dim=1)
        return self.b(torch.cat([high, low], 1)) / (rows + 1)


class Half(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide = nn.Linear(8, 8)
        self.narrow = nn.Linear(8, 8, bias=False)

    def forward(self, x):
        if bool(x.mean() > 0):
            y = torch.tanh(self.wide(x))
            if x.size(0) > 4:
                y = y + x
            return y
        return self.narrow(x) * 0.5


class Branch(nn.Module):
    """Branches on what is computed: in one another, with writes, with numbers."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.pick = Half()
        self.last = nn.Linear(8, 3)
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x):
        x = self.pick(self.first(x))
        factor = 1.0
        if bool(x.sum() > 0):
            self.calls.add_(1.0)
            factor = 2.0
        return self.last(x * factor) + self.calls


class Step(nn.Module):
    def __init__(self):
        super().__init__()
        self.mix = nn.Linear(8, 8)

    def forward(self, x):
        return torch.relu(self.mix(x)) * 0.5


class Repeat(nn.Module):
    """Loops whose number of turns follows from sizes and from what is computed."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.step = Step()
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        x = self.first(x)
        total = torch.zeros_like(x)
        for i in range(x.size(0)):
            x = self.step(x) + 1.0
            if i % 2 == 0:
                total = total + x * float(i)
        turns = 0
        while bool(total.abs().sum() > 1.0) and turns < 20:
            total = total * 0.5
            turns += 1
        return self.last(total + x) / (turns + 1)


class Modes(nn.Module):
    """Does other things in training, some of them in a branch at run time."""

    def __init__(self, p: float, norm: nn.Module):
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.norm = norm
        self.drop = nn.Dropout(p)
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        x = self.first(x)
        if bool(x.sum() > -1e9):
            x = self.drop(self.norm(x))
        if self.training:
            x = torch.tanh(x)
        else:
            x = torch.relu(x) + 1.0
        return self.last(x)


class Marked(TupleOutput):
    def forward(self, x) -> Tuple[torch.Tensor, torch.Tensor]:
        hidden = torch.relu(self.a(x))
        pipe_split()
        return hidden, self.b(hidden)


class MarkedInside(TupleOutput):
    def forward(self, x):
        x = self.a(x)
        if bool(x.sum() > 0):
            x = torch.relu(x)
            pipe_split()
            x = x * 2
        return self.b(x)


class GrowsAList(nn.Module):
    def forward(self, x):
        parts = [x]
        for _ in range(x.size(0)):
            parts.append(x * 2)
        return torch.cat(parts)


class SetsAttribute(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("last", torch.zeros(1))

    def forward(self, x):
        self.last = x.sum().reshape(1)
        return x


class Normed(nn.Sequential):
    """Batch-norm in training first asks whether the batch has several rows."""

    def __init__(self):
        super().__init__(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Linear(8, 4))


SCRIPTED = {
    "tuple": TupleOutput,
    "named": NamedOutput,
    "dict": DictOutput,
    "buffers": Buffers,
    "shared": SharedModule,
    "lists": Lists,
    "branch": Branch,
    "grows-a-list": GrowsAList,
    "normed": Normed,
    "marked": Marked,
    "marked-inside": MarkedInside,
    "repeat": Repeat,
    "sets-attribute": SetsAttribute,
}
TRACED = {"tuple": TupleOutput, "shared": SharedModule, "buffers": Buffers, "lists": Lists}
MODELS = ["mynetwork", "tiny-gpt", "tied-gpt"]


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    for name, module in SCRIPTED.items():
        torch.manual_seed(0)
        torch.jit.script(module()).save(str(folder / f"{name}-script.pt"))
    # Saved in one mode, to be run in the other.
    modes = {
        "train": Modes(0.5, nn.BatchNorm1d(8)),
        "eval": Modes(0.0, nn.LayerNorm(8)).eval(),
    }
    for mode, module in modes.items():
        torch.jit.script(module).save(str(folder / f"modes-{mode}-script.pt"))
    for name, module in TRACED.items():
        torch.manual_seed(0)
        traced = torch.jit.trace(module(), (torch.randn(4, 8),), check_trace=False)
        traced.save(str(folder / f"{name}-trace.pt"))
    for model in MODELS:
        for how in ("script", "trace"):
            example = export.build(model, Options(layers=4))
            export.export_torchscript(example, how).save(
                str(folder / f"{model}-{how}.pt")
            )
    for train in (False, True):
        example = export.build("resnet18", train=train)
        export.export_torchscript(example, "trace").save(
            str(folder / f"resnet18-{'train' if train else 'eval'}-trace.pt")
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
