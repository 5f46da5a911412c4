"""Compares runs of one job under different schedules.

    every_schedule.py FOLDER REFERENCE [TOLERANCE]

Losses, gradient norms, evaluation and trained weights of the runs in the two
folders must be equal: to the bit, or with a relative error of at most TOLERANCE.
"""

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file


def numbers(folder):
    keys = ("step", "loss", "grad_norm", "eval_loss")
    with open(folder / "metrics.jsonl") as lines:
        rows = [json.loads(line) for line in lines]
    return [{key: row[key] for key in keys if key in row} for row in rows]


def weights(folder):
    found = {}
    newest = max((folder / "checkpoints").glob("step_*"))
    for part in newest.glob("part_*.safetensors"):
        found |= load_file(part)
    return found


def main(mine, reference, tolerance=0.0):
    a, b = numbers(mine), numbers(reference)
    assert len(a) == len(b) and any("eval_loss" in row for row in a), (a, b)
    for row, want in zip(a, b, strict=True):
        assert row.keys() == want.keys()
        for key, value in want.items():
            error = abs(row[key] - value) / max(abs(value), 1e-30)
            assert error <= tolerance, f"{key} {row[key]!r}, should be {value!r}"
    a, b = weights(mine), weights(reference)
    assert a.keys() == b.keys(), a.keys() ^ b.keys()
    for name, want in b.items():
        if tolerance == 0:
            assert a[name].tobytes() == want.tobytes(), f"{name} differs"
        elif want.dtype.kind == "f":
            scale = max(np.abs(want).max(), 1e-3)
            error = np.abs(a[name] - want).max() / scale
            assert error <= tolerance, f"{name}: error {error}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(float, sys.argv[3:]))
