#!/usr/bin/env python3
"""Tries every architecture of transformers and torchvision; run by hand.

    tests/models/sweep.py [NAME ...] [--pp build/pp] [--out FOLDER]

Each model is built small (zoo.py) and exported in training mode, in double
precision if its code allows that. `pp verify` runs it in 4 stages under
ZBVZeroBubble. Then `pp run` trains it for a step, and its gradients are
compared with those of the unmodified module in Python.

Prints one line per model: OK, or the step that failed. BUILD, FORWARD and
EXPORT are failures in Python (zoo.py's sizes don't suit the config, or torch
can't export the model). VERIFY and RUN are failures of `pp`. DIFFERS means that
a gradient differs from Python's; it is expected of models that draw random
numbers, because pp has its own keys. Exits with 1 if any model ended in VERIFY,
RUN or DIFFERS. All models together take hours.
"""

import argparse
import importlib.util
import resource
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
import zoo

ROOT = Path(__file__).resolve().parents[2]
LARGEST = 40_000_000  # parameters
MEMORY = 12 << 30  # bytes; some default configs would use all there is
FAULTS = ("VERIFY", "RUN", "DIFFERS")

_spec = importlib.util.spec_from_file_location(
    "side_by_side", ROOT / "benchmarks" / "models.py"
)
side = importlib.util.module_from_spec(_spec)  # scripts/models is "models"
_spec.loader.exec_module(side)


def build(name):
    """Returns (module, inputs, tolerance), in double precision if possible."""
    module, inputs = zoo.build(name)
    if sum(p.numel() for p in module.parameters()) > LARGEST:
        return module, inputs, 0
    try:
        module.double()
        wide = {
            k: v.double() if v.is_floating_point() else v for k, v in inputs.items()
        }
        module(**wide)
        tolerance = 1e-9
    except Exception:  # its code casts to float32
        wide, tolerance = inputs, 2e-4
    module = zoo.build(name)[0]  # the forward changed the buffers
    return (module.double() if tolerance < 1e-6 else module), wide, tolerance


def output_name(value):
    """Returns what `pp` calls the first floating-point output."""
    wanted = side.first_output(value)
    if torch.is_tensor(value):
        return "output_0"
    if isinstance(value, (tuple, list)):
        return next(f"output_{i}" for i, v in enumerate(value) if v is wanted)
    return next(k for k, v in value.items() if v is wanted)


def train(program, value, inputs, pp, folder):
    """Trains a step. Returns the largest error of a gradient, and its parameter
    or why there is none."""
    data = side.rows_like(inputs)
    like = side.first_output(value)
    rows = next(iter(data.values())).shape[0]
    per_row = like.shape[0] * rows // next(iter(inputs.values())).shape[0]
    generator = torch.Generator().manual_seed(1)
    target = torch.randn(
        [per_row, *like.shape[1:]], generator=generator, dtype=torch.float64
    ).to(like.dtype)
    if per_row != rows:
        return 0.0, "not trained: its output has another number of rows than its input"
    for key, each in (*data.items(), ("target", target)):
        np.save(folder / f"{key}.npy", each.numpy())
    expected = side.unsplit_gradients(program, data, target)
    run_one_step(output_name(value), data, rows, pp, folder)
    got = gradients_from_weights(program, expected, folder)
    missing = {k for k in expected if expected[k].any()} - set(got)
    place = {k: v.data_ptr() for k, v in program.state_dict.items()}
    held = {place[k] for k in got}
    tied = {k for k in missing if place[k] in held}
    if missing - tied:
        raise RuntimeError(f"no gradients of {sorted(missing)[:3]}")
    return side.error_of(got, expected)


def run_one_step(output, data, rows, pp, folder):
    """Runs a step of SGD with `pp`."""
    lines = "\n".join(f'inputs.{k} = {{ path = "{k}.npy" }}' for k in data)
    job = folder / "job.toml"
    job.write_text(f"""
[model]
path = "model.pt2"
[split]
stages = 4
[pipeline]
schedule = "ZBVZeroBubble"
microbatches = {side.MICROBATCHES}
ranks = 2
launcher = "local"
[data]
batch_size = {rows}
shuffle = false
{lines}
target = {{ path = "target.npy" }}
[train]
steps = 1
loss = {{ name = "mse", output = "{output}" }}
optimizer = {{ name = "sgd", lr = {side.RATE} }}
[output]
dir = "run"
""")
    done = subprocess.run([pp, "run", job], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())


def gradients_from_weights(program, names, folder):
    """Computes gradients from what the step changed."""
    from safetensors.torch import load_file

    before = program.state_dict
    after = {}
    for part in (folder / "run/checkpoints/step_1").glob("part_*.safetensors"):
        after |= load_file(part)
    return {k: (before[k] - v) / side.RATE for k, v in after.items() if k in names}


def try_one(name, pp, folder):
    """Returns the step that failed, or OK, and details."""
    step = "BUILD"
    path = folder / "model.pt2"
    try:
        module, inputs, tolerance = build(name)
        count = sum(p.numel() for p in module.parameters())
        if count > LARGEST:
            return "BIG", f"{count:,} parameters"
        step = "FORWARD"
        value = zoo.build(name)[0].to(next(module.parameters()).dtype)(**inputs)
        step = "EXPORT"
        program = torch.export.export(module, (), inputs, strict=False)
        torch.export.save(program, path)
    except Exception as error:  # any model may raise anything
        lines = f"{type(error).__name__}: {error}".splitlines()
        return step, lines[0][:300]
    done = subprocess.run(
        [pp, "verify", path, "--stages", "4", "--schedule", "ZBVZeroBubble"],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        return "VERIFY", (done.stderr + done.stdout).strip()
    try:
        error, fqn = train(program, value, inputs, pp, folder)
    except Exception as fault:
        return "RUN", f"{fault}".strip()
    if not error <= tolerance:
        return "DIFFERS", f"{fqn} by {error:.3g}"
    return "OK", f"{count:,} parameters, {error:.1e} {fqn}"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--pp", type=Path, default=ROOT / "build/pp")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.out or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for name in args.names or zoo.names():
            with tempfile.TemporaryDirectory(dir=folder) as own:
                ended, why = try_one(name, args.pp.resolve(), Path(own))
            failed += ended in FAULTS
            print(f"{ended:8}{name}  {why}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
