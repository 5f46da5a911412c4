#!/usr/bin/env python3
"""Measures what a step of the tiny GPT costs as its work grows.

    benchmarks/growth.py                             all axes, 8 minutes
    benchmarks/growth.py --axes microbatches --repetitions 5

Grows microbatches (8 to 512), stages of one block (2 to 16; a rank each, or on
two ranks) or blocks (8 to 96 in two stages). The cost is the processor time of the
process, user and system, read at the end of every step, so that start-up and
checkpoint don't count. Other work on the machine adds to it, through shared caches,
at some times more than at others. So a run is cut into parts of a tenth of a second,
and its cost is their lower quartile: the least depends on one lucky moment, the
median on what else runs. Linear means that every piece of a range has the slope of
the whole within 5 %. The sizes take turns; a slope is the median over the rounds.
Writes report.md and report.json to --out.
"""

import argparse
import itertools
import json
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from cases import MODELS, Case, Schedule
from compare import export, write_tokens
from figure import Figure, as_data
from processes import RunFailed, run
from report import machine, table, write
from sides import WARM_UP, Inputs, pp_job

ROOT = Path(__file__).resolve().parent.parent
WITHIN = 0.05  # share of the whole range's slope
WORK_MS = 0.25  # roughly, per block and microbatch; decides how long runs are
PART_MS = 100  # least processor time of a part
FEWEST = 3  # least number of counted steps per run
ONE_F_ONE_B = Schedule("1F1B")


def tiny(blocks: int, ranks=2, schedule=ONE_F_ONE_B, microbatches=8) -> Case:
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
    runs: list[list[float]] = field(default_factory=list)  # ms per step of each part
    step_ms: list[float] = field(default_factory=list)  # wall time per step of each run

    @property
    def costs(self) -> list[float]:
        """Processor time per step in ms, of each run."""
        return [lower_quartile(parts) for parts in self.runs]


