"""Measures every row of the scoreboard in docs/performance.md.

    benchmarks/compare.py --scoreboard               all rows, some 70 minutes
    benchmarks/compare.py --scoreboard --rows 5 14   these again, the others stay
    benchmarks/compare.py --scoreboard --rows --page    measures nothing

Runs the scripts that the rows need (scoreboard_rows.py) one after the other, each
with a folder in --out for its report and log. Writes scoreboard.md, scoreboard.json,
ratios.svg and scaling.svg to --out after every run; --page updates the table in
docs/performance.md too. A row keeps its values in scoreboard.json until it is measured
again.
A row that fails, or that this machine can't measure, says why. Exits with 1 if a row
failed.
"""

import argparse
import json
import shutil
import signal
import sys
import time
from pathlib import Path

from figure import Figure, as_data, from_data
from pages import renew
from scoreboard_page import about, page, picture, table_of
from scoreboard_rows import ROWS, Compared, Listed, Row, runs_of
from scoreboard_runs import Outcome, measure

ROOT = Path(__file__).resolve().parent.parent


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="compare.py --scoreboard",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    numbers = [row.number for row in ROWS]
    parser.add_argument(
        "--rows", nargs="*", type=int, choices=numbers, default=numbers, metavar="N"
    )
    parser.add_argument("--repetitions", type=int, default=5, metavar="N")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "runs" / "scoreboard", metavar="DIR"
    )
    parser.add_argument(
        "--page",
        nargs="?",
        type=Path,
        const=ROOT / "docs" / "performance.md",
        metavar="PAGE",
        help="update the table in docs/performance.md, or in another page",
    )
    args = parser.parse_args(argv)
    if args.repetitions < 1:
        parser.error("at least 1 repetition")
    return args


# --- from reports to rows ----------------------------------------------------


def figures_of(source: Compared | Listed, outcome: Outcome) -> list[Figure]:
    """The figures of a line: at least one, each with a value or why it has none."""
    if isinstance(source, Compared):
        # The best of all schedules has the names of two, one per side.
        is_best = source.measure.startswith("best")
        schedules = [None] if is_best else source.schedules
        return [compared(source, schedule, outcome) for schedule in schedules]
    names = {"what": source.group, "group": source.group}
    if outcome.report is None:
        return [Figure(**names, failure=outcome.failure, absent=outcome.absent)]
    found = from_data(outcome.report["figures"])
    missing = Figure(**names, failure=f"{source.run} reports nothing of it")
    return [f for f in found if source.group in ("", f.group)] or [missing]


def compared(source: Compared, schedule: str | None, outcome: Outcome) -> Figure:
    what = source.label or schedule or "best"
    if outcome.report is None:
        return Figure(what, failure=outcome.failure, absent=outcome.absent)
    wanted = (source.measure, source.model, source.mode, source.launcher)
    for row in outcome.report["rows"]:
        keys = (row["measure"], row["model"], row["mode"], row["launcher"])
        if keys != wanted or schedule not in (None, row["schedule"]):
            continue
        what = what if schedule else row["schedule"]
        if row["ratio"] is not None and not row["failure"]:
            return Figure(what, row["ratio"], *row["spread"], most=row["aim"])
        words = [line.strip() for line in row["failure"].splitlines() if line.strip()]
        return Figure(
            what, failure=(words or ["a side gave nothing"])[-1], most=row["aim"]
        )
    return Figure(what, failure="compare.py reports nothing of it")


def record(row: Row, outcomes: dict[str, Outcome]) -> dict:
    """The entry of a row in scoreboard.json."""
    abouts = [outcomes[name].about for name in row.runs]
    heaviest = {k: max(a[k] for a in abouts) for k in ("load", "busy_cores")}
    lines = []
    for line in row.lines:
        figures = [
            f
            for source in line.sources
            for f in figures_of(source, outcomes[source.run])
        ]
        lines.append({"title": line.title, "figures": as_data(figures)})
    return {**abouts[0], **heaviest, "lines": lines}


def figures_in(kept: dict) -> list[Figure]:
    return [figure for line in kept["lines"] for figure in from_data(line["figures"])]


def has_failed(kept: dict) -> bool:
    return any(figure.failure for figure in figures_in(kept))


def summary(kept: dict) -> str:
    figures = figures_in(kept)
    without = [figure.text for figure in figures if figure.value is None]
    if without:
        return without[0]
    missed = sum(figure.met is False for figure in figures)
    return f"{len(figures)} measured, " + (f"{missed} missed" if missed else "all met")


# --- the board ---------------------------------------------------------------


def load(out: Path) -> dict[int, dict]:
    """Recorded rows by number."""
    path = out / "scoreboard.json"
    kept = json.loads(path.read_text())["rows"] if path.is_file() else {}
    return {
        row.number: kept[str(row.number)] for row in ROWS if str(row.number) in kept
    }


def save(out: Path, rows: dict[int, dict]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    whole = out / "scoreboard.json.new"
    sorted_rows = {str(number): rows[number] for number in sorted(rows)}
    whole.write_text(
        json.dumps({"about": about(rows), "rows": sorted_rows}, indent=1) + "\n"
    )
    whole.replace(out / "scoreboard.json")
    (out / "ratios.svg").write_text(picture(rows))
    if (out / "scaling" / "scaling.svg").is_file():
        shutil.copy(out / "scaling" / "scaling.svg", out)
    (out / "scoreboard.md").write_text(page(rows, out))


def measure_rows(
    asked: list[Row], kept: dict[int, dict], args: argparse.Namespace
) -> list[int]:
    """Renews `kept` and the files; returns the numbers of rows that failed."""
    began, outcomes, failed = time.monotonic(), {}, []

    def say(words: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - began), 60)
        print(f"{minutes:3}:{seconds:02}  {words}", flush=True)

    for run in runs_of(asked):
        rows = [row for row in asked if run.name in row.runs]
        numbers = ", ".join(str(row.number) for row in rows)
        say(f"row {numbers}: {run.command[0]} ({run.name})")
        outcomes[run.name] = measure(run, args)
        for row in rows:
            if any(name not in outcomes for name in row.runs):
                continue  # its other runs are still to come
            kept[row.number] = record(row, outcomes)
            say(f"row {row.number} done: {summary(kept[row.number])}")
            if has_failed(kept[row.number]):
                failed.append(row.number)
        if kept:
            save(args.out, kept)
    return failed


def main(argv: list[str]) -> int:
    args = parse(argv)
    # An exit on SIGTERM ends the running script too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    kept = load(args.out)
    asked = [row for row in ROWS if row.number in args.rows]
    try:
        failed = measure_rows(asked, kept, args)
    except KeyboardInterrupt:
        print(f"interrupted; {args.out} has the rows that were done", file=sys.stderr)
        return 130
    if not kept:
        raise SystemExit(f"no rows in {args.out}: measure some first")
    save(args.out, kept)
    print("\n" + table_of(kept))
    if args.page:
        renew(args.page, "scoreboard", table_of(kept))
    if failed:
        print(f"failed: row {', '.join(map(str, failed))}", file=sys.stderr)
    return 1 if failed else 0
