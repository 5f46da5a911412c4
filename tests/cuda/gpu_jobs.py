"""Jobs on a GPU, and the weights that Python torch or `pp` itself reaches."""

import json
import os
import shutil
import subprocess
from pathlib import Path

TOLERANCE = 1e-5  # of weights; docs/architecture.md, "What always holds"
TOLERANCE_64 = 1e-9
RANKS = (2, 4)

# Makes kernels that can do so add in a repeatable order.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

POINTS = {
    "gpt2": [
        "transformer.h.0.mlp",
        "transformer.h.1",
        "transformer.h.1.mlp",
        "transformer.h.2",
        "transformer.h.2.mlp",
        "transformer.h.3",
        "transformer.h.3.mlp",
    ],
    "resnet18": [
        "layer1.1",
        "layer2",
        "layer2.1",
        "layer3",
        "layer3.1",
        "layer4",
        "layer4.1",
    ],
}
INPUT = {"gpt2": "input_ids", "resnet18": "x"}
MICROBATCHES, LR = 8, 1e-2
STEPS = 4  # graphs are captured in the second and replayed afterwards
# Rows per step. Batch norm over two rows amplifies rounding.
BATCH = {"gpt2": 16, "resnet18": 64}


def make_data(name: str, folder: Path):
    import numpy as np

    random = np.random.default_rng(0)
    rows = BATCH[kind(name)] * STEPS
    if kind(name) == "gpt2":
        tokens = random.integers(0, 64, (rows, 17))
        inputs, targets = tokens[:, :-1], tokens[:, 1:]
    else:
        dtype = "f8" if name.endswith("float64") else "f4"
        inputs = random.standard_normal((rows, 3, 32, 32), dtype=dtype)
        targets = random.integers(0, 10, rows)
    np.save(folder / "x.npy", inputs)
    np.save(folder / "y.npy", targets)
    return inputs, targets


def kind(name: str) -> str:
    return name.split("-")[0]


def points(name: str, stages: int) -> list[str]:
    """Split points that make `stages` equal stages of the model's eight."""
    return POINTS[kind(name)][8 // stages - 1 :: 8 // stages][: stages - 1]


def write_job(name, folder, fixtures, stages, ranks, schedule, device, **keys):
    text = f"""
[model]
path = "{fixtures / (name + ".pt2")}"
[split]
at = {json.dumps(points(name, stages))}
[pipeline]
schedule = "{schedule}"
cuda_graphs = {str(keys.get("graphs", False)).lower()}
ranks = {ranks}
microbatches = {MICROBATCHES}
device = "{device}"
launcher = "{keys.get("launcher", "local")}"
stall_timeout = 20
[data]
batch_size = {BATCH[kind(name)]}
shuffle = false
inputs.{INPUT[kind(name)]} = {{ path = "x.npy" }}
target = {{ path = "y.npy" }}
[train]
steps = {keys.get("steps", STEPS)}
loss = {{ name = "cross_entropy" }}
optimizer = {{ name = "sgd", lr = {LR} }}
precision = "{keys.get("precision", "fp32")}"
[output]
dir = "{keys.get("out", "runs")}"
trace = {str(keys.get("trace", False)).lower()}
"""
    job = folder / "job.toml"
    job.write_text(text)
    return job


def run_pp(pp: Path, job: Path, before=(), env=None) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*before, str(pp), "run", str(job)],
        cwd=job.parent,
        text=True,
        capture_output=True,
        timeout=600,
        env=os.environ | (env or {}),
    )


def weights(folder: Path, step: int = STEPS) -> dict:
    from safetensors.torch import load_file

    found = {}
    for part in sorted(folder.glob(f"checkpoints/step_{step}/part_*.safetensors")):
        found.update(
            (key, value)
            for key, value in load_file(part).items()
            if not key.startswith("optimizer.")
        )
    return found


def train_with_torch(name, fixtures, inputs, targets) -> dict:
    """Trains the unsplit program on the GPU; returns its weights by FQN."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    import transformers.modeling_outputs  # noqa: F401  registers its types
    from torch.export.passes import move_to_device_pass

    program = torch.export.load(fixtures / f"{name}.pt2")
    module = move_to_device_pass(program, torch.device("cuda")).module()
    parameters = dict(module.named_parameters())
    for step in range(STEPS):
        rows = slice(step * BATCH[name], (step + 1) * BATCH[name])
        xs = torch.from_numpy(inputs[rows].copy()).cuda().tensor_split(MICROBATCHES)
        ys = torch.from_numpy(targets[rows].copy()).cuda().tensor_split(MICROBATCHES)
        for x, y in zip(xs, ys, strict=True):
            out = module(input_ids=x) if name == "gpt2" else module(x)
            out = out[0] if isinstance(out, tuple) else out
            out = out if torch.is_tensor(out) else next(iter(out.values()))
            loss = (
                torch.nn.functional.cross_entropy(out.flatten(0, -2), y.flatten())
                / MICROBATCHES
            )
            loss.backward()
        with torch.no_grad():
            for parameter in parameters.values():
                if parameter.grad is not None:
                    parameter -= LR * parameter.grad
                    parameter.grad = None
    return {key: value.detach().cpu() for key, value in parameters.items()}


def differences(got: dict, wanted: dict, tolerance: float) -> list[str]:
    wrong = []
    largest = max(float(value.abs().max()) for value in wanted.values())
    for key, right in wanted.items():
        if key not in got:
            continue  # a tied parameter is saved under one of its names
        scale = max(float(right.abs().max()), 1e-3 * largest)
        error = float((got[key].double() - right.double()).abs().max()) / scale
        if not error <= tolerance:
            wrong.append(f"{key}: {error:.2e}")
    return wrong


def schedules(pp: Path) -> list[str]:
    listed = subprocess.run(
        [str(pp), "schedule", "--list"], capture_output=True, text=True, check=True
    )
    return [line.split()[0] for line in listed.stdout.splitlines() if line.strip()]


class Failures(list):
    def check(self, what: str, finished=None, wrong=()) -> bool:
        if finished is not None and finished.returncode != 0:
            self.append(f"{what}: {finished.stderr.strip()}")
        self.extend(f"{what}: {line}" for line in wrong)
        return finished is None or finished.returncode == 0

    def check_graphs(self, what: str, finished) -> bool:
        """As check(); also, no part of the job ran without CUDA graphs."""
        if "without CUDA graphs" in finished.stderr:
            self.append(f"{what}: {finished.stderr.strip()}")
        return self.check(what, finished)


def check_job(what, args, folder, reference, tolerance, failures, **job) -> None:
    """Runs the job and compares its weights with `reference`."""
    shutil.rmtree(folder / "runs", ignore_errors=True)
    finished = run_pp(args.pp, write_job(folder=folder, fixtures=args.fixtures, **job))
    if not failures.check_graphs(what, finished):
        return
    failures.check(
        what, None, differences(weights(folder / "runs"), reference, tolerance)
    )
