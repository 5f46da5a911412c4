"""A plain GPT; the benchmarks and most tests use it."""

import torch
import torch.nn.functional as F
from torch import nn

from models.example import Example, Options, random_tokens, token_dims


class Attention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        batch, seq, width = x.shape
        shape = (batch, seq, self.heads, width // self.heads)
        q, k, v = (
            t.view(shape).transpose(1, 2) for t in self.qkv(x).split(width, dim=2)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).reshape(batch, seq, width))


class Mlp(nn.Module):
    def __init__(self, width: int, dropout: float):
        super().__init__()
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        return self.drop(self.down(F.gelu(self.up(x))))


class Block(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.ln1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.ln2 = nn.LayerNorm(width)
        self.mlp = Mlp(width, dropout)

    def forward(self, x):
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class Gpt(nn.Module):
    """tokens [batch, seq] -> logits [batch, seq, vocab]."""

    def __init__(self, vocab, longest, layers, width, heads, dropout=0.0, tied=False):
        super().__init__()
        self.tok = nn.Embedding(vocab, width)
        self.pos = nn.Embedding(longest, width)
        self.layers = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.ln = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocab, bias=False)
        if tied:
            self.head.weight = self.tok.weight
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, tokens):
        places = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.tok(tokens) + self.pos(places)
        for layer in self.layers:
            x = layer(x)
        return self.head(self.ln(x))


def _gpt(options: Options, *, layers, width, heads, seq, vocab, batch, tied=False):
    seq, vocab = options.get("seq", seq), options.get("vocab", vocab)
    module = Gpt(
        vocab,
        seq,
        options.get("layers", layers),
        options.get("width", width),
        options.get("heads", heads),
        options.get("dropout", 0.0),
        tied,
    )
    tokens = random_tokens(vocab, options.get("batch", batch), seq)
    return Example(module, (tokens,), dynamic={"tokens": token_dims(seq)})


def tiny_gpt(options: Options) -> Example:
    """8 blocks of width 64, 16 tokens: overhead dominates."""
    return _gpt(options, layers=8, width=64, heads=4, seq=16, vocab=256, batch=2)


def medium_gpt(options: Options) -> Example:
    """8 blocks of width 512, 256 tokens: arithmetic dominates."""
    return _gpt(options, layers=8, width=512, heads=8, seq=256, vocab=4096, batch=2)


def tied_gpt(options: Options) -> Example:
    """A small GPT whose head is its token embedding."""
    return _gpt(
        options, layers=4, width=32, heads=2, seq=16, vocab=64, batch=2, tied=True
    )


TABLE = {"tiny-gpt": tiny_gpt, "medium-gpt": medium_gpt, "tied-gpt": tied_gpt}
