#!/usr/bin/env python
"""Trains on two machines made of network namespaces, with two ranks each.

    sudo .venv/bin/python tests/faults/two_hosts.py

Each machine has its own name, process ids, copy of job and data, only the stages of
its ranks, and keeps the parts of checkpoints that these write. GPT-2 trains under
torchrun over a pair of virtual cards; over a slow link (5 ms each way, at times
200 ms), where it also resumes from the newest checkpoint that both have; and with the
link taken down in the middle of a step. The weights must equal those of one machine
byte for byte, and the broken link must be named in time.

Exits with 77 where this user may not make namespaces.
"""

import argparse
import contextlib
import ctypes
import fcntl
import heapq
import os
import random
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jobs import ROOT, write_job

HOSTS = {"hosta": "10.77.0.1", "hostb": "10.77.0.2"}
STALL = 3  # seconds
SKIPPED = 77
STAGES = {"hosta": (0, 1), "hostb": (2, 3)}
JOB = {
    "model.stages": "stages",
    "pipeline.microbatches": 4,
    "pipeline.stall_timeout": STALL,
    "data.batch_size": 8,
    "data.inputs.input_ids.path": "tokens.npy",
    "data.inputs.input_ids.window": 16,
    "data.target.path": "tokens.npy",
    "data.target.window": 16,
    "data.target.shift": 1,
    "train.steps": 6,
    "output.dir": "run",
    "output.checkpoint_every": 3,
}


def sh(command, **kwargs):
    return subprocess.run(command.split(), check=True, capture_output=True, **kwargs)


class Network:
    """Two namespaces and the link between them."""

    def __init__(self):
        self.spaces = {host: f"pp{os.getpid()}{host[-1]}" for host in HOSTS}
        self.forwarder = None

    def __enter__(self):
        for space in self.spaces.values():
            sh(f"ip netns add {space}")
            sh(f"ip -n {space} link set lo up")
        return self

    def __exit__(self, *_):
        if self.forwarder:
            os.kill(self.forwarder, signal.SIGKILL)
            os.waitpid(self.forwarder, 0)
        for space in self.spaces.values():
            subprocess.run(["ip", "netns", "del", space], check=False)

    def address(self, device_of):
        for host, space in self.spaces.items():
            device = device_of(host)
            sh(f"ip -n {space} addr add {HOSTS[host]}/24 dev {device}")
            sh(f"ip -n {space} link set {device} up")

    def connect(self):
        a, b = self.spaces.values()
        sh(f"ip link add wirea netns {a} type veth peer name wireb netns {b}")
        self.address(lambda host: "wire" + host[-1])

    def cut(self):
        sh(f"ip -n {self.spaces['hosta']} link set wirea down")

    def connect_slowly(self, delay, stall=0, rate=None):
        """Packets go through a process that keeps each for `delay` seconds, and
        now and then all of them for `stall` seconds. rate: bits a second, each
        way."""
        ready, told = os.pipe()
        self.forwarder = os.fork()
        if self.forwarder == 0:
            ends = [open_tun(space) for space in self.spaces.values()]
            os.write(told, b"x")
            forward(ends, delay, stall, rate)
        os.read(ready, 1)
        self.address(lambda host: "slow")


def open_tun(space):
    with open(f"/run/netns/{space}") as namespace:
        clone_newnet = 0x40000000
        if ctypes.CDLL(None).setns(namespace.fileno(), clone_newnet) != 0:
            raise OSError("setns")
    tun = os.open("/dev/net/tun", os.O_RDWR)
    tunsetiff, tun_without_header = 0x400454CA, 0x1001
    fcntl.ioctl(tun, tunsetiff, struct.pack("16sH22x", b"slow", tun_without_header))
    return tun


