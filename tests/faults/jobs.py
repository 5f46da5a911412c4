"""Jobs and rows for the tests of faults."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

TRAINING = {
    "train.loss.name": "cross_entropy",
    "train.optimizer.name": "adamw",
    "train.optimizer.lr": 1e-3,
}


def write_job(path, keys):
    """Writes a job file with these keys ("train.steps": 4) and those of TRAINING."""
    lines = [
        f"{key} = {json.dumps(value)}\n" for key, value in (TRAINING | keys).items()
    ]
    path.write_text("".join(lines))


def write_rows(folder):
    """Writes random rows for the MLPs of the fixtures."""
    make = [sys.executable, ROOT / "scripts/make_data.py", "random", "-o", folder]
    make += ["--rows", "80", "--shape", "32"]
    subprocess.run(make, check=True, capture_output=True)


ROWS = {
    "data.batch_size": 16,
    "data.inputs.x.path": "random_x.npy",
    "data.target.path": "random_y.npy",
}
