#!/usr/bin/env python3
"""Runs one rank of torch.distributed.pipelining; torchrun starts it.

    torchrun --standalone --nproc-per-node 2 benchmarks/torch_side.py JOB.json

compare.py writes JOB.json (`sides.torch_job`). The rank loads the .pt2 that `pp`
runs, cuts its graph at the same modules, reads the same rows in the same order and
writes its measurements to OUT.rankN.json: the time at the end of every step (seconds
since the epoch), the losses, the peak memory.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch.distributed.pipelining._IR import Pipe
from torch.distributed.pipelining.schedules import get_schedule_class

# Two stages per rank in the shape of a V instead of a loop.
V_SCHEDULES = ("ZBVZeroBubble", "DualPipeV")


def split_before(modules: list[str]):
    """A split policy for Pipe that cuts before the first node of each module."""

    def policy(traced):
        left = list(modules)
        for node in list(traced.graph.nodes):
            stack = node.meta.get("nn_module_stack", {}).values()
            paths = [path for path, _ in stack]
            if left and left[0] in paths:
                with traced.graph.inserting_before(node):
                    traced.graph.call_function(torch.ops.pippy._pipe_split.default)
                left.pop(0)
        assert not left, f"no node under {left}"
        traced.recompile()
        return traced

    return policy


def load_pipe(job: dict) -> Pipe:
    """Splits the exported program into stages.

    `pipeline(module, ...)` would export again (+1.3 s on the tiny model); its second
    half, applied to the loaded program, is enough.
    """
    program = torch.export.load(job["model"])
    return Pipe._from_traced(
        program.module(), program, split_policy=split_before(job["cuts"])
    )


def my_stages(job: dict, rank: int, ranks: int) -> list[int]:
    per_rank = job["stages_per_rank"]
    if per_rank == 1:
        return [rank]
    if job["schedule"] in V_SCHEDULES:
        return [rank, 2 * ranks - 1 - rank]
    return [rank + ranks * i for i in range(per_rank)]


class Rows:
    """Batches of windows over one token sequence, in the order of `pp`."""

    def __init__(self, job: dict):
        tokens = torch.from_numpy(np.load(job["tokens"]))
        window, self.batch = job["window"], job["microbatches"]
        count = (len(tokens) - 1) // window
        self.inputs = tokens[: count * window].view(count, window)
        self.targets = tokens[1 : count * window + 1].view(count, window)
        self.steps = count // self.batch

    def __call__(self, step: int):
        first = step % self.steps * self.batch
        rows = slice(first, first + self.batch)
        return self.inputs[rows], self.targets[rows]


def token_loss(logits, target):
    return F.cross_entropy(logits.flatten(0, -2), target.flatten())


def peak_kib() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1])
    raise RuntimeError("/proc/self/status has no VmHWM")


def device_of(job: dict, rank: int) -> torch.device:
    """The rank's own GPU, or the CPU."""
    if job["device"] == "cpu":
        return torch.device("cpu")
    torch.backends.cudnn.allow_tf32 = False  # like pp
    torch.cuda.set_device(rank)
    return torch.device("cuda", rank)


def run(job: dict, rank: int, ranks: int) -> dict:
    """Runs every step of the job; a step's time is that between two `ends`."""
    device = device_of(job, rank)
    train = job["mode"] == "train"
    pipe = load_pipe(job)
    indices = my_stages(job, rank, ranks)
    stages = [pipe.build_stage(i, device) for i in indices]
    schedule_class = get_schedule_class(job["schedule"])
    single = job["stages_per_rank"] == 1
    schedule = schedule_class(
        stages[0] if single else stages,
        job["microbatches"],
        loss_fn=token_loss if train else None,
    )
    parameters = [p for stage in stages for p in stage.submod.parameters()]
    optimizer = None
    if train:
        optimizer = torch.optim.AdamW(
            parameters, lr=job["lr"], weight_decay=job["weight_decay"], fused=True
        )
    rows = Rows(job)
    is_first, is_last = 0 in indices, pipe.num_stages - 1 in indices
    ends, losses, kept = [], [], []
    for step in range(job["steps"]):
        inputs, targets = (part.to(device) for part in rows(step))
        args = (inputs,) if is_first else ()
        if train:
            step_losses = []
            kwargs = {"target": targets, "losses": step_losses} if is_last else {}
            schedule.step(*args, **kwargs, return_outputs=False)
            optimizer.step()
            optimizer.zero_grad()
            if is_last:
                losses.append(torch.stack(step_losses).mean().item())
        else:
            with torch.no_grad():
                logits = schedule.step(*args)
            if is_last:
                kept.append(logits.argmax(-1).cpu())
        ends.append(time.time())
    kept_sum = int(torch.cat(kept).sum()) if kept else None
    return {
        "ends": ends,
        "losses": losses,
        "outputs_sum": kept_sum,
        "is_last": is_last,
        "peak_kib": peak_kib(),
    }


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text())
    torch.set_num_threads(job["threads"])
    dist.init_process_group("gloo" if job["device"] == "cpu" else "nccl")
    rank, ranks = dist.get_rank(), dist.get_world_size()
    try:
        result = run(job, rank, ranks)
        Path(f"{job['out']}.rank{rank}.json").write_text(json.dumps(result))
        dist.barrier()
    finally:
        dist.destroy_process_group()


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
