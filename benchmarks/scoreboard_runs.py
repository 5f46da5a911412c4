"""Runs a script for the scoreboard: its report, or why there is none."""

import argparse
import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from report import machine
from scoreboard_rows import Run

BENCHMARKS = Path(__file__).resolve().parent
SKIPPED = 77  # the exit status of a script that this machine can't run
LIMIT_S = 2 * 3600  # longest time of a run


@dataclass
class Outcome:
    report: dict | None = None
    failure: str = ""
    absent: str = ""  # why this machine can't measure it
    about: dict = field(default_factory=dict)  # time, machine, how busy it was


def why_absent(run: Run, build: Path) -> str:
    """Why this machine can't measure it; empty if it can."""
    if not (build / "pp").is_file():
        return f"no {build / 'pp'}; scripts/build.sh"
    missing = [t for t in run.targets if not (build / "benchmarks" / t).is_file()]
    if missing:
        return f"not built; cmake --build {build} --target {' '.join(missing)}"
    cores = machine()["cores"]
    if cores < run.cores:
        return f"takes {run.cores} cores, one a rank; here is {cores}"
    return ""


def busy_cores(seconds: float = 1.0) -> float:
    """Number of cores that other work keeps busy now.

    The load average would still include the previous run.
    """

    def clocks() -> tuple[int, int]:
        first = Path("/proc/stat").read_text().split("\n")[0]
        ticks = [int(word) for word in first.split()[1:9]]
        return sum(ticks), ticks[3] + ticks[4]  # idle, and waiting for a disk

    whole, idle = clocks()
    time.sleep(seconds)
    whole_then, idle_then = clocks()
    share = (idle_then - idle) / max(1, whole_then - whole)
    return round(os.cpu_count() * (1 - share), 2)


def command_of(run: Run, args: argparse.Namespace) -> list[str]:
    script, *options = (part.format(build=args.build.resolve()) for part in run.command)
    if run.repetitions:
        options += ["--repetitions", str(run.repetitions * args.repetitions)]
    return [sys.executable, str(BENCHMARKS / script), *options]


def last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    words = [line.strip() for line in lines if line.strip()]
    return words[-1][:160] if words else "no output"


def call(command: list[str], log: Path) -> int:
    """Runs the command; returns its exit status. An interrupt ends its children too."""
    with log.open("w") as stream:
        process = subprocess.Popen(
            command, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            return process.wait(LIMIT_S)
        finally:
            if process.returncode is None:
                # It gets time to remove its namespaces.
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)


def measure(run: Run, args: argparse.Namespace) -> Outcome:
    """Measures one run. args: build, repetitions, and out, the parent of its folder"""
    about = {
        "date": datetime.now().isoformat(" ", "minutes"),
        "load": round(os.getloadavg()[0], 2),
        "busy_cores": busy_cores(),
        "repetitions": args.repetitions,
        "torch": importlib.metadata.version("torch"),
        **machine(),
    }
    if why := why_absent(run, args.build):
        return Outcome(absent=why, about=about)
    folder = args.out / run.name
    folder.mkdir(parents=True, exist_ok=True)
    report, log = folder / "report.json", folder / "log.txt"
    report.unlink(missing_ok=True)
    try:
        status = call([*command_of(run, args), "--out", str(folder)], log)
    except subprocess.TimeoutExpired:
        return Outcome(failure=f"no end within {LIMIT_S} s", about=about)
    if status == SKIPPED:
        return Outcome(absent=last_line(log).removeprefix("skipped: "), about=about)
    if not report.is_file():
        return Outcome(failure=f"exit status {status}: {last_line(log)}", about=about)
    return Outcome(json.loads(report.read_text()), about=about)
