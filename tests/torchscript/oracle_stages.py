"""Splits TorchScript files and checks the stages with Python torch.

    oracle_stages.py SPLIT_TOOL WORK_FOLDER FILE.pt [SHAPE [DTYPE]]

Splits at every cut that `pp` names, and into 2 to 4 stages at evenly spaced ones. Each
stage must open with torch.jit.load; the stages in sequence must give the unsplit
model's outputs bit for bit and in its structure, the same buffers, and the same
gradients by FQN; merging must give the weights and outputs of the source, or once of a
checkpoint.
"""

import functools
import json
import shutil
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.utils._pytree import tree_leaves, tree_structure

warnings.simplefilter("ignore")
torch.set_num_threads(1)

TOOL, WORK, SOURCE = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
SHAPE = [int(n) for n in (sys.argv[4] if len(sys.argv) > 4 else "4x8").split("x")]
TOKENS = len(sys.argv) > 5 and sys.argv[5] == "tokens"
MOST_CUTS = 6


def tool(*args) -> str:
    done = subprocess.run([TOOL, *map(str, args)], capture_output=True, text=True)
    assert done.returncode == 0, f"{args}: {done.stderr}"
    return done.stdout


def example() -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randint(0, 64, SHAPE) if TOKENS else torch.randn(SHAPE)


def flat(value) -> list:
    return [t for t in tree_leaves(value) if isinstance(t, torch.Tensor)]


def shape_of(value) -> str:
    """The structure of a value, with named tuples as their fields."""
    if hasattr(value, "_asdict"):
        value = dict(value._asdict())
    return str(tree_structure(value))


def run(modules: list, manifest: dict | None, x):
    """Runs stages or a model: outputs, gradients by FQN, and buffers afterwards."""
    torch.manual_seed(2)
    if manifest is None:
        out = modules[0](x)
    else:
        out = ()
        for stage, entry in zip(modules, manifest["stages"], strict=True):
            given, received = [], list(out) if isinstance(out, tuple) else [out]
            for i in entry["inputs"]:
                given.append(x if "from_user" in i else received.pop(0))
            out = stage(*given)
    loss = sum(t.float().square().mean() for t in flat(out) if t.is_floating_point())
    for module in modules:
        module.zero_grad()
    loss.backward()
    gradients: dict[str, torch.Tensor] = {}
    seen = set()
    for module in modules:
        for name, p in module.named_parameters():
            if p.grad is not None:
                gradients[name] = gradients.get(name, 0) + p.grad
                seen.add(name)
    buffers = {n: b for m in modules for n, b in m.named_buffers()}
    return out, gradients, buffers


@functools.cache
def run_source():
    """Runs the unsplit model, once for all cuts."""
    return run([torch.jit.load(SOURCE)], None, example())


def check_equal(name: str, ours: dict, theirs: dict, exact: bool) -> None:
    for key in theirs:
        assert key in ours, f"{name}: {key} is missing"
        a, b = ours[key], theirs[key]
        if exact:
            assert torch.equal(a, b), f"{name}: {key} differs by {(a - b).abs().max()}"
        else:
            limit = 1e-5 * max(b.abs().max().item(), 1e-6)
            assert (a - b).abs().max().item() <= limit, f"{name}: {key} differs"


def check_split(points: list[str]) -> None:
    folder = WORK / "stages"
    shutil.rmtree(folder, ignore_errors=True)
    tool("split", SOURCE, folder, *points)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["format"] == "torchscript"
    assert len(manifest["stages"]) == len(points) + 1
    stages = [torch.jit.load(folder / s["file"]) for s in manifest["stages"]]
    expected, expected_gradients, expected_buffers = run_source()
    out, gradients, buffers = run(stages, manifest, example())
    assert shape_of(out) == shape_of(expected), (shape_of(out), shape_of(expected))
    for i, (a, b) in enumerate(zip(flat(out), flat(expected), strict=True)):
        assert torch.equal(a, b), f"{points}: output {i} differs"
    check_equal(f"{points}: gradient of", gradients, expected_gradients, False)
    # A stage that only reads a buffer keeps its copy unchanged.
    for stage, entry in zip(stages, manifest["stages"], strict=True):
        for name in entry["buffers"]:
            assert name in dict(stage.named_buffers()), f"{points}: {name} is lost"
    check_equal(f"{points}: buffer", buffers, expected_buffers, True)
    check_merge(folder, points)


def records(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {n.split("/", 1)[1]: archive.read(n) for n in archive.namelist()}


def check_merge(folder: Path, points: list[str]) -> None:
    merged = WORK / "merged.pt"
    tool("merge", folder, merged)
    assert records(merged) == records(SOURCE), f"{points}: merging changes records"


def check_checkpoint(folder: Path) -> None:
    """Checks that merging with a checkpoint changes only the weights."""
    merged = WORK / "merged.pt"
    module = torch.jit.load(SOURCE)
    state = {}
    for name, tensor in module.state_dict().items():
        state[name] = tensor + 1 if tensor.is_floating_point() else tensor.clone()
    checkpoint = WORK / "checkpoint"
    shutil.rmtree(checkpoint, ignore_errors=True)
    checkpoint.mkdir()
    seen, unique = set(), {}
    for name, tensor in module.state_dict().items():
        if tensor.data_ptr() not in seen:
            seen.add(tensor.data_ptr())
            unique[name] = state[name].contiguous()
    save_file(unique, checkpoint / "part_0.safetensors")
    tool("merge", folder, merged, checkpoint)
    trained = torch.jit.load(merged).state_dict()
    check_equal("merged", trained, state, True)


def main() -> None:
    WORK.mkdir(parents=True, exist_ok=True)
    points = tool("points", SOURCE).split()
    assert points, "no cut has a name"
    step = max(1, -(-len(points) // MOST_CUTS))
    for point in points[::step]:
        check_split([point])
    for count in (3, 4):
        if len(points) >= count - 1:
            at = [points[(i + 1) * len(points) // count] for i in range(count - 1)]
            check_split(list(dict.fromkeys(at)))
    check_checkpoint(WORK / "stages")
    print(f"{SOURCE.name}: {len(points)} cuts")


main()
