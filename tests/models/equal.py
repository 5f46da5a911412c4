"""equal.py CASE DUMP_STEP PP FOLDER

Compares a model in 2 and 4 stages, under 1F1B, Interleaved1F1B and ZBVZeroBubble, on
threads and on processes, with the unmodified Python module: outputs, loss, every
gradient and buffer of a step, weights and buffers after three. Runs in double
precision (1e-12, all runs) and in single precision (1e-6, one run); with other sizes
than the export's where it left them free, and with the fixed-size export; also traced
and scripted, where torch can. tests/oracle checks that all runs give the same bits.
"""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import cases
import numpy as np
import torch
from safetensors.torch import load_file

_spec = importlib.util.spec_from_file_location(
    "measure", cases.ROOT / "tests" / "oracle" / "models.py"
)
measure = importlib.util.module_from_spec(_spec)  # scripts/models has the name "models"
_spec.loader.exec_module(measure)

NAME, DUMP_STEP, PP = sys.argv[1:4]
FOLDER = Path(sys.argv[4]) / NAME
CASE = cases.CASES[NAME]
SCHEDULES = ("1F1B", "Interleaved1F1B", "ZBVZeroBubble")
failures = []


def fail(where, text):
    failures.append(f"{NAME} {where}: {text}")


def close(where, actual, expected, scale, tolerance, noise=None):
    if actual is None or actual.shape != expected.shape:
        fail(where, "missing or of another shape")
        return
    error = measure.error_of(actual, expected, scale, noise)
    if not error <= tolerance:
        fail(where, f"error {error:.3g}")


def reference(module, data, target):
    """Runs three steps in Python; returns the first one's values and final state."""
    first = {}
    losses = []
    optimizer = torch.optim.SGD(module.parameters(), lr=cases.RATE)
    parts = {k: v.tensor_split(cases.MICROBATCHES) for k, v in data.items()}
    targets = (
        target.tensor_split(cases.MICROBATCHES)
        if target is not None
        else [None] * cases.MICROBATCHES
    )
    for step in range(cases.STEPS):
        total = 0.0
        for i, wanted in enumerate(targets):
            rows = {k: v[i] for k, v in parts.items()}
            outputs = cases.outputs_of(module(**rows))
            part = next(iter(rows.values())).shape[0] / cases.ROWS
            loss = cases.loss_of(CASE, outputs, wanted) * part
            loss.backward()
            total += loss.item()
            if step == 0:
                for key, value in outputs.items():
                    first[f"outputs.{key}.{i}"] = value.detach().clone()
        losses.append(total)
        if step == 0:
            for fqn, weight in module.named_parameters():
                if weight.grad is not None:
                    first[f"gradients.{fqn}"] = weight.grad.clone()
            for fqn, buffer in module.named_buffers():
                first[f"buffers.{fqn}"] = buffer.clone()
        optimizer.step()
        optimizer.zero_grad()
    after = dict(module.named_parameters()) | dict(module.named_buffers())
    return first, {k: v.detach() for k, v in after.items()}, losses


def aliases(module):
    """First name of each tied parameter by each of its names."""
    first = {}
    return {
        fqn: first.setdefault(weight.data_ptr(), fqn)
        for fqn, weight in module.named_parameters(remove_duplicate=False)
    }


def compare_step(where, got, first, names, exact, tolerance):
    got = {
        ("gradients." + names.get(k[10:], k[10:]))
        if k.startswith("gradients.")
        else k: v
        for k, v in got.items()
    }
    gradients = {k: v for k, v in first.items() if k.startswith("gradients.")}
    found = {k for k in got if k.startswith("gradients.")}
    if found != set(gradients):
        fail(where, f"gradients of {sorted(found ^ set(gradients))}")
    scale = max(measure.largest(g) for g in exact.values())
    for key, expected in gradients.items():
        noise = exact[key].abs() < 1e-6 * scale
        close(f"{where} {key}", got.get(key), expected, scale, tolerance, noise)
    wanted = CASE.output or "output"
    for key, expected in first.items():
        kind, rest = key.split(".", 1)
        if kind == "outputs" and rest.rsplit(".", 1)[0] == wanted:
            actual = got.get(key, got.get(key.replace("output.", "output_0.")))
        elif kind == "buffers" and key in got:
            actual = got[key]
        else:
            continue
        close(
            f"{where} {key}",
            actual.reshape(expected.shape),
            expected,
            measure.largest(expected.double()),
            tolerance,
        )


