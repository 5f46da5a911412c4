"""Scripted modules that `pp` can't lower to a graph, by name.

errors_test.cpp has the message for each.
"""

from pathlib import Path

import torch
from torch import nn


class UnknownIndex(nn.Module):
    def forward(self, x):
        parts = [x, x * 2]
        return parts[x.size(0)]


class UnknownIndexWritten(nn.Module):
    def forward(self, x):
        parts = [x, x * 2]
        parts[x.size(0)] = x
        return parts[0]


class IndexOutOfRange(nn.Module):
    def forward(self, x):
        parts = [x, x * 2]
        return parts[-3]


class PopsFromEmptyList(nn.Module):
    def forward(self, x):
        parts: list[torch.Tensor] = []
        return parts.pop()


class UnknownSlice(nn.Module):
    def forward(self, x):
        parts = [x, x * 2]
        return torch.cat(parts[: x.size(0)])


class UnknownRepetition(nn.Module):
    def forward(self, x):
        return torch.cat([x] * x.size(0))


class UnknownLength(nn.Module):
    def forward(self, x):
        return torch.cat(x.split(2))


class UnknownType(nn.Module):
    def forward(self, x):
        return torch.zeros(2, dtype=x.dtype)


class IntegerKeys(nn.Module):
    def forward(self, x) -> dict[int, torch.Tensor]:
        return {1: x}


class MissingKey(nn.Module):
    def forward(self, x):
        parts = {"a": x}
        return parts["b"]


class AlwaysRaises(nn.Module):
    def forward(self, x):
        if x.dim() > 100:
            raise ValueError("too deep")
        raise ValueError("not implemented")
        return x


class BranchLengths(nn.Module):
    def forward(self, x):
        if bool(x.sum() > 0):
            parts = [x]
        else:
            parts = [x, x]
        return torch.cat(parts)


class BranchAppends(nn.Module):
    def forward(self, x):
        parts = [x]
        if bool(x.sum() > 0):
            parts.append(x)
        return torch.cat(parts)


def itself(parts: list[torch.Tensor]) -> list[torch.Tensor]:
    return parts


class BranchReturnsChanged(nn.Module):
    def forward(self, x):
        parts = [x]
        if bool(x.sum() > 0):
            parts[0] = x * 2
            chosen = itself(parts)
        else:
            chosen = [x]
        return torch.cat(chosen)


class BranchInLoop(nn.Module):
    def forward(self, x):
        sizes = [1, 2]
        for _ in range(int(x.sum())):
            if bool(x.sum() > 0):
                sizes[0] = 3
        return x * sizes[0]


class BranchNone(nn.Module):
    def forward(self, x):
        y: torch.Tensor | None = None
        if bool(x.sum() > 0):
            y = x * 2
        if y is not None:
            x = x + y
        return x


class LoopGrows(nn.Module):
    def forward(self, x):
        parts = [x]
        while bool(x.sum() > 0):
            x = x * 0.5
            parts = parts + [x]  # noqa: RUF005 the script must see this form
        return torch.cat(parts)


class LoopText(nn.Module):
    def forward(self, x):
        text = "a"
        while bool(x.sum() > 0):
            x = x - len(text)
            text = text + "b"
        return x


class ChangesListAttribute(nn.Module):
    history: list[int]

    def __init__(self):
        super().__init__()
        self.history = [1]

    def forward(self, x):
        self.history.append(1)
        return x * len(self.history)


class ChangesDictAttribute(nn.Module):
    named: dict[str, int]

    def __init__(self):
        super().__init__()
        self.named = {"a": 1}

    def forward(self, x):
        self.named["b"] = 2
        return x * len(self.named)


class ChangesOneOfTwoLists(nn.Module):
    def forward(self, x):
        parts = [x]
        chosen = parts
        if bool(x.sum() > 0):
            chosen = [x * 2]
        chosen.append(x)
        return torch.cat(parts)


class ChangesACarriedList(nn.Module):
    def forward(self, x):
        parts = [x]
        for _ in range(x.size(0)):
            parts += [x]
        return torch.cat(parts)


class SortsTensors(nn.Module):
    def forward(self, x):
        parts = [x, x * 2]
        parts.sort()
        return parts[0]


class RemovesAMissingItem(nn.Module):
    def forward(self, x):
        numbers = [1, 2]
        numbers.remove(3)
        return x * len(numbers)


class ChangesOneOfThreeLists(nn.Module):
    def forward(self, x):
        first = [x]
        if bool(x.sum() > 0):
            chosen = [x * 2]
        else:
            if bool(x.max() > 0.5):
                chosen = itself(first)
            else:
                chosen = [x * 3]
        chosen[0] = x * 10
        return first[0]


