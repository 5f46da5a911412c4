"""Small scripted models of the kinds that users reported."""

import math
from typing import Optional

import torch
from parity import Case
from reported_pair import WIDTH, Pair, rows, script
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


class ScriptedMaskedNumber(Pair):
    """A masked write of a number is index_put_ with a tensor made of it."""

    def forward(self, x):
        h = self.a(x)
        h[x > 0] = 0.0
        return self.b(h)


class ScriptedMaskedTensor(Pair):
    """Masked writes of as many entries as the mask has, and of a row."""

    def __init__(self):
        super().__init__()
        self.c = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        h = self.a(x)
        mask = x > 0
        h[mask] = self.c(x)[mask] * 2.0
        h[x[:, 0] > 0.5] = self.c(x)[0]
        return self.b(h)


class ScriptedBufferNumber(Pair):
    """Numbers that both stages read from buffers."""

    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.tensor(2.5))
        self.register_buffer("count", torch.tensor(3))

    def forward(self, x):
        h = self.a(x) * float(self.scale)
        return self.b(h) * float(self.scale) + int(self.count)


class ScriptedElementType(Pair):
    def forward(self, x):
        h = self.a(x)
        mask = (x > 0).to(h.dtype)
        if h.dtype == torch.float32:
            h = h * mask
        return self.b(h.to(x.dtype)) * torch.ones(x.size(1), dtype=h.dtype)


class ScriptedAssignedBuffers(Pair):
    """Assigns new tensors to buffers of both stages, and reads old and new ones."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mask", torch.ones(WIDTH, dtype=torch.bool))
        self.register_buffer("mean", torch.linspace(0.5, 1.0, WIDTH))
        self.register_buffer("count", torch.tensor(0))

    def forward(self, x):
        self.mask = self.mask & (x < 1.5).any(0)
        h = self.a(x) * self.mask
        # The gradient needs the old mean, which the next microbatch replaces.
        h = self.b(h) * self.mean
        self.mean = self.mean * 0.9 + h.detach().mean(0) * 0.1
        self.count = self.count + 1
        return h + self.mean / self.count


class ScriptedSharedAssignments(Pair):
    """Assigns views of the input, of one another and of what is written later."""

    def __init__(self):
        super().__init__()
        self.register_buffer("first", torch.zeros(WIDTH))
        self.register_buffer("second", torch.ones(WIDTH))
        self.register_buffer("third", torch.arange(0.0, WIDTH))
        self.register_buffer("scaled", torch.zeros(WIDTH))

    def forward(self, x):
        y = self.b(self.a(x))
        last = self.third
        self.third = self.second
        self.second = last
        self.first = x[0]
        scaled = y.detach().sum(0)
        self.scaled = scaled
        scaled.mul_(0.5)
        self.scaled += 1.0
        return y + self.second * self.third


class ScriptedLaterWrites(Pair):
    """Writes assigned tensors in place in the stage after the cut, and gives one
    buffer its old tensor back."""

    def __init__(self):
        super().__init__()
        self.register_buffer("scaled", torch.zeros(WIDTH))
        self.register_buffer("mean", torch.zeros(WIDTH))
        self.register_buffer("kept", torch.zeros(WIDTH))

    def forward(self, x):
        old = self.kept
        self.kept = self.kept + 1.0
        h = self.a(x) + self.kept
        self.kept = old
        scaled = h.detach().sum(0)
        self.scaled = scaled
        with torch.no_grad():
            self.mean = h.mean(0) * 0.1
        y = self.b(h) * self.kept.add(1.0)
        scaled.mul_(0.5)
        with torch.no_grad():
            self.mean += 1.0
        return y + self.mean


class ScriptedFloatSizes(Pair):
    """Computes floats from sizes and then asks for an element type."""

    def forward(self, x):
        h = self.a(x) * (x.size(1) // 2) ** -0.5
        half = math.ceil(x.size(1) / 4) + math.floor(x.size(1) / 5)
        h = functional.pad(h, [0, half])[:, half:] * math.sqrt(float(half))
        if h.dtype == torch.float32:
            h = functional.pad(h, [0, half])[:, : x.size(1)]
        return self.b(h)


class ScriptedLayer(Pair):
    """A module before the cut, called with a tensor."""

    def __init__(self, a):
        super().__init__()
        self.a = a

    def forward(self, x):
        return self.b(self.a(x))


class ScriptedFirst(ScriptedLayer):
    def forward(self, x):
        return self.b(self.a(x)[0])


class ScriptedCell(ScriptedLayer):
    def forward(self, x):
        h, c = self.a(x)
        h, c = self.a(x, (h, c))
        return self.b(h * c)


class ScriptedAttention(ScriptedLayer):
    def forward(self, x):
        return self.b(self.a(x, x, x)[0])


class ScriptedSamePadding(nn.Module):
    """Convolutions whose padding is a text, even and odd."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(1, 2, 3, padding="same")
        self.b = nn.Conv2d(2, 1, (2, 3), padding="same")

    def forward(self, x):
        return self.b(torch.relu(self.a(x)))