def lower_quartile(values: list[float]) -> float:
    return sorted(values)[len(values) // 4]


def parts(ends_ms: list[float]) -> list[float]:
    """Cuts a run into parts of whole steps, each of at least PART_MS.

    ends_ms   processor time until the end of each step
    returns   ms per step of each part; the rest at the end is dropped
    """
    out, begin = [], 0
    for end in range(1, len(ends_ms)):
        took = ends_ms[end] - ends_ms[begin]
        if took >= PART_MS:
            out.append(took / (end - begin))
            begin = end
    return out


def steps_for(case: Case, work_ms: float) -> int:
    """Number of steps for about `work_ms` of processor time, plus the warm-up."""
    step = WORK_MS * case.model.blocks * case.microbatches
    return WARM_UP + max(FEWEST, round(work_ms / step))


def measure(point: Point, files: Inputs, work_ms: float) -> None:
    """Runs one point once and adds its costs to it."""
    steps = steps_for(point.case, work_ms)
    job = pp_job(point.case, "local", files, files.tokens, steps)
    done = run(
        [str(files.pp), "run", str(job)],
        cwd=files.folder,
        lines_of=files.folder / "pp" / "metrics.jsonl",
    )
    ends = [1000 * s for s in done.processor_s[WARM_UP - 1 :]]
    if not parts(ends):
        raise RunFailed(f"{steps} steps took less than {PART_MS} ms of processor time")
    point.runs.append(parts(ends))
    times = [json.loads(line)["step_ms"] for line in done.lines[WARM_UP:]]
    point.step_ms.append(statistics.median(times))


def slopes(sizes: list[int], costs: list[float]) -> list[float]:
    """The slope of each piece of the range, as a multiple of the whole range's."""
    whole = (costs[-1] - costs[0]) / (sizes[-1] - sizes[0])
    points = list(zip(sizes, costs, strict=True))
    return [(d - b) / (c - a) / whole for (a, b), (c, d) in itertools.pairwise(points)]


def figures(axes: dict[str, list[Point]]) -> list[Figure]:
    """The slope of every piece of every axis, as a figure."""
    out = []
    for axis, points in axes.items():
        sizes = [p.size for p in points]
        rounds = [
            slopes(sizes, costs)
            for costs in zip(*(p.costs for p in points), strict=True)
        ]
        pieces = zip(itertools.pairwise(sizes), zip(*rounds, strict=True), strict=True)
        for (begin, end), of in pieces:
            value, aims = (
                statistics.median(of),
                {"most": 1 + WITHIN, "least": 1 - WITHIN},
            )
            piece = f"{begin} to {end}"
            out.append(Figure(piece, value, min(of), max(of), **aims, group=axis))
    return out


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pp", type=Path, default=ROOT / "build" / "pp")
    parser.add_argument("--axes", nargs="+", choices=AXES, default=list(AXES))
    parser.add_argument("--points", type=int, default=4, metavar="N", help="of an axis")
    parser.add_argument("--repetitions", type=int, default=10, metavar="N")
    parser.add_argument(
        "--work", type=float, default=1500, metavar="MS", help="of a run, about"
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "runs" / "growth", metavar="DIR"
    )
    args = parser.parse_args(argv)
    if args.work < 3 * PART_MS or args.points < 2 or args.repetitions < 1:
        parser.error(f"at least 1 repetition of 2 points of {3 * PART_MS} ms")
    return args


def markdown(axes: dict[str, list[Point]], about: dict) -> str:
    text = (
        "# Cost of a step as its work grows\n\n"
        f"Tiny GPT, {about['cores']} cores of {about['cpu']}, medians of "
        f"{about['repetitions']} rounds. Load before: {about['load']:.2f}. "
        "Slope: processor time by one more, from the line above, against the "
        f"whole range's; aimed at: 1 within {100 * WITHIN:.0f} %. Time of a step is "
        "marked * where there are more ranks than cores: they take turns.\n\n"
    )
    head = ["processor time", "spread", "by one", "slope", "spread", "step"]
    for axis, points in axes.items():
        rows = []
        for point, piece in zip(points, [None, *figures({axis: points})], strict=True):
            costs, step_ms = point.costs, statistics.median(point.step_ms)
            crowded = "*" if point.case.ranks > about["cores"] else ""
            rows.append(
                [
                    point.size,
                    f"{statistics.median(costs):.4g} ms",
                    f"{min(costs):.4g} to {max(costs):.4g}",
                    f"{statistics.median(costs) / point.size:.3g} ms",
                    f"**{piece.value:.3f}**" if piece else "",
                    f"{piece.low:.3f} to {piece.high:.3f}" if piece else "",
                    f"{step_ms:.4g} ms{crowded}",
                ]
            )
        text += table([axis, *head], rows) + "\n"
    return text


def as_json(axes: dict[str, list[Point]], about: dict) -> dict:
    return {
        "about": about,
        "axes": {
            axis: {
                "sizes": [p.size for p in points],
                "costs_ms": [p.costs for p in points],
                "parts_ms": [p.runs for p in points],
                "step_ms": [p.step_ms for p in points],
            }
            for axis, points in axes.items()
        },
        "figures": as_data(figures(axes)),
    }


def prepare(points: list[Point], pp: Path, folder: Path) -> dict[tuple, Inputs]:
    """Makes the model and the tokens of each point, by axis and size."""
    files = {}
    for point in points:
        model, count = point.case.model, point.case.microbatches
        path = folder / f"{model.blocks}.pt2"
        if not path.exists():
            export(model, path, "--batch=1", f"--layers={model.blocks}")
        tokens = write_tokens(model, folder / f"{count}.npy", count)
        files[point.axis, point.size] = Inputs(path, tokens, pp.resolve(), folder)
    return files


def main(argv: list[str]) -> int:
    args = parse(argv)
    about = {**machine(), "load": os.getloadavg()[0], "repetitions": args.repetitions}
    axes = {}
    for name in args.axes:
        sizes, case_of = AXES[name]
        axes[name] = [Point(name, n, case_of(n)) for n in sizes[: args.points]]
    with tempfile.TemporaryDirectory(prefix="growth-") as scratch:
        everything = [point for points in axes.values() for point in points]
        files = prepare(everything, args.pp, Path(scratch))
        for _ in range(args.repetitions):
            for axis, points in axes.items():
                for point in points:
                    measure(point, files[axis, point.size], args.work)
                now = [f"{f.value:.3f}" for f in figures({axis: points})]
                print(f"{axis}: {', '.join(now)}", flush=True)
    write(args.out, markdown(axes, about), as_json(axes, about))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
