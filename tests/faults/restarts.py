#!/usr/bin/env python
"""A training whose ranks are killed again and again under torchrun.

    .venv/bin/python tests/faults/restarts.py --kills 20

Each time torchrun restarts the ranks (--max-restarts), and they continue from the
newest checkpoint. The final checkpoint must equal, byte for byte, that of a run that
was never killed. The model has dropout, the data are shuffled and the learning rate
follows a schedule: all of these must continue correctly.
"""

import argparse
import json
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

STEPS_A_KILL = 120


def job_keys(fixtures, steps):
    return ROWS | {
        "model.path": f"{fixtures}/mlp.pt2",
        "model.mode": "train",
        "split.at": ["layers.2"],
        "pipeline.microbatches": 4,
        "train.steps": steps,
        "train.lr_schedule.name": "cosine",
        "train.lr_schedule.warmup": 5,
        "output.dir": "run",
        "output.checkpoint_every": 7,
    }


def rank_pid(mark, rank):
    """The process id of a rank of the job that has `mark` in its environment."""
    wanted = {mark, f"RANK={rank}"}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environment = set((entry / "environ").read_text("latin1").split("\0"))
        except OSError:
            continue
        if wanted <= environment:
            return int(entry.name)
    return None


def newest_step(folder):
    steps = [int(p.name[5:]) for p in folder.glob("checkpoints/step_*")]
    return max(steps, default=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pp", type=Path, default=ROOT / "build/pp")
    parser.add_argument("--fixtures", type=Path, default=ROOT / "build/fixtures")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.pp, options.fixtures = options.pp.resolve(), options.fixtures.resolve()
    draw = random.Random(options.seed)
    steps = STEPS_A_KILL * (options.kills + 1)
    folder = Path(tempfile.mkdtemp(prefix="pp_restarts_"))
    try:
        return run(options, draw, steps, folder)
    finally:
        shutil.rmtree(folder)


def run(options, draw, steps, folder):
    """Trains once undisturbed and once with kills; returns 1 where they differ."""
    write_rows(folder)
    write_job(folder / "job.toml", job_keys(options.fixtures, steps))
    job = [options.pp, "run", folder / "job.toml"]
    whole = [*job, "--launcher", "local", "--set", f"output.dir={folder}/whole"]
    subprocess.run(whole, check=True, capture_output=True)

    # The folder holds the output of an earlier run, which this one must not use.
    shutil.copytree(folder / "whole", folder / "run")
    mark = f"PP_RESTARTS={os.getpid()}"
    env = dict(os.environ, **dict([mark.split("=")]))
    torchrun = [Path(sys.executable).parent / "torchrun", "--standalone"]
    torchrun += ["--no-python", "--nproc-per-node", "2", "--monitor-interval", "0.1"]
    torchrun += ["--max-restarts", str(options.kills), *job]
    with (folder / "out").open("w") as out:
        launcher = subprocess.Popen(torchrun, env=env, stdout=out, stderr=out)
    began = time.time()
    killed = kill_ranks(options, draw, folder, mark, launcher)
    code = launcher.wait(timeout=300)
    text = (folder / "out").read_text()
    resumed = [int(n) for n in re.findall(r"resuming from .*step_(\d+)", text)]
    print(f"{killed} kills, {len(resumed)} resumed, {time.time() - began:.0f} s")
    faults = []
    if code != 0:
        faults.append(f"torchrun ended with {code}: {text[-2000:]}")
    if killed != options.kills:
        faults.append(f"{killed} kills, not {options.kills}")
    if resumed != sorted(resumed) or any(step >= steps for step in resumed):
        faults.append(f"resumed from {resumed}")
    faults += differences(folder, steps)
    print("\n".join(faults) or "the same weights, byte for byte, and metrics")
    return 1 if faults else 0


def kill_ranks(options, draw, folder, mark, launcher):
    """Kills ranks, one after another; returns how many."""
    began, killed = time.time(), 0
    moments = sorted(
        draw.uniform(0, STEPS_A_KILL * options.kills) for _ in range(options.kills)
    )
    for moment in moments:
        # Kills follow the run's progress, so the machine's speed does not matter.
        # Before this run's first checkpoint, it counts as being at step 0.
        def due(moment=moment):
            earlier = not (folder / "run/checkpoints.1").exists()
            return (0 if earlier else newest_step(folder / "run")) >= moment - 7

        while not due() and launcher.poll() is None and time.time() < began + 600:
            time.sleep(0.005)
        time.sleep(draw.uniform(0, 0.1))
        rank = draw.randrange(2)
        victim = None
        while victim is None and launcher.poll() is None:
            victim = rank_pid(mark, rank)
        if victim is None:
            break
        os.kill(victim, signal.SIGKILL)
        killed += 1
        while Path(f"/proc/{victim}").exists() and launcher.poll() is None:
            time.sleep(0.005)
        print(f"killed rank {rank} near step {newest_step(folder / 'run')}", flush=True)
    return killed


def differences(folder, steps):
    """Differences between the undisturbed run and the other, as lines."""
    faults = []
    last = f"checkpoints/step_{steps}"
    for name in "part_0.safetensors", "part_1.safetensors":
        want, got = (folder / run / last / name for run in ("whole", "run"))
        if not got.exists() or want.read_bytes() != got.read_bytes():
            faults.append(f"{last}/{name} differs")

    def metrics(name):
        lines = (folder / name / "metrics.jsonl").read_text().splitlines()
        return [(r["step"], r["loss"], r["lr"]) for r in map(json.loads, lines)]

    if metrics("run") != metrics("whole"):
        faults.append("metrics differ")
    return faults


if __name__ == "__main__":
    sys.exit(main())
