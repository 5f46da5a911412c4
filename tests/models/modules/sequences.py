"""Recurrent modules, attention and embeddings."""

import shapes
from entry import add
from torch import nn


def call_text(begin, arguments):
    """A call; `arguments` may close it itself and say more."""
    return begin + arguments + ("" if ")" in arguments else ")")


def recurrent():
    options = {
        "batch_first=True": {},
        "num_layers=2, bidirectional=True": {"num_layers": 2, "bidirectional": True},
        "num_layers=2, dropout=1e-9": {"num_layers": 2, "dropout": 1e-9},
        "bias=False": {"bias": False},
    }
    calls = {"RNN": shapes.Recurrent, "GRU": shapes.Recurrent, "LSTM": shapes.LongShort}
    for name, call in calls.items():
        kind = getattr(nn, name)
        for text, more in options.items():
            add(
                f"{name}(5, 4, {text})",
                lambda kind=kind, more=more: kind(5, 4, batch_first=True, **more),
                6,
                5,
                call=call,
            )
        rows = getattr(shapes, f"{call.__name__}Rows")
        first = getattr(shapes, f"{call.__name__}From")
        add(f"{name}(5, 4)", lambda kind=kind: kind(5, 4), 6, 5, call=rows)
        add(
            f"{name}(5, 4) with a first state",
            lambda kind=kind: kind(5, 4, batch_first=True),
            6,
            5,
            call=first,
        )
    add(
        'RNN(5, 4, nonlinearity="relu")',
        lambda: nn.RNN(5, 4, nonlinearity="relu", batch_first=True),
        6,
        5,
        call=shapes.Recurrent,
    )
    add(
        "LSTM(5, 4, proj_size=3)",
        lambda: nn.LSTM(5, 4, proj_size=3),
        6,
        5,
        call=shapes.ProjectedRows,
    )


def cells():
    add("RNNCell(5, 5)", lambda: nn.RNNCell(5, 5), 5, call=shapes.Cell)
    add(
        'RNNCell(5, 5, nonlinearity="relu")',
        lambda: nn.RNNCell(5, 5, nonlinearity="relu"),
        5,
        call=shapes.Cell,
    )
    add("GRUCell(5, 4)", lambda: nn.GRUCell(5, 4), 5, call=shapes.Cell)
    add(
        "GRUCell(5, 4, bias=False)",
        lambda: nn.GRUCell(5, 4, False),
        5,
        call=shapes.Cell,
    )
    add("LSTMCell(5, 4)", lambda: nn.LSTMCell(5, 4), 5, call=shapes.LongShortCell)
    add(
        "LSTMCell(5, 4, bias=False)",
        lambda: nn.LSTMCell(5, 4, bias=False),
        5,
        call=shapes.LongShortCell,
    )


def attention():
    def one(text, call, **options):
        more = {"batch_first": True} | options
        name = call_text("MultiheadAttention(8, 2", text)
        add(name, lambda: nn.MultiheadAttention(8, 2, **more), 5, 8, call=call)

    one("", shapes.AttentionRows, batch_first=False)
    one(", batch_first=True", shapes.Attention)
    one("), need_weights=False", shapes.AttentionOnly)
    one("), the weights of each head", shapes.AttentionHeads)
    one("), masked", shapes.AttentionMasked)
    one(", bias=False", shapes.Attention, bias=False)
    one(", add_bias_kv=True", shapes.Attention, add_bias_kv=True)
    one(", add_zero_attn=True", shapes.Attention, add_zero_attn=True)
    one(", kdim=3, vdim=5", shapes.AttentionOther, kdim=3, vdim=5)
    one(", dropout=1e-9", shapes.Attention, dropout=1e-9)

    def layer(kind, text, call, **options):
        more = {"dropout": 0.0, "batch_first": True} | options
        name = f"{kind}(8, 2, 12{text})"
        add(name, lambda: getattr(nn, kind)(8, 2, 12, **more), 5, 8, call=call)

    for kind, call in (("Encoder", shapes.Model), ("Decoder", shapes.Decoder)):
        name = f"Transformer{kind}Layer"
        layer(name, "", call)
        layer(name, ", norm_first=True", call, norm_first=True)
        layer(
            name, ', activation="gelu", bias=False', call, activation="gelu", bias=False
        )
        layer(name, ", dropout=1e-9", call, dropout=1e-9)
        layer(name, ", batch_first=False", call, batch_first=False)
        masked = getattr(shapes, f"{kind}Masked")

        def stack(kind=kind, name=name):
            one_layer = getattr(nn, name)(8, 2, 12, dropout=0.0, batch_first=True)
            norm = nn.LayerNorm(8)
            return getattr(nn, f"Transformer{kind}")(one_layer, 2, norm)

        add(f"Transformer{kind} of 2 layers", stack, 5, 8, call=call)
        add(f"Transformer{kind} of 2 layers, masked", stack, 5, 8, call=masked)
    add(
        "Transformer(8, 2, 1, 1, 12)",
        lambda: nn.Transformer(8, 2, 1, 1, 12, dropout=0.0, batch_first=True),
        5,
        8,
        call=shapes.Decoder,
    )


def embeddings():
    def one(text, call=shapes.Indices, bag=False, **options):
        kind = nn.EmbeddingBag if bag else nn.Embedding
        name = call_text(f"{kind.__name__}(9, 4", text)
        add(name, lambda: kind(9, 4, **options), 6, call=call, top=9)

    one("")
    one(", padding_idx=2", padding_idx=2)
    one(", padding_idx=-1", padding_idx=-1)
    one(", max_norm=1.0", max_norm=1.0)
    one(", scale_grad_by_freq=True", scale_grad_by_freq=True)
    one(", sparse=True", sparse=True)
    for mode in ("sum", "mean", "max"):
        one(f', mode="{mode}"', bag=True, mode=mode)
        one(f', mode="{mode}"), offsets', shapes.Offsets, bag=True, mode=mode)
        one(f', mode="{mode}", padding_idx=2', bag=True, mode=mode, padding_idx=2)
    one(
        ', mode="sum"), weights of samples',
        shapes.Weighted,
        bag=True,
        mode="sum",
    )
    one(
        ", include_last_offset=True",
        shapes.LastOffset,
        bag=True,
        include_last_offset=True,
    )
    one(", max_norm=1.0, bag", bag=True, max_norm=1.0)
    one(', mode="sum", sparse=True', bag=True, mode="sum", sparse=True)
    one(
        ', mode="sum", scale_grad_by_freq=True',
        bag=True,
        mode="sum",
        scale_grad_by_freq=True,
    )
