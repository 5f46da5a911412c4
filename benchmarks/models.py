#!/usr/bin/env python3
"""Unmodified models in 4 stages, through torch.distributed.pipelining and `pp`.

    benchmarks/models.py [NAME ...] [--pp build/pp] [--out runs/models]

For each model (tests/models/zoo.py builds it from a small config, in training
mode without dropout) both sides get the same exported program in single
precision, the same 8 rows in 4 microbatches, 1F1B, 4 ranks on Gloo, and a loss
that is the mean square of the first floating output. The tables say whether a
training step runs, and the largest error of a gradient against the unsplit
model, as a share of the parameter's largest gradient (docs/architecture.md has
the measure). From `pp` come the weights after one step of plain SGD, which moved by
their gradients times the rate (so large that the weights' rounding does not show in
the gradients).

Both cut before the same blocks: the items of the model's outermost lists, in
four groups of equal numbers.

Writes OUT/report.md and OUT/report.json.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "models"))

import zoo

MODELS = [
    "causal:gpt2",
    "causal:llama",
    "causal:mistral",
    "causal:qwen3",
    "causal:gemma2",
    "causal:phi",
    "causal:opt",
    "causal:gpt_neox",
    "causal:bloom",
    "causal:mixtral",
    "masked:bert",
    "masked:albert",
    "masked:deberta",
    "seq2seq:t5",
    "seq2seq:bart",
    "image:vit",
    "vision:resnet18",
    "vision:convnext_tiny",
    "vision:swin_t",
    "vision:mobilenet_v2",
    "vision:fcn_resnet50",
]
STAGES, MICROBATCHES, RATE = 4, 4, 2.0**20


def first_output(value):
    leaves = torch.utils._pytree.tree_leaves(value)
    return next(x for x in leaves if torch.is_tensor(x) and x.is_floating_point())


def loss_of(output, target):
    return torch.nn.functional.mse_loss(first_output(output), target)


def rows_like(inputs):
    """Rows made from the example's, so that every index is valid.

    A mask is rolled by rows only, or a token could be left with nothing to attend to.
    """

    def rolled(value, by):
        is_mask = value.dtype == torch.bool or (
            not value.is_floating_point() and value.abs().max() <= 1
        )
        return value.roll(by, 0 if is_mask else -1)

    times = 2 * MICROBATCHES // next(iter(inputs.values())).shape[0]
    return {
        k: torch.cat([rolled(v, i) for i in range(times)]) for k, v in inputs.items()
    }


def unsplit_gradients(program, data, target):
    """Gradients by FQN; a tied weight has an entry for each of its names."""
    module = program.module()
    parts = {k: v.chunk(MICROBATCHES) for k, v in data.items()}
    for i, wanted in enumerate(target.chunk(MICROBATCHES)):
        rows = {k: v[i] for k, v in parts.items()}
        (loss_of(module(**rows), wanted) / MICROBATCHES).backward()
    by_place = {}
    for weight in module.parameters():
        if weight.grad is not None:
            by_place[weight.untyped_storage().data_ptr()] = weight.grad
    return {
        fqn: by_place[w.untyped_storage().data_ptr()]
        for fqn, w in program.state_dict.items()
        if w.untyped_storage().data_ptr() in by_place
    }


def error_of(ours, theirs):
    """The largest error of all gradients, and its parameter."""
    theirs = {k: g for k, g in theirs.items() if g.numel() > 0}
    if all(g.isnan().any() for g in theirs.values()):
        return np.inf, "every gradient (NaN without pp too)"
    scale = max(g.nan_to_num().abs().max().item() for g in theirs.values())
    worst = (0.0, "")
    for fqn, expected in theirs.items():
        actual = ours.get(fqn)
        if actual is None:
            continue
        floor = max(expected.nan_to_num().abs().max().item(), 1e-3 * scale)
        same = (actual == expected) | (actual.isnan() & expected.isnan())
        off = torch.where(same, 0.0, (actual - expected).abs())
        error = off.nan_to_num(nan=np.inf).max().item() / floor
        worst = max(worst, (error, fqn))
    return worst


def cuts_of(module, program):
    """Blocks to cut before, in the order in which they run."""
    blocks = []
    lists = (torch.nn.ModuleList, torch.nn.Sequential)
    outer = [n for n, m in module.named_modules() if isinstance(m, lists)]
    outer = [n for n in outer if not any(n.startswith(o + ".") for o in outer)]
    for node in program.graph.nodes:
        for fqn, _ in node.meta.get("nn_module_stack", {}).values():
            parent = fqn.rpartition(".")[0]
            if parent in outer and fqn not in blocks:
                blocks.append(fqn)
    return [blocks[len(blocks) * i // STAGES] for i in range(1, STAGES)]


def run_pp(pp, folder, cuts, data, expected):
    job = folder / "job.toml"
    inputs = "\n".join(f'inputs.{k} = {{ path = "{k}.npy" }}' for k in data)
    output = json.loads((folder / "case.json").read_text())["output"]
    job.write_text(f"""
