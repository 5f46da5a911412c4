"""Faults, with their places and times, and how soon the ranks must stop."""

import itertools
import random
from dataclasses import dataclass

STALL = 2.0  # pipeline.stall_timeout, seconds
BLOCK = 3.5  # how long a blocked rank blocks

# Faults under every launcher, and those of ranks that are processes.
EVERYWHERE = ["throw", "fill", "block"]
PROCESSES = ["kill", "stop", "term", "cut", "mute", "store"]
LAUNCHERS = {
    "local": EVERYWHERE,
    "processes": EVERYWHERE + PROCESSES,
    "hand": EVERYWHERE + PROCESSES,
    "torchrun": EVERYWHERE + PROCESSES,
}
SCHEDULES = {  # ranks, split points
    "GPipe": (3, ["layers.1", "layers.3"]),
    "1F1B": (3, ["layers.1", "layers.3"]),
    "Interleaved1F1B": (2, ["layers.1", "layers.2:end", "head"]),
}
MICROBATCHES = 4

# Seconds from the fault to the end of the last surviving rank. The promise is 1
# for an error, 2 for a death, the stall timeout for a hang; the rest allows for a
# loaded machine and for processes to end.
SLACK = 1.0
LIMIT = {
    "throw": 1 + SLACK,
    "fill": 1 + SLACK,
    "kill": 2 + SLACK,
    "store": 2 + SLACK,
    "term": 1 + SLACK,
    "cut": 2 + SLACK,
    "stop": STALL + 1 + SLACK,
    "mute": STALL + 1 + SLACK,
    "block": BLOCK + SLACK,  # the rank itself; its peers stop earlier
}


@dataclass(frozen=True)
class Case:
    number: int
    launcher: str
    kind: str
    schedule: str
    transport: str
    rank: int
    step: int  # counted from 1
    place: float  # position in the step, 0 to 1

    def __str__(self):
        return (
            f"{self.number:3} {self.launcher:9} {self.kind:6} {self.schedule:16}"
            f"{self.transport:5} rank {self.rank} step {self.step}"
        )


def limit_of(case):
    # The parent of `processes` kills a stopped rank after 1.5 s.
    stopped = (case.launcher, case.kind) == ("processes", "stop")
    return LIMIT[case.kind] + (1.5 if stopped else 0)


def make_cases(count, seed, can_mount):
    """Cases with each pair of launcher and fault in turn; the rest is random."""
    draw = random.Random(seed)
    pairs = [
        (launcher, kind)
        for launcher, kinds in LAUNCHERS.items()
        for kind in kinds
        if can_mount or kind != "fill"
    ]
    draw.shuffle(pairs)
    schedules = itertools.cycle(SCHEDULES)
    cases = []
    for number, (launcher, kind) in zip(range(count), itertools.cycle(pairs)):
        schedule = next(schedules)
        rank = draw.randrange(SCHEDULES[schedule][0])
        if (launcher, kind) == ("hand", "store"):
            rank = 0
        # Only Gloo has a link to cut: within a host the default is shared memory.
        wire = kind in ("cut", "mute") or draw.random() < 0.5
        transport = "gloo" if wire else "auto"
        step = draw.randint(3, 8)
        cases.append(
            Case(number, launcher, kind, schedule, transport, rank, step, draw.random())
        )
    return cases


def stall_of(case):
    # The cut link must be reported before a wait times out.
    return 4 if case.kind == "cut" else STALL
