"""training.py MODEL PP FOLDER

Five steps of SGD and of AdamW through `pp run`, under every launcher. The weights of
SGD, each step of AdamW (adamw.py), losses and buffers equal Python's; the results of
all runs equal each other to the bit.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import adamw
import models
import torch
from safetensors.torch import load_file

MICROBATCHES = 4
OPTIMIZERS = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}
RATES = {"sgd": 0.05, "adamw": 1e-3}
TOLERANCES = {"sgd": 1e-6, "adamw": 1e-5}
# (stages, schedule, launcher); the first is unsplit
RUNS = (
    (1, "GPipe", "local"),
    (4, "1F1B", "local"),
    (2, "GPipe", "processes"),
    (2, "1F1B", "env"),
)


class Task:
    """A model, its data and its loss."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        self.path = models.export(name, folder)
        self.program = torch.export.load(self.path)
        data = models.make_data(self.program, folder, models.ROWS)
        self.label, self.data, self.target, self.loss_name = data

    def backward(self, module, dtype=torch.float32):
        """Adds the gradients of all microbatches; returns the loss."""
        data, target = (
            value.to(dtype) if value.is_floating_point() else value
            for value in (self.data, self.target)
        )
        total = 0.0
        for rows, wanted in zip(
            data.tensor_split(MICROBATCHES),
            target.tensor_split(MICROBATCHES),
            strict=True,
        ):
            output = models.call(module, self.label, rows)
            loss = models.loss_of(output, wanted, self.loss_name)
            loss = loss * (wanted.numel() / target.numel())
            loss.backward()
            total += loss.item()
        return total

    def train(self, optimizer_class, lr):
        """Trains in Python; returns weights and buffers by FQN, and losses."""
        module = torch.export.load(self.path).module()
        optimizer = optimizer_class(module.parameters(), lr=lr, fused=True)
        losses = []
        for _ in range(models.STEPS):
            losses.append(self.backward(module))
            optimizer.step()
            optimizer.zero_grad()
        return {n: t.detach() for n, t in module.state_dict().items()}, losses


class Gradients:
    """Python's gradients in float32 and in float64, by FQN, at given weights.

    A tied parameter has an entry under each of its names. Buffers that training
    changes don't enter gradients in training mode.
    """

    def __init__(self, task):
        self.task = task
        double = models.export(task.name, task.folder, "float64")
        self.modules = [
            (torch.float32, torch.export.load(task.path).module()),
            (torch.float64, torch.export.load(double).module()),
        ]
        first = self.modules[0][1]
        self.names = {n for n, _ in first.named_parameters(remove_duplicate=False)}

    def __call__(self, weights):
        return [self.at(module, dtype, weights) for dtype, module in self.modules]

    def at(self, module, dtype, weights):
        parameters = dict(module.named_parameters(remove_duplicate=False))
        with torch.no_grad():
            for fqn, parameter in parameters.items():
                parameter.grad = None
                if fqn in weights:
                    parameter.copy_(weights[fqn])
        self.task.backward(module, dtype)
        by_place = {
            parameter.untyped_storage().data_ptr(): parameter.grad
            for parameter in parameters.values()
            if parameter.grad is not None
        }
        return {
            fqn: by_place[parameter.untyped_storage().data_ptr()]
            for fqn, parameter in parameters.items()
            if parameter.untyped_storage().data_ptr() in by_place
        }


def run(pp, job, launcher, stages):
    command = [pp, "run", job]
    if launcher == "env":
        torchrun = Path(sys.executable).parent / "torchrun"
        command = [
            torchrun,
            "--no-python",
            "--standalone",
            "--nproc-per-node",
            str(stages),
            *command,
        ]
    done = subprocess.run(
        command, env=models.environment(), capture_output=True, text=True
    )
    if done.returncode != 0:
        sys.exit(
            f"{launcher}, {stages} stages: exit {done.returncode}\n"
            f"{done.stdout}\n{done.stderr}"
        )


def weights(folder):
    newest = folder / "checkpoints" / f"step_{models.STEPS}"
    tensors = {}
    for part in sorted(newest.glob("part_*.safetensors")):
        tensors.update(load_file(part))
    return tensors


def write_job(task, optimizer, stages, schedule, launcher):
    """A job that keeps the checkpoint of each step."""
    return models.write_job(
        task.folder / f"{optimizer}_{stages}_{launcher}.toml",
        task.path,
        models.cuts_for(task.name, task.program, stages),
        task.label,
        task.loss_name,
        schedule=schedule,
        microbatches=MICROBATCHES,
        optimizer=optimizer,
        lr=RATES[optimizer],
        launcher=launcher,
        extra="checkpoint_every = 1\nkeep = 0",
    )


def compare_losses(where, folder, losses):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    reported = [json.loads(line)["loss"] for line in lines]
    return [
        f"{where}: loss {ours} != {theirs}"
        for ours, theirs in zip(reported, losses, strict=True)
        if not abs(ours - theirs) <= 1e-5 * abs(theirs)
    ]


def check_optimizer(task, pp, optimizer):
    """Trains under every launcher and compares; returns the differences."""
    expected, losses = task.train(OPTIMIZERS[optimizer], RATES[optimizer])
    gradients = Gradients(task)
    initial = dict(task.program.state_dict)
    failures, first = [], None
    for stages, schedule, launcher in RUNS:
        job = write_job(task, optimizer, stages, schedule, launcher)
        run(pp, job, launcher, stages)
        folder = task.folder / job.stem
        where = f"{task.name} {optimizer} {stages} stages {launcher}"
        got = weights(folder)
        failures += compare_losses(where, folder, losses)
        if optimizer == "adamw":
            states = adamw.load_states(folder, models.STEPS)
            lr = RATES[optimizer]
            failures += adamw.compare_steps(where, initial, states, gradients, lr)
        failures += compare(where, got, expected, optimizer, gradients.names)
        first = first or got
        failures += [
            f"{where}: other bits than unsplit: {key}"
            for key in got
            if key in expected
            and not tied(task.name)
            and not torch.equal(first[key], got[key])
        ]
    return failures


def main():
    name, pp, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    folder = folder / f"training_{name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    task = Task(name, folder)
    failures = [f for o in OPTIMIZERS for f in check_optimizer(task, pp, o)]
    for failure in failures:
        print(failure)
    print(f"{name}: {len(failures)} differences")
    sys.exit(1 if failures else 0)


def tied(name):
    """Whether a split changes bits: a tied weight's gradient is then summed in another
    order where its holders are on different stages, and every weight follows."""
    return name == "gpt2"


def compare(where, got, expected, optimizer, parameters):
    """Compares buffers, and the weights of SGD, after the last step."""
    failures = []
    scale = max(models.largest(w.double()) for w in expected.values())
    missing = [
        fqn
        for fqn in expected
        if fqn not in got
        and not any(
            expected[fqn].shape == expected[other].shape
            and torch.equal(expected[fqn], expected[other])
            for other in got
            if other in expected
        )
    ]
    if missing:
        failures.append(f"{where}: not in the checkpoint: {missing}")
    for fqn in set(got) & set(expected):
        if optimizer == "adamw" and fqn in parameters:
            continue  # adamw.py compares each of its steps
        error = models.error_of(got[fqn], expected[fqn], scale)
        if not error <= TOLERANCES[optimizer]:
            failures.append(f"{where}: {fqn}: {error:.3g}")
    return failures


if __name__ == "__main__":
    main()
