"""shared.py PP FOLDER

Trains models whose parameters share memory, or have gaps between their entries, with
AdamW: alone, over replicas, with a sharded optimizer, and stopped and resumed. Weights
equal those of Python's own archive, and merged models share memory again.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import parity
import reported_models
import torch
from safetensors.torch import save_file

PP, FOLDER = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve() / "shared"
ROWS, RATE, STEPS, TOLERANCE = 8, 0.02, 4, 1e-5
REPLICAS = ("--set", "parallel.replicas=2", "--set", "pipeline.microbatches=2")
SHARDS = (*REPLICAS, "--set", "parallel.zero=1")
SPLIT = ("--set", 'split.at=["b"]')
PAIRS = {  # models, with whether replicas can hold shards of their parameters
    reported_models.TransposedTie: True,
    reported_models.OverlappingRows: False,
    reported_models.OverlappingColumns: False,
    reported_models.SlicesOfOneStorage: True,
    reported_models.SlicedWeight: True,
}


def run(*words, expected=0):
    done = subprocess.run([PP, *map(str, words)], capture_output=True, text=True)
    text = done.stdout + done.stderr
    if done.returncode != expected:
        sys.exit(f"pp {' '.join(map(str, words))}: {done.returncode}\n{text}")
    return text


def reference(path, x, y):
    module = torch.export.load(path).module()
    optimizer = torch.optim.AdamW(module.parameters(), lr=RATE, weight_decay=0.1)
    for _ in range(STEPS):
        optimizer.zero_grad()
        for rows, wanted in zip(x.split(2), y.split(2), strict=True):
            (torch.nn.functional.mse_loss(module(rows), wanted) / 4).backward()
        optimizer.step()
    return parity.state_of(path, module)


def shares(module):
    """Pairs of parameters that lie in one storage."""
    lies = {k: v.untyped_storage().data_ptr() for k, v in module.named_parameters()}
    return {(a, b) for a in lies for b in lies if a < b and lies[a] == lies[b]}


def check(kind, can_shard):
    name = kind.__name__.lower()
    torch.manual_seed(4)
    model, x, y = kind(), torch.randn(ROWS, 6), torch.randn(ROWS, 6)
    path = FOLDER / f"{name}.pt2"
    torch.export.save(torch.export.export(model, (x[:2],)), path)
    for key, value in {"x": x, "y": y}.items():
        np.save(FOLDER / f"{name}_{key}.npy", value.numpy())
    job = FOLDER / f"{name}.toml"
    job.write_text(f"""
model.path = "{path.name}"
pipeline.microbatches = 4
pipeline.launcher = "local"
data.batch_size = {ROWS}
data.shuffle = false
data.inputs.x.path = "{name}_x.npy"
data.target.path = "{name}_y.npy"
train.steps = {STEPS}
train.loss.name = "mse"
train.optimizer = {{ name = "adamw", lr = {RATE}, weight_decay = 0.1 }}
output.checkpoint_every = 2
output.keep = 9
""")
    expected = reference(path, x, y)
    run("split", path, "-o", FOLDER / f"{name}_stages", "--at", "b")

    def compare(where, out):
        merged = FOLDER / f"{out.name}.pt2"
        last = out / "checkpoints" / f"step_{STEPS}"
        stages = FOLDER / f"{name}_stages"
        run("merge", stages, "--checkpoint", last, "-o", merged, "--force")
        got = parity.state_of(merged, None)
        for key, value in expected.items():
            error = (got[key] - value).abs().max() / value.abs().max()
            if not error <= TOLERANCE:
                sys.exit(f"{name}, {where}: {key} differs by {error:.3g}")
        of_source = shares(torch.export.load(path).module())
        if shares(torch.export.load(merged).module()) != of_source:
            sys.exit(f"{name}, {where}: the merged model shares other memory")

    settings = {"whole": (), "split": SPLIT, "replicas": (*SPLIT, *REPLICAS)}
    if can_shard:
        settings |= {"shards": SHARDS, "split shards": (*SPLIT, *SHARDS)}
    else:
        out = FOLDER / f"{name}_refused"
        words = ("--set", f"output.dir={out}", *SHARDS)
        text = run("run", job, *words, expected=2)
        if "'b.weight'" not in text or "zero = 0" not in text or out.exists():
            sys.exit(f"{name}: refused without its cause: {text}")
    for where, words in settings.items():
        out = FOLDER / f"{name}_{where.replace(' ', '_')}"
        run("run", job, "--set", f"output.dir={out}", *words)
        compare(where, out)
    # Stopped after two steps, and resumed with another cut.
    out = ("--set", f"output.dir={FOLDER / f'{name}_resumed'}")
    run("run", job, *out, *SPLIT, "--set", "train.steps=2")
    run("run", job, *out, "--resume")
    compare("resumed", FOLDER / f"{name}_resumed")
    print(name, "is right")


def check_contradiction():
    """Weights of a checkpoint that the model can't have both are refused."""
    path, checkpoint = FOLDER / "transposedtie.pt2", FOLDER / "contradiction"
    checkpoint.mkdir(exist_ok=True)
    values = torch.export.load(path).state_dict
    values = {k: v.detach().clone().contiguous() for k, v in values.items()}
    values["b.weight"][2, 3] += 1
    save_file(values, checkpoint / "part_0.safetensors")
    merged = FOLDER / "contradiction.pt2"
    stages = FOLDER / "transposedtie_stages"
    words = ("--checkpoint", checkpoint, "-o", merged)
    if "shares memory with others" not in run("merge", stages, *words, expected=3):
        sys.exit("merge: a contradiction is refused without its cause")
    print("a contradiction is refused")


def check_weight_files():
    """The values come from safetensors files, which hold tensors one by one."""
    torch.manual_seed(5)
    path, file = FOLDER / "tied.pt2", FOLDER / "tied.safetensors"
    model = reported_models.TransposedTie()
    torch.export.save(torch.export.export(model, (torch.randn(2, 6),)), path)
    values = {k: torch.randn(v.shape) for k, v in model.state_dict().items()}
    turned = values.pop("b.weight")
    right = {**values, "b.weight": values["a.weight"].t().contiguous()}
    stages = FOLDER / "tied_stages"
    words = ("split", path, "--weights", file, "-o", stages, "--at", "b")
    for tensors in (values, right):
        save_file(tensors, file)
        run(*words)
        merged = FOLDER / "tied_merged.pt2"
        run("merge", stages, "-o", merged, "--force")
        got = parity.state_of(merged, None)
        for key, value in right.items():
            if not torch.equal(got[key], value):
                sys.exit(f"weight files: {key} differs")
        if not shares(torch.export.load(merged).module()):
            sys.exit("weight files: the merged model has two weights")
    save_file({**values, "b.weight": turned}, file)
    text = run(*words, expected=3)
    if "'a.weight' and 'b.weight' share memory" not in text:
        sys.exit(f"weight files: refused without its cause: {text}")
    print("weight files are right")


FOLDER.mkdir(parents=True, exist_ok=True)
check_weight_files()
for each, shardable in PAIRS.items():
    check(each, shardable)
check_contradiction()
