#!/usr/bin/env python
"""Jobs that get into each other's way, at random moments.

    .venv/bin/python tests/faults/collisions.py --seeds 60

Each seed plays one of the cases:

    port     two jobs are started on one port, each with an output folder of its own
    launcher the same, under the variables of Open MPI, so that each job has a name
    twin     one job is started twice, on one port and with one output folder
    folder   two jobs are started on different ports with one output folder
    signal   a job gets SIGTERM or SIGINT at a random moment, or twice, and is resumed
    file     data, a model or a stage that a job reads is cut short, written over,
             replaced or removed

In the first two, no job may use a rank of the other: a rank that is refused ends soon
and names the job that has the port, and one job at least runs to its end. Twins can't
be told apart, but each rank must run once. What a job saved must be, byte for byte,
what it saves alone.

Of two jobs in one folder, the second is refused and names the folder. A job that a
signal or a changed file ended is resumed, and gives what it gives alone. The ranks of
these two are started by hand, as processes or by torchrun, and resumed by any of them.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from disturbed import DisturbedPlay
from jobs import ROOT, write_rows
from machine import free_port, slowness
from play import RANKS, STEPS, Play, by_hand, open_mpi


class CollidingPlay(Play):
    """The cases of two jobs."""

    def port_case(self):
        self.two_jobs(lambda _: by_hand)

    def launcher_case(self):
        self.two_jobs(lambda name: lambda rank, port: open_mpi(rank, port, name))

    def two_jobs(self, variables_of):
        outputs = {name: self.folder / f"run_{name}" for name in STEPS}
        port = free_port()
        started = {}
        for name, output in outputs.items():
            self.write_job(name, output)
            started[name] = self.start(name, port, variables_of(name))
            if name == "a":
                time.sleep(self.draw.choice([0, 0.05, 0.2, 0.5, 1.0, 1.5]))
        until = self.until()
        for ranks in started.values():
            self.end_the_rest(ranks, until)
        codes = {n: [r.wait(until) for r in ranks] for n, ranks in started.items()}
        refused = {
            name: [rank for rank in ranks if rank.is_refused()]
            for name, ranks in started.items()
        }
        self.says = f"{codes}"
        self.check_two(codes, refused, outputs)

    def check_two(self, codes, refused, outputs):
        whole = [name for name in codes if codes[name] == [0] * RANKS]
        for name in whole:
            self.expect_as_alone(name, outputs[name])
        for name, ranks in refused.items():
            other = outputs["b" if name == "a" else "a"]
            for rank in ranks:
                text = "".join(rank.errors())
                if str(other) not in text:
                    self.fail(f"{rank.log.name} doesn't name the other job: {text}")
        for name in codes:
            if None in codes[name]:
                self.fail(f"job {name} didn't end: {codes[name]}")
            if name not in whole and not refused[name]:
                texts = [p.read_text() for p in self.folder.glob(f"{name}?.log")]
                self.fail(f"job {name} ended with {codes[name]}: {texts}")
        if not whole:
            self.fail("neither job ran")

    def twin_case(self):
        output = self.folder / "run_a"
        self.write_job("a", output)
        shutil.copy(self.folder / "a.toml", self.folder / "b.toml")
        port = free_port()
        ranks = self.start("a", port, by_hand)
        time.sleep(self.draw.choice([0, 0.01, 0.05, 0.1, 0.3]))
        ranks += self.start("b", port, by_hand)
        until = self.until()
        alone_since = None
        while time.time() < until and alone_since is None:
            alive = [rank for rank in ranks if rank.process.poll() is None]
            alone_since = time.time() if len(alive) < 2 else None
            time.sleep(0.02)
        # One rank alone waits for a job that has ended.
        codes = [rank.wait(min(until, time.time() + 5)) for rank in ranks]
        self.says = f"{codes}"
        for number in range(RANKS):
            if codes[number::RANKS].count(0) != 1:
                self.fail(f"rank {number} must run once: {codes}")
        for rank, code in zip(ranks, codes, strict=True):
            if code not in (0, None) and str(output) not in "".join(rank.errors()):
                self.fail(f"{rank.log.name} doesn't name the job: {rank.errors()}")
        self.expect_as_alone("a", output)

    def folder_case(self):
        """The second of two jobs in one folder is refused and names the first, unless
        that has ended."""
        output = self.folder / "run_a"
        ranks = {}
        for name in STEPS:
            self.write_job(name, output)
            ranks[name] = self.start(name, free_port(), by_hand)
            time.sleep(self.draw.choice([0.05, 0.3, 1.0]))
        until = self.until()
        codes = {n: [r.wait(until) for r in each] for n, each in ranks.items()}
        self.says = f"{codes}"
        whole = [name for name in codes if codes[name] == [0] * RANKS]
        if not whole:
            self.fail(f"{codes}: one job of the two must run")
        aside = output / "checkpoints.1"
        if len(whole) == 2 and aside.exists():
            # The first had ended when the second looked: its files are set aside.
            earlier = "a" if (aside / f"step_{STEPS['a']}").exists() else "b"
            (self.folder / "run_earlier").mkdir()
            aside.rename(self.folder / "run_earlier/checkpoints")
            self.expect_as_alone(earlier, self.folder / "run_earlier")
            whole.remove(earlier)
            codes.pop(earlier)
        elif len(whole) == 2:
            self.fail(f"{codes}: the first job's files are gone")
        for name in whole:
            self.expect_as_alone(name, output)
        for name in set(codes) - set(whole):
            texts = [text for r in ranks[name] for text in r.errors()]
            if not any(str(output) in text for text in texts):
                self.fail(f"job {name} doesn't name the folder: {texts}")


CASES = {
    "port": CollidingPlay,
    "launcher": CollidingPlay,
    "twin": CollidingPlay,
    "folder": CollidingPlay,
    "signal": DisturbedPlay,
    "file": DisturbedPlay,
}


def train_alone(options):
    for name in STEPS:
        play = Play(options, options.data, 0)
        play.write_job(name, options.alone / name)
        command = play.command(name, "--launcher", "local")
        subprocess.run(command, check=True, capture_output=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pp", type=Path, default=ROOT / "build/pp")
    parser.add_argument("--fixtures", type=Path, default=ROOT / "build/fixtures")
    parser.add_argument("--seeds", type=int, default=60)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument(
        "--cases", default=",".join(CASES), help=f"some of {','.join(CASES)}"
    )
    options = parser.parse_args()
    options.pp, options.fixtures = options.pp.resolve(), options.fixtures.resolve()
    cases = options.cases.split(",")
    if not set(cases) <= set(CASES):
        parser.error(f"--cases: some of {', '.join(CASES)}")
    options.slowness = slowness(options.pp)
    bad = 0
    with tempfile.TemporaryDirectory(prefix="pp_collisions_") as folder:
        options.data, options.alone = Path(folder) / "data", Path(folder) / "alone"
        options.data.mkdir()
        write_rows(options.data)
        train_alone(options)
        for seed in range(options.first, options.first + options.seeds):
            case = cases[seed % len(cases)]
            own = Path(folder) / str(seed)
            own.mkdir()
            play = CASES[case](options, own, seed)
            play.run(case)
            word = "FAILED" if play.faults else "ok"
            print(f"{seed:3} {case:8} {play.says} {word}", flush=True)
            for fault in play.faults:
                print(f"      {fault}", flush=True)
            bad += bool(play.faults)
            shutil.rmtree(own)
    print(f"{options.seeds} seeds, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
