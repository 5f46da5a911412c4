"""Splits exported models and checks the stages with Python torch.

    oracle_stages.py SPLIT_TOOL FIXTURES WORK_FOLDER MODEL [POINT,POINT ...]

Makes 2 to 4 stages at evenly spaced cuts, at some cuts inside blocks, and at the points
given. Each stage must open with torch.export.load; the stages in sequence must give
the unsplit model's outputs and buffers bit for bit, and its gradients by FQN;
unflattening must give the source's FQNs, and merging the source's records.
"""

import functools
import json
import random
import shutil
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch.utils._pytree import tree_leaves

# Output classes register themselves when their models are made.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import export
from transformers import GPT2LMHeadModel, LlamaForCausalLM  # noqa: F401

warnings.simplefilter("ignore")
torch.set_num_threads(1)

TOOL, FIXTURES, WORK = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])


def tool(*args) -> str:
    done = subprocess.run([TOOL, *map(str, args)], capture_output=True, text=True)
    assert done.returncode == 0, f"{args}: {done.stderr}"
    return done.stdout


def fail(*words) -> None:
    print("FAILED:", *words)
    sys.exit(1)


def load(path: Path):
    program = torch.export.load(path)
    return program, program.module()


def kwargs_of(program) -> list[str]:
    """Names of the keyword inputs."""
    return list(program.module_call_graph[0].signature.in_spec.child(1).context)


def tensors(values) -> list:
    return tree_leaves(values)


def same(name, ours, theirs) -> None:
    ours, theirs = tensors(ours), tensors(theirs)
    if len(ours) != len(theirs):
        fail(name, "counts differ", len(ours), len(theirs))
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        if isinstance(a, torch.Tensor):
            if a.shape != b.shape or a.dtype != b.dtype:
                fail(name, i, a.shape, b.shape, a.dtype, b.dtype)
            if not torch.equal(a.detach().nan_to_num(), b.detach().nan_to_num()):
                fail(name, i, "differ by", (a - b).abs().max().item())
        elif a != b:
            fail(name, i, a, b)


def close(name, ours, theirs) -> None:
    limit = 1e-5 * max(theirs.abs().max().item(), 1e-6)
    if (ours - theirs).abs().max().item() > limit:
        fail(name, "gradients differ", (ours - theirs).abs().max().item())


def loss_of(outputs):
    losses = [
        t.float().square().mean()
        for t in tensors(outputs)
        if isinstance(t, torch.Tensor) and t.is_floating_point() and t.requires_grad
    ]
    return sum(losses) if losses else None


def differentiate(outputs) -> bool:
    """Runs the backward; False where torch can't.

    A functional graph may write to values that its backward needs.
    """
    loss = loss_of(outputs)
    if loss is None:
        return False
    try:
        loss.backward()
    except RuntimeError as error:
        if "modified by an inplace operation" not in str(error):
            raise
        return False
    return True


@functools.cache
def run_source(path: Path):
    """Runs one step of the unsplit model, once for all cuts."""
    inputs = read_inputs(path.stem)
    _, module = load(path)
    outputs = module(*inputs["args"], **inputs["kwargs"])
    differentiable = differentiate(outputs)
    if not differentiable:
        module.zero_grad(set_to_none=True)  # gradients from before it failed
    return module, outputs, differentiable


def run_stages(folder: Path, inputs: dict):
    modules, flowing = [], ()
    for path in sorted(folder.glob("stage_*.pt2")):
        program, module = load(path)
        taken = {k: inputs["named"][k] for k in kwargs_of(program)}
        flowing = module(*flowing, **taken)
        modules.append((program, module))
    return modules, flowing


def read_inputs(name: str) -> dict:
    """The reference inputs as arguments of the exported model."""
    program = torch.export.load(FIXTURES / f"{name}.pt2")
    reference = load_file(FIXTURES / f"{name}.ref.safetensors")
    named = {k[6:]: v for k, v in reference.items() if k.startswith("input.")}
    spec = program.module_call_graph[0].signature.in_spec
    by_name = list(spec.child(1).context)
    count = spec.child(0).num_children
    others = list(program.module_call_graph[0].signature.forward_arg_names or [])
    positional = [k for k in others if k not in by_name][:count]
    return {
        "args": tuple(named[k] for k in positional),
        "kwargs": {k: named[k] for k in by_name},
        "named": named,
    }


@functools.cache
def ties_of(path: Path) -> dict[str, str]:
    """First name of each tied parameter by its aliases."""
    tied = json.loads(tool("inspect", path, "json"))["tied"]
    return {alias: each["fqn"] for each in tied for alias in each["aliases"]}


def collect(modules, ties) -> tuple[dict, dict]:
    """State by FQN, and gradients summed over the stages that hold a parameter."""
    states, grads = {}, {}
    for module in modules:
        for fqn, buffer in module.named_buffers():
            states.setdefault(fqn, buffer)
        for fqn, parameter in module.named_parameters(remove_duplicate=False):
            fqn = ties.get(fqn, fqn)
            states.setdefault(fqn, parameter)
        seen = set()
        for fqn, parameter in module.named_parameters(remove_duplicate=False):
            fqn = ties.get(fqn, fqn)
            if parameter.grad is not None and id(parameter) not in seen:
                seen.add(id(parameter))
                grads[fqn] = grads.get(fqn, 0) + parameter.grad
    return states, grads


