#!/usr/bin/env python3
"""Compares steps of every schedule with their simulated bounds, and I + W with B.

    cmake --build build --target schedule_bounds
    benchmarks/bounds.py                          medium GPT, 2 ranks: 5 minutes
    benchmarks/bounds.py --model tiny --repetitions 30 --schedules 1F1B DualPipeV

All schedules take turns in one process, one step each. A step's bound is the
simulated time of its list of actions, with the medians of F, I, W and B by stage in
that same step and free messages; so a slow machine is slow on both sides. The
ratio is the median over the steps. Writes report.md and report.json to --out,
and with --docs the table of docs/schedules.md.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from cases import MODELS, Case, Schedule
from compare import prepare
from figure import Figure, as_data
from pages import renew
from report import write
from sides import Inputs, pp_job

ROOT = Path(__file__).resolve().parent.parent
AIM, SPLIT_AIM = 1.03, 1.05  # of step / bound, and of (I + W) / B

# Every schedule of `pp schedule --list`, with its stages per rank.
STAGES_PER_RANK = {
    "GPipe": 1,
    "1F1B": 1,
    "Interleaved1F1B": 2,
    "LoopedBFS": 2,
    "InterleavedZeroBubble": 2,
    "ZBVZeroBubble": 2,
    "DualPipeV": 2,
    "VHalf": 2,
    "VMin": 2,
}


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--model", choices=MODELS, default="medium")
    parser.add_argument(
        "--schedules",
        nargs="+",
        choices=STAGES_PER_RANK,
        default=list(STAGES_PER_RANK),
    )
    parser.add_argument("--repetitions", type=int, default=9, metavar="N")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "runs" / "bounds", metavar="DIR"
    )
    parser.add_argument(
        "--docs", action="store_true", help="renew the table in docs/schedules.md"
    )
    args = parser.parse_args(argv)
    if not (args.build / "benchmarks" / "schedule_bounds").is_file():
        parser.error(f"no schedule_bounds in {args.build}: build that target first")
    return args


def write_jobs(args: argparse.Namespace, folder: Path) -> list[Path]:
    model = MODELS[args.model]
    path, tokens = prepare(model, folder, Case.microbatches)
    files = Inputs(path, tokens, args.build / "pp", folder)
    jobs = []
    for name in args.schedules:
        case = Case(model, "train", Schedule(name, STAGES_PER_RANK[name]))
        job = pp_job(case, "local", files, tokens, 1)
        jobs.append(job.rename(folder / f"{name}.toml"))
    return jobs


def markdown(report: dict) -> str:
    lines = [
        (
            f"{report['model']} GPT, {Case.ranks} ranks of 1 thread, "
            f"{Case.microbatches} microbatches of 1 row, {report['repetitions']} "
            f"steps each, in turn. Load at the start {report['load']:.1f} on "
            f"{os.cpu_count()} cores."
        ),
        "",
        "| schedule | stages | step | bound | step / bound | best | bound's bubble |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in report["schedules"]:
        lines.append(
            f"| {row['schedule']} | {row['stages']} | {row['step_ms']:.0f} ms "
            f"| {row['bound_ms']:.0f} ms | {row['ratio']:.3f} "
            f"| {row['best_ratio']:.3f} | {100 * row['bubble']:.1f} % |"
        )
    lines += [
        "",
        "| stage | F | I | W | B | (I + W) / B |",
        "|---|---|---|---|---|---|",
    ]
    for row in report["split"]:
        times = [row[f"{k}_ms"] for k in ("forward", "input", "weight", "backward")]
        cells = " | ".join(f"{t:.3g} ms" for t in times)
        lines.append(f"| {row['stage']} | {cells} | {row['ratio']:.3f} |")
    return "\n".join(lines) + "\n"


def figures(report: dict) -> list[Figure]:
    return [
        Figure(row["schedule"], row["ratio"], row["best_ratio"], most=AIM)
        for row in report["schedules"]
    ]


def main(argv: list[str]) -> int:
    args = parse(argv)
    report = {
        "model": args.model,
        "repetitions": args.repetitions,
        "load": os.getloadavg()[0],
    }
    with tempfile.TemporaryDirectory(prefix="bounds-") as scratch:
        jobs = write_jobs(args, Path(scratch))
        program = args.build / "benchmarks" / "schedule_bounds"
        done = subprocess.run(
            [str(program), str(args.repetitions), *map(str, jobs)],
            check=True,
            capture_output=True,
            text=True,
        )
    report |= json.loads(done.stdout)
    text = markdown(report)
    write(args.out, text, {**report, "figures": as_data(figures(report))})
    if args.docs:
        renew(ROOT / "docs" / "schedules.md", "bounds.py", text)
    over = sum(row["ratio"] > AIM for row in report["schedules"])
    over += sum(row["ratio"] > SPLIT_AIM for row in report["split"])
    if over:
        print(f"{over} ratios are above {AIM} or {SPLIT_AIM}", file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
