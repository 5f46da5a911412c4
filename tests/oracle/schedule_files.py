"""Checks that torch's own runtime and pp run the same schedule files.

    schedule_files.py PP

For every multi-stage schedule of torch, a file that torch wrote and one that
pp wrote, each with and without messages; for pp's own VHalf and VMin, pp's
files. Torch's runtime runs each on two processes, pp on two ranks: the losses
of two steps and the weights after them are the same.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from safetensors.torch import load_file
from torch.distributed.pipelining import PipelineStage, schedules

RANKS, STAGES, MICROBATCHES, ROWS, STEPS, RATE = 2, 4, 8, 16, 2, 0.5
MULTI = {
    "Interleaved1F1B": schedules.ScheduleInterleaved1F1B,
    "LoopedBFS": schedules.ScheduleLoopedBFS,
    "InterleavedZeroBubble": schedules.ScheduleInterleavedZeroBubble,
    "ZBVZeroBubble": schedules.ScheduleZBVZeroBubble,
    "DualPipeV": schedules.ScheduleDualPipeV,
    # Any schedule with the same placement loads them.
    "VHalf": schedules.ScheduleZBVZeroBubble,
    "VMin": schedules.ScheduleZBVZeroBubble,
}
OURS = ("VHalf", "VMin")
LOOPS = ("Interleaved1F1B", "LoopedBFS", "InterleavedZeroBubble")
FORMS = {"compute_only": [], "compute_comms": ["--lowered"]}


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(8, 8)

    def forward(self, x):
        return torch.tanh(self.linear(x))


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.b0, self.b1, self.b2, self.b3 = (Block() for _ in range(STAGES))

    def forward(self, x):
        return self.b3(self.b2(self.b1(self.b0(x))))


def stages_of(name, rank):
    second = rank + RANKS if name in LOOPS else STAGES - 1 - rank
    return [rank, second]


def schedule_on(name, rank, model):
    stages = [
        PipelineStage(getattr(model, f"b{s}"), s, STAGES, torch.device("cpu"))
        for s in stages_of(name, rank)
    ]
    return MULTI[name](stages, MICROBATCHES, loss_fn=torch.nn.functional.mse_loss)


def train(name, rank, path, form):
    """Runs two steps of SGD; keeps losses (on the last stage) and weights."""
    model = Model()
    schedule = schedule_on(name, rank, model)
    schedule._load_csv(path, form)
    mine = stages_of(name, rank)
    x, y = torch.from_numpy(np.load("x.npy")), torch.from_numpy(np.load("y.npy"))
    losses = []
    for step in range(STEPS):
        rows = slice(step * ROWS, (step + 1) * ROWS)
        each = []
        schedule.step(
            *((x[rows],) if 0 in mine else ()),
            **({"target": y[rows], "losses": each} if STAGES - 1 in mine else {}),
        )
        if each:
            losses.append(torch.stack(each).mean().item())
        with torch.no_grad():
            for s in mine:
                for parameter in getattr(model, f"b{s}").parameters():
                    parameter -= RATE * parameter.grad
                    parameter.grad = None
    return losses, {
        f"b{s}.{fqn}": parameter.detach()
        for s in mine
        for fqn, parameter in getattr(model, f"b{s}").named_parameters()
    }


def run_rank(rank, port, cases):
    torch.set_num_threads(1)
    store = dist.TCPStore("127.0.0.1", port, RANKS, rank == 0)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=RANKS)
    for case in cases:
        name, path, form = case
        torch.save(train(name, rank, path, form), f"{path}.rank{rank}")
    dist.destroy_process_group()


def write_files(pp):
    cases = []
    for name in MULTI:
        for form, options in FORMS.items():
            path = f"pp-{name}-{form}.csv"
            subprocess.run(
                [
                    pp,
                    "schedule",
                    name,
                    "--ranks",
                    str(RANKS),
                    "--microbatches",
                    str(MICROBATCHES),
                    "--format",
                    "csv",
                    "-o",
                    path,
                    *options,
                ],
                check=True,
            )
            cases.append((name, path, form))
            if name not in OURS:
                path = f"torch-{name}-{form}.csv"
                stages = [
                    type(
                        "S",
                        (),
                        {
                            "group_rank": 0,
                            "group_size": RANKS,
                            "num_stages": STAGES,
                            "stage_index": s,
                            "is_first": s == 0,
                            "is_last": s == STAGES - 1,
                            "submod": torch.nn.Identity(),
                            "has_backward": True,
                        },
                    )()
                    for s in stages_of(name, 0)
                ]
                MULTI[name](stages, MICROBATCHES)._dump_csv(path, form)
                cases.append((name, path, form))
    return cases


JOB = """
[model]
path = "model.pt2"
[split]
at = ["b1", "b2", "b3"]
[pipeline]
microbatches = 8
ranks = 2
[data]
batch_size = 16
shuffle = false
inputs.x = { path = "x.npy" }
target = { path = "y.npy" }
[train]
steps = 2
loss = { name = "mse" }
optimizer = { name = "sgd", lr = 0.5 }
[output]
dir = "runs"
"""


def run_pp(pp, path):
    subprocess.run(
        [pp, "run", "job.toml", "--schedule", path, "--set", f"output.dir={path}.run"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    folder = Path(f"{path}.run")
    with open(folder / "metrics.jsonl") as lines:
        losses = [json.loads(line)["loss"] for line in lines]
    weights = {}
    for part in (folder / f"checkpoints/step_{STEPS}").glob("part_*"):
        weights |= load_file(part)
    return losses, weights


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main(pp):
    rng = np.random.default_rng(0)
    for name in ("x", "y"):
        np.save(f"{name}.npy", rng.standard_normal((STEPS * ROWS, 8), dtype=np.float32))
    rows = torch.export.Dim("rows")
    torch.export.save(
        torch.export.export(Model(), (torch.zeros(4, 8),), dynamic_shapes=({0: rows},)),
        "model.pt2",
    )
    Path("job.toml").write_text(JOB)
    cases = write_files(pp)
    port = free_port()
    context = torch.multiprocessing.get_context("spawn")
    ranks = [
        context.Process(target=run_rank, args=(r, port, cases)) for r in range(RANKS)
    ]
    for rank in ranks:
        rank.start()
    mine = {path: run_pp(pp, path) for _, path, _ in cases}
    for rank in ranks:
        rank.join()
        assert rank.exitcode == 0, rank.exitcode
    for _, path, _ in cases:
        losses, weights = [], {}
        for rank in range(RANKS):
            theirs = torch.load(f"{path}.rank{rank}")
            losses += theirs[0]
            weights |= theirs[1]
        assert len(losses) == STEPS, (path, losses)
        np.testing.assert_allclose(mine[path][0], losses, rtol=1e-6, err_msg=path)
        assert weights.keys() == mine[path][1].keys(), path
        for fqn, want in weights.items():
            error = (mine[path][1][fqn] - want).abs().max() / want.abs().max()
            assert error <= 1e-6, (path, fqn, error.item())
    print(f"{len(cases)} files: torch and pp run them to the same losses and weights")


if __name__ == "__main__":
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        main(program)