[model]
path = "model.pt2"
[split]
at = {json.dumps(cuts)}
[pipeline]
schedule = "1F1B"
microbatches = {MICROBATCHES}
launcher = "processes"
[data]
batch_size = {2 * MICROBATCHES}
shuffle = false
{inputs}
target = {{ path = "target.npy" }}
[train]
steps = 1
loss = {{ name = "mse", output = "{output}" }}
optimizer = {{ name = "sgd", lr = {RATE} }}
[output]
dir = "run"
""")
    done = subprocess.run([pp, "run", job], capture_output=True, text=True, timeout=300)
    if done.returncode:
        return {"runs": False, "why": done.stderr.strip().splitlines()[-1]}
    from safetensors.torch import load_file

    before = torch.load(folder / "weights.pt")
    after = {}
    for part in (folder / "run/checkpoints/step_1").glob("part_*.safetensors"):
        after |= load_file(part)
    got = {k: (before[k] - v) / RATE for k, v in after.items() if k in expected}
    # The difference of two weights has the rounding of the weights.
    error, fqn = error_of(got, expected)
    return {"runs": True, "error": error, "parameter": fqn}


def run_torch(folder, expected):
    command = [
        Path(sys.executable).parent / "torchrun",
        "--standalone",
        "--nproc-per-node",
        str(STAGES),
        ROOT / "benchmarks/models.py",
        "--rank-of",
        folder,
    ]
    for old in folder.glob("gradients.*.pt"):
        old.unlink()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        return {"runs": False, "why": "no end within 300 s"}
    if done.returncode:
        found = re.findall(
            r"^\[rank\d\]: ([\w.]*(?:Error|Exception)\b.*)$", done.stderr, re.M
        )
        found = [f for f in found if "Connection closed" not in f] or found
        return {"runs": False, "why": (found or ["failed"])[0][:200]}
    got = {}
    for rank in range(STAGES):
        for fqn, gradient in torch.load(folder / f"gradients.{rank}.pt").items():
            got.setdefault(fqn, gradient)
    error, fqn = error_of(got, expected)
    return {"runs": True, "error": error, "parameter": fqn}


def torch_rank(folder):
    """Runs one rank of torch.distributed.pipelining."""
    import torch.distributed as dist
    import transformers.integrations.moe
    import transformers.modeling_outputs  # noqa: F401  registers its types
    from torch.distributed.pipelining import Schedule1F1B
    from torch.distributed.pipelining._IR import Pipe

    sys.path.insert(0, str(ROOT / "benchmarks"))
    from torch_side import split_before

    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    case = json.loads((folder / "case.json").read_text())
    program = torch.export.load(folder / "model.pt2")
    pipe = Pipe._from_traced(
        program.module(), program, split_policy=split_before(case["cuts"])
    )
    stage = pipe.build_stage(rank, torch.device("cpu"))
    schedule = Schedule1F1B(stage, MICROBATCHES, loss_fn=loss_of)
    data = {k: torch.from_numpy(np.load(folder / f"{k}.npy")) for k in case["inputs"]}
    last = rank == STAGES - 1
    target = torch.from_numpy(np.load(folder / "target.npy"))
    schedule.step(**(data if rank == 0 else {}), **({"target": target} if last else {}))
    torch.save(
        {
            fqn: p.grad
            for fqn, p in stage.submod.named_parameters()
            if p.grad is not None
        },
        folder / f"gradients.{rank}.pt",
    )
    dist.barrier()
    dist.destroy_process_group()


def compare(name, pp, out):
    folder = out / name.replace(":", "_")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / "run", ignore_errors=True)
    module, inputs = zoo.build(name)
    program = torch.export.export(module, (), inputs, strict=False)
    torch.export.save(program, folder / "model.pt2")
    cuts = cuts_of(module, program)
    data = rows_like(inputs)
    with torch.no_grad():
        value = program.module()(**inputs)
    output = (
        "output_0"
        if torch.is_tensor(value)
        else next(k for k, v in value.items() if v is first_output(value))
    )
    generator = torch.Generator().manual_seed(1)
    target = torch.randn(
        [2 * MICROBATCHES, *first_output(value).shape[1:]], generator=generator
    )
    for key, rows in (*data.items(), ("target", target)):
        np.save(folder / f"{key}.npy", rows.numpy())
    (folder / "case.json").write_text(
        json.dumps({"cuts": cuts, "inputs": list(data), "output": output})
    )
    program = torch.export.load(folder / "model.pt2")
    torch.save(dict(program.state_dict), folder / "weights.pt")
    expected = unsplit_gradients(program, data, target)
    ours = run_pp(pp, folder, cuts, data, expected)
    theirs = run_torch(folder, expected)
    return {"model": name, "cuts": cuts, "pp": ours, "torch": theirs}


def cell(result):
    if result is None:
        return "not tried"
    if not result["runs"]:
        why = re.sub(r"^([\w.]+Error): ", "", result["why"]).replace("|", "/")
        return "does not run: " + why[:120]
    if result["error"] <= 1e-5:
        return "right"
    error = f"{100 * result['error']:.2g} %"
    return f"runs, gradient of `{result['parameter']}` off by {error}"


def report(rows, out):
    lines = ["| model | `pp` | torch.distributed.pipelining |", "|---|---|---|"]
    lines += [
        f"| {r['model'].split(':')[1]} | {cell(r['pp'])} | {cell(r.get('torch'))} |"
        for r in rows
    ]
    (out / "report.md").write_text("\n".join(lines) + "\n")
    (out / "report.json").write_text(json.dumps(rows, indent=1) + "\n")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=MODELS, metavar="NAME")
    parser.add_argument("--pp", type=Path, default=ROOT / "build/pp")
    parser.add_argument("--out", type=Path, default=ROOT / "runs/models")
    parser.add_argument("--rank-of", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    if args.rank_of:
        torch_rank(args.rank_of)
        return
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in args.names:
        rows.append(compare(name, args.pp.resolve(), args.out.resolve()))
        print(json.dumps(rows[-1]), flush=True)
        report(rows, args.out)
    print(report(rows, args.out))


if __name__ == "__main__":
    main()
