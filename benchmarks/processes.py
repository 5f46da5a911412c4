"""Runs a command and measures it from outside."""

import contextlib
import os
import re
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path


class RunFailed(RuntimeError):
    """A command that failed; the text is the end of its output."""


@dataclass
class Finished:
    """Times are seconds since the epoch, on the clock that the ranks use."""

    started: float
    ended: float
    first_match: float | None  # when a line matched `watch_for`
    peak_kib: dict[int, int] = field(default_factory=dict)  # by process
    names: dict[int, str] = field(default_factory=dict)
    output: str = ""
    lines: list[str] = field(default_factory=list)  # of `lines_of`
    processor_s: list[float] = field(default_factory=list)  # until each of them

    def peak_of(self, name: str) -> list[int]:
        """Peak resident KiB of each process of that (short) name."""
        return [k for pid, k in self.peak_kib.items() if self.names[pid] == name]


def descendants(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            with contextlib.suppress(OSError):  # it has just ended
                found += [int(c) for c in children.read_text().split()]
    return found


def sample_peaks(pid: int, into: Finished) -> None:
    """The kernel's high-water mark only grows: the last sample is the peak."""
    for process in descendants(pid):
        try:
            text = Path(f"/proc/{process}/status").read_text()
        except OSError:
            continue
        if peak := re.search(r"^VmHWM:\s+(\d+)", text, re.M):
            into.peak_kib[process] = int(peak[1])
            into.names[process] = re.search(r"^Name:\t(.*)$", text, re.M)[1]


def processor_s(pid: int) -> float:
    """Seconds of processor time, user and system, of all threads of a process."""
    # CPUCLOCK_SCHED is 2; linux/posix-timers.h defines the clock's number.
    return time.clock_gettime((~pid << 3) | 2)


class Pipe:
    """A pipe in place of a file, so that each line is seen when it is written."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        # Opened both ways, it neither waits for a writer nor ends before close().
        self.end = os.open(path, os.O_RDWR)

    def read(self, pid: int, into: Finished) -> None:
        with os.fdopen(self.end) as stream:
            for line in stream:
                if line == "\n":
                    break
                try:
                    into.processor_s.append(processor_s(pid))
                except OSError:
                    break  # it has just ended
                into.lines.append(line)

    def close(self) -> None:
        os.write(self.end, b"\n")


def wait_and_sample(
    process: subprocess.Popen, done: Finished, timeout: float, sample_every: float
) -> None:
    """Waits for the process and samples its memory; kills it when out of time."""
    while process.poll() is None:
        sample_peaks(process.pid, done)
        if time.time() > done.started + timeout:
            for child in reversed(descendants(process.pid)):
                os.kill(child, 9)
            process.wait()
            command = " ".join(process.args)
            raise RunFailed(f"did not end within {timeout:.0f} s: {command}")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(sample_every)


def run(
    command: list[str],
    *,
    cwd: Path,
    watch_for: str | None = None,
    lines_of: Path | None = None,
    timeout: float = 900,
    sample_every: float = 0.1,
) -> Finished:
    """Runs the command to its end.

    Memory is sampled from this process, with a few small reads ten times a second.
    watch_for: the time of the first output line that matches it is kept
    lines_of: a file that the command appends to; a pipe replaces it, and the
    command's processor time is read at every line
    timeout, sample_every: seconds
    throws RunFailed: exit status other than 0, or out of time
    """
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    env.pop("TORCH_LOGS", None)
    pipe = Pipe(lines_of) if lines_of else None
    done = Finished(time.time(), 0, None)
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: list[str] = []

    def read() -> None:
        for line in process.stdout:
            if watch_for and done.first_match is None and re.search(watch_for, line):
                done.first_match = time.time()
            lines.append(line)

    readers = [threading.Thread(target=read, daemon=True)]
    if pipe:
        watch = threading.Thread(
            target=pipe.read, args=(process.pid, done), daemon=True
        )
        readers.append(watch)
    for reader in readers:
        reader.start()
    wait_and_sample(process, done, timeout, sample_every)
    done.ended = time.time()
    if pipe:
        pipe.close()
    for reader in readers:
        reader.join(5)
    done.output = "".join(lines)
    if process.returncode != 0:
        last = [line.strip() for line in lines if line.strip()][-12:]
        raise RunFailed(
            f"exit status {process.returncode} of {' '.join(command)}\n"
            + "\n".join(last)
        )
    return done
