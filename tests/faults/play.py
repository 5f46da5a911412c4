"""A play: one or two jobs in a folder of their own, and what they must leave."""

import os
import random
import re
import subprocess
import time
from pathlib import Path

from jobs import ROWS, write_job

RANKS = 2
STEPS = {"a": 1500, "b": 1800}  # the jobs differ in their results
LIMIT = 60  # seconds for a case


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


def mark_of(folder):
    """The variable that all processes of a play have in their environment."""
    return f"PP_PLAY={folder}"


class Rank:
    """One process that a play starts: a rank of a job, or what starts the ranks."""

    def __init__(self, command, variables, log):
        self.log = log
        keep = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH")
        env = {name: os.environ[name] for name in keep if name in os.environ}
        env |= dict([mark_of(log.parent).split("=", 1)])
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

    def until(self):
        return time.time() + LIMIT * self.options.slowness

    def command(self, name, *more):
        return [self.options.pp, "run", self.folder / f"{name}.toml", *more]

    def write_job(self, name, output, changes=None):
        """changes: other values of keys; None: without this key."""
        keys = job_keys(self.options.fixtures, name, str(output))
        for key in ("data.inputs.x.path", "data.target.path"):
            keys[key] = str(self.options.data / keys[key])
        keys |= changes or {}
        keys = {key: value for key, value in keys.items() if value is not None}
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

    def is_as_alone(self, name, output):
        want = self.options.alone / name / "checkpoints" / f"step_{STEPS[name]}"
        saved = Path(output) / "checkpoints" / f"step_{STEPS[name]}"
        files = [f"part_{part}.safetensors" for part in range(RANKS)]
        return all(
            (saved / file).exists()
            and (saved / file).read_bytes() == (want / file).read_bytes()
            for file in files
        )

    def expect_as_alone(self, name, output):
        if not self.is_as_alone(name, output):
            self.fail(f"job {name} didn't save in {output} what it saves alone")

    def run(self, case):
        getattr(self, case + "_case")()
        left = self.folder.glob("run_*/**/*.tmp*")
        for path in left:
            self.fail(f"left behind: {path}")
        for log in self.folder.glob("*.log"):
            for text in "terminate called", "bug in pp":
                if text in log.read_text():
                    self.fail(f"'{text}' in {log.name}: {log.read_text()}")
