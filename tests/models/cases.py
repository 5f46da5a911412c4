"""The models of tests/models: how to build, cut and feed them, and their losses."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import export

ROWS, MICROBATCHES, STEPS, RATE = 8, 4, 3, 0.05
SMALL = {"width": 16, "heads": 2, "seq": 8, "vocab": 32}


@dataclass
class Case:
    """Properties of a model that its test needs."""

    model: str  # its name in scripts/export.py
    cuts: list[str]  # split points for 4 stages; the middle one makes 2
    output: str | None  # output that the loss reads; None: the only one
    loss: str | None = "cross_entropy"  # None: the output is the loss
    classes: int = 0  # targets are below it; 0: targets have the output's shape
    options: dict = field(default_factory=lambda: dict(SMALL, layers=4))
    infers: bool = False  # compares every output, without training
    resized: bool = False  # the sequence is free: runs with another length
    traced: bool = True  # torch can trace it
    scripted: bool = False  # torch can script it
    trains: bool = True


CASES = {
    "gpt2": Case(
        "gpt2",
        [f"transformer.h.{i}" for i in (1, 2, 3)],
        "logits",
        classes=32,
        resized=True,
    ),
    "llama": Case(
        "llama",
        [f"model.layers.{i}" for i in (1, 2, 3)],
        "logits",
        classes=32,
        resized=True,
    ),
    "bert": Case(
        "bert",
        [f"bert.encoder.layer.{i}" for i in (1, 2, 3)],
        "logits",
        classes=32,
        resized=True,
    ),
    "t5": Case(
        "t5",
        ["encoder.block.1", "decoder.block.0", "decoder.block.1.layer.1"],
        "loss",
        loss=None,
        options=dict(SMALL, layers=2),
        infers=True,
        resized=True,
    ),
    "tied-gpt": Case(
        "tied-gpt",
        [f"layers.{i}" for i in (1, 2, 3)],
        None,
        classes=32,
        options=dict(SMALL, layers=4),
        resized=True,
        scripted=True,
    ),
    "resnet50": Case(
        "resnet50",
        ["layer2", "layer3", "layer4"],
        None,
        classes=10,
        options={"width": 4},
        scripted=True,
    ),
    "unet": Case(
        "unet",
        ["down.0", "down.1:end", "up.1"],
        None,
        loss="mse",
        options={"width": 4},
        scripted=True,
    ),
    "late-inputs": Case(
        "late-inputs",
        ["layers.1", "layers.2", "layers.3"],
        None,
        classes=4,
        options={},
        scripted=True,
    ),
    "in-place-mix": Case(
        "in-place-mix",
        ["layers.1", "layers.2", "layers.3"],
        None,
        loss="mse",
        options={},
        scripted=True,
    ),
    "odd-borders": Case(
        "odd-borders",
        ["layers.1", "layers.2", "layers.3"],
        "output_0",
        loss="mse",
        options={},
        infers=True,
    ),
    "branch": Case("branch", ["last"], None, classes=4, options={}, traced=False),
    "loop": Case("loop", ["last"], None, options={}, infers=True, trains=False),
}


def build(case, dtype=torch.float64, batch=2):
    """The module in training mode, with example inputs of `batch` rows."""
    options = export.Options(batch=batch, **case.options)
    return export.build(case.model, options, dtype=dtype)


def make_data(case, example, rows=ROWS):
    """Inputs by name and the target, of `rows` rows like the example's."""
    names = list(example.dynamic)
    inputs = dict(zip(names, example.args, strict=False)) | example.kwargs
    generator = torch.Generator().manual_seed(5)
    data = {}
    for name, like in inputs.items():
        shape = [rows, *like.shape[1:]]
        if name == "attention_mask":
            data[name] = torch.ones(shape, dtype=torch.int64)
            data[name][1::2, shape[1] // 2 :] = 0
        elif like.is_floating_point():
            data[name] = torch.randn(
                shape, generator=generator, dtype=torch.float64
            ).to(like.dtype)
        else:
            data[name] = torch.randint(
                2, int(like.max()) + 1, shape, generator=generator
            )
    return data


def make_target(case, output):
    """A target for this output of all rows."""
    generator = torch.Generator().manual_seed(6)
    if case.loss == "mse":
        return torch.randn(output.shape, generator=generator, dtype=torch.float64).to(
            output.dtype
        )
    return torch.randint(0, case.classes, output.shape[:-1], generator=generator)


def outputs_of(value):
    """Outputs of the model by name."""
    if isinstance(value, torch.Tensor):
        return {"output": value}
    if isinstance(value, (tuple, list)):
        return {f"output_{i}": x for i, x in enumerate(value)}
    return {k: v for k, v in value.items() if isinstance(v, torch.Tensor)}


def loss_of(case, outputs, target):
    if case.loss is None:
        return outputs[case.output]
    output = outputs[case.output or "output"]
    if case.loss == "mse":
        return torch.nn.functional.mse_loss(output, target)
    return torch.nn.functional.cross_entropy(output.flatten(0, -2), target.flatten())


def job_text(case, model, data, stages, schedule, launcher, name, trains=True):
    """Writes a job of `stages` stages and as many ranks as the schedule needs."""
    cuts = case.cuts
    if stages == 2:
        cuts = [cuts[len(cuts) // 2]]
    ranks = stages if schedule in ("1F1B", "GPipe") else stages // 2
    inputs = "\n".join(f'inputs.{key} = {{ path = "{key}.npy" }}' for key in data)
    loss = [f'name = "{case.loss}"'] if case.loss else []
    loss += [f'output = "{case.output}"'] if case.output else []
    target = 'target = { path = "target.npy" }' if case.loss and trains else ""
    quoted = ", ".join(f'"{cut}"' for cut in cuts)
    train = (
        f"""[train]
steps = {STEPS}
loss = {{ {", ".join(loss)} }}
optimizer = {{ name = "sgd", lr = {RATE} }}"""
        if trains
        else ""
    )
    return f"""
[model]
path = "{model}"
[split]
at = [{quoted}]
[pipeline]
schedule = "{schedule}"
microbatches = {MICROBATCHES}
ranks = {ranks}
launcher = "{launcher}"
[data]
batch_size = {ROWS}
shuffle = false
{inputs}
{target}
{train}
[output]
dir = "{name}"
"""
