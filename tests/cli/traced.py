#!/usr/bin/env python3
"""Runs a command under strace and prints what it did beyond what it was given.

    traced.py [--reads PATH]... [--writes PATH]... -- PP ARGUMENT...

It may open the system's files, LibTorch's, its own, and those below PATH. It may write
below the PATHs of --writes, and to temporary files next to them. It may start no other
program than itself, and connect to nothing but this machine and its name server.

Exit code 0: it kept to that, whatever its own exit code. 1: it didn't.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

CALLS = (
    "open,openat,openat2,creat,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,"
    "mkdirat,link,linkat,symlink,symlinkat,truncate,chmod,fchmodat,chown,fchownat,"
    "mknod,mknodat,execve,execveat,connect,ptrace,mount"
)
SYSTEM = ["/usr", "/lib", "/lib64", "/etc", "/sys", "/proc", "/dev/urandom"]
SCRATCH = ["/dev/null", "/dev/tty", "/dev/shm"]
LINE = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+|\?)")
# A path, after the folder that it is relative to: AT_FDCWD</tmp>, "a/b".
PATH = re.compile(r'(?:<([^<>]*)>, )?"((?:[^"\\]|\\.)*)"')


class Rules:
    """What one command may touch."""

    def __init__(self, program, reads, writes):
        torch = Path(sys.executable).parent.parent / "lib"
        own = [os.path.dirname(program), os.path.realpath(torch), str(torch)]
        self.program = program
        self.writes = [os.path.abspath(each) for each in writes]
        self.reads = [*SYSTEM, *own, *(os.path.abspath(each) for each in reads)]

    def may_write(self, path):
        if is_below(path, [*self.writes, *SCRATCH]):
            return True
        # ".stages.pp-123/..." becomes "stages"
        return any(
            path.startswith(f"{os.path.dirname(each)}/.{os.path.basename(each)}.")
            for each in self.writes
        )

    def may_read(self, path):
        # Folders are opened to make an output's new name last.
        parents = {os.path.dirname(each) for each in [*self.writes, *self.reads]}
        return is_below(path, self.reads) or path in parents or self.may_write(path)

    def broken_by(self, call, arguments):
        """Says what a call does that it must not; None if nothing."""
        paths = [
            os.path.abspath(os.path.join(folder, name))
            for folder, name in PATH.findall(arguments)
        ]
        if call == "connect":
            allowed = ["127.0.0.1", "::1", "AF_UNIX", "sin_port=htons(53)"]
            return None if any(each in arguments for each in allowed) else arguments
        if call.startswith("exec"):
            return None if paths[0] == self.program else f"starts {paths[0]}"
        if call in ("ptrace", "mount"):
            return call
        if call.startswith("open"):
            if "O_PATH" in arguments:  # opens nothing; the sandbox's rules name it
                return None
            writes = re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", arguments)
            allowed = self.may_write if writes else self.may_read
            verb = "writes" if writes else "reads"
            return None if allowed(paths[0]) else f"{verb} {paths[0]}"
        wrong = [each for each in paths if not self.may_write(each)]
        return f"{call} {wrong[0]}" if wrong else None


def is_below(path, folders):
    return any(path == each or path.startswith(each + "/") for each in folders)


def traced(command):
    """Runs a command; returns its successful calls as (name, arguments)."""
    with tempfile.NamedTemporaryFile("r") as log:
        strace = ["strace", "-f", "-qq", "-y", "-s", "4096", "-o", log.name]
        subprocess.run([*strace, "-e", f"trace={CALLS}", *command], check=False)
        matches = [LINE.match(line) for line in log]
    return [m.group(2, 3) for m in matches if m and not m.group(4).startswith("-")]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--reads", action="append", default=[])
    parser.add_argument("--writes", action="append", default=[])
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    rules = Rules(os.path.abspath(given.command[0]), given.reads, given.writes)
    calls = traced(given.command)
    if not any(call == "execve" for call, _ in calls):
        sys.exit("strace saw nothing")
    broken = {rules.broken_by(*each) for each in calls} - {None}
    print(*(f"traced: {each}" for each in sorted(broken)), sep="\n")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