def run_step(path, data, stages, schedule, where):
    job = FOLDER / "step.toml"
    job.write_text(cases.job_text(CASE, path, data, stages, schedule, "local", "step"))
    done = subprocess.run(
        [DUMP_STEP, job, FOLDER / "step.safetensors"], capture_output=True, text=True
    )
    if done.returncode:
        return fail(where, done.stderr.strip())
    return load_file(FOLDER / "step.safetensors")


def run_training(path, data, stages, schedule, launcher, where):
    name = f"{stages}_{schedule}_{launcher}"
    job = FOLDER / f"{name}.toml"
    job.write_text(cases.job_text(CASE, path, data, stages, schedule, launcher, name))
    shutil.rmtree(FOLDER / name, ignore_errors=True)
    done = subprocess.run(
        [PP, "run", job], env=measure.environment(), capture_output=True, text=True
    )
    if done.returncode:
        return fail(where, done.stderr.strip()), []
    weights = {}
    last = FOLDER / name / "checkpoints" / f"step_{cases.STEPS}"
    for part in last.glob("part_*.safetensors"):
        weights |= load_file(part)
    lines = (FOLDER / name / "metrics.jsonl").read_text().splitlines()
    return weights, [json.loads(line)["loss"] for line in lines]


def compare_training(
    where, weights, losses, after, expected_losses, names, exact, tolerance
):
    scale = max(measure.largest(g) for g in exact.values())
    largest = max(measure.largest(w.double()) for w in after.values())
    seen = set()
    for fqn, actual in weights.items():
        fqn = names.get(fqn, fqn)
        if fqn not in after:
            continue  # the optimizer's state
        seen.add(fqn)
        gradient = exact.get("gradients." + fqn)
        noise = None if gradient is None else gradient.abs() < 1e-6 * scale
        close(
            f"{where} after 3 steps {fqn}",
            actual,
            after[fqn],
            largest,
            tolerance,
            noise,
        )
    missing = {k[10:] for k in exact} - seen
    if missing:
        fail(where, f"not in the checkpoint: {sorted(missing)}")
    for ours, theirs in zip(losses, expected_losses, strict=True):
        if not abs(ours - theirs) <= max(tolerance, 1e-9) * abs(theirs):
            fail(where, f"loss {ours}, not {theirs}")


def check_inference(path, data, outputs):
    """Checks all outputs of all rows, also those of early stages."""
    most = len(CASE.cuts) + 1
    for stages, launcher in ((2, "local"), (most, "processes")):
        job = FOLDER / "infer.toml"
        job.write_text(
            cases.job_text(
                CASE, path, data, stages, "1F1B", launcher, "infer", trains=False
            )
        )
        done = subprocess.run(
            [PP, "run", job], env=measure.environment(), capture_output=True, text=True
        )
        where = f"inference in {stages} stages, {launcher}"
        if done.returncode:
            fail(where, done.stderr.strip())
            continue
        got = load_file(FOLDER / "infer" / "outputs.safetensors")
        if set(got) != set(outputs):
            fail(where, f"outputs {sorted(got)}, not {sorted(outputs)}")
        for key in set(got) & set(outputs):
            close(
                f"{where} {key}",
                got[key],
                outputs[key],
                measure.largest(outputs[key].double()),
                1e-12,
            )


def infer(module, data):
    """Python's outputs of each microbatch, joined as `pp` joins them."""
    parts = [
        dict(zip(data, rows, strict=True))
        for rows in zip(
            *(v.tensor_split(cases.MICROBATCHES) for v in data.values()), strict=True
        )
    ]
    with torch.no_grad():
        results = [cases.outputs_of(module(**rows)) for rows in parts]
    return {
        k: torch.cat([r[k] for r in results])
        if results[0][k].dim()
        else torch.stack([r[k] for r in results]).mean().to(results[0][k].dtype)
        for k in results[0]
    }


def save_data(data, target):
    for name, value in (*data.items(), ("target", target)):
        if value is not None:
            np.save(FOLDER / f"{name}.npy", value.numpy())


