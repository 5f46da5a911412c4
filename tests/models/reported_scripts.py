"""Small scripted models of the kinds that users reported."""

import math
from typing import Optional

import torch
from reported_pair import WIDTH, Pair
from torch import nn
from torch.nn import functional


class ScriptedConstant(Pair):
    def forward(self, x):
        return self.b(self.a(x) * torch.tensor(0.5) * 6**-0.5)


class ScriptedSliceWrite(Pair):
    def forward(self, x):
        h = self.a(x)
        h[:, 2:] = 0.0
        return self.b(h)


class ScriptedAssert(Pair):
    def forward(self, x):
        torch._assert(x.ndim == 2, f"expected 2 dimensions, not {x.ndim}")
        torch._assert(x.shape[1] == 6, f"expected 6 columns, not {x.shape[1]}")
        return self.b(self.a(x))


class ScriptedResize(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(1, 2, 1)
        self.b = nn.Conv2d(2, 1, 1)

    def forward(self, x):
        h = self.a(x)
        size = [x.shape[2] * 2, x.shape[3] * 2]
        return self.b(functional.interpolate(h, size=size, mode="bilinear"))


class ScriptedEncoder(Pair):
    def __init__(self):
        super().__init__()
        self.a = nn.TransformerEncoderLayer(WIDTH, 2, 8, dropout=0.0, batch_first=True)

    def forward(self, x):
        return self.b(self.a(x))


class ScriptedRecurrence(Pair):
    def __init__(self):
        super().__init__()
        self.a = nn.LSTM(WIDTH, WIDTH, batch_first=True)

    def forward(self, x):
        return self.b(self.a(x)[0])


class ScriptedOptional(Pair):
    def forward(self, x, mask: Optional[torch.Tensor] = None):  # noqa: UP045
        h = self.a(x)
        if mask is not None:
            h = h * mask
        return self.b(h)


class ScriptedRoot(Pair):
    def forward(self, x):
        return self.b(self.a(x) / math.sqrt(x.size(-1)))
