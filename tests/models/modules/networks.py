"""Small networks, written by hand, which are scripted and traced as whole models."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from networks_images import IMAGES
from networks_sequences import LENGTH, SEQUENCES, TEXTS, TOKENS, TRANSFORMERS, WIDTH
from torch import nn


@dataclass
class Entry:
    make: Callable[[], nn.Module]
    sizes: tuple[int, ...]  # of one row of the input
    top: int = 0  # inputs are integers below it; 0: floats
    rows: int = 8
    alone: bool = False

    def build(self, mode):
        torch.manual_seed(0)
        return self.make().double().train(mode == "train")

    def draw(self):
        """The data, and its microbatches."""
        generator = torch.Generator().manual_seed(5)
        sizes = (self.rows, *self.sizes)
        if self.top:
            data = torch.randint(0, self.top, sizes, generator=generator)
        else:
            data = torch.randn(sizes, generator=generator, dtype=torch.float64)
        return data, data.split(2)

    def split(self):
        return "split.stages = 2"


ENTRIES = {
    **{name: Entry(make, (3, 16, 16)) for name, make in IMAGES.items()},
    **{name: Entry(make, (3, 16, 16)) for name, make in TRANSFORMERS.items()},
    **{name: Entry(make, (LENGTH, WIDTH)) for name, make in SEQUENCES.items()},
    **{name: Entry(make, (LENGTH,), TOKENS) for name, make in TEXTS.items()},
}