def traits_of(module) -> dict[str, tuple]:
    """Properties of the state: dtype, strides, requires_grad, persistent."""
    saved = module.state_dict().keys()
    return {
        fqn: (type(t).__name__, t.dtype, t.stride(), t.requires_grad, fqn in saved)
        for fqn, t in [*module.named_parameters(), *module.named_buffers()]
    }


def check_states(name, source, stages, ties) -> None:
    """Checks buffers after the run, summed gradients, and that no FQN is missing."""
    want, want_grads = collect([source], ties)
    have, grads = collect([module for _, module in stages], ties)
    buffers = {fqn for fqn, _ in source.named_buffers()}
    for fqn, state in want.items():
        if fqn not in have:
            fail(name, "no stage has", fqn)
        if fqn in buffers:
            same(f"{name}: {fqn}", [have[fqn]], [state])
    traits = [traits_of(module) for _, module in stages]
    for fqn, trait in traits_of(source).items():
        held = [each[fqn] for each in traits if fqn in each]
        if any(each != trait for each in held) or not (held or fqn in ties):
            fail(name, fqn, "is", trait, "and in the stages", held)
    for fqn, grad in want_grads.items():
        if fqn not in grads:
            fail(name, "no gradient of", fqn)
        close(f"{name}: {fqn}", grads[fqn], grad)


@functools.cache
def modules_of(path: Path) -> set[str]:
    whole = torch.export.unflatten(torch.export.load(path))
    return {fqn.split("@")[0] for fqn, _ in whole.named_modules()}


def check_modules(name, source_path, stages) -> None:
    known = modules_of(source_path)
    for i, (program, _) in enumerate(stages):
        part = torch.export.unflatten(program)
        for fqn, _ in part.named_modules():
            if fqn.split("@")[0] not in known:
                fail(name, f"stage {i} has a module that the source lacks:", fqn)


def records(path: Path) -> list:
    with zipfile.ZipFile(path) as archive:
        return [
            (info.filename.split("/", 1)[1], archive.read(info))
            for info in archive.infolist()
        ]


def check_merge(name, source: Path, folder: Path) -> None:
    merged = folder.with_suffix(".merged.pt2")
    tool("merge", folder, merged)
    want, have = records(source), records(merged)
    if [n for n, _ in want] != [n for n, _ in have]:
        fail(name, "merged records differ in name or order")
    for (record, a), (_, b) in zip(want, have, strict=True):
        if a != b:
            fail(name, "merged record differs:", record)
    merged.unlink()


def check_checkpoint(name, source: Path, folder: Path) -> None:
    """Checks that merging with a checkpoint gives its weights by the source's names."""
    module = torch.export.load(source).module()
    state = {k: torch.rand(v.shape).to(v.dtype) for k, v in module.state_dict().items()}
    checkpoint = folder.with_suffix(".ckpt")
    checkpoint.mkdir(exist_ok=True)
    ties = ties_of(source)
    kept = {k: v for k, v in state.items() if k not in ties}
    keys = sorted(kept)
    for part in range(2):
        half = {k: kept[k].contiguous() for k in keys[part::2]}
        half[f"optimizer.exp_avg.{keys[0]}"] = torch.zeros(1)
        save_file(half, checkpoint / f"part_{part}.safetensors")
    merged = folder.with_suffix(".trained.pt2")
    tool("merge", folder, merged, checkpoint)
    replaced = ("data/weights/weight_", "data/constants/tensor_")
    for (a, old), (b, new) in zip(records(source), records(merged), strict=True):
        if a != b or (old != new and not a.startswith(replaced)):
            fail(name, "merged with a checkpoint, record differs:", a, b)
    found = torch.export.load(merged).module().state_dict()
    for fqn in state:
        same(f"{name}: merged {fqn}", [found[fqn]], [state[ties.get(fqn, fqn)]])
    merged.unlink()
    shutil.rmtree(checkpoint)


def check(name: str, points: list[str], inputs: dict) -> None:
    source = FIXTURES / f"{name}.pt2"
    folder = WORK / f"{name}-{'-'.join(points)}".replace(":", "_")
    tool("split", source, folder, *points)
    label = f"{name} at {points}"
    stages, outputs = run_stages(folder, inputs)
    module, expected, differentiable = run_source(source)
    same(label, outputs, expected)
    if differentiable and not differentiate(outputs):
        fail(label, "the stages have no gradients")
    check_states(label, module, stages, ties_of(source))
    check_modules(label, source, stages)
    check_merge(label, source, folder)
    print(f"{label}: {len(stages)} stages agree")
    if len(stages) == 3:
        check_checkpoint(label, source, folder)
    shutil.rmtree(folder)


def evenly(points: list[str], count: int) -> list[str]:
    return [points[(i + 1) * len(points) // (count + 1)] for i in range(count)]


def main() -> None:
    WORK.mkdir(parents=True, exist_ok=True)
    name, given = sys.argv[4], [each.split(",") for each in sys.argv[5:]]
    if name in export.TABLE:
        export.build(name)
    inputs = read_inputs(name)
    points = tool("points", FIXTURES / f"{name}.pt2").split()
    choices = [evenly(points, count) for count in (1, 2, 3) if len(points) > count]
    draw = random.Random(0)
    choices += [[each] for each in draw.sample(points, min(4, len(points)))]
    tried = 0
    for chosen in choices + given:
        try:
            check(name, chosen, inputs)
            tried += 1
        except AssertionError as error:
            # Legal cuts may leave a stage empty together.
            if "would be empty" not in str(error) or chosen in given:
                raise
    if tried == 0:
        fail(name, "nothing was tried")


main()
