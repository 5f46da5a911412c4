"""jobs.py WHAT --pp PP --fixtures DIR

Jobs on one GPU. WHAT is one of

    gpt2, resnet18   every schedule on 2 and 4 thread ranks: weights after some
                     steps of SGD equal those of Python torch on the same GPU, in
                     float32, with and without CUDA graphs
    float64          both models under every schedule, against `pp` on the CPU
    bits             the same job twice, and as graphs: the same bits
    dropout          the same weights for every split and schedule
    precision        bfloat16 and float16 learn, and float16 scales its loss
    nccl             processes, also as torchrun starts them; on one GPU they
                     exchange through the host, on several over NCCL
    memory           the allocator's figures for each stage
    faults           no such GPU, too little memory, a killed rank
    sanitizer        compute-sanitizer finds nothing (if it is installed)

Exits with 77 and the reason where there is no GPU.
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

from gpu_jobs import (
    POINTS,
    RANKS,
    TOLERANCE,
    TOLERANCE_64,
    Failures,
    check_job,
    differences,
    make_data,
    run_pp,
    schedules,
    train_with_torch,
    weights,
    write_job,
)

SKIPPED = 77


def every_schedule(name, args, folder, failures):
    inputs, targets = make_data(name, folder)
    reference = train_with_torch(name, args.fixtures, inputs, targets)
    for schedule in schedules(args.pp):
        for ranks in RANKS:
            for graphs in (False, True):
                check_job(
                    f"{schedule} on {ranks}{' as graphs' if graphs else ''}",
                    args,
                    folder,
                    reference,
                    TOLERANCE,
                    failures,
                    name=name,
                    stages=2 * ranks,
                    ranks=ranks,
                    schedule=schedule,
                    device="cuda:0",
                    graphs=graphs,
                )


def float64(args, folder, failures):
    for name in ("gpt2-float64", "resnet18-float64"):
        make_data(name, folder)
        job = write_job(name, folder, args.fixtures, 2, 2, "GPipe", "cpu", out="cpu")
        if not failures.check(f"{name} on the CPU", run_pp(args.pp, job)):
            continue
        reference = weights(folder / "cpu")
        for schedule in schedules(args.pp):
            check_job(
                f"{name} {schedule}",
                args,
                folder,
                reference,
                TOLERANCE_64,
                failures,
                name=name,
                stages=4,
                ranks=2,
                schedule=schedule,
                device="cuda:0",
            )
        shutil.rmtree(folder / "cpu")


def bits(args, folder, failures):
    make_data("gpt2", folder)
    first = None
    for graphs in (False, False, True):
        shutil.rmtree(folder / "runs", ignore_errors=True)
        job = write_job(
            *("gpt2", folder, args.fixtures, 4, 2, "ZBVZeroBubble", "cuda:0"),
            graphs=graphs,
        )
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
                *("gpt2", folder, args.fixtures, 2, 2, "1F1B", "cuda:0"),
                graphs=graphs,
                precision=kind_,
            )
            if not failures.check_graphs(what, run_pp(args.pp, job)):
                continue
            lines = (folder / "runs" / "metrics.jsonl").read_text().splitlines()
            losses = [json.loads(line)["loss"] for line in lines]
            # An untrained model of 64 tokens has a loss of log 64 = 4.2.
            if not all(3.5 < loss < 4.8 for loss in losses):
                failures.append(f"{what}: losses {losses}")


def memory(args, folder, failures):
    make_data("gpt2", folder)
    job = write_job("gpt2", folder, args.fixtures, 2, 2, "1F1B", "cuda:0", trace=True)
    if not failures.check("memory", run_pp(args.pp, job)):
        return
    events = json.loads((folder / "runs" / "trace.json").read_text())["traceEvents"]
    held = {e["name"]: e["args"]["bytes"] for e in events if e["ph"] == "C"}
    size = sum(value.nbytes for value in weights(folder / "runs").values())
    # Weights and gradients of both stages, and little else.
    if len(held) != 2 or not 2 * size <= sum(held.values()) <= 4 * size:
        failures.append(f"{held} of {size} bytes of weights")


def sanitizer(args, folder, failures):
    tool = shutil.which("compute-sanitizer") or shutil.which(
        "compute-sanitizer", path="/usr/local/cuda/bin"
    )
    if tool is None:
        print("skipped: compute-sanitizer is not installed")
        sys.exit(SKIPPED)
    make_data("gpt2", folder)
    for graphs in (False, True):
        job = write_job(
            *("gpt2", folder, args.fixtures, 4, 2, "ZBVZeroBubble", "cuda:0"),
            graphs=graphs,
        )
        failures.check(
            f"graphs {graphs}",
            run_pp(args.pp, job, [tool, "--error-exitcode=9", "--tool=memcheck"]),
        )


def dropout(args, folder, failures):
    make_data("gpt2", folder)
    name, first = "gpt2-dropout", None
    for stages, ranks, schedule in (
        (2, 1, "GPipe"),
        (2, 2, "1F1B"),
        (4, 2, "ZBVZeroBubble"),
        (4, 4, "1F1B"),
    ):
        shutil.rmtree(folder / "runs", ignore_errors=True)
        job = write_job(name, folder, args.fixtures, stages, ranks, schedule, "cuda:0")
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
        *("gpt2", folder, args.fixtures, 2, 2, "1F1B", "cuda"),
        out="processes",
        launcher="processes",
    )
    if failures.check("processes", run_pp(args.pp, job)):
        failures.check(
            "processes",
            None,
            differences(weights(folder / "processes"), weights(folder / "local"), 1e-6),
        )
    job = write_job(
        "gpt2", folder, args.fixtures, 2, 2, "1F1B", "cuda", out="env", launcher="env"
    )
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    torchrun += ["--nproc-per-node=2", "--no-python"]
    failures.check("torchrun", run_pp(args.pp, job, torchrun))


def faults(args, folder, failures):
    import torch

    make_data("gpt2", folder)
    none = torch.cuda.device_count()
    job = write_job("gpt2", folder, args.fixtures, 2, 2, "1F1B", f"cuda:{none}")
    finished = run_pp(args.pp, job)
    if finished.returncode != 4 or f"cuda:{none}" not in finished.stderr:
        failures.append(f"no such GPU: {finished.returncode} {finished.stderr}")

    # Weights and rows fit, but not the workspace of the first product.
    room = (24 << 20) / torch.cuda.get_device_properties(0).total_memory
    job = write_job("gpt2", folder, args.fixtures, 2, 2, "1F1B", "cuda:0")
    finished = run_pp(
        args.pp, job, env={"PYTORCH_ALLOC_CONF": f"per_process_memory_fraction:{room}"}
    )
    if finished.returncode == 0 or not (
        "out of memory" in finished.stderr and "--dry-run" in finished.stderr
    ):
        failures.append(f"too little memory: {finished.returncode} {finished.stderr}")

    check_killed_rank(args, folder, failures)


def check_killed_rank(args, folder, failures):
    """The other rank ends within seconds of the kill."""
    keys = {"steps": 100000, "launcher": "processes"}
    job = write_job("gpt2", folder, args.fixtures, 2, 2, "1F1B", "cuda", **keys)
    running = subprocess.Popen(
        [str(args.pp), "run", str(job)],
        cwd=folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    metrics = folder / "runs" / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while not (metrics.exists() and metrics.stat().st_size) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.1)
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(running.pid)], capture_output=True, text=True
    ).stdout.split()
    start = time.monotonic()
    os.kill(int(children[-1]), signal.SIGKILL)
    try:
        _, text = running.communicate(timeout=30)
        took = time.monotonic() - start
        if running.returncode == 0 or took > 4:
            failures.append(
                f"a killed rank: {running.returncode}, {took:.1f} s, {text}"
            )
    except subprocess.TimeoutExpired:
        running.kill()
        failures.append("a killed rank: the others continue")


CASES = {
    "float64": float64,
    "bits": bits,
    "dropout": dropout,
    "precision": precision,
    "nccl": nccl,
    "memory": memory,
    "faults": faults,
    "sanitizer": sanitizer,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "what",
        choices=[*POINTS, *CASES],
    )
    parser.add_argument("--pp", type=Path, required=True)
    parser.add_argument("--fixtures", type=Path, required=True)
    args = parser.parse_args()
    if not Path("/dev/nvidiactl").exists():  # importing torch takes seconds
        print("skipped: this machine has no NVIDIA driver")
        return SKIPPED
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
            CASES[args.what](args, folder, failures)
    print("\n".join(failures) or f"{args.what}: all equal")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
