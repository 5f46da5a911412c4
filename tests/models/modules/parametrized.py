"""Containers of parameters, computed weights, and state of one's own."""

import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune


class Listed(nn.Module):
    """A ParameterList read by position and by a loop."""

    def __init__(self):
        super().__init__()
        self.weights = nn.ParameterList([torch.randn(6, 6) * 0.3 for _ in range(3)])

    def forward(self, x):
        for weight in self.weights:
            x = torch.tanh(x @ weight)
        return x @ self.weights[0]


class Named(nn.Module):
    """A ParameterDict."""

    def __init__(self):
        super().__init__()
        self.weights = nn.ParameterDict(
            {"left": torch.randn(6, 6), "right": torch.randn(6)}
        )

    def forward(self, x):
        return x @ self.weights["left"] + self.weights["right"]


class Chosen(nn.Module):
    """A ModuleDict whose modules run by name, and a ModuleList in a loop."""

    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleDict({"a": nn.Linear(6, 6), "b": nn.Tanh()})
        self.layers = nn.ModuleList([nn.Linear(6, 6), nn.PReLU()])

    def forward(self, x):
        x = self.parts["b"](self.parts["a"](x))
        for layer in self.layers:
            x = layer(x)
        return x


class Counted(nn.Module):
    """Buffers that training writes: a count and a moving average, one not saved."""

    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros((), dtype=torch.long))
        self.register_buffer("average", torch.zeros(6))
        self.register_buffer("latest", torch.ones(6), persistent=False)

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.count += 1
                self.average.lerp_(x.mean(0), 0.3)
                self.latest.copy_(x.mean(0))
        return x - self.average + self.count * 0.01 + self.latest


class Stored(nn.Module):
    """Parameters of several types and shapes: a scalar, a frozen one, an empty one."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.5))
        self.frozen = nn.Parameter(torch.randn(6), requires_grad=False)
        self.empty = nn.Parameter(torch.zeros(0, 6))
        self.wide = nn.Parameter(torch.randn(6, dtype=torch.float64))

    def forward(self, x):
        x = torch.cat((x, self.empty)) * self.scale + self.frozen
        return x + self.wide.float()


class Tied(nn.Module):
    """One weight that two modules hold."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(6, 6)
        self.b = nn.Linear(6, 6)
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.b(torch.tanh(self.a(x)))


class Symmetric(nn.Module):
    """A parametrization of one's own."""

    def forward(self, x):
        return x.triu() + x.triu(1).T


def symmetric():
    module = nn.Linear(6, 6)
    parametrize.register_parametrization(module, "weight", Symmetric())
    return module


def pruned():
    module = nn.Linear(6, 5)
    prune.l1_unstructured(module, "weight", amount=0.4)
    return module


def cached():
    """A parametrized weight that is computed once for two uses."""

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = symmetric()

        def forward(self, x):
            with parametrize.cached():
                return self.inner(torch.tanh(self.inner(x)))

    return Twice()


def orthogonal(trick, rows=6):
    return lambda: parametrizations.orthogonal(nn.Linear(6, rows), orthogonal_map=trick)


MODULES = {
    "ParameterList": Listed,
    "ParameterDict": Named,
    "ModuleDict and ModuleList": Chosen,
    "Sequential": lambda: nn.Sequential(nn.Linear(6, 4), nn.GELU(), nn.Linear(4, 6)),
    "buffers that training writes": Counted,
    "scalar, frozen, empty and double parameters": Stored,
    "a tied weight": Tied,
    "parametrizations.weight_norm(Linear)": lambda: parametrizations.weight_norm(
        nn.Linear(6, 5)
    ),
    "parametrizations.weight_norm(Conv2d, dim=None)": lambda: (
        parametrizations.weight_norm(nn.Conv2d(3, 4, 2), dim=None)
    ),
    "parametrizations.spectral_norm(Linear)": lambda: parametrizations.spectral_norm(
        nn.Linear(6, 5)
    ),
    "parametrizations.spectral_norm(Conv2d)": lambda: parametrizations.spectral_norm(
        nn.Conv2d(3, 4, 2)
    ),
    "parametrizations.orthogonal(Linear, matrix_exp)": orthogonal("matrix_exp"),
    "parametrizations.orthogonal(Linear, cayley)": orthogonal("cayley"),
    "parametrizations.orthogonal(Linear, householder)": orthogonal("householder", 4),
    "utils.weight_norm(Linear)": lambda: nn.utils.weight_norm(nn.Linear(6, 5)),
    "utils.weight_norm(Conv1d)": lambda: nn.utils.weight_norm(nn.Conv1d(3, 4, 2)),
    "utils.spectral_norm(Linear)": lambda: nn.utils.spectral_norm(nn.Linear(6, 5)),
    "utils.prune.l1_unstructured(Linear)": pruned,
    "parametrize: a symmetric weight": symmetric,
    "parametrize.cached: a weight that is used twice": cached,
}
SIZES = {
    "parametrizations.weight_norm(Conv2d, dim=None)": (3, 4, 5),
    "parametrizations.spectral_norm(Conv2d)": (3, 4, 5),
    "utils.weight_norm(Conv1d)": (3, 7),
}
