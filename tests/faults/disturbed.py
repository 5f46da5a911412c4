"""Plays in which a job is disturbed: by signals, or by changes of its files."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from jobs import ROWS
from machine import free_port, processes_of, running
from play import RANKS, STEPS, Play, Rank, by_hand, mark_of

LAUNCHERS = ("by hand", "processes", "torchrun")
FILES = ("data", "stage", "model")
CHANGES = ("cut", "written over", "replaced", "removed")


def num_steps(output):
    """Number of steps that a job has reported."""
    metrics = output / "metrics.jsonl"
    return metrics.read_bytes().count(b"\n") if metrics.exists() else 0


class DisturbedPlay(Play):
    """The cases "signal" and "file"."""

    def signal_case(self):
        """A resumed job gives what one gives that was never interrupted."""
        output = self.folder / "run_a"
        self.write_job("a", output)
        launcher = self.draw.choice(LAUNCHERS)
        number = self.draw.choice([signal.SIGTERM, signal.SIGINT])
        whom = self.draw.choice(["one", "started", "ranks"])
        # Half of the second signals come too soon to be a second request.
        again = self.draw.choice([None, None, self.draw.uniform(0, 0.5)])
        started = self.launch(launcher)
        if self.draw.choice([True, False]):
            self.wait_for_step(output, started)
            time.sleep(self.draw.uniform(0, 1.5))
        else:
            time.sleep(self.draw.uniform(0.2, 2.5))
        pids = self.receivers(whom, started)
        self.send(number, pids)
        if again is not None:
            time.sleep(again)
            self.send(number, pids)
        codes = self.end(started)
        twice = "" if again is None else " twice"
        self.says = f"{launcher}, {number.name}{twice} to {whom}: {codes}"
        # A process that has only begun dies of the signal itself.
        ends = {0, 4, 128 + number, -number, 128 + signal.SIGTERM, -signal.SIGTERM}
        if launcher == "torchrun":
            ends.add(1)
        if any(code not in ends for code in codes):
            self.fail(f"ended with {codes}: {self.texts(started)}")
        self.resume(output)

    def file_case(self):
        """What becomes of a job whose file changes while it runs: one that is cut
        short ends the job and is named, unless the job has ended before or has read
        all it needs; data that are written over are named; a file that is replaced
        or removed doesn't matter."""
        output = self.folder / "run_a"
        launcher = self.draw.choice(LAUNCHERS)
        kind = self.draw.choice(FILES)
        how = self.draw.choice(CHANGES)
        own = self.own_file(kind, output)
        whole = own.read_bytes()
        started = self.launch(launcher)
        if how != "cut":  # after it was opened
            self.wait_for_step(output, started)
        time.sleep(self.draw.uniform(0, 1.5))
        self.change(own, how, whole[:-4096] + bytes(4096))
        is_late = num_steps(output) == STEPS["a"]
        codes = self.end(started)
        self.says = f"{launcher}, {kind} {how}: {codes}"
        texts = self.texts(started)
        is_named = any(str(own) in text for text in texts)
        if how == "cut" and set(codes) != {0}:
            # 3: it was cut before it was opened.
            expected = {1} if launcher == "torchrun" else {3, 4}
            if not is_named or not expected & set(codes):
                self.fail(f"{codes}: {own.name} isn't named: {texts}")
            own.write_bytes(whole)
            self.resume(output)
        elif set(codes) != {0}:
            self.fail(f"ended with {codes}: {texts}")
        elif how != "written over" or is_late:
            self.expect_as_alone("a", output)
        elif not is_named and (kind == "data" or not self.is_as_alone("a", output)):
            self.fail(f"{own.name} isn't named: {texts}")

    def own_file(self, kind, output):
        """Writes a job that reads a copy of the file; returns the copy's path."""
        if kind == "stage":
            stages = self.folder / "stages"
            split = [self.options.pp, "split", self.options.fixtures / "mlp.pt2"]
            split += ["-o", stages, "--at", "layers.2"]
            subprocess.run(split, check=True, capture_output=True)
            changes = {"model.path": None, "split.at": None}
            self.write_job("a", output, changes | {"model.stages": str(stages)})
            return stages / f"stage_{self.draw.randrange(RANKS)}.pt2"
        key = "model.path" if kind == "model" else "data.inputs.x.path"
        given = self.options.fixtures / "mlp.pt2"
        if kind == "data":
            given = self.options.data / ROWS[key]
        own = self.folder / f"own_{given.name}"
        shutil.copy(given, own)
        self.write_job("a", output, {key: str(own)})
        return own

    def change(self, file, how, content):
        if how == "cut":
            os.truncate(file, 200)
        elif how == "written over":
            with file.open("r+b") as opened:
                opened.write(content)
        elif how == "replaced":
            other = self.folder / "other"
            other.write_bytes(content)
            other.rename(file)
        else:
            file.unlink()

    def launch(self, launcher, more=()):
        """Starts job a; returns the processes that were started: its ranks, or what
        starts them."""
        if launcher == "by hand":
            return self.start("a", free_port(), by_hand, more)
        command = self.command("a", *more)
        if launcher == "processes":
            command += ["--launcher", "processes"]
        else:
            torchrun = [Path(sys.executable).parent / "torchrun", "--standalone"]
            torchrun += ["--no-python", "--nproc-per-node", str(RANKS)]
            command = [*torchrun, "--monitor-interval", "0.1", *command]
        return [Rank(command, {}, self.folder / "a0.log")]

    def wait_for_step(self, output, started):
        """Until the first step is done, or the job has ended."""
        until = self.until()
        while num_steps(output) == 0 and time.time() < until:
            if all(rank.process.poll() is not None for rank in started):
                return
            time.sleep(0.01)

    def receivers(self, whom, started):
        """Processes that get a signal: one at random, what was started, or the ranks
        (if there are none yet, what was started)."""
        own = [rank.process.pid for rank in started]
        of_job = set(processes_of(mark_of(self.folder)))
        ranks = [
            pid
            for rank in range(RANKS)
            for pid in of_job.intersection(processes_of(f"RANK={rank}"))
        ]
        if whom == "one":
            return [self.draw.choice(sorted({*own, *ranks}))]
        return own if whom == "started" else ranks or own

    def send(self, number, pids):
        for pid in pids:
            if running(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)

    def end(self, started):
        """Waits for the job, and returns the codes of what was started."""
        until = self.until()
        self.end_the_rest(started, until)
        codes = [rank.wait(until) for rank in started]
        # A rank whose launcher was killed ends a little later.
        while (left := processes_of(mark_of(self.folder))) and time.time() < until:
            time.sleep(0.05)
        if left:
            self.fail(f"processes {left} still run")
            self.send(signal.SIGKILL, left)
        return codes

    def texts(self, started):
        return [rank.log.read_text() for rank in started]

    def resume(self, output):
        """Starts job a again, which must end as if nothing had happened."""
        launcher = self.draw.choice(LAUNCHERS)
        started = self.launch(launcher, ["--resume-if-any"])
        codes = self.end(started)
        self.says += f", resumed by {launcher}"
        if set(codes) != {0}:
            self.fail(f"resumed by {launcher}: {codes}: {self.texts(started)}")
        else:
            self.expect_as_alone("a", output)
