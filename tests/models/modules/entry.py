"""A module under test and its data."""

from collections.abc import Callable
from dataclasses import dataclass

import shapes
import torch
from torch import nn


@dataclass
class Entry:
    """A module and how it is called."""

    make: Callable[[], nn.Module]
    sizes: tuple[int, ...]  # of one row of the input
    call: type = shapes.Model
    top: int = 0  # inputs are integers below it; 0: floats
    alone: bool = False  # microbatches of one row
    rows: int = 8

    def build(self, mode):
        torch.manual_seed(0)
        module = self.make()
        if isinstance(module, torch.nn.modules.lazy.LazyModuleMixin):
            module(torch.randn(2, *self.sizes))
        return self.call(module, self.sizes).train(mode == "train")

    def draw(self):
        """The data, and its microbatches."""
        generator = torch.Generator().manual_seed(5)
        sizes = (self.rows, *self.sizes)
        if self.top:
            data = torch.randint(0, self.top, sizes, generator=generator)
        else:
            data = torch.randn(sizes, generator=generator)
        return data, data.split(1 if self.alone else 2)

    def split(self):
        """The cuts as a job's line."""
        cuts = ", ".join(f'"{cut}"' for cut in self.call.cut.split(","))
        return f"split.at = [{cuts}]"


ENTRIES: dict[str, Entry] = {}


def add(name, make, *sizes, **options):
    assert name not in ENTRIES, name
    ENTRIES[name] = Entry(make, sizes, **options)
