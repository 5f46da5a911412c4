#!/usr/bin/env python3
"""Measures the costs of the runtime itself, several times.

    cmake --build build --target overheads
    benchmarks/runtime_costs.py                      15 runs, half a minute

Runs build/benchmarks/overheads, which prints a table of figures and aims, and takes
the median of each figure over the runs, and its spread. Writes report.md and
report.json to --out.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from figure import Figure, as_data
from report import machine, table, write

ROOT = Path(__file__).resolve().parent.parent
# | what | figure unit | <= aim unit | met or missed |
LINE = re.compile(r"\| (.+?) \| ([\d.e+-]+) ?(\w*) \| ([<>])= ([\d.]+) ?\w* \|")


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--repetitions", type=int, default=15, metavar="N")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "runs" / "runtime_costs", metavar="DIR"
    )
    args = parser.parse_args(argv)
    if not (args.build / "benchmarks" / "overheads").is_file():
        parser.error(f"no overheads in {args.build}: build that target first")
    return args


def read(output: str) -> list[Figure]:
    """Reads the figures from the output of one run."""
    out = []
    for what, value, unit, sign, aim in LINE.findall(output):
        aims = {"most" if sign == "<" else "least": float(aim)}
        out.append(Figure(what, float(value), unit=unit, group=what, **aims))
    if not out:
        raise SystemExit(f"overheads printed no figures: {output}")
    return out


def summary(runs: list[list[Figure]]) -> list[Figure]:
    out = []
    for same in zip(*runs, strict=True):
        values = [figure.value for figure in same]
        middle = statistics.median(values)
        out.append(replace(same[0], value=middle, low=min(values), high=max(values)))
    return out


def main(argv: list[str]) -> int:
    args = parse(argv)
    about = {**machine(), "load": os.getloadavg()[0], "repetitions": args.repetitions}
    runs = []
    for _ in range(args.repetitions):
        done = subprocess.run(
            [args.build / "benchmarks" / "overheads"],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        print(done.stdout, flush=True)
        runs.append(read(done.stdout))
    figures = summary(runs)
    rows = [[f.what, f.text, f.aim, "met" if f.met else "missed"] for f in figures]
    text = (
        "# What the runtime costs\n\n"
        f"{about['cores']} cores of {about['cpu']}, medians of {args.repetitions} runs "
        f"and their spread. Load before: {about['load']:.2f}.\n\n"
        + table(["what", "figure", "aim", ""], rows)
    )
    write(args.out, text, {"about": about, "figures": as_data(figures)})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
