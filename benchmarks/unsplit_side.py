#!/usr/bin/env python3
"""Runs a job of compare.py in one process without a pipeline.

    benchmarks/unsplit_side.py JOB.json

Has the same exported program, rows, loss and optimizer as torch_side.py, and as many
threads as the whole pipeline. Computes as many rows at a time as the program was
exported with, and accumulates gradients over the batch. Writes OUT.unsplit.json: the
time at the end of every step, losses, peak memory.
"""

import json
import sys
import time
from pathlib import Path

import torch
from torch.export.passes import move_to_device_pass
from torch_side import Rows, device_of, peak_kib, token_loss


def run(job: dict) -> dict:
    device = device_of(job, 0)
    program = move_to_device_pass(torch.export.load(job["model"]), device)
    module = program.module()
    rows_at_once = program.example_inputs[0][0].shape[0]
    optimizer = torch.optim.AdamW(
        module.parameters(), lr=job["lr"], weight_decay=job["weight_decay"], fused=True
    )
    rows = Rows(job)
    ends, losses = [], []
    for step in range(job["steps"]):
        parts = [tensor.to(device).split(rows_at_once) for tensor in rows(step)]
        step_losses = []
        for inputs, target in zip(*parts, strict=True):
            loss = token_loss(module(inputs), target) / len(parts[0])
            loss.backward()
            step_losses.append(loss.detach())
        optimizer.step()
        optimizer.zero_grad()
        losses.append(torch.stack(step_losses).sum().item())
        ends.append(time.time())
    return {"ends": ends, "losses": losses, "peak_kib": peak_kib()}


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text())
    torch.set_num_threads(job["threads"])
    Path(f"{job['out']}.unsplit.json").write_text(json.dumps(run(job)))


if __name__ == "__main__":
    main()
