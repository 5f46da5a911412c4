#!/usr/bin/env python3
"""Measures what a checkpoint at every step costs the medium GPT.

    benchmarks/checkpoints.py                       5 runs of each, a few minutes

Runs without and with a checkpoint at every step take turns. A step's time is that
from one line of progress to the next, which includes whatever the step waits for.
After each pair of runs the same bytes are written and synced alone, in as many
files, which gives the disk's time. The aim: a step with a checkpoint takes at most
5 % more than the longer of a step without one and the disk's time.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cases import MODELS, Case, Schedule
from compare import prepare
from sides import Inputs, pp_job

ROOT = Path(__file__).resolve().parent.parent
WARM_UP = 2  # steps that are not counted
LIMIT = 1.05


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pp", type=Path, default=ROOT / "build" / "pp")
    parser.add_argument("--model", choices=MODELS, default="medium")
    parser.add_argument("--launcher", choices=["local", "processes"], default="local")
    parser.add_argument("--repetitions", type=int, default=5, metavar="N")
    parser.add_argument("--steps", type=int, default=8, metavar="N", help="a run")
    parser.add_argument("--folder", type=Path, help="on the disk to measure")
    return parser.parse_args(argv)


def step_times(pp: Path, job: Path, folder: Path, *more: str) -> list[float]:
    """Seconds per step between lines of progress.

    A run that is not at a terminal prints a line every few seconds, so one may
    come several steps after the last.
    """
    process = subprocess.Popen(
        [str(pp), "run", str(job), *more],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    ends = [
        (time.monotonic(), int(line.split()[1].split("/")[0]))
        for line in process.stdout
        if line.startswith("step ")
    ]
    if process.wait() != 0:
        raise SystemExit(f"pp run {job} ended with {process.returncode}")
    return [
        (end - begin) / (to - since)
        for (begin, since), (end, to) in itertools.pairwise(ends)
        if since >= WARM_UP
    ]


def disk_time(checkpoint: Path) -> float:
    """Writes the parts of a checkpoint again, from memory, and syncs them."""
    parts = [p.read_bytes() for p in sorted(checkpoint.glob("part_*"))]
    begin = time.monotonic()
    for number, content in enumerate(parts):
        path = checkpoint.parent / f"again_{number}"
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    seconds = time.monotonic() - begin
    for number in range(len(parts)):
        (checkpoint.parent / f"again_{number}").unlink()
    return seconds


def main(argv: list[str]) -> int:
    args = parse(argv)
    pp = args.pp.resolve()
    plain, saving, disk = [], [], []
    with tempfile.TemporaryDirectory(prefix="checkpoints-", dir=args.folder) as name:
        folder = Path(name)
        model, tokens = prepare(MODELS[args.model], folder, 8)
        case = Case(MODELS[args.model], "train", Schedule("1F1B"))
        inputs = Inputs(model, tokens, pp, folder)
        job = pp_job(case, args.launcher, inputs, tokens, args.steps)
        every = ["--set", "output.checkpoint_every=1", "--set", "output.keep=1"]
        for _ in range(args.repetitions):
            plain.append(statistics.median(step_times(pp, job, folder)))
            saving.append(statistics.median(step_times(pp, job, folder, *every)))
            newest = folder / "pp" / "checkpoints" / f"step_{args.steps}"
            disk.append(disk_time(newest))
            num_bytes = sum(p.stat().st_size for p in newest.glob("part_*"))
    ratios = [s / max(p, d) for s, p, d in zip(saving, plain, disk, strict=True)]
    result = {
        "MiB": round(num_bytes / 2**20),
        "step": round(statistics.median(plain), 4),
        "step with checkpoint": round(statistics.median(saving), 4),
        "disk": round(statistics.median(disk), 4),
        "with / without": round(
            statistics.median(s / p for s, p in zip(saving, plain, strict=True)), 3
        ),
        "with / the longer of step and disk": round(statistics.median(ratios), 3),
        "spread": [round(min(ratios), 3), round(max(ratios), 3)],
        "aim": LIMIT,
    }
    print(json.dumps(result, indent=2))
    return 0 if result["with / the longer of step and disk"] <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
