"""Small networks for sequences, tokens and tables, and transformers of images."""

import torch
from torch import nn
from torch.nn import functional

WIDTH, LENGTH, TOKENS = 8, 6, 11


class Attention(nn.Module):
    """Attention of 2 heads to `context`, written out."""

    def __init__(self, width=WIDTH):
        super().__init__()
        self.query = nn.Linear(width, width)
        self.pair = nn.Linear(width, 2 * width)
        self.last = nn.Linear(width, width)

    def forward(self, x, context, mask: torch.Tensor | None = None):
        rows, length, width = x.shape
        q = self.query(x).view(rows, length, 2, -1).transpose(1, 2)
        pair = self.pair(context).view(rows, context.size(1), 2, 2, -1)
        k, v = pair.permute(2, 0, 3, 1, 4).unbind(0)
        scores = q @ k.transpose(-2, -1) / (width // 2) ** 0.5
        if mask is not None:
            scores = scores.masked_fill(mask[:length, :length], float("-inf"))
        h = (scores.softmax(-1) @ v).transpose(1, 2).reshape(rows, length, width)
        return self.last(h)


class Mlp(nn.Sequential):
    def __init__(self, width=WIDTH, hidden=2 * WIDTH):
        super().__init__(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))


class Block(nn.Module):
    """A transformer's block that normalises first."""

    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention, self.mlp = Attention(), Mlp()

    def forward(self, x, mask: torch.Tensor | None = None):
        h = self.norm1(x)
        x = x + self.attention(h, h, mask)
        return x + self.mlp(self.norm2(x))


class Vit(nn.Module):
    """Patches of an image, a class token and learned positions."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, WIDTH, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, WIDTH))
        self.position = nn.Parameter(0.1 * torch.randn(1, 17, WIDTH))
        self.blocks = nn.Sequential(Block(), Block())
        self.head = nn.Linear(WIDTH, 5)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.token.expand(x.size(0), -1, -1), x), 1) + self.position
        return self.head(self.blocks(x)[:, 0])


class Windows(nn.Module):
    """Attention inside windows that are shifted in every other block (Swin)."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, WIDTH, 2, 2)
        self.blocks = nn.ModuleList(Block() for _ in range(2))
        self.head = nn.Linear(WIDTH, 5)

    def forward(self, x):
        x = self.patch(x).permute(0, 2, 3, 1)
        rows, height, width, depth = x.shape
        for i, block in enumerate(self.blocks):
            shift = 2 * (i % 2)
            h = torch.roll(x, [-shift, -shift], [1, 2])
            h = h.view(rows, height // 4, 4, width // 4, 4, depth)
            h = block(h.permute(0, 1, 3, 2, 4, 5).reshape(-1, 16, depth))
            h = h.view(rows, height // 4, width // 4, 4, 4, depth)
            h = h.permute(0, 1, 3, 2, 4, 5).reshape(rows, height, width, depth)
            x = torch.roll(h, [shift, shift], [1, 2])
        return self.head(x.mean((1, 2)))


class Mixer(nn.Module):
    """Linear layers along positions, then along channels."""

    def __init__(self):
        super().__init__()
        self.along = nn.ModuleList(Mlp(LENGTH) for _ in range(2))
        self.across = nn.ModuleList(Mlp() for _ in range(2))
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, x):
        for along, across in zip(self.along, self.across):  # noqa: B905
            x = x + along(self.norm(x).transpose(1, 2)).transpose(1, 2)
            x = x + across(self.norm(x))
        return x.mean(1)


class GatedMlp(nn.Module):
    """Half of the channels gate the other half along positions (gMLP)."""

    def __init__(self):
        super().__init__()
        self.up, self.down = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.norm = nn.LayerNorm(WIDTH)
        self.spatial = nn.Conv1d(LENGTH, LENGTH, 1)

    def forward(self, x):
        u, v = functional.gelu(self.up(x)).chunk(2, -1)
        return x + self.down(u * self.spatial(self.norm(v)))


class Perceiver(nn.Module):
    """Latent vectors attend to the input, again and again with the same weights."""

    def __init__(self):
        super().__init__()
        self.latents = nn.Parameter(torch.randn(3, WIDTH))
        self.read, self.block = Attention(), Block()

    def forward(self, x):
        h = self.latents.unsqueeze(0).expand(x.size(0), -1, -1)
        for _ in range(3):
            h = self.block(h + self.read(h, x))
        return h.flatten(1)


class Gpt(nn.Module):
    """A decoder whose head is tied to its embedding."""

    def __init__(self):
        super().__init__()
        self.token = nn.Embedding(TOKENS, WIDTH)
        self.position = nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(3))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, TOKENS, bias=False)
        self.head.weight = self.token.weight
        self.register_buffer("mask", torch.ones(LENGTH, LENGTH).triu(1).bool())

    def forward(self, x):
        h = self.token(x) + self.position(torch.arange(x.size(1), device=x.device))
        for block in self.blocks:
            h = block(h, self.mask)
        return self.head(self.norm(h))


class Translator(nn.Module):
    """nn.Transformer between embeddings; the decoder reads the reversed tokens."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(TOKENS, WIDTH)
        self.body = nn.Transformer(WIDTH, 2, 1, 1, 12, dropout=0.0, batch_first=True)
        self.head = nn.Linear(WIDTH, TOKENS)

    def forward(self, x):
        return self.head(self.body(self.embedding(x), self.embedding(x.flip(1))))


class Tagger(nn.Module):
    """A bidirectional LSTM over embeddings."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(TOKENS, WIDTH, padding_idx=0)
        self.body = nn.LSTM(WIDTH, WIDTH, 2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * WIDTH, 4)

    def forward(self, x):
        return self.head(self.body(self.embedding(x))[0])


