"""Exports small models to a folder, one `.pt2` per case.

Each file, by its name, covers one thing that the ExportedProgram reader and writer
must understand. The folder `refused` has those that it must refuse.
"""

import collections
import dataclasses
import pathlib
import sys

import torch
from torch import nn
from torch.distributed.pipelining import pipe_split
from torch.export import Dim, export, save


@dataclasses.dataclass
class Answer:
    logits: torch.Tensor
    hidden: torch.Tensor


torch.export.register_dataclass(Answer, serialized_type_name="cases.Answer")
Pair = collections.namedtuple("Pair", ["first", "second"])
torch.utils._pytree._register_namedtuple(Pair, serialized_type_name="cases.Pair")


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def forward(self, x):
        return x + self.down(torch.relu(self.up(x)))


class Mlp(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.blocks = nn.Sequential(Block(width), Block(width))
        self.head = nn.Linear(width, 4)

    def forward(self, x):
        return self.head(self.blocks(x))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, 6)
        self.mix = nn.Linear(6, 6)
        self.head = nn.Linear(6, 10, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids):
        return self.head(self.mix(self.embed(ids)))


class BatchNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x):
        return self.norm(self.conv(x)).mean((2, 3))


class Regions(nn.Module):
    """No-grad and autocast regions, one inside the other and side by side."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 4)
        self.b = nn.Linear(4, 4)
        self.c = nn.Linear(4, 4)

    def forward(self, x):
        with torch.no_grad():
            frozen = self.a(x) * 2
            scale, shift = frozen.split(2, 1)
        with torch.autocast("cpu", torch.bfloat16):
            y = self.b(x)
            with torch.no_grad():
                z = self.b(y)
            y = y + z
        with torch.no_grad():
            tail = self.a(frozen)
        return self.c(y.float()) + frozen * scale.sum() + shift.sum() + tail


class Outputs(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.body = nn.Linear(4, 4)

    def forward(self, x):
        y = self.body(x)
        z = y.tanh()
        if self.kind == "dict":
            return {"logits": y, "parts": (z, z * 2), "none": None}
        if self.kind == "dataclass":
            return Answer(logits=y, hidden=z)
        if self.kind == "namedtuple":
            return Pair(first=y, second={"z": z})
        return y, [z, z + 1]


class Keywords(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 4)

    def forward(self, x, mask=None, *, scale, options, flag=True, unused=None):
        y = self.body(x) * scale + options["bias"] + options["gain"]
        if flag and mask is not None:
            y = y.masked_fill(mask, 0.0)
        return y


class Dynamic(nn.Module):
    """Sizes computed from the input, and arithmetic on them."""

    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 4)

    def forward(self, x):
        rows, width = x.shape[0], x.shape[1]
        y = self.body(x.view(rows, width, 4))
        flat = y.reshape(rows * width, 4)
        return flat, torch.arange(rows * width // 2 + 1).float()


class Constants(nn.Module):
    """A tensor attribute, a buffer that is saved and one that is not."""

    def __init__(self):
        super().__init__()
        self.register_buffer("kept", torch.arange(4.0))
        self.register_buffer("derived", torch.ones(4) * 3, persistent=False)
        self.shift = torch.full((4,), 0.5)

    def forward(self, x):
        return x * self.kept + self.derived - self.shift + torch.tensor([1.0])


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.body = nn.Linear(4, 4)

    def forward(self, x):
        self.steps.add_(1)
        return self.body(x) * self.steps


class Branch(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 4)

    def forward(self, x):
        y = torch.cond(x.sum() > 0, lambda v: v.sin() * 2, lambda v: v.cos(), (x,))
        return self.body(y)


class Twice(nn.Module):
    """One module called twice, and views whose strides are not dense."""

    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 4)
        self.norm = nn.LayerNorm(4)

    def forward(self, x):
        x = self.norm(self.body(x)).transpose(0, 1)
        first, second = self.body(x.transpose(0, 1)).chunk(2, dim=-1)
        values, index = second.max(dim=-1)
        return first, values, index


class Marker(nn.Module):
    """Has a marker of a cut in its graph."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 4)
        self.b = nn.Linear(4, 4)

    def forward(self, x):
        x = self.a(x)
        pipe_split()
        return self.b(x)


class Loop(nn.Module):
    def forward(self, x):
        def more(i, value):
            return i < 3

        def step(i, value):
            return i + 1, value * 2

        from torch._higher_order_ops.while_loop import while_loop

        return while_loop(more, step, (torch.zeros((), dtype=torch.int64), x))


