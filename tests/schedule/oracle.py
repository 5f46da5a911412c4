"""Compares pp's schedules with those of the installed torch.

usage: oracle.py DUMP_SCHEDULE orders|files|run

orders  the compute order of every schedule, action by action, for all sizes
        that torch accepts. GPipe and 1F1B are recorded from the calls of their
        own step, because the order that torch's 1F1B states is wrong on its
        last rank.
files   each side reads the other's files, with and without messages.
run     torch's runtime runs a file written by pp: same losses and gradients
        as with its own schedule.
"""

import os
import subprocess
import sys
import tempfile

import torch
import torch.distributed as dist
from torch.distributed.pipelining import PipelineStage, schedules

MULTI = {
    "Interleaved1F1B": (schedules.ScheduleInterleaved1F1B, (1, 2, 3, 4)),
    "LoopedBFS": (schedules.ScheduleLoopedBFS, (1, 2, 3, 4)),
    "InterleavedZeroBubble": (schedules.ScheduleInterleavedZeroBubble, (1, 2, 3, 4)),
    "ZBVZeroBubble": (schedules.ScheduleZBVZeroBubble, (2,)),
    "DualPipeV": (schedules.ScheduleDualPipeV, (2,)),
}
SINGLE = {
    "GPipe": schedules.ScheduleGPipe,
    "1F1B": schedules.Schedule1F1B,
}


class Recorder:
    """A stage that records what a schedule calls."""

    def __init__(self, rank, num_ranks, num_stages, index):
        self.group_rank = rank
        self.group_size = num_ranks
        self.num_stages = num_stages
        self.stage_index = index
        self.is_first = index == 0
        self.is_last = index == num_stages - 1
        self.submod = torch.nn.Identity()
        self.has_backward = True
        self.calls = []

    def forward_one_chunk(self, mb, *args, **kwargs):
        self.calls.append(f"{self.stage_index}F{mb}")
        return torch.zeros(1)

    def backward_one_chunk(self, mb, *args, **kwargs):
        self.calls.append(f"{self.stage_index}B{mb}")

    def __getattr__(self, name):
        if name.startswith("get_") and name.endswith("_ops"):
            return lambda mb: []
        if name in ("release_fwd_send_outputs", "perform_reduce_grad"):
            return lambda *args: None
        raise AttributeError(name)


def recorded(cls, num_ranks, num_microbatches):
    rows = []
    for rank in range(num_ranks):
        stage = Recorder(rank, num_ranks, num_ranks, rank)
        schedule = cls(stage, num_microbatches, loss_fn=lambda output, target: output)
        schedule._check_inputs = lambda args, kwargs, targets, losses: (args, kwargs)
        schedule._initialize_stage = lambda *args: None
        schedule._update_losses = lambda *args: None
        schedule._step_microbatches(
            [()] * num_microbatches, [{}] * num_microbatches, [None] * num_microbatches
        )
        rows.append(",".join(stage.calls))
    return rows


def torch_schedule(cls, num_ranks, per_rank, num_microbatches):
    num_stages = num_ranks * per_rank
    stages = [
        Recorder(0, num_ranks, num_stages, s * num_ranks) for s in range(per_rank)
    ]
    return cls(stages, num_microbatches)


def rows_of(order):
    return [
        ",".join(str(action) for action in order[rank] if action is not None)
        for rank in sorted(order)
    ]


