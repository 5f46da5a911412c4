"""What the ranks must say of a fault."""

import re
import socket
from dataclasses import dataclass

HOST = re.escape(socket.gethostname())


@dataclass(frozen=True)
class At:
    """What the rank was at when it happened."""

    stage: str
    microbatch: str  # -1: none
    action: str


def expected_cause(case, at):
    """What every surviving rank must say, as a pattern; `at`: see At."""
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
        return here + rf": has not come out of {at.action} for \d"
    if case.kind == "kill":
        return seen + ": (died without a word|killed by signal 9)"
    if case.kind == "stop":
        if (case.launcher, case.rank) == ("hand", 0):  # the store's host
            return me + ": stands still or is out of reach: the job's store"
        return seen + ": stands still: its process is stopped"
    if case.kind == "term":
        return me + ": interrupted; --resume goes on from "
    if case.kind == "cut":
        other = rf"rank \d \({HOST}\)(, stage \d+, (microbatch \d+, )?\w+)?"
        return (
            rf"({me}.*: rank \d closed its connection"
            rf"|{other}: rank {case.rank} closed its connection)"
        )
    if case.kind == "mute":
        return anyone + r": waited .* rank \d.*; ranks .* wait for each other"
    if case.launcher == "hand":
        return seen + ": died without a word"
    return "the launcher is gone, with the store it served at "
