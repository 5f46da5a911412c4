"""Small feed-forward nets."""

import torch
import torch.nn.functional as F
from torch import nn

from models.example import Example, Options, batch_dim


class Mlp(nn.Module):
    """x [batch, width] -> [batch, 10]; scripts, traces and exports."""

    def __init__(self, width: int, layers: int, dropout: float):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout))
            for _ in range(layers)
        )
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


class MyNetworkBlock(nn.Module):
    def __init__(self, in_dim: int, out_dim: int):
        super().__init__()
        self.lin = nn.Linear(in_dim, out_dim)

    def forward(self, x):
        return F.relu(self.lin(x))


class MyNetwork(nn.Module):
    """The net of PiPPy's first example: x [batch, 512] -> [batch, 10]."""

    def __init__(self):
        super().__init__()
        self.layer0 = MyNetworkBlock(512, 512)
        self.layer1 = MyNetworkBlock(512, 1024)
        self.layer2 = MyNetworkBlock(1024, 256)
        self.output_proj = nn.Linear(256, 10)

    def forward(self, x):
        x = self.layer2(self.layer1(self.layer0(x)))
        return self.output_proj(x)


def _rows(module: nn.Module, width: int, options: Options, batch: int) -> Example:
    x = torch.randn(options.get("batch", batch), width)
    return Example(module, (x,), dynamic={"x": {0: batch_dim()}})


def mlp(options: Options) -> Example:
    """Four layers with dropout 0.1."""
    width = options.get("width", 32)
    module = Mlp(width, options.get("layers", 4), options.get("dropout", 0.1))
    return _rows(module, width, options, 4)


def mlp_plain(options: Options) -> Example:
    """The same four layers without dropout, whose result is deterministic."""
    width = options.get("width", 32)
    module = Mlp(width, options.get("layers", 4), options.get("dropout", 0.0))
    return _rows(module, width, options, 4)


def mynetwork(options: Options) -> Example:
    """Three linear layers, 512-1024-256, and a projection to 10 classes."""
    return _rows(MyNetwork(), 512, options, 32)


TABLE = {"mlp": mlp, "mlp-plain": mlp_plain, "mynetwork": mynetwork}
