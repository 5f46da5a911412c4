"""Processes, ports and file systems of this machine."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

USUAL_START_UP = 0.4  # seconds of `pp --version` where the limits hold as they are


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
    """State of a process as a letter ('S', 'Z', ...); None if it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return None


def running(pid):
    return state_of(pid) not in (None, "Z", "X")


def processes_of(mark):
    """Ids of processes that have `mark` in their environment."""
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
    """Starts torchrun as a fork of this process, which has imported torch already."""
    pid = os.fork()
    if pid == 0:
        try:
            os.environ.update(env)
            os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT), 1)
            os.dup2(os.open(err, os.O_WRONLY | os.O_CREAT), 2)
            from torch.distributed.run import main

            main(args)
            os._exit(0)
        except BaseException as error:  # ChildFailedError or SystemExit
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
    return pid


def can_mount():
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder]
        if subprocess.run(mount, capture_output=True).returncode != 0:
            return False
        subprocess.run(["umount", folder], check=True)
    return True


def slowness(pp):
    """How much slower than usual this machine starts a program: 1 or more."""
    slowest = USUAL_START_UP
    for _ in range(3):
        began = time.monotonic()
        subprocess.run([pp, "--version"], capture_output=True, check=True)
        slowest = max(slowest, time.monotonic() - began)
    return slowest / USUAL_START_UP
