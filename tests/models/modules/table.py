"""The modules under test: every one of torch.nn that has parameters or state."""

import parametrized
import sequences
import shapes
import torch
from entry import ENTRIES, add  # noqa: F401  check.py reads ENTRIES
from torch import nn


def linear():
    add("Linear(6, 5)", lambda: nn.Linear(6, 5), 6)
    add("Linear(6, 5, bias=False)", lambda: nn.Linear(6, 5, bias=False), 6)
    add("Linear(6, 5) of 3 dimensions", lambda: nn.Linear(6, 5), 4, 6)
    add("LazyLinear(5)", lambda: nn.LazyLinear(5), 6)
    add("Bilinear(6, 6, 4)", lambda: nn.Bilinear(6, 6, 4), 6, call=shapes.Pair)
    add(
        "Bilinear(6, 6, 4, bias=False)",
        lambda: nn.Bilinear(6, 6, 4, bias=False),
        6,
        call=shapes.Pair,
    )


SPATIAL = {1: (7,), 2: (6, 7), 3: (4, 5, 4)}


def convolutions():
    for d in (1, 2, 3):
        kind = getattr(nn, f"Conv{d}d")
        options = {
            "3": {},
            "3, stride=2, padding=1": {"stride": 2, "padding": 1},
            "3, dilation=2, padding=2": {"dilation": 2, "padding": 2},
            '3, padding="same"': {"padding": "same"},
            "3, groups=2, bias=False": {"groups": 2, "bias": False},
            '3, padding=1, padding_mode="circular"': {
                "padding": 1,
                "padding_mode": "circular",
            },
        }
        for text, more in options.items():
            add(
                f"Conv{d}d(4, 6, {text})",
                lambda kind=kind, more=more: kind(4, 6, 3, **more),
                4,
                *SPATIAL[d],
            )
    add("Conv2d(4, 6, 1)", lambda: nn.Conv2d(4, 6, 1), 4, 6, 7)
    add("Conv2d(4, 8, 3, groups=4)", lambda: nn.Conv2d(4, 8, 3, groups=4), 4, 6, 7)
    add(
        'Conv2d(4, 6, (2, 3), padding="same")',
        lambda: nn.Conv2d(4, 6, (2, 3), padding="same"),
        4,
        6,
        7,
    )
    for mode in ("reflect", "replicate"):
        add(
            f'Conv2d(4, 6, 3, padding=1, padding_mode="{mode}")',
            lambda mode=mode: nn.Conv2d(4, 6, 3, padding=1, padding_mode=mode),
            4,
            6,
            7,
        )
    add(
        "Conv2d(4, 6, 3), channels last",
        lambda: nn.Conv2d(4, 6, 3).to(memory_format=torch.channels_last),
        6,
        7,
        4,
        call=shapes.ChannelsLast,
    )
    for d in (1, 2, 3):
        add(
            f"LazyConv{d}d(6, 3)",
            lambda d=d: getattr(nn, f"LazyConv{d}d")(6, 3),
            4,
            *SPATIAL[d],
        )


def transposed_convolutions():
    for d in (1, 2, 3):
        kind = getattr(nn, f"ConvTranspose{d}d")
        options = {
            "3": {},
            "3, stride=2, padding=1, output_padding=1": {
                "stride": 2,
                "padding": 1,
                "output_padding": 1,
            },
            "3, groups=2, dilation=2, bias=False": {
                "groups": 2,
                "dilation": 2,
                "bias": False,
            },
        }
        for text, more in options.items():
            add(
                f"ConvTranspose{d}d(4, 6, {text})",
                lambda kind=kind, more=more: kind(4, 6, 3, **more),
                4,
                *SPATIAL[d],
            )
        add(
            f"LazyConvTranspose{d}d(6, 3)",
            lambda d=d: getattr(nn, f"LazyConvTranspose{d}d")(6, 3),
            4,
            *SPATIAL[d],
        )


def batch_norms():
    add("BatchNorm1d(5)", lambda: nn.BatchNorm1d(5), 5)
    for d in (1, 2, 3):
        kind = getattr(nn, f"BatchNorm{d}d")
        sizes = (5, *SPATIAL[d])
        add(f"BatchNorm{d}d(5), spatial", lambda kind=kind: kind(5), *sizes)
        add(
            f"BatchNorm{d}d(5, affine=False)",
            lambda kind=kind: kind(5, affine=False),
            *sizes,
        )
        add(
            f"BatchNorm{d}d(5, momentum=None)",
            lambda kind=kind: kind(5, momentum=None),
            *sizes,
        )
        add(
            f"BatchNorm{d}d(5, track_running_stats=False)",
            lambda kind=kind: kind(5, track_running_stats=False),
            *sizes,
        )
        add(
            f"LazyBatchNorm{d}d()",
            lambda d=d: getattr(nn, f"LazyBatchNorm{d}d")(),
            *sizes,
        )
    for d in (2, 3):
        add(
            f"BatchNorm{d}d(5), one row, gradient by pixels",
            lambda d=d: getattr(nn, f"BatchNorm{d}d")(5),
            5,
            *SPATIAL[d],
            call=getattr(shapes, f"Pixels{d}d"),
            alone=True,
        )
    add("SyncBatchNorm(5)", lambda: nn.SyncBatchNorm(5), 5, *SPATIAL[2])


