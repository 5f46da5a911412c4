"""Arguments and results of a model builder."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch.export import Dim


@dataclass
class Options:
    """Sizes of a model; None leaves the model's own default."""

    batch: int | None = None
    seq: int | None = None
    layers: int | None = None
    width: int | None = None
    heads: int | None = None
    vocab: int | None = None
    dropout: float | None = None
    seed: int = 0

    def get(self, name: str, default):
        value = getattr(self, name)
        return default if value is None else value


@dataclass
class Example:
    """A module, the inputs to export it with, and their dynamic dimensions."""

    module: torch.nn.Module
    args: tuple = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    # {dimension: Dim} by argument name. Empty: the export has fixed sizes.
    dynamic: dict[str, dict[int, Any]] = field(default_factory=dict)


def batch_dim():
    return Dim("batch", min=1, max=65536)


def seq_dim(longest: int):
    return Dim("seq", min=2, max=longest)


def token_dims(longest: int) -> dict[int, Any]:
    """The free dimensions of token ids: [batch, sequence]."""
    return {0: batch_dim(), 1: seq_dim(longest)}


def random_tokens(vocab: int, batch: int, seq: int) -> torch.Tensor:
    return torch.randint(0, vocab, (batch, seq))
