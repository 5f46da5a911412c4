"""jobs.py WHAT --pp PP --fixtures DIR

Jobs on one GPU. WHAT is one of

    gpt2, resnet18   under every schedule with 2 and 4 thread ranks, the weights
                     of some steps of SGD against Python torch on the same GPU,
                     in float32, as ever and as CUDA graphs
    float64          both under every schedule, against `pp` on the CPU
    bits             the same job twice, and as graphs: the same bits
    dropout          the same weights for every split and schedule
    precision        bfloat16 and float16 learn, and float16 scales its loss
    nccl             processes, as torchrun starts them; on one GPU they
                     exchange through the host, on several over NCCL
    memory           what the allocator tells of each stage
    faults           no such GPU, too little memory, a rank that is killed
    sanitizer        compute-sanitizer finds nothing (if it is installed)

Ends with 77, and says why, where there is no GPU.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SKIPPED = 77
TOLERANCE = 1e-5  # of weights; docs/architecture.md, "Invariants"
TOLERANCE_64 = 1e-9
RANKS = (2, 4)

# Sums in an order that repeats, where a kernel has one.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

POINTS = {
    "gpt2": ["transformer.h.0.mlp", "transformer.h.1", "transformer.h.1.mlp",
             "transformer.h.2", "transformer.h.2.mlp", "transformer.h.3",
             "transformer.h.3.mlp"],
    "resnet18": ["layer1.1", "layer2", "layer2.1", "layer3", "layer3.1",
                 "layer4", "layer4.1"],
}
INPUT = {"gpt2": "input_ids", "resnet18": "x"}
MICROBATCHES, LR = 8, 1e-2
STEPS = 4  # graphs are captured in the second and replayed from then on
# Rows a step. Batch norm over two rows blows rounding up.
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
    """Of eight stages, one in 8 / stages."""
    return POINTS[kind(name)][8 // stages - 1 :: 8 // stages][: stages - 1]


def write_job(name, folder, fixtures, stages, ranks, schedule, device, **keys):
    text = f"""
[model]
path = "{fixtures / (name + '.pt2')}"
[split]
at = {json.dumps(points(name, stages))}
[pipeline]
schedule = "{schedule}"
cuda_graphs = {str(keys.get('graphs', False)).lower()}
ranks = {ranks}
microbatches = {MICROBATCHES}
device = "{device}"
launcher = "{keys.get('launcher', 'local')}"
stall_timeout = 20
[data]
batch_size = {BATCH[kind(name)]}
shuffle = false
inputs.{INPUT[kind(name)]} = {{ path = "x.npy" }}
target = {{ path = "y.npy" }}
[train]
steps = {keys.get('steps', STEPS)}
loss = {{ name = "cross_entropy" }}
optimizer = {{ name = "sgd", lr = {LR} }}
precision = "{keys.get('precision', 'fp32')}"
[output]
dir = "{keys.get('out', 'runs')}"
trace = {str(keys.get('trace', False)).lower()}
"""
    job = folder / "job.toml"
    job.write_text(text)
    return job


def run_pp(pp: Path, job: Path, before=(), env=None) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*before, str(pp), "run", str(job)], cwd=job.parent, text=True,
        capture_output=True, timeout=600, env=os.environ | (env or {}))


def weights(folder: Path, step: int = STEPS) -> dict:
    from safetensors.torch import load_file

    found = {}
    for part in sorted(folder.glob(f"checkpoints/step_{step}/part_*.safetensors")):
        found.update(
            (key, value) for key, value in load_file(part).items()
            if not key.startswith("optimizer."))
    return found


def train_with_torch(name, fixtures, inputs, targets) -> dict:
    """The unsplit program on the GPU, gradients added up by microbatch."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    import transformers.modeling_outputs  # noqa: F401  (registers its types)
    from torch.export.passes import move_to_device_pass

    program = torch.export.load(fixtures / f"{name}.pt2")
    module = move_to_device_pass(program, torch.device("cuda")).module()
    parameters = dict(module.named_parameters())
    for step in range(STEPS):
        rows = slice(step * BATCH[name], (step + 1) * BATCH[name])
        xs = torch.from_numpy(inputs[rows].copy()).cuda().tensor_split(MICROBATCHES)
        ys = torch.from_numpy(targets[rows].copy()).cuda().tensor_split(MICROBATCHES)
        for x, y in zip(xs, ys):
            out = module(input_ids=x) if name == "gpt2" else module(x)
            out = out[0] if isinstance(out, tuple) else out
            out = out if torch.is_tensor(out) else next(iter(out.values()))
            loss = torch.nn.functional.cross_entropy(
                out.flatten(0, -2), y.flatten()) / MICROBATCHES
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
            continue  # of a tied parameter one name is saved
        scale = max(float(right.abs().max()), 1e-3 * largest)
        error = float((got[key].double() - right.double()).abs().max()) / scale
        if not error <= tolerance:
            wrong.append(f"{key}: {error:.2e}")
    return wrong


