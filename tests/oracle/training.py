"""training.py MODEL PP FOLDER

Five steps of SGD and of AdamW through `pp run`, under every launcher: weights
and buffers equal Python's, and each other to the bit."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

import models

MICROBATCHES = 4
RATES = {"sgd": 0.05, "adamw": 1e-3}


def reference(path, label, data, target, loss_name, optimizer_name):
    module = torch.export.load(path).module()
    parameters = list(module.parameters())
    if optimizer_name == "sgd":
        optimizer = torch.optim.SGD(parameters, lr=RATES["sgd"], fused=True)
    else:
        optimizer = torch.optim.AdamW(parameters, lr=RATES["adamw"],
                                      fused=True)
    losses = []
    for _ in range(models.STEPS):
        total = 0.0
        for rows, wanted in zip(data.tensor_split(MICROBATCHES),
                                target.tensor_split(MICROBATCHES)):
            output = models.call(module, label, rows)
            loss = models.loss_of(output, wanted, loss_name)
            loss = loss * (wanted.numel() / target.numel())
            loss.backward()
            total += loss.item()
        losses.append(total)
        optimizer.step()
        optimizer.zero_grad()
    return {n: t.detach() for n, t in module.state_dict().items()}, losses


def noise_of(name, folder, label, data, target, loss_name):
    """Entries whose gradient is mathematically zero (a key's bias in
    attention): in double below 1e-6 of the largest. AdamW makes full steps of
    their rounding errors; what it does with a gradient is compared to the bit
    elsewhere (tests/train)."""
    path = models.export(name, folder, "float64")
    module = torch.export.load(path).module()
    if data.is_floating_point():
        data = data.double()
    if target.is_floating_point():
        target = target.double()
    loss = models.loss_of(models.call(module, label, data), target, loss_name)
    loss.backward()
    gradients = {n: p.grad for n, p in module.named_parameters()
                 if p.grad is not None}
    scale = max(models.largest(g) for g in gradients.values())
    return {n: g.abs() < 1e-6 * scale for n, g in gradients.items()}


def run(pp, job, launcher, stages):
    command = [pp, "run", job]
    if launcher == "env":
        torchrun = Path(sys.executable).parent / "torchrun"
        command = [torchrun, "--no-python", "--standalone",
                   "--nproc-per-node", str(stages), *command]
    done = subprocess.run(command, env=models.environment(),
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{launcher}, {stages} stages: exit {done.returncode}\n"
                 f"{done.stdout}\n{done.stderr}")


def weights(folder):
    newest = folder / "checkpoints" / f"step_{models.STEPS}"
    tensors = {}
    for part in sorted(newest.glob("part_*.safetensors")):
        tensors.update(load_file(part))
    return tensors


def main():
    name, pp, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    folder = folder / f"training_{name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path = models.export(name, folder)
    program = torch.export.load(path)
    label, data, target, loss = models.make_data(program, folder,
                                                 models.ROWS)
    noise = noise_of(name, folder, label, data, target, loss)
    failures = []
    for optimizer, tolerance in (("sgd", 1e-6), ("adamw", 1e-5)):
        expected, losses = reference(path, label, data, target, loss,
                                     optimizer)
        first = None
        for stages, schedule, launcher in ((1, "GPipe", "local"),
                                           (4, "1F1B", "local"),
                                           (2, "GPipe", "processes"),
                                           (2, "1F1B", "env")):
            job = models.write_job(
                folder / f"{optimizer}_{stages}_{launcher}.toml", path,
                models.cuts_for(name, program, stages), label, loss,
                schedule=schedule, microbatches=MICROBATCHES,
                optimizer=optimizer, lr=RATES[optimizer], launcher=launcher)
            run(pp, job, launcher, stages)
            where = f"{name} {optimizer} {stages} stages {launcher}"
            got = weights(folder / job.stem)
            lines = (folder / job.stem / "metrics.jsonl").read_text()
            reported = [json.loads(x)["loss"] for x in lines.splitlines()]
            for ours, theirs in zip(reported, losses, strict=True):
                if not abs(ours - theirs) <= 1e-5 * abs(theirs):
                    failures.append(f"{where}: loss {ours} != {theirs}")
            failures += compare(where, got, expected, noise, tolerance)
            first = first or got
            failures += [f"{where}: other bits than unsplit: {key}"
                         for key in got
                         if key in expected and not tied(expected, name)
                         and not torch.equal(first[key], got[key])]
    for failure in failures:
        print(failure)
    print(f"{name}: {len(failures)} differences")
    sys.exit(1 if failures else 0)


def tied(expected, name):
    """A tied embedding's gradient is summed in another order when its holders
    lie on different stages, and every weight follows."""
    return name == "gpt2"


def compare(where, got, expected, noise, tolerance):
    failures = []
    scale = max(models.largest(w.double()) for w in expected.values())
    missing = [fqn for fqn in expected if fqn not in got
               and not any(expected[fqn].shape == expected[other].shape
                           and torch.equal(expected[fqn], expected[other])
                           for other in got if other in expected)]
    if missing:
        failures.append(f"{where}: not in the checkpoint: {missing}")
    for fqn in set(got) & set(expected):
        error = models.error_of(got[fqn], expected[fqn], scale,
                                noise.get(fqn))
        if not error <= tolerance:
            failures.append(f"{where}: {fqn}: {error:.3g}")
    return failures


if __name__ == "__main__":
    main()
