"""Trains a TorchScript file through `pp run` and compares with Python.

    oracle_training.py PP WORK_FOLDER FILE.pt DROPOUT_FILE.pt

Trains three steps, unsplit and in stages, from the model and from its stage directory.
Losses and weights must equal Python's for any split; the merged file must have the
trained weights, and Python must run it. The second file draws random numbers: its
losses must be the same for any split. A trace is verified too.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

STEPS, BATCH, MICROBATCHES = 3, 8, 4
PP = sys.argv[1]
WORK, SOURCE, RANDOM = (Path(p).resolve() for p in sys.argv[2:5])

torch.set_num_threads(1)


def pp(*args, code: int = 0) -> str:
    done = subprocess.run([PP, *map(str, args)], capture_output=True, text=True)
    assert done.returncode == code, f"{args}: {done.returncode}\n{done.stderr}"
    return done.stdout + done.stderr


def job(name: str, model: str, at: list[str]) -> Path:
    path = WORK / f"{name}.toml"
    split = f"[split]\nat = {json.dumps(at)}\n" if at else ""
    path.write_text(
        f"""
[model]
{model}
{split}
[pipeline]
schedule = "1F1B"
microbatches = {MICROBATCHES}
launcher = "local"
[data]
batch_size = {BATCH}
shuffle = false
inputs.x = {{ path = "x.npy" }}
target = {{ path = "y.npy" }}
[train]
steps = {STEPS}
loss = {{ name = "cross_entropy" }}
optimizer = {{ name = "sgd", lr = 0.1, momentum = 0.9 }}
[output]
dir = "{name}"
checkpoint_every = {STEPS}
"""
    )
    return path


def losses(name: str) -> list[float]:
    lines = (WORK / name / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def weights(name: str) -> dict[str, torch.Tensor]:
    out = {}
    folder = WORK / name / "checkpoints" / f"step_{STEPS}"
    for part in sorted(folder.glob("part_*.safetensors")):
        out.update(load_file(part))
    return out


def reference(x, y):
    module = torch.jit.load(SOURCE)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9, fused=True)
    history = []
    for step in range(STEPS):
        rows = slice(step * BATCH, (step + 1) * BATCH)
        total = 0.0
        for xs, ys in zip(
            x[rows].chunk(MICROBATCHES), y[rows].chunk(MICROBATCHES), strict=True
        ):
            loss = torch.nn.functional.cross_entropy(module(xs), ys) / MICROBATCHES
            loss.backward()
            total += loss.item()
        history.append(total)
        optimizer.step()
        optimizer.zero_grad()
    return module, history


def main() -> None:
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    torch.manual_seed(0)
    x, y = torch.randn(STEPS * BATCH, 32), torch.randint(0, 10, (STEPS * BATCH,))
    np.save(WORK / "x.npy", x.numpy())
    np.save(WORK / "y.npy", y.numpy())
    module, history = reference(x, y)
    expected = module.state_dict()

    stages = WORK / "stages"
    pp("split", SOURCE, "-o", stages, "--at", "layers.1", "layers.2.1:end")
    pp("inspect", stages)
    jobs = {
        "whole": job("whole", f'path = "{SOURCE}"', []),
        "two": job("two", f'path = "{SOURCE}"', ["layers.2"]),
        "stages": job("stages_run", 'stages = "stages"', []),
    }
    first = None
    for path in jobs.values():
        name = path.stem
        pp("run", path)
        got = weights(name)
        for ours, theirs in zip(losses(name), history, strict=True):
            assert abs(ours - theirs) <= 1e-6 * abs(theirs), (name, ours, theirs)
        scale = max(t.abs().max().item() for t in expected.values())
        for fqn, theirs in expected.items():
            error = (got[fqn] - theirs).abs().max().item()
            limit = 1e-6 * max(theirs.abs().max().item(), 1e-3 * scale)
            assert error <= limit, f"{name}: {fqn}: {error}"
        first = first or got
        for fqn in expected:
            assert torch.equal(first[fqn], got[fqn]), f"{name}: other bits: {fqn}"

    merged = WORK / "merged.pt"
    pp(
        "merge",
        stages,
        "--checkpoint",
        WORK / "stages_run" / "checkpoints" / f"step_{STEPS}",
        "-o",
        merged,
    )
    again = torch.jit.load(merged)
    for fqn, tensor in again.state_dict().items():
        assert torch.equal(tensor, first[fqn]), f"merged: {fqn}"
    ours, theirs = again(x[:5]), module(x[:5])
    assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max(), "merged outputs"

    for name, at in (("random_one", []), ("random_three", ["layers.1", "layers.3"])):
        pp("run", job(name, f'path = "{RANDOM}"', at))
    assert losses("random_one") == losses("random_three"), "masks depend on the split"
    assert losses("random_one") != losses("whole"), "dropout does nothing"

    if "trace" in SOURCE.name:
        pp("verify", stages)
    else:
        assert "input 'x'" in pp("verify", stages, code=2)


main()
