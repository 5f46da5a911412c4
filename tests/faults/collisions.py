#!/usr/bin/env python
"""Jobs that get into each other's way, at random moments.

    .venv/bin/python tests/faults/collisions.py --seeds 60

Each seed plays one of the cases:

    port     two jobs are started on one port, each with an output folder of its own
    launcher the same, under the variables of Open MPI, so that each job has a name
    twin     one job is started twice, on one port and with one output folder
    folder   two jobs are started on different ports with one output folder
    signal   a job gets SIGTERM or SIGINT at a random moment and is resumed
    file     a file that a job reads is cut short, written over, replaced or removed

In the first two, no job may use a rank of the other: a rank that is refused ends soon
and names the job that has the port, and one job at least runs to its end. Twins can't
be told apart, but each rank must run once. What a job saved must be, byte for byte,
what it saves alone.

Of two jobs in one folder, the second is refused and names the folder. A job that a
signal or a changed file ended is resumed, and gives what it gives alone.
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jobs import ROOT, ROWS, write_job, write_rows
from machine import free_port

RANKS = 2
STEPS = {"a": 1500, "b": 1800}  # the jobs differ in their results
LIMIT = 60  # seconds for a case
CASES = ("port", "launcher", "twin", "folder", "signal", "file")


def job_keys(fixtures, name, folder):
    return ROWS | {
        "model.path": f"{fixtures}/mlp.pt2",
        "model.mode": "train",
        "split.at": ["layers.2"],
        "pipeline.microbatches": 4,
        "train.steps": STEPS[name],
        "output.dir": folder,
        "output.checkpoint_every": 300,
    }


def by_hand(rank, port):
    return {
        "RANK": str(rank),
        "WORLD_SIZE": str(RANKS),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }


def open_mpi(rank, port, name):
    return {
        "OMPI_COMM_WORLD_RANK": str(rank),
        "OMPI_COMM_WORLD_SIZE": str(RANKS),
        "OMPI_COMM_WORLD_LOCAL_RANK": str(rank),
        "OMPI_COMM_WORLD_LOCAL_SIZE": str(RANKS),
        "PMIX_NAMESPACE": f"prterun-{name}@1",
        "MASTER_PORT": str(port),
    }


class Rank:
    """One process of a job."""

    def __init__(self, command, variables, log):
        self.log = log
        keep = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH")
        env = {name: os.environ[name] for name in keep if name in os.environ}
        with log.open("w") as out:
            self.process = subprocess.Popen(
                command,
                env=env | variables,
                stdout=out,
                stderr=out,
                cwd=log.parent,
            )

    def wait(self, until):
        try:
            return self.process.wait(max(0.1, until - time.time()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None

    def errors(self):
        return re.findall("^pp: error: .*$", self.log.read_text(), re.M)

    def is_refused(self):
        return any("another job" in text for text in self.errors())


class Play:
    """One seed's case."""

    def __init__(self, options, folder, seed):
        self.options, self.folder, self.seed = options, folder, seed
        self.draw = random.Random(seed)
        self.faults = []
        self.says = ""

    def fail(self, text):
        self.faults.append(text)

    def command(self, name, *more):
        return [self.options.pp, "run", self.folder / f"{name}.toml", *more]

    def write_job(self, name, output):
        keys = job_keys(self.options.fixtures, name, str(output))
        for key in ("data.inputs.x.path", "data.target.path"):
            keys[key] = str(self.options.data / keys[key])
        write_job(self.folder / f"{name}.toml", keys)

    def start(self, name, port, variables, more=()):
        """Starts the ranks of a job with a random pause between them."""
        ranks = []
        for rank in range(RANKS):
            log = self.folder / f"{name}{rank}.log"
            ranks.append(Rank(self.command(name, *more), variables(rank, port), log))
            if rank + 1 < RANKS:
                time.sleep(self.draw.choice([0, 0, 0.02, 0.1, 0.3]))
        return ranks

    def expect_as_alone(self, name, output):
        want = self.options.alone / name / "checkpoints" / f"step_{STEPS[name]}"
        saved = Path(output) / "checkpoints" / f"step_{STEPS[name]}"
        for part in range(RANKS):
            file = f"part_{part}.safetensors"
            if not (saved / file).exists():
                self.fail(f"job {name} has no {saved / file}")
            elif (saved / file).read_bytes() != (want / file).read_bytes():
                self.fail(f"job {name}: {file} isn't what the job saves alone")

    # Cases

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
        until = time.time() + LIMIT
        for ranks in started.values():
            self.end_the_rest(ranks, until)
        codes = {n: [r.wait(until) for r in ranks] for n, ranks in started.items()}
        refused = {
            name: [rank for rank in ranks if rank.is_refused()]
            for name, ranks in started.items()
        }
        self.says = f"{codes}"
        self.check_two(codes, refused, outputs)

    def end_the_rest(self, ranks, until):
        """Waits for the ranks of a job; after one failed, ends those that wait for
        it, as a launcher does."""
        failed_at = None
        while time.time() < until:
            codes = [rank.process.poll() for rank in ranks]
            if None not in codes:
                return
            if failed_at is None and any(codes):
                failed_at = time.time()
            if failed_at is not None and time.time() - failed_at > 1:
                for rank in ranks:
                    rank.process.terminate()
                return
            time.sleep(0.02)

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
        until = time.time() + LIMIT
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
        until = time.time() + LIMIT
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

    def signal_case(self):
        """A resumed job gives what one gives that was never interrupted."""
        output = self.folder / "run_a"
        self.write_job("a", output)
        number = self.draw.choice([signal.SIGTERM, signal.SIGINT])
        ranks = self.start("a", free_port(), by_hand)
        time.sleep(self.draw.uniform(0.2, 2.5))
        self.draw.choice(ranks).process.send_signal(number)
        until = time.time() + LIMIT
        self.end_the_rest(ranks, until)
        codes = [r.wait(until) for r in ranks]
        self.says = f"{number.name} {codes}"
        # A process that has only begun dies of the signal itself.
        ends = (0, 4, 128 + number, -number, 128 + signal.SIGTERM, -signal.SIGTERM)
        if any(code not in ends for code in codes):
            self.fail(f"ended with {codes}: {[r.errors() for r in ranks]}")
        self.resume(output)

    def resume(self, output):
        """Starts job a again, which must end as if nothing had happened."""
        again = self.start("a", free_port(), by_hand, ["--resume-if-any"])
        codes = [r.wait(time.time() + LIMIT) for r in again]
        if codes == [0] * RANKS:
            self.expect_as_alone("a", output)
        else:
            self.fail(f"resumed: {codes}: {[r.errors() for r in again]}")

    def file_case(self):
        """What becomes of a job whose data file changes while it runs: one that is
        cut short ends the job and is named, unless the job has ended before; one that
        is written over is named; one that is replaced or removed doesn't matter."""
        output = self.folder / "run_a"
        self.write_job("a", output)
        given = self.options.data / ROWS["data.inputs.x.path"]
        own, other = self.folder / "own_x.npy", self.folder / "other_x.npy"
        shutil.copy(given, own)
        content = bytearray(given.read_bytes())
        content[-4096:] = bytes(4096)
        other.write_bytes(content)
        job = self.folder / "a.toml"
        job.write_text(job.read_text().replace(str(given), str(own)))
        ranks = self.start("a", free_port(), by_hand)
        how = self.draw.choice(["cut", "written over", "replaced", "removed"])
        if how != "cut":  # after it was opened
            metrics = output / "metrics.jsonl"
            until = time.time() + LIMIT
            while not metrics.exists() and time.time() < until:
                time.sleep(0.01)
        time.sleep(self.draw.uniform(0, 1.5))
        if how == "cut":
            os.truncate(own, 200)
        elif how == "written over":
            with own.open("r+b") as file:
                file.write(content)
        elif how == "replaced":
            other.rename(own)
        else:
            own.unlink()
        until = time.time() + LIMIT
        self.end_the_rest(ranks, until)
        codes = [r.wait(until) for r in ranks]
        self.says = f"{how} {codes}"
        texts = [rank.log.read_text() for rank in ranks]
        named = any(str(own) in text for text in texts)
        if how in ("replaced", "removed"):
            self.expect_as_alone("a", output)
        elif how == "written over" and not (named and codes == [0] * RANKS):
            self.fail(f"{codes}: the file isn't named: {texts}")
        elif how == "cut" and codes == [0] * RANKS:
            self.expect_as_alone("a", output)
        elif how == "cut":
            # 3: it was cut before it was opened.
            if not named or not {3, 4} & set(codes):
                self.fail(f"{codes}: the file isn't named: {texts}")
            shutil.copy(given, own)
            self.resume(output)

    def run(self, case):
        getattr(self, case + "_case")()
        left = self.folder.glob("run_*/**/*.tmp*")
        for path in left:
            self.fail(f"left behind: {path}")


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
            play = Play(options, own, seed)
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
