"""One small net for each unusual thing that a saved graph may hold."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from models.example import Example, Options, batch_dim

WIDTH = 8


class Layers(nn.Module):
    """Base of the nets below: two linear layers of one width."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(WIDTH, WIDTH)
        self.second = nn.Linear(WIDTH, WIDTH)


class NoGrad(Layers):
    """A region under torch.no_grad()."""

    def forward(self, x):
        y = self.first(x)
        with torch.no_grad():
            scale = torch.sigmoid(self.second(y))
        return y * scale


class Autocast(Layers):
    """A region under torch.autocast to bfloat16."""

    def forward(self, x):
        y = self.first(x)
        with torch.autocast("cpu", torch.bfloat16):
            y = F.relu(self.second(y))
        return self.first(y.float())


class Buffers(Layers):
    """A persistent and a non-persistent buffer, and a tensor constant."""

    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.rand(WIDTH) + 0.5)
        self.register_buffer("shift", torch.randn(WIDTH), persistent=False)
        self.constant = torch.randn(WIDTH)

    def forward(self, x):
        y = self.first(x) * self.scale + self.shift
        return self.second(y) + self.constant


class Counter(Layers):
    """Writes a buffer in place on every call and reads it afterwards."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls.add_(1)
        return self.second(F.relu(self.first(x))) / self.calls


class DictOutput(Layers):
    """Outputs named by the keys of a dict, one of them nested."""

    def forward(self, x):
        hidden = self.first(x)
        return {"hidden": hidden, "extra": {"logits": self.second(hidden)}}


@dataclass
class Result:
    logits: torch.Tensor
    hidden: torch.Tensor


class DataclassOutput(Layers):
    """Outputs named by the fields of a dataclass."""

    def forward(self, x):
        hidden = self.first(x)
        return Result(logits=self.second(hidden), hidden=hidden)


class TupleOutput(Layers):
    """Outputs without names, an input and a constant among them."""

    def forward(self, x):
        hidden = self.first(x)
        return self.second(hidden), x, hidden.argmax(dim=-1)


class KeywordInputs(Layers):
    """One positional and two keyword inputs, of two dtypes."""

    def forward(self, x, *, bias, mask):
        y = self.first(x) + bias
        return self.second(y.masked_fill(~mask, 0.0))


class Skip(nn.Module):
    """A small U-Net, whose last layer uses an early value."""

    def __init__(self):
        super().__init__()
        self.down = nn.Linear(WIDTH, WIDTH)
        self.middle = nn.Linear(WIDTH, WIDTH)
        self.deep = nn.Linear(WIDTH, WIDTH)
        self.up = nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x):
        early = torch.tanh(self.down(x))
        y = self.deep(F.relu(self.middle(early)))
        return self.up(torch.cat((y, early), dim=-1))


class InPlace(Layers):
    """A view of a value is written after both could cross a cut."""

    def forward(self, x):
        y = self.first(x) * 1.0
        half = y[:, : WIDTH // 2]
        z = self.second(y + 1.0)
        half.mul_(2.0)
        return F.relu_(z) + y


class Cond(Layers):
    """A branch chosen by the data at run time."""

    def forward(self, x):
        y = self.first(x)
        y = torch.cond(y.sum() > 0, lambda t: t.sin(), lambda t: t.cos(), (y,))
        return self.second(y)


class SharedModule(nn.Module):
    """One module called twice: one FQN, two runs of nodes."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(WIDTH, WIDTH)
        self.shared = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        return self.shared(F.relu(self.shared(self.first(x))))


class OwnLoss(Layers):
    """The graph's own loss, beside its logits."""

    def forward(self, x, target):
        logits = self.second(F.relu(self.first(x)))
        return {"loss": F.cross_entropy(logits, target), "logits": logits}


class Mystery(Layers):
    """Calls an operator that only Python knows."""

    def forward(self, x):
        return self.second(torch.ops.pp_models.mystery(self.first(x)))


class Loss(nn.Module):
    """A loss as a graph of its own: mean squared error plus a small penalty."""

    def forward(self, output, target):
        return F.mse_loss(output, target) + 0.01 * output.abs().mean()


def _rows(module: nn.Module, options: Options) -> Example:
    x = torch.randn(options.get("batch", 4), WIDTH)
    return Example(module, (x,), dynamic={"x": {0: batch_dim()}})


def _simple(kind):
    return lambda options: _rows(kind(), options)


def _dataclass_output(options: Options) -> Example:
    if Result not in torch.utils._pytree.SUPPORTED_NODES:
        torch.export.register_dataclass(Result, serialized_type_name="pp.models.Result")
    return _rows(DataclassOutput(), options)


def _keyword_inputs(options: Options) -> Example:
    batch, rows = options.get("batch", 4), batch_dim()
    return Example(
        KeywordInputs(),
        (torch.randn(batch, WIDTH),),
        {"bias": torch.randn(batch, WIDTH), "mask": torch.rand(batch, WIDTH) > 0.3},
        {name: {0: rows} for name in ("x", "bias", "mask")},
    )


def _own_loss(options: Options) -> Example:
    batch, rows = options.get("batch", 4), batch_dim()
    return Example(
        OwnLoss(),
        (torch.randn(batch, WIDTH), torch.randint(0, WIDTH, (batch,))),
        dynamic={"x": {0: rows}, "target": {0: rows}},
    )


def _mystery(options: Options) -> Example:
    if not hasattr(torch.ops.pp_models, "mystery"):
        operator = torch.library.custom_op(
            "pp_models::mystery",
            torch.sin,
            mutates_args=(),
            schema="(Tensor x) -> Tensor",
        )
        operator.register_fake(torch.empty_like)
    return _rows(Mystery(), options)


def _loss(options: Options) -> Example:
    batch, rows = options.get("batch", 4), batch_dim()
    pair = (torch.randn(batch, WIDTH), torch.randn(batch, WIDTH))
    return Example(Loss(), pair, dynamic={"output": {0: rows}, "target": {0: rows}})


TABLE = {
    "no-grad": _simple(NoGrad),
    "autocast": _simple(Autocast),
    "buffers": _simple(Buffers),
    "counter": _simple(Counter),
    "dict-output": _simple(DictOutput),
    "dataclass-output": _dataclass_output,
    "tuple-output": _simple(TupleOutput),
    "keyword-inputs": _keyword_inputs,
    "skip": _simple(Skip),
    "in-place": _simple(InPlace),
    "cond": _simple(Cond),
    "shared-module": _simple(SharedModule),
    "own-loss": _own_loss,
    "loss": _loss,
    "unknown-operator": _mystery,
}