def schedules(pp: Path) -> list[str]:
    listed = subprocess.run(
        [str(pp), "schedule", "--list"], capture_output=True, text=True, check=True)
    return [line.split()[0] for line in listed.stdout.splitlines() if line.strip()]


class Failures(list):
    def check(self, what: str, finished=None, wrong=()) -> bool:
        if finished is not None and finished.returncode != 0:
            self.append(f"{what}: {finished.stderr.strip()}")
        self.extend(f"{what}: {line}" for line in wrong)
        return finished is None or finished.returncode == 0

    def check_graphs(self, what: str, finished) -> bool:
        """The same, and that nothing that was to be replayed was not."""
        if "without CUDA graphs" in finished.stderr:
            self.append(f"{what}: {finished.stderr.strip()}")
        return self.check(what, finished)


def check_job(what, args, folder, reference, tolerance, failures, **job) -> None:
    """Runs it and compares its weights."""
    shutil.rmtree(folder / "runs", ignore_errors=True)
    finished = run_pp(args.pp, write_job(folder=folder, fixtures=args.fixtures, **job))
    if not failures.check_graphs(what, finished):
        return
    failures.check(what, None, differences(weights(folder / "runs"), reference, tolerance))


def every_schedule(name, args, folder, failures):
    inputs, targets = make_data(name, folder)
    reference = train_with_torch(name, args.fixtures, inputs, targets)
    for schedule in schedules(args.pp):
        for ranks in RANKS:
            for graphs in (False, True):
                check_job(
                    f"{schedule} on {ranks}{' as graphs' if graphs else ''}", args,
                    folder, reference, TOLERANCE, failures, name=name,
                    stages=2 * ranks, ranks=ranks, schedule=schedule,
                    device="cuda:0", graphs=graphs)


def float64(args, folder, failures):
    for name in ("gpt2-float64", "resnet18-float64"):
        make_data(name, folder)
        job = write_job(name, folder, args.fixtures, 2, 2, "GPipe", "cpu", out="cpu")
        if not failures.check(f"{name} on the CPU", run_pp(args.pp, job)):
            continue
        reference = weights(folder / "cpu")
        for schedule in schedules(args.pp):
            check_job(
                f"{name} {schedule}", args, folder, reference, TOLERANCE_64, failures,
                name=name, stages=4, ranks=2, schedule=schedule, device="cuda:0")
        shutil.rmtree(folder / "cpu")


def bits(args, folder, failures):
    make_data("gpt2", folder)
    first = None
    for graphs in (False, False, True):
        shutil.rmtree(folder / "runs", ignore_errors=True)
        job = write_job(
            "gpt2", folder, args.fixtures, 4, 2, "ZBVZeroBubble", "cuda:0", graphs=graphs)
        if failures.check_graphs(f"graphs {graphs}", run_pp(args.pp, job)):
            got = weights(folder / "runs")
            first = first or got
            failures.check(f"graphs {graphs}", None, differences(got, first, 0))


def precision(args, folder, failures):
    make_data("gpt2", folder)
    for kind_ in ("bf16", "fp16"):
        for graphs in (False, True):
            what = f"{kind_}{' as graphs' if graphs else ''}"
            shutil.rmtree(folder / "runs", ignore_errors=True)
            job = write_job(
                "gpt2", folder, args.fixtures, 2, 2, "1F1B", "cuda:0", graphs=graphs,
                precision=kind_)
            if not failures.check_graphs(what, run_pp(args.pp, job)):
                continue
            lines = (folder / "runs" / "metrics.jsonl").read_text().splitlines()
            losses = [json.loads(line)["loss"] for line in lines]
            # Of 64 tokens, untrained: log 64.
            if not all(3.5 < loss < 4.8 for loss in losses):
                failures.append(f"{what}: losses {losses}")


def memory(args, folder, failures):
    make_data("gpt2", folder)
    job = write_job(
        "gpt2", folder, args.fixtures, 2, 2, "1F1B", "cuda:0", trace=True)
    if not failures.check("memory", run_pp(args.pp, job)):
        return
    events = json.loads((folder / "runs" / "trace.json").read_text())["traceEvents"]
    held = {e["name"]: e["args"]["bytes"] for e in events if e["ph"] == "C"}
    size = sum(value.nbytes for value in weights(folder / "runs").values())
    # Weights and gradients of both stages, and what little the rest is.
    if len(held) != 2 or not 2 * size <= sum(held.values()) <= 4 * size:
        failures.append(f"{held} of {size} bytes of weights")