def ask(dump, requests):
    """One answer per request: the list of rows."""
    done = subprocess.run(
        [dump],
        input="\n".join(requests) + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    answers = done.stdout.split("\n\n")[:-1]
    assert len(answers) == len(requests), (len(answers), len(requests))
    return [answer.split("\n") for answer in answers]


def orders(dump):
    requests, expected, refused = [], [], {}
    for num_ranks in range(1, 9):
        for num_mb in range(1, 33):
            for name, cls in SINGLE.items():
                try:
                    rows = recorded(cls, num_ranks, num_mb)
                except ValueError:
                    refused[name] = refused.get(name, 0) + 1
                    continue
                requests.append(f"{name} {num_ranks} {num_ranks} {num_mb}")
                expected.append(rows)
            for name, (cls, counts) in MULTI.items():
                for per_rank in counts:
                    try:
                        schedule = torch_schedule(cls, num_ranks, per_rank, num_mb)
                    except ValueError:
                        refused[name] = refused.get(name, 0) + 1
                        continue
                    requests.append(
                        f"{name} {num_ranks} {num_ranks * per_rank} {num_mb}"
                    )
                    expected.append(rows_of(schedule.pipeline_order))
    counts = {}
    for request, rows, answer in zip(
        requests, expected, ask(dump, requests), strict=True
    ):
        assert answer == rows, (
            f"{request}\n pp:    "
            + "\n        ".join(answer)
            + "\n torch: "
            + "\n        ".join(rows)
        )
        name = request.split()[0]
        counts[name] = counts.get(name, 0) + 1
    for name in (*SINGLE, *MULTI):
        print(
            f"{name}: {counts.get(name, 0)} shapes equal, "
            f"{refused.get(name, 0)} refused by torch"
        )
        assert counts.get(name, 0) >= 100, name


FILE_SHAPES = [
    (name, ranks, per_rank, mb)
    for name, (_, counts) in MULTI.items()
    for ranks in (1, 2, 4)
    for per_rank in counts
    for mb in (8, 16)
]


def files(dump):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "schedule.csv")
        for name, ranks, per_rank, mb in FILE_SHAPES:
            shape = f"{name} {ranks} {ranks * per_rank} {mb}"
            compute, lowered, sharded = ask(
                dump, [shape, shape + " lowered", shape + " sharded"]
            )
            schedule = torch_schedule(MULTI[name][0], ranks, per_rank, mb)
            # torch reads our files
            for rows, form in ((compute, "compute_only"), (lowered, "compute_comms")):
                with open(path, "w") as out:
                    out.write("\n".join(rows) + "\n")
                schedule._load_csv(path, form)
            assert rows_of(schedule.pipeline_order_with_comms) == lowered
            # we read torch's files; bubbles are dropped
            schedule = torch_schedule(MULTI[name][0], ranks, per_rank, mb)
            # the passes agree except where sends are waited for
            assert sharded == [
                ",".join(a for a in row.split(",") if "WAIT_SEND" not in a)
                for row in rows_of(schedule.pipeline_order_with_comms)
            ], shape
            schedule._dump_csv(path, "compute_only")
            assert ask(dump, [f"read {path} {mb}"])[0] == compute
            schedule._dump_csv(path, "compute_comms")
            assert ask(dump, [f"read {path} {mb}"])[0] == rows_of(
                schedule.pipeline_order_with_comms
            ), name
    print(f"{len(FILE_SHAPES)} shapes read both ways, in both forms")


class Block(torch.nn.Module):
    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.linear = torch.nn.Linear(8, 8)

    def forward(self, x):
        return torch.tanh(self.linear(x))


def step(rank, num_ranks, name, path, form):
    """Losses and gradients of one step. Without path: in torch's own order."""
    num_stages = 2 * num_ranks
    v_shaped = name in ("ZBVZeroBubble", "DualPipeV")
    own_stages = [rank, num_stages - 1 - rank] if v_shaped else [rank, rank + num_ranks]
    torch.manual_seed(100)
    x, y = torch.randn(16, 8), torch.randn(16, 8)
    stages = [
        PipelineStage(Block(s), s, num_stages, torch.device("cpu")) for s in own_stages
    ]
    schedule = MULTI[name][0](stages, 8, loss_fn=torch.nn.functional.mse_loss)
    if path:
        schedule._load_csv(path, form)
    losses = []
    schedule.step(
        *((x,) if 0 in own_stages else ()),
        **({"target": y, "losses": losses} if num_stages - 1 in own_stages else {}),
    )
    return losses, [p.grad for s in stages for p in s.submod.parameters()]


def run_rank(rank, num_ranks, port, cases, results):
    torch.set_num_threads(1)
    store = dist.TCPStore("127.0.0.1", port, num_ranks, rank == 0)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=num_ranks)
    num_losses = 0
    for name, path, form in cases:
        expected = step(rank, num_ranks, name, None, None)
        found = step(rank, num_ranks, name, path, form)
        for first, second in zip(expected, found, strict=True):
            for a, b in zip(first, second, strict=True):
                assert torch.equal(a, b), (name, form)
        num_losses += len(found[0])
    results.put(num_losses)
    dist.destroy_process_group()


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(dump):
    num_ranks, num_mb = 2, 8
    context = torch.multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        cases = []
        for name in MULTI:
            for word, form in (("", "compute_only"), ("lowered", "compute_comms")):
                path = os.path.join(folder, f"{name}.{form}.csv")
                (rows,) = ask(dump, [f"{name} {num_ranks} 4 {num_mb} {word}"])
                with open(path, "w") as out:
                    out.write("\n".join(rows) + "\n")
                cases.append((name, path, form))
        results = context.SimpleQueue()
        port = free_port()
        ranks = [
            context.Process(target=run_rank, args=(r, num_ranks, port, cases, results))
            for r in range(num_ranks)
        ]
        for rank in ranks:
            rank.start()
        for rank in ranks:
            rank.join()
            assert rank.exitcode == 0, rank.exitcode
        num_losses = sum(results.get() for _ in ranks)
        assert num_losses == num_mb * len(cases), num_losses
        print(f"{len(cases)} files of pp run by torch: same losses and gradients")


if __name__ == "__main__":
    _, dump_schedule, what = sys.argv
    {"orders": orders, "files": files, "run": run}[what](dump_schedule)
