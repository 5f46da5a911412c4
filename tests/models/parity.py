"""Trains one small model with `pp` and with Python, and compares every weight.

The reference is Python's own loaded archive, trained on the same microbatches. `pp`
splits the model, verifies it, trains it under each schedule and merges the last
checkpoint; all parameters, buffers and constants of the merged model are compared in
the measure of docs/architecture.md.
"""

import importlib.util
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

_spec = importlib.util.spec_from_file_location(
    "measure", Path(__file__).resolve().parents[1] / "oracle" / "models.py"
)
measure = importlib.util.module_from_spec(_spec)  # scripts/models has the name "models"
_spec.loader.exec_module(measure)

ROWS, MICROBATCHES, RATE, TOLERANCE = 8, 4, 0.05, 1e-6
SCHEDULES = {"1F1B": 2, "ZBVZeroBubble": 1}  # ranks for 2 stages


@dataclass
class Case:
    """A model, its inputs, and what must hold."""

    model: torch.nn.Module
    inputs: dict[str, torch.Tensor]  # the export's example is the first 2 rows
    cut: str = "b"
    export: Callable | None = None  # (model, example) -> program; None: plain export
    data: dict[str, torch.Tensor] | None = None  # inputs to train with, if others
    microbatches: int = MICROBATCHES
    steps: int = 3
    optimizer: dict[str, float | bool] = field(default_factory=dict)
    refused: str | None = None  # the message that must name the cause


class Failed(Exception):
    """`pp` refused, or differs from Python."""


def save(case, folder):
    """Writes the exported program or script; returns its path."""
    example = tuple(value[:2].clone() for value in case.inputs.values())
    export = case.export or torch.export.export
    program = export(case.model, example)
    if isinstance(program, torch.jit.ScriptModule):
        path = folder / "model.pt"
        program.save(path)
    else:
        path = folder / "model.pt2"
        torch.export.save(program, path)
    return path


def load(path):
    if path.suffix == ".pt":
        return torch.jit.load(path)
    return torch.export.load(path).module()


def state_of(path, module):
    """Parameters, buffers and tensor constants by name; None: those of the file."""
    if path.suffix == ".pt":
        source = module or torch.jit.load(path)
        state = dict(source.named_parameters()) | dict(source.named_buffers())
        return {k: v.detach().clone() for k, v in state.items()}
    program = torch.export.load(path)
    names = [*program.state_dict, *program.constants]
    if module is None:
        state = {**program.state_dict, **program.constants}
    else:
        held = dict(module.named_parameters(remove_duplicate=False))
        held |= dict(module.named_buffers(remove_duplicate=False))
        state = {k: held[k] if k in held else getattr(module, k) for k in names}
    return {k: v.detach().clone() for k, v in state.items() if torch.is_tensor(v)}


