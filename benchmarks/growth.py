#!/usr/bin/env python3
"""What a step of the tiny GPT costs as its work grows.

    benchmarks/growth.py                             all axes, 10 minutes
    benchmarks/growth.py --axes microbatches --repetitions 5

Grows microbatches (8 to 512), stages of one block (2 to 16; a rank each, or on
two ranks) or blocks (8 to 96 in two stages). Cost is processor time of the
whole process, user and system: the least of the long runs less the least of the
short ones, by step. Other work on the machine disturbs that less than it does
the clock, but it shares caches, and only adds. Linear means that every part of
the range has the slope of the whole. The points take turns. Writes report.md and
report.json to --out.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from cases import MODELS, Case, Schedule
from compare import export, write_tokens
from processes import run
from report import machine, table, write
from sides import Inputs, pp_job

ROOT = Path(__file__).resolve().parent.parent
WITHIN = 0.05  # of the whole range's slope
WORK_MS = 0.5  # of a block and microbatch, about: for the length of runs


def tiny(blocks: int, ranks=2, schedule=Schedule("1F1B"), microbatches=8) -> Case:
    model = replace(MODELS["tiny"], blocks=blocks)
    return Case(model, "train", schedule, microbatches, ranks)


def looped(stages: int) -> Case:
    return tiny(stages, schedule=Schedule("Interleaved1F1B", stages // 2))


AXES = {  # name: (sizes, case of a size)
    "microbatches": ((8, 32, 128, 512), lambda n: tiny(8, microbatches=n)),
    "stages, a rank each": ((2, 4, 8, 16), lambda n: tiny(n, ranks=n)),
    "stages, 2 ranks": ((2, 4, 8, 16), looped),
    "blocks": ((8, 24, 48, 96), tiny),
}


@dataclass
class Point:
    axis: str
    size: int
    case: Case
    steps: int = 1  # by which the long run is longer
    short_ms: list[float] = field(default_factory=list)  # of processor time
    long_ms: list[float] = field(default_factory=list)
    step_ms: list[float] = field(default_factory=list)

    @property
    def cost(self) -> float:
        """Of a step, in ms."""
        return (min(self.long_ms) - min(self.short_ms)) / self.steps

    @property
    def spread(self) -> tuple[float, float]:
        """Least and largest of a pair of runs."""
        pairs = zip(self.short_ms, self.long_ms)
        costs = [(long - short) / self.steps for short, long in pairs]
        return min(costs), max(costs)


def steps_for(case: Case, work_ms: float) -> int:
    """As many steps as take about `work_ms` of processor time."""
    step = WORK_MS * case.model.blocks * case.microbatches
    return max(2, round(work_ms / step))


def children_ms() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (usage.ru_utime + usage.ru_stime)


def measure(point: Point, files: Inputs, work_ms: float) -> None:
    """One short and one long run."""
    point.steps = steps_for(point.case, work_ms)
    for used, steps in (
        (point.short_ms, 1),
        (point.long_ms, 1 + point.steps),
    ):
        job = pp_job(point.case, "local", files, files.tokens, steps)
        before = children_ms()
        run([str(files.pp), "run", str(job)], cwd=files.folder)
        used.append(children_ms() - before)
    lines = (files.folder / "pp" / "metrics.jsonl").read_text().splitlines()
    times = [json.loads(line)["step_ms"] for line in lines[1:]]
    point.step_ms.append(statistics.median(times))


def slope(a: Point, b: Point) -> float:
    return (b.cost - a.cost) / (b.size - a.size)


def slopes(points: list[Point]) -> list[float]:
    """Of each part of the range, in units of the whole range's."""
    whole = slope(points[0], points[-1])
    return [slope(a, b) / whole for a, b in zip(points, points[1:])]


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pp", type=Path, default=ROOT / "build" / "pp")
    parser.add_argument("--axes", nargs="+", choices=AXES, default=list(AXES))
    parser.add_argument("--points", type=int, default=4, metavar="N", help="of an axis")
    parser.add_argument("--repetitions", type=int, default=5, metavar="N")
    parser.add_argument(
        "--work", type=float, default=2000, metavar="MS", help="of a long run"
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "runs" / "growth", metavar="DIR"
    )
    return parser.parse_args(argv)


def markdown(axes: dict[str, list[Point]], about: dict) -> str:
    text = (
        "# Cost of a step as its work grows\n\n"
        f"Tiny GPT, {about['cores']} cores of {about['cpu']}, least of "
        f"{about['repetitions']} runs, in turn. Load before: {about['load']:.2f}. "
        "Slope: processor time by one more, from the line above, against the "
        f"whole range's; aimed at: 1 within {100 * WITHIN:.0f} %. Time of a step is "
        "marked * where there are more ranks than cores: they take turns.\n\n"
    )
    head = ["processor time", "spread", "by one", "slope", "step"]
    for axis, points in axes.items():
        rows = []
        for point, part in zip(points, [None, *slopes(points)]):
            crowded = "*" if point.case.ranks > about["cores"] else ""
            rows.append(
                [
                    point.size,
                    f"{point.cost:.4g} ms",
                    "{:.4g} to {:.4g}".format(*point.spread),
                    f"{point.cost / point.size:.3g} ms",
                    "" if part is None else f"**{part:.3f}**",
                    f"{statistics.median(point.step_ms):.4g} ms{crowded}",
                ]
            )
        text += table([axis, *head], rows) + "\n"
    return text


def main(argv: list[str]) -> int:
    args = parse(argv)
    about = {**machine(), "load": os.getloadavg()[0], "repetitions": args.repetitions}
    axes = {}
    for name in args.axes:
        sizes, case_of = AXES[name]
        axes[name] = [Point(name, n, case_of(n)) for n in sizes[: args.points]]
    with tempfile.TemporaryDirectory(prefix="growth-") as scratch:
        folder = Path(scratch)
        files = {}
        for point in (p for points in axes.values() for p in points):
            model, count = point.case.model, point.case.microbatches
            path = folder / f"{model.blocks}.pt2"
            if not path.exists():
                export(model, path, "--batch=1", f"--layers={model.blocks}")
            tokens = write_tokens(model, folder / f"{count}.npy", count)
            files[point.axis, point.size] = Inputs(
                path, tokens, args.pp.resolve(), folder
            )
        for _ in range(args.repetitions):
            for axis, points in axes.items():
                for point in points:
                    measure(point, files[axis, point.size], args.work)
                print(f"{axis}: {[f'{s:.3f}' for s in slopes(points)]}", flush=True)
    data = {
        "about": about,
        "axes": {
            axis: {
                "sizes": [p.size for p in points],
                "cost_ms": [p.cost for p in points],
                "steps": [p.steps for p in points],
                "short_ms": [p.short_ms for p in points],
                "long_ms": [p.long_ms for p in points],
                "step_ms": [p.step_ms for p in points],
                "slopes": slopes(points),
            }
            for axis, points in axes.items()
        },
    }
    write(args.out, markdown(axes, about), data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
