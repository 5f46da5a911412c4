"""hand_stages.py export FOLDER | check FOLDER RUN... | infer FOLDER RUN |
joined FOLDER MODEL [RUN] | pair FOLDER MODEL

Exports four stages one by one, in both formats, as a user of torch's manual
frontend would, and compares with training them as one model in Python."""

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

WIDTH, ROWS, STEPS, MICROBATCHES, RATE = 8, 16, 3, 4, 0.1


class First(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        h = torch.tanh(self.lin(x))
        return {"h": h, "skip": h[:, ::2], "aux": h.sum(dim=1)}


class Second(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(WIDTH, WIDTH)

    def forward(self, h):
        return torch.relu(self.lin(h))


class Third(nn.Module):
    """Reads the previous stage's output by position, and an input of the model."""

    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(WIDTH, WIDTH)
        self.register_buffer("seen", torch.zeros((), dtype=torch.long))

    def forward(self, hidden, scale):
        self.seen.add_(1)
        return {"y": self.lin(hidden) * scale.half().float()}


class Fourth(nn.Module):
    """Reads a value of the first stage."""

    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(WIDTH, 4)

    def forward(self, y, skip, scale):
        return {"out": self.lin(y) + skip * scale[:, :1]}


class Half(nn.Module):
    """One of two halves, which calls its part as the whole model does."""

    def __init__(self, name, part):
        super().__init__()
        self.add_module(name, part)
        self.register_buffer(f"unread_{name}", torch.ones(3))

    def forward(self, x):
        rows = x.reshape(x.shape[0] * 2, -1).reshape(x.shape)
        return torch.relu(next(self.children())(rows))


def make():
    torch.manual_seed(0)
    return [First(), Second(), Third(), Fourth()]


def forward(stages, x, scale):
    first = stages[0](x)
    y = stages[2](stages[1](first["h"]), scale)["y"]
    return stages[3](y, first["skip"], scale)["out"], first["aux"]


def data():
    torch.manual_seed(1)
    size = STEPS * ROWS
    return (
        torch.randn(size, WIDTH),
        torch.rand(size, WIDTH) + 0.5,
        torch.randn(size, 4),
    )


def export(folder):
    x, scale, target = data()
    for name, tensor in ("x", x), ("scale", scale), ("target", target):
        np.save(folder / f"{name}.npy", tensor.numpy())
    x, scale = x[:4], scale[:4]
    stages = make()
    rows = torch.export.Dim("rows", min=1, max=64)
    free = {0: rows}

    def save(index, args, dynamic):
        program = torch.export.export(
            stages[index], args, dynamic_shapes=dynamic, strict=False
        )
        torch.export.save(program, folder / f"{index}.pt2")

    h = torch.randn(4, WIDTH)
    save(0, (x,), {"x": free})
    torch.jit.trace(stages[1], (h,)).save(str(folder / "1.pt"))
    save(2, (h, scale), {"hidden": free, "scale": free})
    save(3, (h, h[:, ::2], scale), {"y": free, "skip": free, "scale": free})
    # One pair of stages per format.
    program = torch.export.export(
        stages[1], (h,), dynamic_shapes={"h": free}, strict=False
    )
    torch.export.save(program, folder / "exported_1.pt2")
    for index, args in enumerate(((x,), (h,), (h, scale), (h, h[:, ::2], scale))):
        traced = torch.jit.trace(stages[index], args, strict=False, check_trace=False)
        traced.load_state_dict(
            make()[index].state_dict()
        )  # tracing increments the counter
        traced.save(str(folder / f"traced_{index}.pt"))
    # Names don't clash, and the second stage fixes the number of rows.
    torch.manual_seed(2)
    pair = nn.ModuleDict({"a": nn.Linear(WIDTH, WIDTH), "b": nn.Linear(WIDTH, 4)})
    torch.save(pair.state_dict(), folder / "pair.state")
    for name, shapes in ("a", {"x": free}), ("b", None):
        half = Half(name, pair[name])
        torch.export.save(
            torch.export.export(half, (x,), dynamic_shapes=shapes, strict=False),
            folder / f"{name}.pt2",
        )
    # Two stages that do not fit the others.
    torch.export.save(
        torch.export.export(nn.Linear(5, 4), (torch.randn(4, 5),)),
        folder / "narrow.pt2",
    )


def check(folder, runs):
    """Checks that weights and buffers after three steps equal Python's."""
    x, scale, target = data()
    stages = make()
    parameters = [p for stage in stages for p in stage.parameters()]
    for start in range(0, STEPS * ROWS, ROWS):
        rows = slice(start, start + ROWS)
        for a, b, c in zip(
            x[rows].chunk(MICROBATCHES),
            scale[rows].chunk(MICROBATCHES),
            target[rows].chunk(MICROBATCHES),
            strict=True,
        ):
            out, _ = forward(stages, a, b)
            (nn.functional.mse_loss(out, c) / MICROBATCHES).backward()
        with torch.no_grad():
            for p in parameters:
                p -= RATE * p.grad
                p.grad = None
    expected = {
        f"stage_{k}.{name}": value
        for k, stage in enumerate(stages)
        for name, value in stage.state_dict().items()
    }
    assert expected["stage_2.seen"] == STEPS * MICROBATCHES
    first = None
    for run in runs:
        got = {}
        for part in Path(run, "checkpoints", f"step_{STEPS}").glob("part_*"):
            tensors = load_file(part)
            got |= {k: v for k, v in tensors.items() if k in expected}
        assert got.keys() == expected.keys(), (run, got.keys() ^ expected.keys())
        for name, value in expected.items():
            error = (got[name].double() - value.double()).abs().max()
            assert error <= 1e-6 * max(1, value.double().abs().max()), (
                run,
                name,
                error,
            )
        first = first or got
        different = [k for k in got if not got[k].equal(first[k])]
        # LoopedBFS runs backwards in another order of microbatches.
        assert not different or "LoopedBFS" in run, (run, different)


def infer(folder, run):
    """Checks that the outputs, also the early one, equal Python's."""
    x, scale, _ = data()
    out, aux = forward(make(), x, scale)
    got = load_file(Path(run, "outputs.safetensors"))
    assert got.keys() == {"out", "aux"}, got.keys()
    assert (got["out"] - out).abs().max() < 1e-6
    assert (got["aux"] - aux).abs().max() < 1e-6


def load(path):
    if path.endswith(".pt"):
        return torch.jit.load(path)
    return torch.export.load(path).module()


def joined(folder, model, run=None):
    """Checks that the joined model equals the stages, with a run's weights."""
    x, scale, _ = data()
    stages = make()
    if run:
        weights = {}
        for part in Path(run, "checkpoints", f"step_{STEPS}").glob("part_*"):
            weights |= load_file(part)
        for index, stage in enumerate(stages):
            stage.load_state_dict(
                {name: weights[f"stage_{index}.{name}"] for name in stage.state_dict()}
            )
    program = load(model)
    names = {
        f"stage_{k}.{name}"
        for k, stage in enumerate(stages)
        for name in stage.state_dict()
    }
    assert set(program.state_dict()) == names, program.state_dict().keys()
    got = program(x, scale) if model.endswith(".pt") else program(x, scale=scale)
    expected = forward(stages, x, scale)
    for ours, theirs in zip(got, expected, strict=True):
        assert (ours - theirs).abs().max() <= 1e-6, (ours - theirs).abs().max()


def pair(folder, model):
    """Names as in the stages, the result not in a tuple, rows that are fixed."""
    state = torch.load(folder / "pair.state")
    program = torch.export.load(model)
    got = dict(program.state_dict)
    assert got.pop("unread_a").equal(torch.ones(3))
    assert got.pop("unread_b").equal(torch.ones(3))
    assert got.keys() == state.keys(), got.keys()
    assert all(got[k].equal(state[k]) for k in state)
    x = torch.randn(4, WIDTH)
    hidden = torch.relu(nn.functional.linear(x, state["a.weight"], state["a.bias"]))
    expected = torch.relu(
        nn.functional.linear(hidden, state["b.weight"], state["b.bias"])
    )
    assert (program.module()(x) - expected).abs().max() <= 1e-6
    try:
        program.module()(torch.randn(6, WIDTH))
    except Exception:  # torch raises several kinds
        return
    raise AssertionError("takes rows that the second stage does not")


if __name__ == "__main__":
    command, folder, *runs = sys.argv[1:]
    if command == "export":
        export(Path(folder))
    elif command == "infer":
        infer(Path(folder), *runs)
    elif command == "joined":
        joined(Path(folder), *runs)
    elif command == "pair":
        pair(Path(folder), *runs)
    else:
        check(Path(folder), runs)
