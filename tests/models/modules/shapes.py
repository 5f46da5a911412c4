"""How a module under test is called: the models of modules.py, around one module `m`.

Each model scales its input by a weight for each entry (`a`), so that the gradient of
that weight shows the gradient that the module gives its input, and scales what the
module returns (`b`). Cut at `m` and at `b`, the module is a stage of its own.
"""

import torch
from torch import nn


class Scale(nn.Module):
    """Multiplies each entry of a row by a weight of its own."""

    def __init__(self, sizes):
        super().__init__()
        self.weight = nn.Parameter(1 + 0.3 * torch.randn(sizes))

    def forward(self, x):
        return x * self.weight


class Bend(nn.Module):
    """Makes the gradient of each entry another one."""

    def forward(self, x):
        return x + 0.1 * x * x


def joined(out, state):
    """A row for each sample: all outputs, then the last state of each layer."""
    return torch.cat((out.flatten(1), state.transpose(0, 1).flatten(1)), 1)


class Model(nn.Module):
    """The usual call: one floating tensor in, one out."""

    cut = "m,b"

    def __init__(self, module, sizes):
        super().__init__()
        self.a = Scale(sizes)
        self.m = module
        self.b = Bend()

    def forward(self, x):
        return self.b(self.m(self.a(x)))


class ChannelsLast(Model):
    """Images whose channels are innermost in memory."""

    def forward(self, x):
        return self.b(self.m(self.a(x).permute(0, 3, 1, 2)))


class Pixels2d(Model):
    """The gradient comes from a product over pixels: rows are not its outermost
    dimension in memory."""

    def __init__(self, module, sizes):
        super().__init__(module, sizes)
        self.b = nn.Linear(sizes[0], 3)

    def forward(self, x):
        pixels = self.m(self.a(x)).permute(2, 3, 0, 1).contiguous()
        return self.b(pixels).permute(2, 3, 0, 1)


class Pixels3d(Pixels2d):
    def forward(self, x):
        pixels = self.m(self.a(x)).permute(2, 3, 4, 0, 1).contiguous()
        return self.b(pixels).permute(3, 4, 0, 1, 2)


class Indices(Model):
    """A module that reads integers; its gradient ends there."""

    cut = "b"

    def __init__(self, module, sizes):
        super().__init__(module, [1])

    def forward(self, x):
        return self.b(self.m(x) * self.a.weight)


class Pair(Model):
    """A bilinear module reads the value and its square."""

    def forward(self, x):
        h = self.a(x)
        return self.b(self.m(h, h * h))


class First(Model):
    """Only the first of the returned values counts."""

    def forward(self, x):
        return self.b(self.m(self.a(x))[0])


class Recurrent(Model):
    """The output and the last state of an RNN or a GRU."""

    def forward(self, x):
        out, last = self.m(self.a(x))
        return self.b(joined(out, last))


class RecurrentRows(Model):
    """The same, for a module whose rows are dimension 1."""

    def forward(self, x):
        out, last = self.m(self.a(x).transpose(0, 1))
        return self.b(joined(out.transpose(0, 1), last))


class RecurrentFrom(Model):
    """An RNN or a GRU that begins with a state of its input."""

    def forward(self, x):
        h = self.a(x)
        first = h[:, :1, :4].transpose(0, 1).contiguous()
        out, last = self.m(h, first)
        return self.b(joined(out, last))


class LongShort(Model):
    """The output and both last states of an LSTM."""

    def forward(self, x):
        out, (h, c) = self.m(self.a(x))
        return self.b(torch.cat((joined(out, h), c.transpose(0, 1).flatten(1)), 1))


class LongShortRows(Model):
    def forward(self, x):
        out, (h, c) = self.m(self.a(x).transpose(0, 1))
        return self.b(joined(out.transpose(0, 1), torch.cat((h, c), 2)))


class ProjectedRows(Model):
    """An LSTM whose outputs are projected: its two states have other widths."""

    def forward(self, x):
        out, (h, c) = self.m(self.a(x).transpose(0, 1))
        h, c = h.transpose(0, 1).flatten(1), c.transpose(0, 1).flatten(1)
        return self.b(torch.cat((out.transpose(0, 1).flatten(1), h, c), 1))


class LongShortFrom(Model):
    """An LSTM that begins with states of its input."""

    def forward(self, x):
        h = self.a(x)
        first = h[:, :1, :4].transpose(0, 1).contiguous()
        out, (h, c) = self.m(h, (first, first * 0.5))
        return self.b(joined(out, torch.cat((h, c), 2)))