def encoder():
    layer = nn.TransformerEncoderLayer(WIDTH, 2, 8, dropout=0.0, batch_first=True)
    return nn.TransformerEncoder(layer, 2)


def scripted(model, *shape):
    return Case(model, rows(*shape), export=script)


SCRIPTS = {
    "scripted_constant": lambda: scripted(ScriptedConstant(), WIDTH),
    "scripted_slice_write": lambda: scripted(ScriptedSliceWrite(), WIDTH),
    "scripted_masked_number": lambda: scripted(ScriptedMaskedNumber(), WIDTH),
    "scripted_masked_tensor": lambda: scripted(ScriptedMaskedTensor(), WIDTH),
    "scripted_buffer_number": lambda: scripted(ScriptedBufferNumber(), WIDTH),
    "scripted_element_type": lambda: scripted(ScriptedElementType(), WIDTH),
    "scripted_assigned_buffers": lambda: scripted(ScriptedAssignedBuffers(), WIDTH),
    "scripted_shared_assignments": lambda: scripted(ScriptedSharedAssignments(), WIDTH),
    "scripted_later_writes": lambda: scripted(ScriptedLaterWrites(), WIDTH),
    "scripted_float_sizes": lambda: scripted(ScriptedFloatSizes(), WIDTH),
    "scripted_assert": lambda: scripted(ScriptedAssert(), WIDTH),
    "scripted_optional": lambda: Case(
        ScriptedOptional(),
        {"x": torch.randn(8, WIDTH), "mask": torch.rand(8, WIDTH)},
        export=script,
    ),
    "scripted_root": lambda: scripted(ScriptedRoot(), WIDTH),
    "scripted_resize": lambda: scripted(ScriptedResize(), 1, 4, 4),
    "scripted_same_padding": lambda: scripted(ScriptedSamePadding(), 1, 5, 4),
    "scripted_group_norm": lambda: scripted(
        ScriptedLayer(nn.GroupNorm(2, WIDTH)), WIDTH
    ),
    "scripted_encoder": lambda: scripted(ScriptedEncoder(), 5, WIDTH),
    "scripted_encoder_of_2_layers": lambda: scripted(
        ScriptedLayer(encoder()), 5, WIDTH
    ),
    "scripted_attention": lambda: scripted(
        ScriptedAttention(nn.MultiheadAttention(WIDTH, 2, batch_first=True)), 5, WIDTH
    ),
    "scripted_recurrence": lambda: scripted(ScriptedRecurrence(), 5, WIDTH),
    "scripted_gru": lambda: scripted(
        ScriptedFirst(nn.GRU(WIDTH, WIDTH, batch_first=True)), 5, WIDTH
    ),
    "scripted_lstm_cell": lambda: scripted(
        ScriptedCell(nn.LSTMCell(WIDTH, WIDTH)), WIDTH
    ),
}
