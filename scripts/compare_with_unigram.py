#!/usr/bin/env python3
"""Compares the result of a byte-level training with the byte-frequency model.

    scripts/compare_with_unigram.py runs/gpt2_demo demo

Exits with 1 unless the last loss on held-out text is well below it.
"""

import json
import sys
from pathlib import Path

import numpy as np
from make_data import unigram_loss

WELL_BELOW = 0.75


def main(run: Path, data: Path) -> int:
    text = (run / "metrics.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    train = [line["loss"] for line in lines if "loss" in line]
    held_out = [line["eval_loss"] for line in lines if "eval_loss" in line]
    unigram = unigram_loss(np.load(data / "train.npy"), np.load(data / "val.npy"))
    print(f"byte-frequency model, held-out text : {unigram:.3f} nats per byte")
    print(f"first training step                 : {train[0]:.3f}")
    print(f"last training step ({len(train)})            : {train[-1]:.3f}")
    print(f"trained model, held-out text        : {held_out[-1]:.3f}")
    if not held_out[-1] < WELL_BELOW * unigram:
        print(f"expected less than {WELL_BELOW * unigram:.3f}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
