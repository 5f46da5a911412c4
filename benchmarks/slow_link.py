#!/usr/bin/env python3
"""Compares a step between two hosts on a slow link with its simulation.

    sudo .venv/bin/python benchmarks/slow_link.py    1F1B; 7 minutes

Messages dominate a step of the tiny GPT, matrix products one of the medium GPT. The
hosts are network namespaces; every packet passes through a process that forwards
1 Gbit/s and delays each packet by 5 ms. The simulation uses the same link, and F and
B of each stage from the trace of that same step; a step here lasts from its first
forward to its last backward, without the update. Torch runs in turn with `pp`, over
the same link; there whole steps are compared. Writes report.md and report.json to
--out. Exits with 77 where this user may not make namespaces.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from cases import MODELS, SCHEDULES, Case
from compare import check_losses, prepare, with_steps
from figure import Figure, as_data, ratio
from report import machine, table, write
from scaling import KINDS, simulate
from sides import WARM_UP, Inputs, Sample, pp_job, torch_command, torch_sample

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "faults"))

from two_hosts import HOSTS, SKIPPED, Network

AIMS = {"step / simulation": 1.05, "pp / torch": 0.85}
MTU = 65000  # large packets, so that forwarding them costs little processor time


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--schedule", choices=SCHEDULES, default="1F1B")
    parser.add_argument("--link", type=float, default=1, metavar="GBIT/S")
    parser.add_argument("--latency", type=float, default=5, metavar="MS")
    parser.add_argument("--repetitions", type=int, default=5, metavar="N")
    parser.add_argument("--steps", type=int, metavar="N", help="a run, of every model")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "runs" / "slow_link", metavar="DIR"
    )
    args = parser.parse_args(argv)
    if (args.steps or WARM_UP + 1) <= WARM_UP or args.repetitions < 1:
        parser.error(f"at least 1 repetition of {WARM_UP + 1} steps")
    return args


class Hosts(Network):
    """Runs one rank on each host."""

    def address(self, device_of) -> None:
        for host, space in self.spaces.items():
            device = device_of(host)
            command = f"ip -n {space} link set {device} mtu {MTU}"
            subprocess.run(command.split(), check=True)
        super().address(device_of)

    def run(self, command: list, folder: Path) -> None:
        ranks = []
        for rank, space in enumerate(self.spaces.values()):
            env = {"RANK": rank, "WORLD_SIZE": 2, "LOCAL_RANK": 0, "OMP_NUM_THREADS": 1}
            env |= {"MASTER_ADDR": HOSTS["hosta"], "MASTER_PORT": 29500}
            env["GLOO_SOCKET_IFNAME"] = "slow"
            ranks.append(
                subprocess.Popen(
                    ["ip", "netns", "exec", space, *map(str, command)],
                    env={**os.environ, **{k: str(v) for k, v in env.items()}},
                    cwd=folder,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
        try:
            for rank in ranks:
                _, errors = rank.communicate(timeout=300)
                if rank.returncode != 0:
                    raise SystemExit(
                        f"{command} ended with {rank.returncode}: {errors}"
                    )
        finally:
            for rank in ranks:
                rank.kill()


def spans(trace: Path) -> list[dict]:
    events = json.loads(trace.read_text())["traceEvents"]
    return [event for event in events if event["ph"] == "X"]


def is_compute(span: dict) -> bool:
    return span["name"].lstrip("0123456789")[0] in "FBIW" and "stage" in span["args"]


def computing(span: dict, waits: list[dict]) -> float:
    """Seconds of an action, without its wait for input."""
    begin, end = span["ts"], span["ts"] + span["dur"]
    inside = sum(
        wait["dur"]
        for wait in waits
        if wait["tid"] == span["tid"] and begin <= wait["ts"] < end
    )
    return (span["dur"] - inside) / 1e6


def stage_costs(actions: list[dict], waits: list[dict], case: Case) -> list[dict]:
    """Median seconds of each kind of action, by stage."""
    names = dict(zip("FIWB", KINDS, strict=True))
    times: dict = {}
    for span in actions:
        key = span["args"]["stage"], names[span["name"].lstrip("0123456789")[0]]
        times.setdefault(key, []).append(computing(span, waits))
    return [
        {
            **{k: statistics.median(times.get((stage, k), [0])) for k in KINDS},
            "bytes": case.model.activation_bytes,
        }
        for stage in range(len(case.cuts) + 1)
    ]


def bounds(args: argparse.Namespace, case: Case, trace: Path) -> list[tuple]:
    """Seconds of each counted step and of its simulation."""
    waits, actions = [], {}
    for span in spans(trace):
        if span["name"].startswith("wait"):
            waits.append(span)
        elif is_compute(span):
            actions.setdefault(span["args"]["step"], []).append(span)
    cases, took = [], []
    for step in sorted(actions)[WARM_UP:]:
        begin = min(s["ts"] for s in actions[step])
        took.append((max(s["ts"] + s["dur"] for s in actions[step]) - begin) / 1e6)
        cases.append(
            {
                "schedule": case.schedule.name,
                "ranks": case.ranks,
                "stages_per_rank": case.schedule.stages_per_rank,
                "microbatches": case.microbatches,
                "costs": stage_costs(actions[step], waits, case),
            }
        )
    simulate(args.build, args.link, args.latency / 1e3, cases)
    return [(real, case["step"]) for real, case in zip(took, cases, strict=True)]


def run_pp(args, case: Case, files: Inputs, hosts: Hosts) -> tuple[Sample, list]:
    job = pp_job(case, "env", files, files.tokens, case.model.train_steps)
    # Ranks would use shared memory otherwise, which namespaces don't separate.
    tcp = ["--set", "pipeline.transport=gloo", "--set", "output.trace=true"]
    hosts.run([files.pp, "run", job, *tcp], files.folder)
    lines = (files.folder / "pp" / "metrics.jsonl").read_text().splitlines()
    steps = [json.loads(line) for line in lines]
    times = [step["step_ms"] for step in steps[WARM_UP:]]
    sample = Sample(statistics.median(times), None, 0, [s["loss"] for s in steps])
    return sample, bounds(args, case, files.folder / "pp" / "trace.json")


def run_torch(case: Case, files: Inputs, hosts: Hosts) -> Sample:
    hosts.run([sys.executable, *torch_command(case, files)], files.folder)
    return torch_sample(case, files, 0)


Times = dict[str, tuple[list[float], list[float]]]  # ms of both sides of each ratio


def measure(args: argparse.Namespace, name: str, folder: Path) -> Times:
    model = with_steps(MODELS[name], args.steps)
    case = Case(model, "train", SCHEDULES[args.schedule])
    path, tokens = prepare(model, folder, case.microbatches)
    files = Inputs(path, tokens, (args.build / "pp").resolve(), folder)
    result = {ratio: ([], []) for ratio in AIMS}
    for _ in range(args.repetitions):
        with Hosts() as hosts:
            hosts.connect_slowly(args.latency / 1e3, rate=args.link * 1e9)
            theirs = run_torch(case, files, hosts)
            ours, steps = run_pp(args, case, files, hosts)
        check_losses(case, "env", ours, theirs)
        for times, value in zip(result["pp / torch"], (ours, theirs), strict=True):
            times.append(value.step_ms)
        for times, values in zip(
            result["step / simulation"], zip(*steps, strict=True), strict=True
        ):
            times += [1000 * value for value in values]
        print(
            f"{name}: pp {ours.step_ms:.0f} ms, torch {theirs.step_ms:.0f} ms",
            flush=True,
        )
    return result


def figures(results: dict[str, Times]) -> list[Figure]:
    return [
        ratio(model, *result[group], most=aim, group=group)
        for group, aim in AIMS.items()
        for model, result in results.items()
    ]


def markdown(args: argparse.Namespace, results: dict[str, Times], about: dict) -> str:
    rows = []
    for figure in figures(results):
        ours, theirs = map(statistics.median, results[figure.what][figure.group])
        row = [figure.group, figure.what, f"{ours:.4g} ms", f"{theirs:.4g} ms"]
        row += [f"**{figure.value:.3f}**", f"{figure.low:.3f} to {figure.high:.3f}"]
        rows.append([*row, f"{figure.aim} " + ("met" if figure.met else "missed")])
    return (
        f"# Two hosts, {args.link:g} Gbit/s and {args.latency:g} ms apart\n\n"
        f"{args.schedule}, {Case.microbatches} microbatches of one row, "
        f"a rank of one thread on each host, {about['cores']} cores of {about['cpu']}, "
        f"{args.repetitions} runs a side in turn. Load before: {about['load']:.2f}.\n\n"
        + table(
            ["ratio", "model", "of", "to", "ratio of medians", "spread", "aim"], rows
        )
    )


def main(argv: list[str]) -> int:
    args = parse(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # removes the namespaces too
    try:
        with Network():
            pass
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"{error}\nskipped: no network namespaces here; they take root")
        return SKIPPED
    about = {**machine(), "load": os.getloadavg()[0], "repetitions": args.repetitions}
    with tempfile.TemporaryDirectory(prefix="slow_link-") as scratch:
        results = {name: measure(args, name, Path(scratch)) for name in args.models}
    data = {"about": about, "models": results, "figures": as_data(figures(results))}
    write(args.out, markdown(args, results, about), data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
