"""Runs one case, and checks what must hold after it."""

import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field

from cases import BLOCK, MICROBATCHES, SCHEDULES, limit_of, stall_of
from causes import HOST, At, expected_cause
from jobs import ROWS, write_job
from machine import free_port, listens, processes_of, run_torchrun, running


@dataclass
class Outcome:
    seconds: float = 0
    at: str = ""
    faults: list = field(default_factory=list)


class Runner:
    """Runs one case in its own folder."""

    def __init__(self, options, case, folder):
        self.options, self.case, self.dir = options, case, folder
        self.ranks, self.cuts = SCHEDULES[case.schedule]
        self.outcome = Outcome()
        self.mark = f"PP_CASE={os.getpid()}.{case.number}"
        self.disk = folder / "disk"
        self.port = None

    def fail(self, text):
        self.outcome.faults.append(text)

    # --- the job

    def write_job(self):
        for path in self.options.data.iterdir():
            shutil.copy(path, self.dir)
        self.disk.mkdir()
        keys = {
            "model.path": f"{self.options.fixtures}/mlp-plain.pt2",
            "split.at": self.cuts,
            "pipeline.schedule": self.case.schedule,
            "pipeline.microbatches": MICROBATCHES,
            "pipeline.ranks": self.ranks,
            "pipeline.stall_timeout": stall_of(self.case) * self.options.slowness,
            "pipeline.transport": self.case.transport,
            "train.steps": 1000000,
            "output.dir": "disk/run",
            "output.checkpoint_every": 1,
        }
        write_job(self.dir / "job.toml", ROWS | keys)

    def actions_per_step(self):
        stages = (len(self.cuts) + 1) // self.ranks
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
        per_step = self.actions_per_step()
        action = (case.step - 1) * per_step + int(case.place * per_step) + 1
        block = BLOCK * self.options.slowness
        argument = {"block": block, "fill": self.disk / "filler"}.get(kind, "")
        name, value = self.mark.split("=")
        env = {k: v for k, v in os.environ.items() if not k.startswith("PP_")}
        env[name] = value
        env["PP_FAULT"] = f"{kind} {case.rank} {action} {self.dir} {argument}"
        return env

    def start(self):
        """Starts the job; sets `pids`, and `errs`: files of standard error."""
        command = [str(self.options.pp), "run", str(self.dir / "job.toml")]
        command.append("--no-sandbox")  # the ranks leave notes beside their outputs
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
            rank_env = dict(env)
            if self.case.launcher == "hand":
                self.port = self.port or free_port()
                extra = []
                rank_env |= {"RANK": str(rank), "WORLD_SIZE": str(self.ranks)}
                rank_env |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(self.port)}
            err = self.dir / f"err.{rank}"
            self.errs.append(err)
            with err.open("w") as stderr, (self.dir / f"out.{rank}").open("w") as out:
                child = subprocess.Popen(
                    command + extra, env=rank_env, stdout=out, stderr=stderr,
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
        """Waits until the surviving ranks have ended; notes how long it took."""
        note = self.dir / "fault"
        self.wait_until(
            120, lambda: note.exists() or not any(running(p) for p in self.pids)
        )
        if not note.exists():
            self.fail(f"the fault did not happen: {self.texts()}")
            return False
        stage, microbatch, action, at = note.read_text().split()
        self.at = At(stage, microbatch, action)
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
        limit = limit_of(self.case) * self.options.slowness
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
        """Kills a stopped rank if it remains; collects exit codes."""
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
        """What each rank wrote to standard error, if it wrote anything."""
        if self.case.launcher == "torchrun":
            return {
                int(path.parent.name): path.read_text()
                for path in (self.dir / "logs").glob("*/attempt_0/*/stderr.log")
            }
        return {r: path.read_text() for r, path in enumerate(self.errs)}

    def check_messages(self):
        case = self.case
        if (case.launcher, case.kind) == ("processes", "store"):
            return  # all ranks are gone too
        wanted = re.compile("^pp: error: " + expected_cause(self.case, self.at), re.M)
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
            # A checkpoint may be finished between two ranks' messages.
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
        if again.returncode != 0 or "is skipped" in again.stderr:
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
                self.check_messages()
                self.check_codes()
            self.check_left()
            if self.outcome.at:
                self.check_checkpoint()
        finally:
            if mounted:
                subprocess.run(["umount", "-l", self.disk], check=True)
        return self.outcome
