#!/usr/bin/env python3
"""Splits a large `.pt2`; compares its time with that of `cp`, and its memory.

    benchmarks/large_file.py [--megabytes 8192] [--pp build/pp] [--folder DIR]

Needs three times the size on disk, in DIR. Both sides write in turn and sync the
file to the disk, after a first round that does not count; the ratio is that of the
fastest runs. Private memory is what only `pp` has resident, mapped pages included,
sampled while it runs. Fails below 0.8 of cp's speed or above 300 MB.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SPEED, MEMORY_MB = 0.8, 300


def private_kilobytes(pid: int) -> int:
    """Resident memory that no other process shares; 0 when the process has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def watch(command: list) -> tuple[float, float]:
    """Runs the command; returns seconds and the largest private memory in MB."""
    start, most = time.perf_counter(), 0
    process = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    while process.poll() is None:
        most = max(most, private_kilobytes(process.pid))
        time.sleep(0.005)
    seconds = time.perf_counter() - start
    assert process.returncode == 0, process.stderr.read().decode()
    return seconds, most / 1024


def split(pp: Path, model: Path, stages: Path) -> tuple[float, float]:
    shutil.rmtree(stages, ignore_errors=True)
    return watch([pp, "split", model, "-o", stages, "--stages", 4])


def copy(model: Path, target: Path) -> float:
    target.unlink(missing_ok=True)
    start = time.perf_counter()
    subprocess.run(["cp", model, target], check=True)
    descriptor = os.open(target, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=8192)
    parser.add_argument("--model", type=Path, help="one that is there already")
    parser.add_argument("--pp", type=Path, default=ROOT / "build/pp")
    parser.add_argument("--folder", type=Path, default=ROOT)
    parser.add_argument("--repetitions", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder, prefix=".large-") as name:
        folder = Path(name)
        model = args.model or folder / "large.pt2"
        if not args.model:
            maker = [sys.executable, ROOT / "benchmarks/large_model.py", model]
            subprocess.run([*maker, str(args.megabytes)], check=True)
        print(f"{model.stat().st_size / 2**20:.0f} MB", flush=True)
        copies, splits, memory = [], [], 0.0
        for turn in range(args.repetitions + 1):
            took = copy(model, folder / "copy")
            (folder / "copy").unlink()
            seconds, most = split(args.pp, model, folder / "stages")
            shutil.rmtree(folder / "stages")
            print(f"cp {took:.2f} s, split {seconds:.2f} s, {most:.0f} MB", flush=True)
            memory = max(memory, most)
            if turn > 0:
                copies.append(took)
                splits.append(seconds)
        speed = min(copies) / min(splits)
        print(f"speed {speed:.2f} of cp, private memory {memory:.0f} MB")
        return int(speed < SPEED or memory > MEMORY_MB)


if __name__ == "__main__":
    sys.exit(main())
