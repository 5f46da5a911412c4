#!/usr/bin/env python
"""Jobs in which something goes wrong, at a random action of a random step.

    .venv/bin/python tests/faults/faults.py --cases 200

For each case: every surviving rank stops in time, says the true cause with the
right exit code, no process or port is left behind, and the newest checkpoint
loads. Prints a line a case, and the slowest stop of each kind of fault.

The faults are those of pp_faulty.cpp. `env` is torchrun, or ranks started by
hand (`hand`), of which rank 0 serves the store. A full disk needs a file system
of its own: those cases are left out where this user can't mount one.
"""

import argparse
import itertools
import multiprocessing
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOST = re.escape(socket.gethostname())
STALL = 1.0  # pipeline.stall_timeout, seconds
BLOCK = 2.5  # how long a blocked rank blocks

# What every launcher can suffer, and what only ranks that are processes can.
EVERYWHERE = ["throw", "fill", "block"]
PROCESSES = ["kill", "stop", "term", "cut", "mute", "store"]
LAUNCHERS = {
    "local": EVERYWHERE,
    "processes": EVERYWHERE + PROCESSES,
    "hand": EVERYWHERE + PROCESSES,
    "torchrun": EVERYWHERE + PROCESSES,
}
SCHEDULES = {  # ranks, split points
    "GPipe": (3, ["layers.1", "layers.3"]),
    "1F1B": (3, ["layers.1", "layers.3"]),
    "Interleaved1F1B": (2, ["layers.1", "layers.2:end", "head"]),
}
MICROBATCHES = 4

# Seconds from the fault to the end of the last surviving rank. The promise is 1
# for an error, 2 for a death, the stall timeout for a hang; the rest is for a
# loaded machine and the end of processes.
SLACK = 1.0
LIMIT = {
    "throw": 1 + SLACK,
    "fill": 1 + SLACK,
    "kill": 2 + SLACK,
    "store": 2 + SLACK,
    "term": 1 + SLACK,
    "cut": 2 + SLACK,
    "stop": STALL + 1 + SLACK,
    "mute": STALL + 1 + SLACK,
    "block": BLOCK + SLACK,  # the rank itself; its peers earlier
}


@dataclass(frozen=True)
class Case:
    number: int
    launcher: str
    kind: str
    schedule: str
    transport: str
    rank: int
    step: int  # counted from 1
    place: float  # in the step, 0 to 1

    def __str__(self):
        return (
            f"{self.number:3} {self.launcher:9} {self.kind:6} {self.schedule:16}"
            f"{self.transport:5} rank {self.rank} step {self.step}"
        )


def limit_of(case):
    # The parent of `processes` ends a rank that is stopped after 1.5 s.
    stopped = (case.launcher, case.kind) == ("processes", "stop")
    return LIMIT[case.kind] + (1.5 if stopped else 0)


@dataclass
class Outcome:
    seconds: float = 0
    at: str = ""
    faults: list = field(default_factory=list)


def make_cases(count, seed, can_mount):
    """Every pair of launcher and fault in turn, the rest drawn."""
    draw = random.Random(seed)
    pairs = [
        (launcher, kind)
        for launcher, kinds in LAUNCHERS.items()
        for kind in kinds
        if can_mount or kind != "fill"
    ]
    draw.shuffle(pairs)
    schedules = itertools.cycle(SCHEDULES)
    cases = []
    for number, (launcher, kind) in zip(range(count), itertools.cycle(pairs)):
        schedule = next(schedules)
        rank = draw.randrange(SCHEDULES[schedule][0])
        if (launcher, kind) == ("hand", "store"):
            rank = 0
        # Only a wire can be cut; else within a host it is shared memory.
        wire = kind in ("cut", "mute") or draw.random() < 0.5
        transport = "gloo" if wire else "auto"
        step = draw.randint(3, 8)
        cases.append(
            Case(
                number, launcher, kind, schedule, transport, rank, step, draw.random()
            )
        )
    return cases


def stall_of(case):
    # A cut link is to be found as that, before anybody has waited too long.
    return 3 if case.kind == "cut" else STALL


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    hexport = f":{port:04X}"
    for table in "/proc/net/tcp", "/proc/net/tcp6":
        for line in Path(table).read_text().splitlines()[1:]:
            parts = line.split()
            if parts[1].endswith(hexport) and parts[3] == "0A":
                return True
    return False


def state_of(pid):
    """'S', 'Z', ...; None where there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return None


def running(pid):
    return state_of(pid) not in (None, "Z", "X")


def processes_of(mark):
    """Processes that carry `mark` in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if mark.encode() in environment.split(b"\0") and running(entry.name):
                found.append(int(entry.name))
    return found