def sanitizer(args, folder, failures):
    tool = shutil.which("compute-sanitizer") or shutil.which(
        "compute-sanitizer", path="/usr/local/cuda/bin")
    if tool is None:
        print("skipped: compute-sanitizer is not installed")
        sys.exit(SKIPPED)
    make_data("gpt2", folder)
    for graphs in (False, True):
        job = write_job(
            "gpt2", folder, args.fixtures, 4, 2, "ZBVZeroBubble", "cuda:0", graphs=graphs)
        failures.check(
            f"graphs {graphs}",
            run_pp(args.pp, job, [tool, "--error-exitcode=9", "--tool=memcheck"]))


def dropout(args, folder, failures):
    make_data("gpt2", folder)
    name, first = "gpt2-dropout", None
    for stages, ranks, schedule in ((2, 1, "GPipe"), (2, 2, "1F1B"),
                                    (4, 2, "ZBVZeroBubble"), (4, 4, "1F1B")):
        shutil.rmtree(folder / "runs", ignore_errors=True)
        job = write_job(
            name, folder, args.fixtures, stages, ranks, schedule, "cuda:0")
        what = f"{schedule}, {stages} stages"
        if failures.check(what, run_pp(args.pp, job)):
            got = weights(folder / "runs")
            first = first or got
            failures.check(what, None, differences(got, first, 1e-6))


def nccl(args, folder, failures):
    make_data("gpt2", folder)
    job = write_job("gpt2", folder, args.fixtures, 2, 2, "1F1B", "cuda", out="local")
    failures.check("threads", run_pp(args.pp, job))
    job = write_job(
        "gpt2", folder, args.fixtures, 2, 2, "1F1B", "cuda", out="processes",
        launcher="processes")
    if failures.check("processes", run_pp(args.pp, job)):
        failures.check(
            "processes", None,
            differences(
                weights(folder / "processes"), weights(folder / "local"), 1e-6))
    job = write_job(
        "gpt2", folder, args.fixtures, 2, 2, "1F1B", "cuda", out="env",
        launcher="env")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone",
                "--nproc-per-node=2", "--no-python"]
    failures.check("torchrun", run_pp(args.pp, job, torchrun))


def faults(args, folder, failures):
    import torch

    make_data("gpt2", folder)
    none = torch.cuda.device_count()
    job = write_job("gpt2", folder, args.fixtures, 2, 2, "1F1B", f"cuda:{none}")
    finished = run_pp(args.pp, job)
    if finished.returncode != 4 or f"cuda:{none}" not in finished.stderr:
        failures.append(f"no such GPU: {finished.returncode} {finished.stderr}")

    # Weights and rows fit; the workspace of the first product does not.
    room = (24 << 20) / torch.cuda.get_device_properties(0).total_memory
    job = write_job("gpt2", folder, args.fixtures, 2, 2, "1F1B", "cuda:0")
    finished = run_pp(
        args.pp, job, env={"PYTORCH_ALLOC_CONF": f"per_process_memory_fraction:{room}"})
    if finished.returncode == 0 or not (
            "out of memory" in finished.stderr and "--dry-run" in finished.stderr):
        failures.append(f"too little memory: {finished.returncode} {finished.stderr}")

    job = write_job(
        "gpt2", folder, args.fixtures, 2, 2, "1F1B", "cuda", steps=100000,
        launcher="processes")
    running = subprocess.Popen(
        [str(args.pp), "run", str(job)], cwd=folder, stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL, text=True)
    metrics = folder / "runs" / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while not (metrics.exists() and metrics.stat().st_size) and (
            time.monotonic() < deadline):
        time.sleep(0.1)
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(running.pid)], capture_output=True,
        text=True).stdout.split()
    start = time.monotonic()
    os.kill(int(children[-1]), signal.SIGKILL)
    try:
        _, text = running.communicate(timeout=30)
        took = time.monotonic() - start
        if running.returncode == 0 or took > 4:
            failures.append(f"a killed rank: {running.returncode}, {took:.1f} s, {text}")
    except subprocess.TimeoutExpired:
        running.kill()
        failures.append("a killed rank: the others go on")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "what", choices=[
            "gpt2", "resnet18", "float64", "bits", "dropout", "precision", "nccl",
            "memory", "faults", "sanitizer"])
    parser.add_argument("--pp", type=Path, required=True)
    parser.add_argument("--fixtures", type=Path, required=True)
    args = parser.parse_args()
    import torch

    if not torch.cuda.is_available():
        print(f"skipped: torch {torch.__version__} finds no GPU here")
        return SKIPPED
    failures = Failures()
    with tempfile.TemporaryDirectory(prefix="pp_cuda_") as temporary:
        folder = Path(temporary)
        if args.what in POINTS:
            every_schedule(args.what, args, folder, failures)
        else:
            globals()[args.what](args, folder, failures)
    print("\n".join(failures) or f"{args.what}: all equal")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