class Unrolled(nn.Module):
    """A GRU cell over time, each step of which attends to the input."""

    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(2 * WIDTH, WIDTH)
        self.score = nn.Linear(2 * WIDTH, 1)

    def forward(self, x):
        h = torch.zeros_like(x[:, 0])
        out: list[torch.Tensor] = []
        for step in x.unbind(1):
            both = torch.cat((x, h.unsqueeze(1).expand_as(x)), 2)
            weights = self.score(both).softmax(1)
            h = self.cell(torch.cat((step, (weights * x).sum(1)), 1), h)
            out.append(h)
        return torch.stack(out, 1)


class TextConvolution(nn.Module):
    """Convolutions of several widths over tokens, each with a maximum over time."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(TOKENS, WIDTH)
        self.layers = nn.ModuleList(nn.Conv1d(WIDTH, 4, n) for n in (2, 3, 4))
        self.head = nn.Linear(12, 3)

    def forward(self, x):
        h = self.embedding(x).transpose(1, 2)
        found = [torch.relu(layer(h)).max(2)[0] for layer in self.layers]
        return self.head(torch.cat(found, 1))


class WaveNet(nn.Module):
    """Dilated causal convolutions with gates, and the sum of all skips."""

    def __init__(self):
        super().__init__()
        self.gates = nn.ModuleList(
            nn.Conv1d(WIDTH, 2 * WIDTH, 2, dilation=2**i) for i in range(3)
        )
        self.skips = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, 1) for _ in range(3))

    def forward(self, x):
        x = x.transpose(1, 2)
        total = torch.zeros_like(x)
        for gate, skip in zip(self.gates, self.skips):  # noqa: B905
            h = functional.glu(gate(functional.pad(x, [gate.dilation[0], 0])), 1)
            total = total + skip(h)
            x = x + h
        return total.relu().mean(2)


class StateSpace(nn.Module):
    """A recurrence whose decay depends on the input, step by step (Mamba)."""

    def __init__(self):
        super().__init__()
        self.enter = nn.Linear(WIDTH, 3 * WIDTH)
        self.leave = nn.Linear(WIDTH, WIDTH)
        self.decay = nn.Parameter(torch.rand(WIDTH))

    def forward(self, x):
        value, rate, gate = self.enter(x).split(x.size(2), 2)
        rate = functional.softplus(rate)
        state = torch.zeros_like(x[:, 0])
        out: list[torch.Tensor] = []
        for i in range(6):
            keep = torch.exp(-rate[:, i] * self.decay.exp())
            state = keep * state + rate[:, i] * value[:, i]
            out.append(state)
        return self.leave(torch.stack(out, 1) * functional.silu(gate))


class LinearAttention(nn.Module):
    """Causal attention as sums over the past."""

    def __init__(self):
        super().__init__()
        self.enter, self.leave = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        q, k, v = self.enter(x).chunk(3, -1)
        q, k = functional.elu(q) + 1, functional.elu(k) + 1
        state = torch.einsum("btk,btv->btkv", k, v).cumsum(1)
        scale = (q * k.cumsum(1)).sum(-1, keepdim=True)
        return self.leave(torch.einsum("btk,btkv->btv", q, state) / scale)


class Experts(nn.Module):
    """A gate chooses 2 of 3 experts for each position."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(WIDTH, 3)
        self.experts = nn.ModuleList(Mlp() for _ in range(3))

    def forward(self, x):
        weights = self.gate(x).softmax(-1)
        best, chosen = weights.topk(2, -1)
        kept = torch.zeros_like(weights).scatter(-1, chosen, best)
        out = torch.zeros_like(x)
        for i, expert in enumerate(self.experts):
            out = out + kept[:, :, i : i + 1] * expert(x)
        return out


class Clicks(nn.Module):
    """Embeddings of columns and the products of all pairs (DLRM)."""

    def __init__(self):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(TOKENS, 4) for _ in range(LENGTH))
        self.top = nn.Sequential(nn.Linear(15, 8), nn.ReLU(), nn.Linear(8, 1))
        rows, columns = torch.triu_indices(LENGTH, LENGTH, 1)
        self.register_buffer("rows", rows)
        self.register_buffer("columns", columns)

    def forward(self, x):
        found = [table(x[:, i]) for i, table in enumerate(self.tables)]
        h = torch.stack(found, 1)
        return self.top((h @ h.transpose(1, 2))[:, self.rows, self.columns])


class Highway(nn.Module):
    """Layers that gate themselves, and a normalisation with its own statistics."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(WIDTH, 2 * WIDTH) for _ in range(3))
        self.norm = nn.BatchNorm1d(WIDTH)

    def forward(self, x):
        x = self.norm(x.transpose(1, 2)).transpose(1, 2)
        for layer in self.layers:
            value, gate = layer(x).chunk(2, -1)
            gate = torch.sigmoid(gate)
            x = gate * torch.tanh(value) + (1 - gate) * x
        return x


# The inputs are images, as in networks_images.py.
TRANSFORMERS = {"ViT": Vit, "Swin": Windows}
# The inputs are rows of LENGTH vectors.
SEQUENCES = {
    "MLP-Mixer": Mixer,
    "gMLP": GatedMlp,
    "Perceiver": Perceiver,
    "GRU cell with attention": Unrolled,
    "WaveNet": WaveNet,
    "state space": StateSpace,
    "linear attention": LinearAttention,
    "mixture of experts": Experts,
    "highway network": Highway,
}
# The inputs are rows of LENGTH tokens.
TEXTS = {
    "GPT": Gpt,
    "nn.Transformer": Translator,
    "LSTM tagger": Tagger,
    "convolutions of a text": TextConvolution,
    "DLRM": Clicks,
}
