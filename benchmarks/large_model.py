#!/usr/bin/env python3
"""Makes a `.pt2` of any size: a chain of square layers whose weights are zero.

    benchmarks/large_model.py FILE MEGABYTES

The weights are mapped from a sparse file, so that making them costs neither memory
nor time; the archive itself is written in full.
"""

import math
import sys
import tempfile
import warnings
from pathlib import Path

import torch
from torch import nn


class Chain(nn.Module):
    """x [rows, width] through `layers.K`, each width x width, without bias."""

    def __init__(self, weights: list[torch.Tensor]):
        super().__init__()
        width = weights[0].shape[0]
        self.layers = nn.ModuleList(
            nn.utils.skip_init(nn.Linear, width, width, bias=False) for _ in weights
        )
        for layer, weight in zip(self.layers, weights, strict=True):
            layer.weight = nn.Parameter(weight)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def make(path: Path, megabytes: int, layers: int = 16) -> None:
    width = math.isqrt(megabytes * 2**20 // layers // 4)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        weights = [
            torch.from_file(f"{folder}/{i}", shared=True, size=width * width).reshape(
                width, width
            )
            for i in range(layers)
        ]
        program = torch.export.export(Chain(weights), (torch.zeros(2, width),))
        torch.export.save(program, path)


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
