"""Nets that are not chains: skips, late inputs, writes in place, branches, loops."""

import itertools

import torch
import torch.nn.functional as F
from torch import nn
from torch._higher_order_ops.while_loop import while_loop

from models.example import Example, Options, batch_dim


class Down(nn.Module):
    def __init__(self, before: int, after: int):
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, padding=1)
        self.norm = nn.GroupNorm(2, after)

    def forward(self, x):
        return F.silu(self.norm(self.conv(x)))


class UNet(nn.Module):
    """x [batch, 3, H, W] -> [batch, 4, H, W], with a long skip at every level."""

    def __init__(self, width: int, levels: int):
        super().__init__()
        widths = [width * 2**i for i in range(levels)]
        self.first = Down(3, width)
        self.down = nn.ModuleList(Down(a, b) for a, b in itertools.pairwise(widths))
        self.up = nn.ModuleList(
            Down(a + b, a) for a, b in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.head = nn.Conv2d(width, 4, 1)

    def forward(self, x):
        skips = [self.first(x)]
        for down in self.down:
            skips.append(down(F.avg_pool2d(skips[-1], 2)))
        y = skips.pop()
        for up in self.up:
            y = F.interpolate(y, scale_factor=2.0, mode="nearest")
            y = up(torch.cat((skips.pop(), y), dim=1))
        return self.head(y)


class LateInputs(nn.Module):
    """Has three inputs, used at the start, in the middle and at the end."""

    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(4))
        self.table = nn.Embedding(16, width)
        self.head = nn.Linear(width, 4)

    def forward(self, x, kind, scale):
        y = F.gelu(self.layers[0](x))
        y = F.gelu(self.layers[1](y))
        y = self.layers[2](y + self.table(kind))
        y = F.gelu(y) * scale
        y = self.layers[3](y) + x
        return self.head(y * scale)


class InPlaceMix(nn.Module):
    """Writes into values, views and slices before and after every cut.

    A buffer counts the calls.
    """

    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(4))
        self.norm = nn.BatchNorm1d(width)
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, x):
        self.calls.add_(1)
        y = self.layers[0](x).add_(0.5)
        half = y.shape[1] // 2
        left, right = y[:, :half], y[:, half:]
        z = self.norm(self.layers[1](y * 0.5))
        left.mul_(0.5)
        z = z.sigmoid_() * 1.0
        z.add_(y)
        z[:, 1::2].add_(0.25)
        w = self.layers[2](z * 1.0)
        w.masked_fill_(w > 1.5, 0.0)
        w = w.transpose(0, 1).contiguous().transpose(0, 1)
        out = torch.zeros_like(w)
        out.copy_(w).clamp_(-3, 3)
        out[:, 0] = right.sum(dim=1)
        return self.layers[3](out.add_(z))


class OddBorders(nn.Module):
    """Passes unusual values from layer to layer.

    They are indices, booleans, half-precision, complex, transposed and strided tensors,
    and a count that depends on data.
    """

    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(4))

    def forward(self, x):
        y = self.layers[0](x)
        order = y.argsort(dim=1)
        positive = y > 0
        count = positive.nonzero().shape[0]
        low, lower = y.half(), y.bfloat16()
        waves = torch.fft.rfft(y)
        turned = torch.tanh(y).t()
        every = y[:, ::2]
        y = self.layers[1](torch.tanh(y).gather(1, order))
        y = torch.where(positive, y, 0.5 * y) + low.to(y.dtype)
        y = self.layers[2](y + every.mean(dim=1, keepdim=True))
        y = y + torch.fft.irfft(waves * (1 + 0.5j), n=y.shape[1])
        y = self.layers[3](y + turned.t().view(-1).view(y.shape))
        y = y.where(positive, y + lower.to(y.dtype)) * (1 + count) / 64
        return y.gather(1, order), order.sum(dim=1), waves.abs()


class Branch(nn.Module):
    """torch.cond whose branches have layers of their own."""

    def __init__(self, width: int):
        super().__init__()
        self.first = nn.Linear(width, width)
        self.left = nn.Linear(width, width)
        self.right = nn.Linear(width, width)
        self.last = nn.Linear(width, 4)

    def forward(self, x):
        y = self.first(x).tanh()
        z = torch.cond(
            x.sum() > 0,
            lambda t: self.left(t).sin(),
            lambda t: self.right(t) * 2.0,
            (y,),
        )
        return self.last(z + y)


class Loop(nn.Module):
    """A while_loop that doubles until the sum is large; torch can't train it."""

    def __init__(self, width: int):
        super().__init__()
        self.first = nn.Linear(width, width)
        self.last = nn.Linear(width, 4)

    def forward(self, x):
        y = self.first(x).square()
        steps, y = while_loop(
            lambda i, t: (i < 20) & (t.sum() < 100),
            lambda i, t: (i + 1, t * 2.0 + self.first.bias),
            (torch.zeros((), dtype=torch.int64), y),
        )
        return self.last(y), steps.expand(x.shape[0])


def unet(options: Options) -> Example:
    x = torch.randn(options.get("batch", 2), 3, 16, 16)
    module = UNet(options.get("width", 8), options.get("layers", 3))
    return Example(module, (x,), dynamic={"x": {0: batch_dim()}})


def late_inputs(options: Options) -> Example:
    batch, width = options.get("batch", 2), options.get("width", 16)
    rows = {0: batch_dim()}
    return Example(
        LateInputs(width),
        kwargs={
            "x": torch.randn(batch, width),
            "kind": torch.randint(0, 16, (batch,)),
            "scale": torch.rand(batch, 1) + 0.5,
        },
        dynamic={"x": rows, "kind": rows, "scale": rows},
    )


def _rows(kind):
    def build(options: Options) -> Example:
        width = options.get("width", 16)
        x = torch.randn(options.get("batch", 4), width)
        return Example(kind(width), (x,), dynamic={"x": {0: batch_dim()}})

    return build


TABLE = {
    "unet": unet,
    "late-inputs": late_inputs,
    "in-place-mix": _rows(InPlaceMix),
    "odd-borders": _rows(OddBorders),
    "branch": _rows(Branch),
    "loop": _rows(Loop),
}