class ChangesAListWithTwoNames(nn.Module):
    def forward(self, x):
        if bool(x.sum() > 0):
            a = [x]
            b = itself(a)
            d = [x * 2]
        else:
            a = [x * 3]
            b = [x * 4]
            d = itself(b)
        d[0] = x * 10
        return b[0] + a[0]


class ChangesAListThatALoopReturns(nn.Module):
    def forward(self, x):
        first = [x]
        chosen = [x * 2]
        for _ in range(int(x.sum())):
            chosen = itself(first)
        first[0] = x * 10
        return chosen[0]


class SetsABuffer(nn.Module):
    """`&` returns a new tensor, so the buffer isn't written in place."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mask", torch.ones(8, dtype=torch.bool))

    def forward(self, x):
        self.mask = self.mask & (x > 0).any(0)
        return x * self.mask


class PopsAMissingKey(nn.Module):
    def forward(self, x):
        numbers: dict[str, int] = {"a": 1}
        return x * numbers.pop("z")


class RepeatsInPlace(nn.Module):
    def forward(self, x):
        numbers = [1, 2]
        numbers *= 2
        return x * len(numbers)


class UnknownStep(nn.Module):
    def forward(self, x):
        for i in range(0, 10, x.size(0)):
            x = x + i
        return x


class AsksAfterQuantising(nn.Module):
    def forward(self, x):
        y = torch.quantize_per_tensor(x, 0.1, 0, torch.qint8)
        if y.is_quantized:
            x = x * 2
        return x


class AsksBeforeQuantising(nn.Module):
    def forward(self, x):
        y = x
        for _ in range(x.size(0)):
            if y.is_quantized:
                x = x * 2
            y = torch.quantize_per_tensor(x, 0.1, 0, torch.qint8)
        return x


class LongList(nn.Module):
    def forward(self, x):
        return x * len([0] * 1_000_000_000_000)


class DoublingList(nn.Module):
    def forward(self, x):
        numbers = [0]
        for _ in range(60):
            numbers = numbers + numbers
        return x * len(numbers)


class NestedLoops(nn.Module):
    def forward(self, x):
        count = 0
        for _ in range(100_000):
            for _ in range(100_000):
                count += 1
        return x * count


class LongText(nn.Module):
    width: int

    def __init__(self):
        super().__init__()
        self.width = 1_000_000_000_000  # a constant would be used while scripting

    def forward(self, x):
        return x * len("1".zfill(self.width))


REFUSED = {
    "unknown-index": UnknownIndex,
    "unknown-index-written": UnknownIndexWritten,
    "index-out-of-range": IndexOutOfRange,
    "pops-from-empty-list": PopsFromEmptyList,
    "unknown-slice": UnknownSlice,
    "unknown-repetition": UnknownRepetition,
    "unknown-length": UnknownLength,
    "unknown-type": UnknownType,
    "integer-keys": IntegerKeys,
    "missing-key": MissingKey,
    "always-raises": AlwaysRaises,
    "branch-lengths": BranchLengths,
    "branch-appends": BranchAppends,
    "branch-returns-changed": BranchReturnsChanged,
    "branch-in-loop": BranchInLoop,
    "branch-none": BranchNone,
    "loop-grows": LoopGrows,
    "loop-text": LoopText,
    "changes-list-attribute": ChangesListAttribute,
    "changes-dict-attribute": ChangesDictAttribute,
    "changes-one-of-two-lists": ChangesOneOfTwoLists,
    "changes-a-carried-list": ChangesACarriedList,
    "sorts-tensors": SortsTensors,
    "removes-a-missing-item": RemovesAMissingItem,
    "changes-one-of-three-lists": ChangesOneOfThreeLists,
    "changes-a-list-with-two-names": ChangesAListWithTwoNames,
    "changes-a-list-that-a-loop-returns": ChangesAListThatALoopReturns,
    "sets-a-buffer": SetsABuffer,
    "pops-a-missing-key": PopsAMissingKey,
    "repeats-in-place": RepeatsInPlace,
    "unknown-step": UnknownStep,
    "asks-after-quantising": AsksAfterQuantising,
    "asks-before-quantising": AsksBeforeQuantising,
    "long-list": LongList,
    "doubling-list": DoublingList,
    "nested-loops": NestedLoops,
    "long-text": LongText,
}


class HoldsTwice(nn.Module):
    """Holds one module under two names."""

    def __init__(self, inner):
        super().__init__()
        self.a = inner
        self.b = inner

    def forward(self, x):
        return self.a(x)


class CallsTwice(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.a = inner

    def forward(self, x):
        return self.a(self.a(x))


def save_nested(kind: type[nn.Module], levels: int, path: Path) -> None:
    """Saves modules of one kind in each other: few modules, but 2**levels paths."""
    module = torch.jit.script(nn.Identity())
    for _ in range(levels):
        module = torch.jit.script(kind(module))
    module.save(str(path))
