#!/usr/bin/env python3
"""Compares `pp split` with Python's `pipeline()` on the same .pt2.

    benchmarks/split.py                              4 sizes, 2 minutes
    benchmarks/split.py --models tiny --repetitions 9

For `pp` the whole process counts, with its start and the stage files that it writes;
for Python only torch.export.load() and pipeline(), without imports and without
writing, which is unfair to `pp` only. Two more columns have Python's whole process,
and its time without the second export that pipeline() makes. The sides take turns,
each in a new process. Writes report.md and report.json to --out.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from cases import MODELS
from compare import export
from figure import Figure, as_data, ratio
from processes import RunFailed, run
from report import machine, table, write

ROOT = Path(__file__).resolve().parent.parent
AIM = 0.05  # limit of pp / (load + pipeline())
STAGES = 4


@dataclass(frozen=True)
class Size:
    model: str  # names in cases.MODELS
    blocks: int
    options: tuple[str, ...] = ()

    @property
    def cuts(self) -> list[str]:
        return [f"layers.{self.blocks * i // STAGES}" for i in range(1, STAGES)]


SIZES = {
    "tiny": Size("tiny", 8),
    "tiny, 96 blocks": Size("tiny", 96, ("--layers=96",)),
    "medium": Size("medium", 8),
    "large": Size("medium", 16, ("--layers=16", "--width=1024")),
}


@dataclass
class Times:
    """Seconds of each repetition."""

    megabytes: float
    pp: list[float] = field(default_factory=list)
    start: list[float] = field(default_factory=list)  # `pp` doing nothing
    load: list[float] = field(default_factory=list)
    pipeline: list[float] = field(default_factory=list)
    graph: list[float] = field(default_factory=list)
    python: list[float] = field(default_factory=list)  # the whole process

    def against(self, *parts: str) -> Figure:
        sums = [
            sum(times) for times in zip(*(getattr(self, p) for p in parts), strict=True)
        ]
        return ratio("", self.pp, sums, most=AIM)


def took(command: list, folder: Path) -> tuple[float, str]:
    done = run(list(map(str, command)), cwd=folder, sample_every=0.01)
    return done.ended - done.started, done.output


def repetition(pp: Path, path: Path, cuts: list[str], times: Times) -> None:
    stages = path.parent / "stages"
    shutil.rmtree(stages, ignore_errors=True)
    times.start.append(took([pp, "--version"], path.parent)[0])
    split = [pp, "split", path, "-o", stages, "--at", ",".join(cuts)]
    times.pp.append(took(split, path.parent)[0])
    if len(list(stages.glob("stage_*.pt2"))) != STAGES:
        raise RunFailed(f"pp split wrote no {STAGES} stages")
    side = [sys.executable, ROOT / "benchmarks" / "split_side.py", path, *cuts]
    whole, output = took(side, path.parent)
    parts = json.loads(output.splitlines()[-1])
    for name in ("load", "pipeline", "graph"):
        getattr(times, name).append(parts[name])
    times.python.append(whole - parts["graph"])


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pp", type=Path, default=ROOT / "build" / "pp")
    parser.add_argument("--models", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--repetitions", type=int, default=5, metavar="N")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "runs" / "split", metavar="DIR"
    )
    return parser.parse_args(argv)


def cells(name: str, times: Times) -> list[str]:
    seconds = [
        statistics.median(getattr(times, f))
        for f in ("pp", "start", "load", "pipeline")
    ]
    figure = times.against("load", "pipeline")
    return [
        name,
        f"{times.megabytes:.0f} MB",
        *(f"{s:.3g} s" for s in seconds),
        f"**{figure.value:.3f}**",
        f"{figure.low:.3f} to {figure.high:.3f}",
        f"{AIM} " + ("met" if figure.met else "missed"),
        f"{times.against('load', 'graph').value:.3f}",
        f"{times.against('python').value:.3f}",
    ]


def figures(results: dict[str, Times]) -> list[Figure]:
    return [
        replace(times.against("load", "pipeline"), what=name)
        for name, times in results.items()
    ]


def markdown(results: dict[str, Times], about: dict) -> str:
    head = ["model", "size", "`pp split`", "of it start", "load", "pipeline()"]
    head += ["ratio", "spread", "aim", "without second export", "whole processes"]
    return (
        f"# `pp split` against pipeline(), {STAGES} stages\n\n"
        f"{about['cores']} cores of {about['cpu']}, median of "
        f"{about['repetitions']}, in turn. Load before: {about['load']:.2f}.\n\n"
        + table(head, [cells(*item) for item in results.items()])
        + "\nRatio: the whole process `pp split`, which writes the stages, to "
        "load + pipeline() without imports. Start: `pp --version`.\n"
    )


def main(argv: list[str]) -> int:
    args = parse(argv)
    about = {**machine(), "load": os.getloadavg()[0], "repetitions": args.repetitions}
    results = {}
    with tempfile.TemporaryDirectory(prefix="split-") as scratch:
        for name in args.models:
            size = SIZES[name]
            path = Path(scratch) / "model.pt2"
            export(MODELS[size.model], path, "--batch=1", *size.options)
            results[name] = times = Times(path.stat().st_size / 1e6)
            for _ in range(args.repetitions):
                repetition(args.pp.resolve(), path, size.cuts, times)
            print(f"{name}: {times.against('load', 'pipeline').value:.3f}", flush=True)
    data = {"about": about, "sizes": {n: vars(t) for n, t in results.items()}}
    write(
        args.out,
        markdown(results, about),
        {**data, "figures": as_data(figures(results))},
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
