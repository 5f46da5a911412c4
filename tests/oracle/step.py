"""step.py MODEL DUMP_STEP FOLDER

Checks that outputs, loss, gradients by FQN and buffers of one step, in 1 to 4 stages
under GPipe and 1F1B, equal those of Python, and each other to the bit.
"""

import subprocess
import sys
from pathlib import Path

import models
import torch
from safetensors.torch import load_file

MICROBATCHES = 4


def reference(path, label, data, target, loss_name):
    """Computes the step in Python, microbatch by microbatch."""
    program = torch.export.load(path)
    module = program.module()
    first_name = {}  # by storage: tied parameters have their first name
    for fqn, weight in program.state_dict.items():
        first_name.setdefault(weight.untyped_storage().data_ptr(), fqn)
    outputs, total = [], 0.0
    chunks = zip(
        data.tensor_split(MICROBATCHES), target.tensor_split(MICROBATCHES), strict=True
    )
    for rows, wanted in chunks:
        output = models.call(module, label, rows)
        loss = models.loss_of(output, wanted, loss_name)
        loss = loss * (wanted.numel() / target.numel())
        loss.backward()
        outputs.append(output.detach())
        total += loss.item()
    gradients = {
        first_name[p.untyped_storage().data_ptr()]: p.grad
        for p in module.parameters()
        if p.grad is not None
    }
    buffers = dict(module.named_buffers())
    return outputs, total, gradients, buffers, program


def main():
    name, dump_step, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    folder = folder / f"step_{name}"
    folder.mkdir(parents=True, exist_ok=True)
    failures = []
    exact = None  # gradients in double precision, which tell noise
    for dtype, tolerance in (("float64", 1e-12), ("float32", 1e-6)):
        path = models.export(name, folder, dtype)
        program = torch.export.load(path)
        label, data, target, loss = models.make_data(program, folder, models.ROWS)
        outputs, total, gradients, buffers, _ = reference(
            path, label, data, target, loss
        )
        if dtype == "float64":
            exact = gradients
        scale = max(models.largest(g) for g in exact.values())
        first = None
        most = len(models.MODELS[name]["cuts"] or ["any"] * 3) + 1
        for stages in range(1, most + 1):
            for schedule in ("GPipe", "1F1B"):
                job = models.write_job(
                    folder / "job.toml",
                    path,
                    models.cuts_for(name, program, stages),
                    label,
                    loss,
                    schedule=schedule,
                    microbatches=MICROBATCHES,
                )
                subprocess.run([dump_step, job, folder / "out.safetensors"], check=True)
                got = load_file(folder / "out.safetensors")
                where = f"{name} {dtype} {stages} stages {schedule}"
                failures += compare(
                    where,
                    got,
                    outputs,
                    total,
                    gradients,
                    buffers,
                    exact,
                    scale,
                    tolerance,
                )
                first = first or got
                failures += same_bits(where, first, got, program)
    for failure in failures:
        print(failure)
    print(f"{name}: {len(failures)} differences")
    sys.exit(1 if failures else 0)


def compare(where, got, outputs, total, gradients, buffers, exact, scale, tolerance):
    failures = []
    output_name = next(k for k in got if k.startswith("outputs.")).split(".")[1]
    for microbatch, expected in enumerate(outputs):
        actual = got[f"outputs.{output_name}.{microbatch}"]
        error = models.error_of(actual, expected, models.largest(expected))
        if not error <= tolerance:
            failures.append(f"{where}: output {microbatch}: {error:.3g}")
    error = abs(got["loss"].item() - total) / abs(total)
    if not error <= tolerance:
        failures.append(f"{where}: loss: {error:.3g}")
    names = {k.removeprefix("gradients.") for k in got if k.startswith("gradients.")}
    if names != set(gradients):
        failures.append(f"{where}: gradients of {names ^ set(gradients)}")
    for fqn in names & set(gradients):
        noise = exact[fqn].abs() < 1e-6 * scale
        error = models.error_of(got["gradients." + fqn], gradients[fqn], scale, noise)
        if not error <= tolerance:
            failures.append(f"{where}: gradient {fqn}: {error:.3g}")
    for fqn, expected in buffers.items():
        actual = got.get("buffers." + fqn)
        if actual is None:
            continue  # the graph does not use it
        error = models.error_of(actual, expected, models.largest(expected.double()))
        if not error <= tolerance:
            failures.append(f"{where}: buffer {fqn}: {error:.3g}")
    return failures


def same_bits(where, first, got, program):
    """Differences in bits, by invariant 1 of docs/architecture.md.

    Gradients of parameters that several stages hold are summed in another order, so
    only `compare` looks at them.
    """
    failures = []
    for key, expected in first.items():
        if key.startswith("gradients.") and shared(key[10:], program):
            continue
        if not torch.equal(got[key], expected):
            failures.append(f"{where}: other bits than unsplit: {key}")
    return failures


def shared(fqn, program):
    weights = program.state_dict
    pointer = weights[fqn].untyped_storage().data_ptr()
    return sum(w.untyped_storage().data_ptr() == pointer for w in weights.values()) > 1


if __name__ == "__main__":
    main()
