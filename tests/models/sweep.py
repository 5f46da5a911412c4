#!/usr/bin/env python3
"""Tries every architecture of transformers and torchvision; run by hand.

    tests/models/sweep.py [NAME ...] [--pp build/pp] [--out FOLDER]

Each is built small (zoo.py), exported in training mode and given to
`pp verify` in 4 stages under ZBVZeroBubble. One line a model: OK; or where it
ended: BUILD, FORWARD and EXPORT are Python's own (a config that the rules of
zoo.py don't fit, a model that torch can't export), VERIFY is `pp`'s.
Exit code 1 where one ended in VERIFY. All of them take an hour.
"""

import argparse
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import torch
import zoo

ROOT = Path(__file__).resolve().parents[2]
LARGEST = 40_000_000  # parameters


def try_one(name, pp, folder):
    """(where it ended, why)."""
    step = "BUILD"
    try:
        module, inputs = zoo.build(name)
        count = sum(p.numel() for p in module.parameters())
        if count > LARGEST:
            return "BIG", f"{count:,} parameters"
        step = "FORWARD"
        module(**inputs)
        step = "EXPORT"
        path = folder / f"{name.replace(':', '_')}.pt2"
        torch.export.save(
            torch.export.export(module, (), inputs, strict=False), path)
    except Exception as error:  # noqa: BLE001: any model may raise anything
        return step, f"{type(error).__name__}: {error}".splitlines()[0]
    done = subprocess.run(
        [pp, "verify", path, "--stages", "4", "--schedule", "ZBVZeroBubble"],
        capture_output=True, text=True)
    path.unlink()
    if done.returncode:
        return "VERIFY", (done.stderr + done.stdout).strip()
    return "OK", f"{count:,} parameters"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--pp", type=Path, default=ROOT / "build/pp")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.out or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for name in args.names or zoo.names():
            ended, why = try_one(name, args.pp.resolve(), folder)
            failed += ended == "VERIFY"
            print(f"{ended:8}{name}  {why}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