def reference(case, path, data, target):
    """Returns the state and the largest gradient after training in Python."""
    module = load(path)
    weights = [p for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(weights, lr=RATE, **case.optimizer)
    largest = 0.0
    parts = [v.tensor_split(case.microbatches) for v in data.values()]
    for _ in range(case.steps):
        for *rows, wanted in zip(
            *parts, target.tensor_split(case.microbatches), strict=True
        ):
            loss = torch.nn.functional.mse_loss(module(*rows), wanted)
            (loss * (len(wanted) / len(target))).backward()
        for weight in weights:
            if weight.grad is not None:
                gradient = (
                    weight.grad.to_dense() if weight.grad.is_sparse else weight.grad
                )
                largest = max(largest, gradient.abs().max().item())
        optimizer.step()
        optimizer.zero_grad()
    return state_of(path, module), largest


def run(pp, folder, *words):
    done = subprocess.run(
        [pp, *words],
        cwd=folder,
        env=measure.environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode:
        raise Failed(f"pp {words[0]}: {(done.stderr + done.stdout).strip()}")


def write_job(case, data, schedule, folder):
    inputs = "\n".join(f'inputs.{key} = {{ path = "{key}.npy" }}' for key in data)
    options = "".join(
        f", {key} = {json.dumps(value)}" for key, value in case.optimizer.items()
    )
    rows = len(next(iter(data.values())))
    (folder / f"{schedule}.toml").write_text(f"""
[model]
stages = "stages"
[pipeline]
schedule = "{schedule}"
microbatches = {case.microbatches}
ranks = {SCHEDULES[schedule]}
launcher = "local"
[data]
batch_size = {rows}
shuffle = false
{inputs}
target = {{ path = "target.npy" }}
[train]
steps = {case.steps}
loss = {{ name = "mse" }}
optimizer = {{ name = "sgd", lr = {RATE}{options} }}
[output]
dir = "{schedule}"
""")


def compare(where, got, expected, gradient):
    """Raises Failed with the first value that differs."""
    if set(got) != set(expected):
        raise Failed(f"{where}: values of {sorted(set(got) ^ set(expected))}")
    floating = [v for v in expected.values() if v.is_floating_point() or v.is_complex()]
    largest = max([gradient, *(measure.largest(v) for v in floating)])
    for name, value in expected.items():
        if got[name].shape != value.shape or got[name].dtype != value.dtype:
            raise Failed(f"{where}: {name} has another shape or type")
        if not (value.is_floating_point() or value.is_complex()):
            if not torch.equal(got[name], value):
                raise Failed(f"{where}: {name} differs")
            continue
        error = measure.error_of(got[name], value, largest)
        if not error <= TOLERANCE:
            raise Failed(f"{where}: {name} differs by {error:.3g}")


def input_options(path, inputs):
    """Describes the example's inputs, which a script doesn't store."""
    if path.suffix != ".pt":
        return []
    sizes = {
        k: "x".join(map(str, [2, *v.shape[1:]])) + f":{v.dtype}".replace("torch.", "")
        for k, v in inputs.items()
    }
    return [word for k, v in sizes.items() for word in ("--input", f"{k}={v}")]


def target_for(case, path, data):
    parts = [v.tensor_split(case.microbatches) for v in data.values()]
    module = load(path)
    with torch.no_grad():
        like = torch.cat([module(*each) for each in zip(*parts, strict=True)])
    generator = torch.Generator().manual_seed(6)
    return torch.randn(like.shape, generator=generator, dtype=like.dtype)


def train_and_compare(case, pp, folder):
    """Raises Failed if `pp` refuses the model or differs from Python."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path = save(case, folder)
    data = case.data or case.inputs
    target = (
        target_for(case, path, data)
        if case.refused is None
        else torch.zeros(len(next(iter(data.values()))), *case.inputs["x"].shape[1:])
    )
    for key, value in {**data, "target": target}.items():
        np.save(folder / f"{key}.npy", value.numpy())
    options = input_options(path, case.inputs)
    run(pp, folder, "split", path.name, "-o", "stages", "--at", case.cut, *options)
    if case.refused is None:
        run(pp, folder, "verify", "stages", *options)
        expected, gradient = reference(case, path, data, target)
    for schedule in SCHEDULES:
        write_job(case, data, schedule, folder)
        run(pp, folder, "run", f"{schedule}.toml")
        if case.refused is not None:
            raise Failed(f"{schedule}: not refused")
        merged = folder / f"{schedule}{path.suffix}"
        last = f"{schedule}/checkpoints/step_{case.steps}"
        run(pp, folder, "merge", "stages", "--checkpoint", last, "-o", merged.name)
        compare(schedule, state_of(merged, None), expected, gradient)


def problem(case, pp, folder):
    """Returns what is wrong with this case, or None."""
    try:
        train_and_compare(case, pp, folder)
    except Failed as error:
        text = str(error)
        if case.refused is None or not text.startswith("pp run"):
            return text
        if case.refused not in text:
            return f"refused without its cause: {text}"
        written = [s for s in SCHEDULES if (folder / s).exists()]
        return f"refused after {written} was written" if written else None
    return None