def forward(ends, delay, stall, rate):
    draw = random.Random(0)
    waiting, number, held_until = [], 0, 0.0
    free = dict.fromkeys(ends, 0.0)  # when each direction is free
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    while True:
        now = time.monotonic()
        timeout = max(0, waiting[0][0] - now) if waiting else None
        for end in select.select(ends, [], [], timeout)[0]:
            packet = os.read(end, 65536)
            now = time.monotonic()
            if draw.random() < 0.005:
                held_until = now + stall
            number += 1
            free[end] = max(now, free[end]) + (len(packet) * 8 / rate if rate else 0)
            due = max(free[end] + delay, held_until)
            heapq.heappush(waiting, (due, number, other[end], packet))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, end, packet = heapq.heappop(waiting)
            with contextlib.suppress(OSError):  # the device is not up yet
                os.write(end, packet)


def write_host(folder, stages, tokens):
    (folder / "stages").mkdir(parents=True)
    shutil.copy(stages / "manifest.json", folder / "stages")
    for stage in STAGES[folder.name]:
        shutil.copy(stages / f"stage_{stage}.pt2", folder / "stages")
    shutil.copy(tokens, folder / "tokens.npy")
    (folder / "hosts").write_text(
        "127.0.0.1 localhost\n"
        + "".join(f"{address} {host}\n" for host, address in HOSTS.items())
    )
    write_job(folder / "job.toml", JOB)