class Mapped(Mlp):
    """Calls a function of one row for all rows."""

    def forward(self, x):
        def scale(row):
            return row.softmax(0) * row.sum()

        return self.head(torch.func.vmap(scale)(self.blocks(x)))


class Accumulated(Mlp):
    """Adds up rows with associative_scan, which is made of vmap."""

    def forward(self, x):
        from torch._higher_order_ops.associative_scan import associative_scan

        sums = associative_scan(torch.add, self.blocks(x), 0, combine_mode="generic")
        return self.head(sums)


class Scanned(Mlp):
    def forward(self, x):
        from torch._higher_order_ops.scan import scan

        def step(carry, row):
            return carry + row, carry * row

        return self.head(scan(step, torch.zeros(8), self.blocks(x))[1])


def refused_cases():
    torch.manual_seed(0)
    wide = torch.randn(4, 8)
    yield "vmap", export(Mapped(), (wide,))
    yield "associative_scan", export(Accumulated(), (wide,))
    yield "scan", export(Scanned(), (wide,))


def cases():
    torch.manual_seed(0)
    x = torch.randn(3, 4)
    wide = torch.randn(2, 8)
    yield "mlp", export(Mlp(), (wide,), strict=False)
    yield "mlp_strict", export(Mlp(), (wide,), strict=True)
    yield "mlp_double", export(Mlp().double(), (wide.double(),))
    yield (
        "mlp_batch",
        export(Mlp(), (wide,), dynamic_shapes=({0: Dim("batch", max=64)},)),
    )
    ids = torch.randint(0, 10, (2, 3))
    yield "tied", export(Tied(), (ids,), strict=False)
    yield "tied_strict", export(Tied(), (ids,), strict=True)
    image = torch.randn(2, 1, 6, 6)
    yield "batch_norm", export(BatchNorm().train(), (image,))
    yield (
        "batch_norm_functional",
        export(BatchNorm().train(), (image,)).run_decompositions(),
    )
    yield "regions", export(Regions(), (x,))
    for kind in ("dict", "dataclass", "namedtuple", "tuple"):
        yield f"outputs_{kind}", export(Outputs(kind), (x,))
    yield (
        "keywords",
        export(
            Keywords(),
            (x, torch.zeros(3, 4, dtype=torch.bool)),
            {
                "scale": torch.tensor(2.0),
                "options": {"gain": torch.ones(4), "bias": torch.ones(4)},
                "flag": True,
                "unused": None,
            },
        ),
    )
    yield (
        "dynamic",
        export(
            Dynamic(),
            (torch.randn(2, 6, 4),),
            dynamic_shapes=({0: Dim.AUTO, 1: Dim.AUTO},),
        ),
    )
    yield "constants", export(Constants(), (x,))
    yield "counter", export(Counter(), (x,))
    yield "counter_functional", export(Counter(), (x,)).run_decompositions()
    yield "branch", export(Branch(), (x,))
    yield "twice", export(Twice(), (x,))
    yield "marker", export(Marker(), (x,))
    yield "loop", export(Loop(), (x,))
    for name, program in refused_cases():
        if name != "scan":  # nothing decomposes it
            yield name, program.run_decompositions({})


def gpt2():
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(
        n_layer=2,
        n_embd=16,
        n_head=2,
        vocab_size=64,
        n_positions=32,
        use_cache=False,
    )
    model = GPT2LMHeadModel(config).train()
    ids = torch.randint(0, 64, (2, 8))
    auto = {"input_ids": {0: Dim.AUTO, 1: Dim.AUTO}}
    return export(model, (), {"input_ids": ids}, dynamic_shapes=auto)


def llama():
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        vocab_size=64,
        max_position_embeddings=32,
        use_cache=False,
    )
    model = LlamaForCausalLM(config)
    ids = torch.randint(0, 64, (2, 8))
    auto = {"input_ids": {0: Dim.AUTO, 1: Dim.AUTO}}
    return export(model, (), {"input_ids": ids}, dynamic_shapes=auto)


def main():
    folder = pathlib.Path(sys.argv[1])
    refused = folder / "refused"
    refused.mkdir(parents=True, exist_ok=True)
    for name, program in cases():
        save(program, folder / f"{name}.pt2")
    for name, program in refused_cases():
        save(program, refused / f"{name}.pt2")
    for name, make in (("gpt2", gpt2), ("llama", llama)):
        save(make(), folder / f"{name}.pt2")


if __name__ == "__main__":
    main()