def run_torchrun(args, env, out, err):
    """torchrun without importing torch again: a fork of this process."""
    pid = os.fork()
    if pid == 0:
        try:
            os.environ.update(env)
            os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT), 1)
            os.dup2(os.open(err, os.O_WRONLY | os.O_CREAT), 2)
            from torch.distributed.run import main

            main(args)
            os._exit(0)
        except BaseException as error:  # ChildFailedError, SystemExit
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
    return pid


class Runner:
    """Runs one case in a folder of its own."""

    def __init__(self, options, case, folder):
        self.options, self.case, self.dir = options, case, folder
        self.ranks, self.at = SCHEDULES[case.schedule]
        self.outcome = Outcome()
        self.mark = f"PP_CASE={os.getpid()}.{case.number}"
        self.disk = folder / "disk"
        self.port = None

    def fail(self, text):
        self.outcome.faults.append(text)

    # --- the job

    def write_job(self):
        shutil.copy(self.options.data / "x.npy", self.dir)
        shutil.copy(self.options.data / "y.npy", self.dir)
        self.disk.mkdir()
        (self.dir / "job.toml").write_text(
            f"""
model.path = "{self.options.fixtures}/mlp-plain.pt2"
split.at = {self.at}
[pipeline]
schedule = "{self.case.schedule}"
microbatches = {MICROBATCHES}
ranks = {self.ranks}
stall_timeout = {stall_of(self.case)}
transport = "{self.case.transport}"
[data]
batch_size = 16
inputs.x = {{ path = "x.npy" }}
target = {{ path = "y.npy" }}
[train]
steps = 1000000
loss = {{ name = "cross_entropy" }}
optimizer = {{ name = "adamw", lr = 1e-3 }}
[output]
dir = "disk/run"
checkpoint_every = 1
"""
        )

    def actions_a_step(self):
        stages = (len(self.at) + 1) // self.ranks
        rows = subprocess.run(
            [
                self.options.pp, "schedule", self.case.schedule, "--lowered",
                "--ranks", str(self.ranks), "--microbatches", str(MICROBATCHES),
                "--stages-per-rank", str(stages), "--format", "csv",
            ],
            capture_output=True, text=True, check=True,
        ).stdout.splitlines()  # fmt: skip
        return len([c for c in rows[self.case.rank].split(",") if c.strip()])

    def environment(self):
        case = self.case
        kind = "orphan" if case.kind == "store" else case.kind
        if (case.launcher, case.kind) == ("hand", "store"):
            kind = "kill"
        a_step = self.actions_a_step()
        action = (case.step - 1) * a_step + int(case.place * a_step) + 1
        argument = {"block": BLOCK, "fill": self.disk / "filler"}.get(kind, "")
        name, value = self.mark.split("=")
        env = {k: v for k, v in os.environ.items() if not k.startswith("PP_")}
        env[name] = value
        env["PP_FAULT"] = f"{kind} {case.rank} {action} {self.dir} {argument}"
        return env

    def start(self):
        """Starts the job; returns the process numbers to wait for."""
        command = [str(self.options.pp), "run", str(self.dir / "job.toml")]
        env = self.environment()
        if self.case.launcher == "torchrun":
            self.errs = [self.dir / "err"]
            torchrun = ["--nnodes", "1", "--rdzv-backend", "c10d", "--rdzv-endpoint"]
            self.port = free_port()
            torchrun += [f"localhost:{self.port}", "--nproc-per-node", str(self.ranks)]
            torchrun += ["--no-python", "--monitor-interval", "0.1"]
            torchrun += ["--redirects", "3", "--log-dir", str(self.dir / "logs")]
            self.pids = [
                run_torchrun(
                    torchrun + command, env, self.dir / "out", self.dir / "err"
                )
            ]
            return
        self.errs = []
        self.pids = []
        for rank in range(self.ranks if self.case.launcher == "hand" else 1):
            extra = ["--launcher", self.case.launcher]
            mine = dict(env)
            if self.case.launcher == "hand":
                self.port = self.port or free_port()
                extra = []
                mine |= {"RANK": str(rank), "WORLD_SIZE": str(self.ranks)}
                mine |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(self.port)}
            err = self.dir / f"err.{rank}"
            self.errs.append(err)
            with err.open("w") as stderr, (self.dir / f"out.{rank}").open("w") as out:
                child = subprocess.Popen(
                    command + extra, env=mine, stdout=out, stderr=stderr,
                    stdin=subprocess.DEVNULL,
                )  # fmt: skip
            self.pids.append(child.pid)

    # --- what happens

    def wait_until(self, seconds, condition):
        end = time.time() + seconds
        while not condition():
            if time.time() > end:
                return False
            time.sleep(0.005)
        return True

    def rank_pid(self, rank):
        try:
            return int((self.dir / f"pid.{rank}").read_text())
        except OSError:
            return None

    def wait_for_end(self):
        """Waits until the surviving ranks are gone; notes how long it took."""
        note = self.dir / "fault"
        if not self.wait_until(60, lambda: note.exists()):
            self.fail("the fault did not happen")
            return False
        stage, microbatch, action, at = note.read_text().split()
        self.stage, self.microbatch, self.action = stage, microbatch, action
        self.outcome.at = action
        at = float(at)
        if self.case.launcher in ("local", "processes"):
            waited = list(self.pids)
            if (self.case.launcher, self.case.kind) == ("processes", "store"):
                waited = [self.rank_pid(r) for r in range(self.ranks)]
        else:
            dead = self.case.kind == "stop" or self.case.kind == "kill"
            dead = dead or (self.case.launcher, self.case.kind) == ("hand", "store")
            waited = [
                self.rank_pid(r)
                for r in range(self.ranks)
                if r != self.case.rank or not dead
            ]
        limit = limit_of(self.case)
        ended = self.wait_until(
            limit + 15, lambda: not any(running(pid) for pid in waited)
        )
        self.outcome.seconds = time.time() - at
        if not ended:
            self.fail("surviving ranks did not stop")
        elif self.outcome.seconds > limit:
            self.fail(f"stopped after {self.outcome.seconds:.2f} s, not {limit:.2f}")
        return True

    def reap(self):
        """Ends what may remain of a stopped rank; collects exit codes."""
        if self.case.kind == "stop" and self.case.launcher in ("hand", "torchrun"):
            os.kill(self.rank_pid(self.case.rank), signal.SIGKILL)
        self.codes = []
        for pid in self.pids:
            ended = []

            def poll(pid=pid, ended=ended):
                done, status = os.waitpid(pid, os.WNOHANG)
                if done:
                    ended.append(os.waitstatus_to_exitcode(status))
                return bool(ended)

            if not self.wait_until(10, poll):
                self.fail("the launcher did not end")
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                ended.append(None)
            self.codes += ended

    # --- what must hold

    def texts(self):
        """What each rank that says something wrote to standard error."""
        if self.case.launcher == "torchrun":
            return {
                int(path.parent.name): path.read_text()
                for path in (self.dir / "logs").glob("*/attempt_0/*/stderr.log")
            }
        return {r: path.read_text() for r, path in enumerate(self.errs)}

    def expected_cause(self):
        case = self.case
        me = rf"rank {case.rank} \({HOST}\)"
        here = me + rf", stage {self.stage}, microbatch {self.microbatch}, {self.action}"
        if self.microbatch == "-1":
            here = me + rf", stage {self.stage}, {self.action}"
        seen = me + r"(, last seen in stage \d+, (microbatch \d+, )?\w+)?"
        anyone = rf"rank \d \({HOST}\)(, stage \d+, (microbatch \d+, )?\w+)?"
        if case.kind == "throw":
            return here + ": injected$"
        if case.kind == "fill":
            return anyone + ": .*disk/run/.*No space left on device"
        if case.kind == "block":
            return here + rf": has not come out of {self.action} for \d"
        if case.kind == "kill":
            return seen + ": (died without a word|killed by signal 9)"
        if case.kind == "stop":
            if (case.launcher, case.rank) == ("hand", 0):  # the store's host
                return me + ": stands still or is out of reach: the job's store"
            return seen + ": stands still: its process is stopped"
        if case.kind == "term":
            return me + ": interrupted; --resume goes on from "
        if case.kind == "cut":
            other = rf"rank \d \({HOST}\)(, stage \d+, (microbatch \d+, )?\w+)?"
            return (
                rf"({me}.*: rank \d closed its connection"
                rf"|{other}: rank {case.rank} closed its connection)"
            )
        if case.kind == "mute":
            return anyone + r": waited .* rank \d.*; ranks .* wait for each other"
        if case.launcher == "hand":
            return seen + ": died without a word"
        return "the launcher is gone, with the store it served at "

    def check_words(self):
        case = self.case
        if (case.launcher, case.kind) == ("processes", "store"):
            return  # all are gone with it
        wanted = re.compile("^pp: error: " + self.expected_cause(), re.M)
        texts = self.texts()
        speaking = range(self.ranks)
        if case.launcher in ("local", "processes"):
            speaking = [0]
        first_lines = set()
        for rank in speaking:
            silent = case.kind in ("kill", "stop") and rank == case.rank
            silent |= (case.launcher, case.kind) == ("hand", "store") and rank == 0
            if silent and case.launcher in ("hand", "torchrun"):
                continue
            text = texts.get(rank, "")
            found = re.findall(r"^pp: error: .*$", text, re.M)
            if len(found) != 1:
                self.fail(f"rank {rank} says {len(found)} causes: {text[:600]!r}")
            elif not wanted.search(text):
                self.fail(f"rank {rank} says {found[0]!r}, not {wanted.pattern!r}")
            # A checkpoint may be finished between two ranks' last words.
            first_lines.update(re.sub(r"step_\d+", "step_N", f) for f in found)
            hang = case.kind in ("stop", "mute", "block")
            hang &= "the job's store" not in text
            rows = len(re.findall(rf"^  rank \d \({HOST}\): ", text, re.M))
            if hang and rows != self.ranks:
                self.fail(f"rank {rank}: a table of {rows} rows: {text[:600]!r}")
        if len(first_lines) > 1:
            self.fail(f"different causes: {first_lines}")

    def check_codes(self):
        case = self.case
        want = {4}
        if case.launcher == "torchrun":
            want = {-9} if case.kind == "store" else {1}
        elif (case.launcher, case.kind) == ("processes", "store"):
            want = {-9}
        for rank, code in enumerate(self.codes):
            allowed = set(want)
            if case.launcher == "hand" and rank == case.rank:
                allowed = {
                    "kill": {-9}, "stop": {-9}, "store": {-9}, "term": {143}
                }.get(case.kind, allowed)  # fmt: skip
            if code not in allowed:
                self.fail(f"exit code {code} of {rank}, not {allowed}")

    def check_left(self):
        gone = self.wait_until(2, lambda: not processes_of(self.mark))
        if not gone:
            left = processes_of(self.mark)
            self.fail(f"left behind: {left}")
            for pid in left:
                os.kill(pid, signal.SIGKILL)
        if self.port and listens(self.port):
            self.fail(f"port {self.port} is still open")

    def check_checkpoint(self):
        (self.disk / "filler").unlink(missing_ok=True)
        folder = self.disk / "run" / "checkpoints"
        steps = [int(p.name[5:]) for p in folder.glob("step_*")]
        if not steps:
            self.fail("no checkpoint")
            return
        newest = max(steps)
        again = subprocess.run(
            [
                self.options.pp, "run", str(self.dir / "job.toml"), "--resume",
                "--launcher", "local", "--set", f"train.steps={newest + 1}",
            ],
            capture_output=True, text=True,
        )  # fmt: skip
        if again.returncode != 0 or "passed over" in again.stderr:
            self.fail(f"step_{newest} does not load: {again.stderr}")

    def run(self):
        self.write_job()
        mounted = self.case.kind == "fill"
        if mounted:
            mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", self.disk]
            subprocess.run(mount, check=True)
        try:
            self.start()
            if self.wait_for_end():
                self.reap()
                self.check_words()
                self.check_codes()
            self.check_left()
            if self.outcome.at:
                self.check_checkpoint()
        finally:
            if mounted:
                subprocess.run(["umount", "-l", self.disk], check=True)
        return self.outcome