class Job:
    def __init__(self, options, folder):
        self.options, self.dir = options, folder
        self.faults = []

    def fail(self, text):
        self.faults.append(text)
        print("FAILED:", text, flush=True)

    def on_host(self, network, host, command, out, env=None):
        """Starts a command on a machine with its own name and process ids."""
        script = (
            f"hostname {host}; mount --bind {self.dir}/{host}/hosts /etc/hosts; "
            f"cd {self.dir}/{host}; exec {' '.join(map(str, command))}"
        )
        with out.open("w") as stream:
            return subprocess.Popen(
                [
                    "ip",
                    "netns",
                    "exec",
                    network.spaces[host],
                    "unshare",
                    "--uts",
                    "--pid",
                    "--fork",
                    "--mount-proc",
                    "--kill-child",
                    "sh",
                    "-c",
                    script,
                ],
                stdout=stream,
                stderr=stream,
                env={**os.environ, **(env or {})},
            )

    def end(self, processes, seconds):
        until = time.time() + seconds
        codes = []
        for process in processes:
            try:
                codes.append(process.wait(max(0.1, until - time.time())))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                codes.append(None)
        return codes

    def ranks_by_hand(self, network, *more):
        processes = []
        for rank in range(4):
            host = list(HOSTS)[rank // 2]
            env = {"RANK": str(rank), "WORLD_SIZE": "4", "LOCAL_RANK": str(rank % 2)}
            env |= {"MASTER_ADDR": HOSTS["hosta"], "MASTER_PORT": "29500"}
            command = [self.options.pp, "run", "job.toml", *more]
            out = self.dir / f"rank{rank}"
            processes.append(self.on_host(network, host, command, out, env))
        return processes

    def split(self):
        command = [self.options.pp, "split", self.options.fixtures / "gpt2.pt2"]
        command += ["-o", self.dir / "stages"]
        for module in range(1, 4):
            command += ["--at", f"transformer.h.{module}"]
        subprocess.run(command, check=True, capture_output=True)

    def one_machine(self):
        command = [self.options.pp, "run", self.dir / "hosta/job.toml"]
        command += ["--launcher", "local", "--set", f"output.dir={self.dir}/want"]
        command += ["--set", f"model.stages={self.dir}/stages"]
        subprocess.run(command, check=True, capture_output=True)

    def compare(self, codes, outputs):
        if codes != [0] * len(codes):
            texts = [path.read_text()[-500:] for path in outputs]
            self.fail(f"ended with {codes}: {texts}")
            return
        for host, stages in STAGES.items():
            saved = self.dir / host / "run/checkpoints/step_6"
            names = {f"part_{stage}.safetensors" for stage in stages}
            found = {path.name for path in saved.iterdir()}
            if found != names | {"state.json"}:
                self.fail(f"{host} keeps {found}")
                continue
            for name in names:
                want = self.dir / "want/checkpoints/step_6" / name
                if want.read_bytes() != (saved / name).read_bytes():
                    self.fail(f"{name} differs from one machine's")

    def forget_runs(self):
        for host in HOSTS:
            shutil.rmtree(self.dir / host / "run")

    def torchrun(self):
        with Network() as network:
            network.connect()
            processes, outputs = [], []
            for node, host in enumerate(HOSTS):
                torchrun = [Path(sys.executable).parent / "torchrun", "--nnodes", 2]
                torchrun += ["--nproc-per-node", 2, "--rdzv-backend", "c10d"]
                torchrun += ["--rdzv-endpoint", f"{HOSTS['hosta']}:29400"]
                torchrun += ["--rdzv-conf", f"is_host={1 - node}", "--rdzv-id", "two"]
                torchrun += ["--local-addr", HOSTS[host], "--no-python"]
                outputs.append(self.dir / f"{host}.out")
                command = [*torchrun, self.options.pp, "run", "job.toml"]
                processes.append(self.on_host(network, host, command, outputs[-1]))
            self.compare(self.end(processes, 90), outputs)
        self.forget_runs()

    def slow_link(self):
        with Network() as network:
            network.connect_slowly(0.005, 0.2)
            outputs = [self.dir / f"rank{r}" for r in range(4)]
            for more in (), ("--resume",):
                codes = self.end(self.ranks_by_hand(network, *more), 60)
                self.compare(codes, outputs)
                if more and "/run/checkpoints/step_3" not in outputs[0].read_text():
                    self.fail(f"not resumed: {outputs[0].read_text()}")
                # The state is that of a run killed before it wrote this one.
                shutil.rmtree(self.dir / "hostb/run/checkpoints/step_6")
        self.forget_runs()

    def link_down(self):
        with Network() as network:
            network.connect()
            processes = self.ranks_by_hand(
                network,
                "--set",
                "train.steps=1000000",
                "--set",
                "output.checkpoint_every=1000000",
            )
            metrics = self.dir / "hosta/run/metrics.jsonl"
            until = time.time() + 60
            while not metrics.exists() and time.time() < until:
                time.sleep(0.05)
            time.sleep(0.5)
            began = time.time()
            network.cut()
            codes = self.end(processes, STALL + 10)
            seconds = time.time() - began
        texts = [(self.dir / f"rank{r}").read_text() for r in range(4)]
        if codes != [4] * 4:
            self.fail(f"ended with {codes}: {texts}")
        if seconds > STALL + 4:
            self.fail(f"the last rank stopped after {seconds:.1f} s")
        for rank, text in enumerate(texts):
            cause = re.search("^pp: error: .*$", text, re.M)
            print(f"  rank {rank}: {cause and cause.group()[:150]}")
            far = "hostb" if rank < 2 else "hosta"
            if not cause or f"({far})" not in cause.group():
                self.fail(f"rank {rank} does not name {far}: {text}")
        return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pp", type=Path, default=ROOT / "build/pp")
    parser.add_argument("--fixtures", type=Path, default=ROOT / "build/fixtures")
    options = parser.parse_args()
    options.pp, options.fixtures = options.pp.resolve(), options.fixtures.resolve()
    try:
        with Network() as network:
            network.connect()
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"skipped: no network namespaces here ({error})")
        return SKIPPED
    folder = Path(tempfile.mkdtemp(prefix="pp_hosts_"))
    try:
        import numpy as np

        tokens = np.random.default_rng(0).integers(0, 64, 200)
        np.save(folder / "tokens.npy", tokens)
        job = Job(options, folder)
        job.split()
        for host in HOSTS:
            write_host(folder / host, folder / "stages", folder / "tokens.npy")
        job.one_machine()
        for part in job.torchrun, job.slow_link, job.link_down:
            began = time.time()
            part()
            print(f"{part.__name__}: {time.time() - began:.1f} s", flush=True)
        return 1 if job.faults else 0
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