def other_norms():
    for d in (1, 2, 3):
        kind = getattr(nn, f"InstanceNorm{d}d")
        sizes = (5, *SPATIAL[d])
        add(f"InstanceNorm{d}d(5)", lambda kind=kind: kind(5), *sizes)
        add(
            f"InstanceNorm{d}d(5, affine=True, track_running_stats=True)",
            lambda kind=kind: kind(5, affine=True, track_running_stats=True),
            *sizes,
        )
        add(
            f"LazyInstanceNorm{d}d(affine=True)",
            lambda d=d: getattr(nn, f"LazyInstanceNorm{d}d")(affine=True),
            *sizes,
        )
    for d in (2, 3):
        add(
            f"InstanceNorm{d}d(5, affine=True), one row, gradient by pixels",
            lambda d=d: getattr(nn, f"InstanceNorm{d}d")(5, affine=True),
            5,
            *SPATIAL[d],
            call=getattr(shapes, f"Pixels{d}d"),
            alone=True,
        )
    add("GroupNorm(3, 6)", lambda: nn.GroupNorm(3, 6), 6, 4, 5)
    add("GroupNorm(1, 6) of 2 dimensions", lambda: nn.GroupNorm(1, 6), 6)
    add("GroupNorm(6, 6, affine=False)", lambda: nn.GroupNorm(6, 6, affine=False), 6, 5)
    add(
        "GroupNorm(3, 6), channels last",
        lambda: nn.GroupNorm(3, 6),
        4,
        5,
        6,
        call=shapes.ChannelsLast,
    )
    add(
        "BatchNorm2d(6), channels last",
        lambda: nn.BatchNorm2d(6),
        4,
        5,
        6,
        call=shapes.ChannelsLast,
    )
    add("LayerNorm(6)", lambda: nn.LayerNorm(6), 4, 6)
    add("LayerNorm([4, 6], bias=False)", lambda: nn.LayerNorm([4, 6], bias=False), 4, 6)
    add(
        "LayerNorm(6, elementwise_affine=False)",
        lambda: nn.LayerNorm(6, elementwise_affine=False),
        4,
        6,
    )
    add("RMSNorm(6)", lambda: nn.RMSNorm(6), 4, 6)
    add(
        "RMSNorm([4, 6], elementwise_affine=False)",
        lambda: nn.RMSNorm([4, 6], elementwise_affine=False),
        4,
        6,
    )
    add("LocalResponseNorm(3)", lambda: nn.LocalResponseNorm(3), 5, 4, 4)
    add("CrossMapLRN2d(3)", lambda: nn.CrossMapLRN2d(3), 5, 4, 4)


def the_rest():
    add("PReLU()", lambda: nn.PReLU(), 5, 4)
    add("PReLU(5)", lambda: nn.PReLU(5), 5, 4)
    softmax = nn.AdaptiveLogSoftmaxWithLoss
    for text, more in (("", {}), (", head_bias=True", {"head_bias": True})):
        add(
            f"AdaptiveLogSoftmaxWithLoss(6, 9, [3, 6]{text}).log_prob",
            lambda more=more: softmax(6, 9, [3, 6], div_value=2, **more),
            6,
            call=shapes.LogProbability,
        )
    add(
        "AdaptiveLogSoftmaxWithLoss(6, 9, [3, 6])",
        lambda: softmax(6, 9, [3, 6], div_value=2),
        6,
        call=shapes.Targets,
    )
    for d in (1, 2, 3):
        for p in (1e-9, 1.0):
            kind = getattr(nn, f"Dropout{d}d")
            add(f"Dropout{d}d({p:g})", lambda kind=kind, p=p: kind(p), 5, *SPATIAL[d])
    for name in ("Dropout", "AlphaDropout", "FeatureAlphaDropout"):
        for p in (1e-9, 1.0):
            add(f"{name}({p:g})", lambda name=name, p=p: getattr(nn, name)(p), 5, 4)
    add("RReLU(0.2, 0.2)", lambda: nn.RReLU(0.2, 0.2), 5, 4)
    for d in (2, 3):
        add(
            f"FractionalMaxPool{d}d(2, 3, _random_samples=...)",
            lambda d=d: getattr(nn, f"FractionalMaxPool{d}d")(
                2, 3, _random_samples=torch.rand(2, 3, d)
            ),
            3,
            *[6] * d,
        )
    for name, make in parametrized.MODULES.items():
        add(name, make, *parametrized.SIZES.get(name, (6,)))


for group in (
    linear,
    convolutions,
    transposed_convolutions,
    batch_norms,
    other_norms,
    sequences.recurrent,
    sequences.cells,
    sequences.attention,
    sequences.embeddings,
    the_rest,
):
    group()
