"""Scripted modules that `pp` can't lower to a graph, by name.

errors_test.cpp has the message for each.
"""

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
    "branch-none": BranchNone,
    "loop-grows": LoopGrows,
    "loop-text": LoopText,
}