def run_case(task):
    options, case = task
    with tempfile.TemporaryDirectory(prefix="pp_fault_") as folder:
        try:
            outcome = Runner(options, case, Path(folder)).run()
        except Exception as error:  # a fault of the suite's own
            outcome = Outcome(faults=[f"{type(error).__name__}: {error}"])
        if outcome.faults and options.keep:
            kept = options.keep / str(case.number)
            shutil.copytree(folder, kept, dirs_exist_ok=True)
    return case, outcome


def can_mount():
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder]
        if subprocess.run(mount, capture_output=True).returncode != 0:
            return False
        subprocess.run(["umount", folder], check=True)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pp", type=Path, default=ROOT / "build/tests/faults/pp_faulty")
    parser.add_argument("--fixtures", type=Path, default=ROOT / "build/fixtures")
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="cases at a time")
    parser.add_argument("--only", default="", help="a launcher, fault or number")
    parser.add_argument("--keep", type=Path, help="folder for what failed leaves")
    options = parser.parse_args()
    import torch.distributed.run  # noqa: F401  before the forks: once for all

    mounts = can_mount()
    if not mounts:
        print("full disk: left out, since no tmpfs can be mounted here")
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
        make = [sys.executable, ROOT / "scripts/make_data.py", "random", "-o", data]
        make += ["--rows", "80", "--shape", "32"]
        subprocess.run(make, check=True, capture_output=True)
        (options.data / "random_x.npy").rename(options.data / "x.npy")
        (options.data / "random_y.npy").rename(options.data / "y.npy")
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
