#!/usr/bin/env python3
"""Pipelines of up to 4,096 ranks, simulated with measured costs.

    cmake --build build --target pp schedule_bounds simulate_many
    benchmarks/scaling.py                            a minute or two; 2 GB
    benchmarks/scaling.py --docs                     renews docs/schedules.md too
    benchmarks/scaling.py --costs 1 1 1 2            measures nothing

Measures F, I, W and B of two blocks of the medium GPT; a rank has four blocks, as
two stages or as one. The model grows with the ranks, so that without bubbles a step
would take equally long on any number of them. One table has the same number of
microbatches for all, the other two per rank. The cost of messages is not measured
but given by --link and --latency.
Writes report.md, report.json and scaling.svg to --out.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bounds import STAGES_PER_RANK
from cases import MODELS, Case, Schedule
from compare import prepare
from figure import Figure, as_data
from pages import renew
from plot import Panel, draw
from report import machine, table, write
from sides import Inputs, pp_job

ROOT = Path(__file__).resolve().parent.parent
FIXED = 512  # microbatches for any number of ranks
AIM = 4096  # ranks
MOST = 2**22  # largest stages x microbatches simulated, in 2 GB
KINDS = ("forward", "input", "weight", "backward")


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--most-ranks", type=int, default=AIM, metavar="N")
    parser.add_argument(
        "--costs",
        type=float,
        nargs=4,
        metavar=("F", "I", "W", "B"),
        help="of two blocks in ms, instead of measuring them",
    )
    parser.add_argument("--link", type=float, default=10, metavar="GBIT/S")
    parser.add_argument("--latency", type=float, default=50, metavar="US")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "runs" / "scaling", metavar="DIR"
    )
    parser.add_argument(
        "--docs", action="store_true", help="renew plot and table in docs/"
    )
    args = parser.parse_args(argv)
    for name in ["simulate_many"] + ["schedule_bounds"] * (not args.costs):
        if not (args.build / "benchmarks" / name).is_file():
            parser.error(f"no {name} in {args.build}: build that target first")
    return args


def measured(build: Path) -> dict[str, float]:
    """Seconds for two blocks and one microbatch: the mean over the inner stages."""
    model = MODELS["medium"]
    with tempfile.TemporaryDirectory(prefix="scaling-") as scratch:
        folder = Path(scratch)
        path, tokens = prepare(model, folder, Case.microbatches)
        case = Case(model, "train", Schedule("Interleaved1F1B", 2))
        files = Inputs(path, tokens, build / "pp", folder)
        job = pp_job(case, "local", files, tokens, 1)
        done = subprocess.run(
            [build / "benchmarks" / "schedule_bounds", "5", job],
            check=True,
            capture_output=True,
            text=True,
        )
    inner = json.loads(done.stdout)["split"][1:-1]
    return {k: sum(row[f"{k}_ms"] for row in inner) / len(inner) / 1e3 for k in KINDS}


def case_of(schedule: str, ranks: int, microbatches: int, costs: dict) -> dict:
    per_rank = STAGES_PER_RANK[schedule]
    stage = {kind: costs[kind] * 2 / per_rank for kind in KINDS}
    return {
        "schedule": schedule,
        "ranks": ranks,
        "stages_per_rank": per_rank,
        "microbatches": microbatches,
        "costs": [{**stage, "bytes": MODELS["medium"].activation_bytes}],
    }


def simulate(build: Path, link: float, latency: float, cases: list[dict]) -> None:
    """Adds step, bubble and peak to each case. link: Gbit/s; latency: s"""
    everything = {
        "latency": latency,
        "bytes_per_s": link * 1e9 / 8,
        "cases": cases,
    }
    done = subprocess.run(
        [build / "benchmarks" / "simulate_many"],
        input=json.dumps(everything),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    for case, line in zip(cases, done.stdout.splitlines(), strict=True):
        case |= json.loads(line)


def both_ways(args: argparse.Namespace, costs: dict) -> dict[str, list[dict]]:
    ranks = [r for r in (4, 16, 64, 256, 1024, 4096) if r <= args.most_ranks]
    ways = {"fixed": lambda _: FIXED, "growing": lambda r: 2 * r}
    return {
        way: [
            case_of(schedule, r, microbatches(r), costs)
            for schedule in STAGES_PER_RANK
            for r in ranks
            if 2 * r * microbatches(r) <= MOST
        ]
        for way, microbatches in ways.items()
    }


def panels(ways: dict[str, list[dict]]) -> list[Panel]:
    titles = {
        "fixed": f"Bubble, {FIXED} microbatches",
        "growing": "Bubble, 2 microbatches per rank",
    }
    out = []
    for way, cases in ways.items():
        lines: dict[str, list] = {}
        for case in cases:
            point = (case["ranks"], case["bubble"])
            lines.setdefault(case["schedule"], []).append(point)
        out.append(Panel(titles[way], "ranks", lines))
    return out


def way_table(cases: list[dict], costs: dict) -> str:
    ranks = sorted({case["ranks"] for case in cases})
    rows = []
    for schedule in STAGES_PER_RANK:
        cells = [schedule]
        for case in (c for c in cases if c["schedule"] == schedule):
            ideal = 2 * case["microbatches"] * (costs["forward"] + costs["backward"])
            cells.append(f"{100 * case['bubble']:.1f} % ({case['step'] / ideal:.2f})")
        rows.append(cells)
    return table(["schedule", *(f"{r:,} ranks" for r in ranks)], rows)


def markdown(ways: dict, costs: dict, args: argparse.Namespace) -> str:
    times = ", ".join(f"{k[0].upper()} {1e3 * costs[k]:.3g} ms" for k in KINDS)
    return (
        f"Two blocks of the medium GPT take {times} per microbatch; a link has "
        f"{args.link:g} Gbit/s and {args.latency:g} µs (assumed, not measured). "
        "Bubble, and in brackets the step in units of M (F + B) of a rank.\n\n"
        f"{FIXED} microbatches, whatever the ranks:\n\n"
        + way_table(ways["fixed"], costs)
        + "\nTwo microbatches per rank:\n\n"
        + way_table(ways["growing"], costs)
    )


def figures(ways: dict[str, list[dict]]) -> list[Figure]:
    largest = max(case["ranks"] for case in ways["fixed"])
    return [Figure("", largest, least=AIM, unit="ranks")]


def main(argv: list[str]) -> int:
    args = parse(argv)
    if args.costs:
        costs = {kind: ms / 1e3 for kind, ms in zip(KINDS, args.costs, strict=True)}
    else:
        costs = measured(args.build)
    ways = both_ways(args, costs)
    cases = [case for cases in ways.values() for case in cases]
    simulate(args.build, args.link, args.latency * 1e-6, cases)
    text = markdown(ways, costs, args)
    data = {"about": machine(), "costs": costs, **ways}
    write(args.out, text, {**data, "figures": as_data(figures(ways))})
    subtitle = (
        "Simulated with measured F, I, W and B of the medium GPT; the model grows "
        f"with the ranks; links of {args.link:g} Gbit/s"
    )
    picture = draw("Weak scaling", subtitle, panels(ways))
    (args.out / "scaling.svg").write_text(picture)
    if args.docs:
        shutil.copy(args.out / "scaling.svg", ROOT / "docs" / "images")
        renew(ROOT / "docs" / "schedules.md", "scaling.py", text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