def prepare(dtype, how):
    """Exports (with "free" or "fixed" sizes), traces or scripts the model.

    Returns the file, its data, a new module, and its results in Python.
    """
    example = cases.build(CASE, dtype)
    path = FOLDER / f"{dtype}_{how}.pt2".removeprefix("torch.")
    if how in ("traced", "scripted"):
        path = path.with_suffix(".pt")
        script = trace(example) if how == "traced" else torch.jit.script(example.module)
        script.save(path)
    else:
        torch.export.save(export(example, how == "fixed"), path)
    if CASE.resized and how == "free":
        example = shorten(example)
    data = cases.make_data(CASE, example)
    module = cases.build(CASE, dtype).module
    if how == "traced":  # tracing ran the module once, which changed its buffers
        module.load_state_dict(example.module.state_dict())
    if not CASE.trains:
        save_data(data, None)
        return path, data, module, None
    target = None
    if CASE.loss:
        with torch.no_grad():
            shape = cases.outputs_of(cases.build(CASE, dtype).module(**data))
        target = cases.make_target(CASE, shape[CASE.output or "output"])
    save_data(data, target)
    return path, data, module, reference(module, data, target)


def shorten(example):
    """Example inputs with a shorter sequence, which the export allows."""
    cut = {k: v[:, :-1] for k, v in example.kwargs.items()}
    example.args = tuple(v[:, :-1] for v in example.args)
    example.kwargs = cut
    return example


def trace(example):
    options = {"check_trace": False, "strict": False}
    if example.kwargs:
        return torch.jit.trace(
            example.module, example_kwarg_inputs=example.kwargs, **options
        )
    return torch.jit.trace(example.module, example.args, **options)


def export(example, fixed):
    return cases.export.export(example, fixed=fixed)


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    path, data, module, expected = prepare(torch.float64, "free")
    if CASE.infers:
        check_inference(path, data, infer(cases.build(CASE).module, data))
    if CASE.trains:
        check_training(path, data, module, *expected)
    print("\n".join(failures))
    print(f"{NAME}: {len(failures)} differences")
    sys.exit(1 if failures else 0)


def check_training(path, data, module, first, after, losses):
    names = aliases(module)
    exact = {k: v for k, v in first.items() if k.startswith("gradients.")}
    most = len(CASE.cuts) + 1
    for stages in sorted({2, most}):
        for schedule in SCHEDULES:
            where = f"{stages} stages {schedule}"
            got = run_step(path, data, stages, schedule, where)
            if got:
                compare_step(where, got, first, names, exact, 1e-12)
    runs = [
        (2, "1F1B", "processes"),
        (2, "Interleaved1F1B", "local"),
        (2, "ZBVZeroBubble", "local"),
    ]
    if most == 4:
        runs += [
            (4, "1F1B", "local"),
            (4, "Interleaved1F1B", "processes"),
            (4, "ZBVZeroBubble", "processes"),
        ]
    for stages, schedule, launcher in runs:
        where = f"{stages} stages {schedule} {launcher}"
        got, reported = run_training(path, data, stages, schedule, launcher, where)
        if got:
            compare_training(where, got, reported, after, losses, names, exact, 1e-12)
    others = [(torch.float32, "free"), (torch.float64, "fixed")]
    others += [(torch.float64, "traced")] * CASE.traced
    others += [(torch.float64, "scripted")] * CASE.scripted
    for dtype, how in others:
        path, data, module, (first, after, losses) = prepare(dtype, how)
        if how != "free":
            exact = {k: v for k, v in first.items() if k.startswith("gradients.")}
        tolerance = 1e-6 if dtype == torch.float32 else 1e-12
        schedule = "ZBVZeroBubble" if most == 4 else "1F1B"
        where = f"{most} stages {schedule}, {dtype}, {how}"
        got = run_step(path, data, most, schedule, where)
        if got:
            compare_step(where, got, first, names, exact, tolerance)
        if how not in ("traced", "scripted"):
            continue
        runs = [(2, "Interleaved1F1B", "local"), (most, schedule, "processes")]
        for stages, schedule, launcher in runs:
            where = f"{stages} stages {schedule} {launcher}, {how}"
            got, reported = run_training(path, data, stages, schedule, launcher, where)
            if got:
                compare_training(
                    where, got, reported, after, losses, names, exact, tolerance
                )


if __name__ == "__main__":
    main()
