#!/usr/bin/env python3
"""Compares each rank's resident memory with the peak that the dry run predicts.

    benchmarks/memory.py                            medium GPT, 2 ranks
    benchmarks/memory.py --schedules GPipe 1F1B

Only anonymous memory counts: the system can drop the pages of mapped files, such as
the model's before its first update. The C library is told to return freed memory,
part of which it would keep otherwise. What a process uses without a model (libraries,
connections) is measured with the tiny GPT under the same launcher and subtracted.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cases import MODELS, Case, Schedule
from compare import prepare
from processes import descendants
from sides import Inputs, pp_job

ROOT = Path(__file__).resolve().parent.parent
UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
STEPS = 3


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pp", type=Path, default=ROOT / "build" / "pp")
    parser.add_argument(
        "--schedules",
        nargs="+",
        default=["GPipe", "1F1B"],
        choices=["GPipe", "1F1B"],
    )
    return parser.parse_args(argv)


def job(model, schedule: str, pp: Path, folder: Path, files: tuple) -> Path:
    case = Case(model, "train", Schedule(schedule))
    inputs = Inputs(files[0], files[1], pp, folder)
    return pp_job(case, "processes", inputs, files[1], STEPS)


def predicted(pp: Path, path: Path) -> list[int]:
    text = subprocess.run(
        [str(pp), "run", str(path), "--dry-run"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    peaks = re.findall(r"^  peak ([\d.]+) (\w+)$", text, re.MULTILINE)
    return [int(float(value) * UNITS[unit]) for value, unit in peaks]


def sampled(pid: int, peaks: dict[int, int]) -> None:
    for process in descendants(pid)[1:]:
        try:
            text = Path(f"/proc/{process}/status").read_text()
        except OSError:
            continue
        if found := re.search(r"^RssAnon:\s+(\d+)", text, re.M):
            peaks[process] = max(peaks.get(process, 0), 1024 * int(found[1]))


def resident(pp: Path, path: Path, folder: Path) -> list[int]:
    """Resident peaks of the ranks in bytes, ascending."""
    peaks: dict[int, int] = {}
    process = subprocess.Popen(
        [str(pp), "run", str(path)],
        cwd=folder,
        env={**os.environ, "MALLOC_MMAP_THRESHOLD_": str(64 * 1024)},
        stdout=subprocess.DEVNULL,
    )
    while process.poll() is None:
        sampled(process.pid, peaks)
        time.sleep(0.005)
    if process.returncode != 0:
        raise SystemExit(f"pp run {path} ended with {process.returncode}")
    return sorted(peaks.values())[-Case.ranks :]


def main(argv: list[str]) -> int:
    args = parse(argv)
    pp = args.pp.resolve()
    print("| schedule | rank | predicted | resident | ratio |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="memory-") as scratch:
        folder = Path(scratch)
        files = {name: prepare(MODELS[name], folder, 8) for name in MODELS}
        for schedule in args.schedules:
            path = job(MODELS["tiny"], schedule, pp, folder, files["tiny"])
            tiny = [
                rss - peak
                for rss, peak in zip(
                    resident(pp, path, folder),
                    sorted(predicted(pp, path)),
                    strict=True,
                )
            ]
            path = job(MODELS["medium"], schedule, pp, folder, files["medium"])
            peaks = predicted(pp, path)
            # The rank with the larger predicted peak also has the larger actual one.
            order = sorted(range(len(peaks)), key=lambda rank: peaks[rank])
            ranks = zip(order, resident(pp, path, folder), tiny, strict=True)
            for rank, rss, base in sorted(ranks):
                own = rss - base
                print(
                    f"| {schedule} | {rank} | {peaks[rank] / 2**20:.0f} MiB "
                    f"| {own / 2**20:.0f} MiB | {own / peaks[rank]:.3f} |"
                )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
