"""What the ranks must report after a fault."""

import re
import socket
from dataclasses import dataclass

HOST = re.escape(socket.gethostname())


@dataclass(frozen=True)
class At:
    """What the rank was doing when the fault happened."""

    stage: str
    microbatch: str  # -1: none
    action: str


def expected_cause(case, at):
    """A pattern for what every surviving rank must report."""
    me = rf"rank {case.rank} \({HOST}\)"
    here = me + rf", stage {at.stage}, microbatch {at.microbatch}, {at.action}"
    if at.microbatch == "-1":
        here = me + rf", stage {at.stage}, {at.action}"
    seen = me + r"(, last seen in stage \d+, (microbatch \d+, )?\w+)?"
    anyone = rf"rank \d \({HOST}\)(, stage \d+, (microbatch \d+, )?\w+)?"
    if case.kind == "throw":
        return here + ": injected$"
    if case.kind == "fill":
        return anyone + ": .*disk/run/.*No space left on device"
    if case.kind == "block":
        return here + rf": has been in {at.action} for \d"
    if case.kind == "kill":
        return seen + ": (died without reporting an error|killed by signal 9)"
    if case.kind == "stop":
        if (case.launcher, case.rank) == ("hand", 0):  # the store's host
            return me + ": doesn't respond or can't be reached: the job's store"
        return seen + ": doesn't respond: its process is stopped"
    if case.kind == "term":
        return "interrupted; --resume continues from "
    if case.kind == "cut":
        other = rf"rank \d \({HOST}\)(, stage \d+, (microbatch \d+, )?\w+)?"
        return (
            rf"({me}.*: rank \d closed its connection"
            rf"|{other}: rank {case.rank} closed its connection)"
        )
    if case.kind == "mute":
        return anyone + r": waited .* rank \d.*; ranks .* wait for each other"
    if case.launcher == "hand":
        return seen + ": died without reporting an error"
    return "the launcher is gone, with the store it served at "