class Cell(Model):
    """Two steps of a cell whose state is a tensor."""

    def forward(self, x):
        h = self.a(x)
        return self.b(self.m(h, self.m(h)))


class LongShortCell(Model):
    """Two steps of a cell whose state is a pair."""

    def forward(self, x):
        x = self.a(x)
        h, c = self.m(x)
        h, c = self.m(x, (h, c))
        return self.b(h - 0.5 * c)


class Attention(Model):
    """Self-attention with its weights."""

    def forward(self, x):
        h = self.a(x)
        out, weights = self.m(h, h, h)
        assert weights is not None  # for a script
        return self.b(torch.cat((out, weights), 2))


class AttentionOnly(Model):
    """Self-attention without its weights."""

    def forward(self, x):
        h = self.a(x)
        return self.b(self.m(h, h, h, need_weights=False)[0])


class AttentionHeads(Model):
    """Self-attention with the weights of each head."""

    def forward(self, x):
        h = self.a(x)
        out, weights = self.m(h, h, h, average_attn_weights=False)
        assert weights is not None
        return self.b(torch.cat((out, weights.transpose(1, 2).flatten(2)), 2))


class AttentionRows(Model):
    """Attention along dimension 0, the default order of torch."""

    def forward(self, x):
        h = self.a(x).transpose(0, 1)
        return self.b(self.m(h, h, h)[0].transpose(0, 1))


class AttentionMasked(Model):
    """Attention with a causal mask and padding."""

    def __init__(self, module, sizes):
        super().__init__(module, sizes)
        n = sizes[0]
        self.register_buffer("causal", torch.ones(n, n).triu(1).bool())
        self.register_buffer("padding", (torch.arange(n) == n - 1)[None].clone())

    def forward(self, x):
        h = self.a(x)
        padding = self.padding.expand(h.shape[0], -1)
        return self.b(
            self.m(h, h, h, key_padding_mask=padding, attn_mask=self.causal)[0]
        )


class AttentionOther(Model):
    """Keys and values of other widths than the queries."""

    def forward(self, x):
        h = self.a(x)
        return self.b(self.m(h, h[:, :, :3], h[:, :, :5])[0])


class EncoderMasked(Model):
    """An encoder that may not look ahead."""

    def __init__(self, module, sizes):
        super().__init__(module, sizes)
        mask = nn.Transformer.generate_square_subsequent_mask(sizes[0])
        self.register_buffer("mask", mask)

    def forward(self, x):
        return self.b(self.m(self.a(x), self.mask, is_causal=True))


class Decoder(Model):
    """A decoder that reads its input, and its reverse as memory."""

    def forward(self, x):
        h = self.a(x)
        return self.b(self.m(h, h.flip(1)))


class DecoderMasked(EncoderMasked):
    def forward(self, x):
        h = self.a(x)
        return self.b(self.m(h, h.flip(1), self.mask, tgt_is_causal=True))


class Offsets(Model):
    """Bags of indices with offsets, two bags in each row."""

    cut = "b"

    def __init__(self, module, sizes):
        super().__init__(module, [1])

    def forward(self, x):
        offsets = torch.arange(0, x.numel(), x.shape[1] // 2, device=x.device)
        bags = self.m(x.flatten(), offsets)
        return self.b(bags.reshape(x.shape[0], -1) * self.a.weight)


class LastOffset(Offsets):
    """Offsets that include the end."""

    def forward(self, x):
        offsets = torch.arange(0, x.numel() + 1, x.shape[1] // 2, device=x.device)
        bags = self.m(x.flatten(), offsets)
        return self.b(bags.reshape(x.shape[0], -1) * self.a.weight)


class Weighted(Model):
    """Bags of indices with a trained weight for each."""

    cut = "b"

    def forward(self, x):
        weights = self.a.weight.expand(x.shape[0], -1)
        return self.b(self.m(x, per_sample_weights=weights))


class LogProbability(Model):
    """All log-probabilities of an adaptive softmax."""

    def forward(self, x):
        return self.b(self.m.log_prob(self.a(x)))


class Targets(Model):
    """An adaptive softmax with targets, which branches on what it reads."""

    def __init__(self, module, sizes):
        super().__init__(module, sizes)
        self.register_buffer("target", torch.tensor([1, 7]))

    def forward(self, x):
        return self.b(self.m(self.a(x), self.target)[0])
