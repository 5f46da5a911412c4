"""Exports the TorchScript files that the tests here read.

export_cases.py FOLDER
"""

import math
import sys
import warnings
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn
from torch.distributed.pipelining import pipe_split

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import export
from models import Options
from refused_cases import REFUSED, CallsTwice, HoldsTwice, save_nested
from script_cases import SCRIPT_CASES, TRACE_CASES


class Scored(NamedTuple):
    hidden: torch.Tensor
    score: torch.Tensor


class TupleOutput(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(8, 8)
        self.b = nn.Linear(8, 3)

    def forward(self, x) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = torch.relu(self.a(x))
        return hidden, self.b(hidden)


class NamedOutput(TupleOutput):
    def forward(self, x) -> Scored:
        hidden = torch.relu(self.a(x))
        return Scored(hidden, self.b(hidden))


class DictOutput(TupleOutput):
    def forward(self, x, scale: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        hidden = torch.relu(self.a(x))
        if scale is not None:
            hidden = hidden * scale
        return {"hidden": hidden, "score": self.b(hidden)}


class Buffers(nn.Module):
    """One buffer is written in place, one is only read."""

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
        halves = [low] * 2
        halves[0] = high
        more = list(halves)
        more.extend(halves)
        more.insert(1, more.pop())
        y = torch.cat(more[1:3], 1) + torch.cat(halves, 1)
        return self.b(y) / (rows + 1)


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
    """Nested branches on computed values, with writes and with numbers."""

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
    """Loops whose number of iterations depends on sizes and on computed values."""

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


class Regroup(nn.Module):
    """A loop over a split, whose body makes a list of its own."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        out: list[torch.Tensor] = []
        for part in self.first(x).split(4, 1):
            pair: list[torch.Tensor] = []
            pair.append(part)
            pair.append(part * 2)
            out.append(torch.cat(pair, 1))
        low, high = out
        return self.last(low - high)


class Modes(nn.Module):
    """Behaves differently in training, in part inside a branch at run time."""

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
    def forward(self, x) -> tuple[torch.Tensor, torch.Tensor]:
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
    """Batch-norm in training first checks that the batch has several rows."""

    def __init__(self):
        super().__init__(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Linear(8, 4))


class Values(TupleOutput):
    """Numbers, texts and dictionaries that the code computes from sizes."""

    def forward(self, x):
        width = x.size(-1)
        hidden = self.a(x) * width**-0.5 / math.sqrt(width) * torch.tensor(0.5)
        named = {"first": hidden}
        named["second"] = hidden * torch.tensor([width])
        for value in named.values():
            hidden = hidden + value
        torch._assert(x.size(1) == 8, f"input is {x.size(1)} wide")
        if named["first"] is named["second"]:
            hidden = hidden * 3.0
        parts = [hidden, x][::-1]
        return self.b(parts[1] + parts[0] * float(max([width, x.size(0)])))


class FlatWeights(TupleOutput):
    """Keeps its parameters in a list, too, as recurrent modules do."""

    flat: list[torch.Tensor]

    def __init__(self):
        super().__init__()
        self.flat = [self.a.weight, self.a.bias]

    def forward(self, x):
        return self.b(nn.functional.linear(x, self.flat[0], self.flat[1]))


class NoGradBlock(TupleOutput):
    def forward(self, x):
        hidden = self.a(x)
        with torch.no_grad():
            scale = hidden.abs().mean() + 1.0
        return self.b(hidden / scale)


SCRIPTED = {
    "values": Values,
    "flat-weights": FlatWeights,
    "no-grad": NoGradBlock,
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
    "regroup": Regroup,
    "sets-attribute": SetsAttribute,
    **SCRIPT_CASES,
}
TRACED = {
    "tuple": TupleOutput,
    "shared": SharedModule,
    "buffers": Buffers,
    "lists": Lists,
    **TRACE_CASES,
}
MODELS = ["mynetwork", "tiny-gpt", "tied-gpt"]


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    for name, module in SCRIPTED.items():
        torch.manual_seed(0)
        torch.jit.script(module()).save(str(folder / f"{name}-script.pt"))
    for name, module in REFUSED.items():
        torch.jit.script(module()).save(str(folder / f"{name}-script.pt"))
    save_nested(HoldsTwice, 18, folder / "shared-modules-script.pt")
    save_nested(CallsTwice, 40, folder / "many-calls-script.pt")
    # Each is saved in one mode and run in the other.
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
