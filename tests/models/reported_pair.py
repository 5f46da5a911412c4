"""What the models of reported_models.py have in common."""

import torch
from torch import nn

WIDTH = 6


class Pair(nn.Module):
    """Two linear layers; subclasses say what happens between them."""

    def __init__(self, width=WIDTH):
        super().__init__()
        self.a = nn.Linear(width, width)
        self.b = nn.Linear(width, width)

    def forward(self, x):
        return self.b(torch.relu(self.a(x)))


def rows(*shape):
    return {"x": torch.randn(8, *shape)}


def export_with(*dims):
    """An export whose only input has these dynamic sizes."""
    sizes = (dict(enumerate(dims)),)
    return lambda model, example: torch.export.export(
        model, example, dynamic_shapes=sizes
    )


def decomposed(model, example):
    """An export without the calls that torch.func.vmap leaves in it."""
    return torch.export.export(model, example).run_decompositions({})


def script(model, _):
    return torch.jit.script(model)
