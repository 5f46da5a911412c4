"""Modules whose lists and numbers oracle_stages.py compares with Python."""

import torch
from torch import nn


class TwoLayers(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(8, 8)
        self.b = nn.Linear(8, 3)


class ListMethods(TwoLayers):
    """Methods that change lists, which other variables hold, too."""

    def forward(self, x):
        x = self.a(x)
        order = [3, 1, 2]
        other = order
        order.reverse()
        x = x * order[0]
        order.sort()
        x = x + other[0] * 10
        order.sort(reverse=True)
        x = x + other[0] * 100
        order.remove(2)
        order += [5, 6]
        x = x + len(other) * 1000 + other[1]
        words = ["b", "a"]
        words.sort()
        if words[0] == "a":
            x = x * 0.001
        parts = [x]
        same = parts
        parts += [x * 2.0]
        parts.reverse()
        x = same[0] + same[1] * float(len(same))
        order.clear()
        far = [x, x + 1, x + 2][1::9223372036854775807]
        back = [x, x * 3, x * 5][::-9223372036854775807]
        return self.b(
            far[0] * float(len(far)) + back[0] * float(len(back)) + len(other)
        )


class DictMethods(TwoLayers):
    """Methods that change dicts, which other variables hold, too."""

    def __init__(self):
        super().__init__()
        self.key, self.same_key = "h", "h"

    def forward(self, x):
        x = self.a(x)
        numbers: dict[str, int] = {"a": 1, "b": 2, "c": 3}
        other = numbers
        numbers.update({"b": 20, "d": 4})
        x = x * other["b"]
        first = numbers.popitem()  # in TorchScript the first
        x = x + first[1] * 1000
        x = x + numbers.setdefault("b", 99) + numbers.setdefault("e", 5)
        x = x + numbers.pop("b") + numbers.pop("f", -1)
        del numbers["c"]
        found = numbers.get("e")
        if found is not None:
            x = x + found * 10
        if numbers.get("g") is None:
            x = x + numbers.get("g", 7)
        copied = numbers.copy()
        copied["h"] = 8
        again = dict(numbers)
        again["i"] = 9
        x = x * len(copied) + len(other) + len(again)
        for name in other:
            x = x + len(name) * numbers[name]
        numbers.clear()
        x = x + len(other)
        twice = {self.key: x, "i": x * 3.0, self.same_key: x * 2.0}
        values = list(twice.values())
        x = x + twice["h"] * float(len(twice)) + values[0]
        pairs = [("x", x), ("y", x * 2.0)]
        tensors = dict(pairs)
        tensors.update({"x": tensors["y"] + 1.0})
        rest = [5, 6, 7]
        del rest[1]
        x = (tensors.pop("x") * float(rest[1]) + tensors["y"]) * 1e-4
        return self.b(x)


def same_list(parts: list[torch.Tensor]) -> list[torch.Tensor]:
    return parts


class SharedLists(TwoLayers):
    """A branch and a loop that return the list that they get."""

    def forward(self, x):
        x = self.a(x)
        parts = [x]
        if bool(x.sum() > 0):
            x = x * 2.0
            chosen = same_list(parts)
        else:
            x = x * 3.0
            chosen = same_list(parts)
        chosen.append(x)
        kept = parts
        for i in range(x.size(0)):
            x = x + float(i)
            kept = same_list(kept)
        kept.append(x)
        return self.b(parts[0] + parts[1] + parts[2] * float(len(parts)))


class Ranges(TwoLayers):
    """Ranges whose ends are computed, and arithmetic on computed numbers."""

    def forward(self, x):
        rows = x.size(0)
        x = self.a(x)
        for i in range(1, rows):
            x = x + float(i & 3)
        for i in range(rows, 0, -2):
            x = x + float(i | 8) * 0.5
        for i in range(rows - 3, rows + 4, 3):
            x = x - float(i ^ 5)
        for i in range(rows, 2):
            x = x * float(i)
        count = abs(rows - 9) + (rows << 2) + (rows >> 1)
        half = round(rows * 0.625)
        x = x * (float(count) + half) + abs(rows * 0.5 - 3.0)
        x = x + round(rows) + abs(x) * float(int(half))
        if (rows > 2) ^ (rows > 3):
            x = x * 2.0
        if (rows > 2) & (rows > 3) | (rows > 100):
            x = x * 0.01
        return self.b(x)


NEARLY_THREE = torch.tensor(2.75)
THREE = torch.tensor(3)


@torch.jit.script
def scaled(x, number: torch.Tensor):
    if bool(number):
        x = x * int(number)
    return x + float(number) / 2


class ConstantTensors(TwoLayers):
    """A trace that holds numbers in tensors, which its code converts."""

    def forward(self, x):
        return self.b(scaled(scaled(self.a(x), NEARLY_THREE), THREE))


def resized(image, size: list[int] | None):
    """Calls what nn.functional.interpolate() calls, which needs known sizes itself."""
    return torch._C._nn.upsample_nearest2d(image, size, None)


class NoGradResize(TwoLayers):
    """Blocks without gradients: a resize, and the question who needs one."""

    def forward(self, x):
        hidden = self.a(x)
        image = hidden.unsqueeze(0).unsqueeze(0)
        with torch.no_grad():
            wide = resized(image, [x.size(0), 16])
            scale = wide.abs().mean() + 1.0
            if scale.requires_grad:
                scale = scale * 100.0
        return self.b(hidden / scale)


class BranchLists(TwoLayers):
    """Branches that change lists and dicts that were made before them."""

    def mix(self, x):
        shift = [2, 3]
        parts = [x, x * 2.0]
        same = parts
        named = {"x": x, "z": x}
        if bool(x.sum() > 0):
            shift[0] = 0
            parts.append(x * 3.0)
            named["y"] = x + 1.0
            if bool(x.max() > 0.5):
                shift[1] = 7
                named["x"] = x * 5.0
            named.pop("z")
        else:
            parts[0] = x * 7.0
            parts.insert(1, x * 4.0)
            named.update({"y": x - 1.0})
            del named["z"]
        if bool(x.mean() > 0):
            pair = [x * 3.0, x]
            both = (pair, pair)
        else:
            pair = [x * 2.0, x]
            both = (pair, pair)
        pair.append(x * 0.5)
        x = torch.roll(x, [shift[0], -shift[1]], [0, 1])
        if sum(shift) > 4:
            x = x * 1.5
        for part in same:
            x = x + part
        for part in both[0]:
            x = x - part * float(len(both[1]))
        return x + named["x"] * float(len(named)) + named["y"] * shift[1]

    def forward(self, x):
        x = self.a(x)
        return self.b(self.mix(x) - 2.0 * self.mix(-x))


SCRIPT_CASES = {
    "branch-lists": BranchLists,
    "dict-methods": DictMethods,
    "list-methods": ListMethods,
    "shared-lists": SharedLists,
    "ranges": Ranges,
    "no-grad-resize": NoGradResize,
}
TRACE_CASES = {"constant-tensors": ConstantTensors}
