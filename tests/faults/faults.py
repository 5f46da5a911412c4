#!/usr/bin/env python
"""Jobs in which something goes wrong, at a random action of a random step.

    .venv/bin/python tests/faults/faults.py --cases 200

In each case every surviving rank must stop in time and report the true cause
with the right exit code, no process or port may be left behind, and the newest
checkpoint must load. Prints a line per case, and the slowest stop for each kind
of fault.

pp_faulty.cpp lists the faults. Ranks of the launcher `env` are started by
torchrun, or without a launcher (`hand`); then rank 0 serves the store. A full
disk needs a file system of its own, so those cases are left out if this user
can't mount one.
"""

import argparse
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from cases import make_cases
from jobs import ROOT, write_rows
from machine import can_mount, slowness
from runner import Outcome, Runner


def run_case(task):
    options, case = task
    with tempfile.TemporaryDirectory(prefix="pp_fault_") as folder:
        try:
            outcome = Runner(options, case, Path(folder)).run()
        except Exception as error:  # a fault of this program
            outcome = Outcome(faults=[f"{type(error).__name__}: {error}"])
        if outcome.faults and options.keep:
            kept = options.keep / str(case.number)
            shutil.copytree(folder, kept, dirs_exist_ok=True)
    return case, outcome


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--pp", type=Path, default=ROOT / "build/tests/faults/pp_faulty"
    )
    parser.add_argument("--fixtures", type=Path, default=ROOT / "build/fixtures")
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="cases at a time")
    parser.add_argument("--only", default="", help="a launcher, fault or number")
    parser.add_argument(
        "--keep", type=Path, help="folder for the files of failed cases"
    )
    options = parser.parse_args()
    options.pp, options.fixtures = options.pp.resolve(), options.fixtures.resolve()
    import torch.distributed.run  # noqa: F401  before the forks, so that it is imported once

    options.slowness = slowness(options.pp)
    print(f"limits are multiplied by {options.slowness:.2f}")
    mounts = can_mount()
    if not mounts:
        print("full disk: left out, because no tmpfs can be mounted here")
    cases = make_cases(options.cases, options.seed, mounts)
    if options.only:
        names = options.only.split(",")
        cases = [
            c
            for c in cases
            if all(n in (c.launcher, c.kind, c.schedule, str(c.number)) for n in names)
        ]
    slowest = defaultdict(float)
    bad = 0
    began = time.time()
    with tempfile.TemporaryDirectory(prefix="pp_faults_") as data:
        options.data = Path(data)
        write_rows(data)
        context = multiprocessing.get_context("fork")
        with context.Pool(options.jobs) as pool:
            tasks = [(options, case) for case in cases]
            for case, outcome in pool.imap(run_case, tasks):
                word = "FAILED" if outcome.faults else f"{outcome.seconds:.2f} s"
                print(f"{case} {outcome.at:12} {word}", flush=True)
                for fault in outcome.faults:
                    print(f"      {fault}", flush=True)
                bad += bool(outcome.faults)
                slowest[case.kind] = max(slowest[case.kind], outcome.seconds)
    print(f"{len(cases)} cases in {time.time() - began:.0f} s, {bad} failed")
    for kind, seconds in sorted(slowest.items()):
        print(f"slowest stop after {kind:6} {seconds:.2f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
