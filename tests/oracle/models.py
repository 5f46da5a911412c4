"""Models, data and jobs for both `pp` and Python torch, and the measure of their
difference (docs/architecture.md, "What always holds")."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
import transformers.modeling_outputs  # noqa: F401  registers output classes

torch.set_num_threads(1)
SOURCE = Path(__file__).resolve().parents[2]
ROWS = 8
STEPS = 5

# For each model: export arguments, split points for 4 stages in order (some of them
# make 2 and 3 stages), and the names of its input and output.
MODELS = {
    "gpt2": {
        "export": [
            "gpt2",
            "--layers",
            "4",
            "--width",
            "32",
            "--heads",
            "2",
            "--dropout",
            "0",
        ],
        "cuts": ["transformer.h.1", "transformer.h.2", "transformer.h.3"],
        "input": "input_ids",
        "output": "logits",
    },
    "llama": {
        "export": [
            "llama",
            "--layers",
            "4",
            "--width",
            "32",
            "--heads",
            "4",
            "--dropout",
            "0",
        ],
        "cuts": ["model.layers.1", "model.layers.2", "model.layers.3"],
        "input": "input_ids",
        "output": "logits",
    },
    "mlp": {
        "export": ["mlp", "--dropout", "0"],
        "cuts": None,  # chosen from the graph's top-level modules
        "input": None,
        "output": None,
    },
    "counter": {  # writes a buffer in place that its backward reads
        "export": ["counter"],
        "cuts": ["second"],
        "input": None,
        "output": None,
    },
    "resnet18": {
        "export": ["resnet18"],
        "cuts": ["layer1", "layer2", "layer3"],
        "input": None,
        "output": None,
    },
}


def export(name, folder, dtype="float32", extra=()):
    """Exports a model; returns its path."""
    path = folder / f"{name}_{dtype}.pt2"
    subprocess.run(
        [
            sys.executable,
            SOURCE / "scripts" / "export.py",
            *MODELS[name]["export"],
            "--dtype",
            dtype,
            "-o",
            path,
            *extra,
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return path


def cuts_for(name, program, num_stages):
    """Split points for `num_stages` stages."""
    cuts = MODELS[name]["cuts"]
    if cuts is None:
        fqns = []
        for node in program.graph.nodes:
            stack = list(node.meta.get("nn_module_stack", {}).values())
            if len(stack) > 1 and stack[1][0] not in fqns:
                fqns.append(stack[1][0])
        step = max(1, len(fqns) // 4)
        cuts = fqns[step::step][:3]
    assert len(cuts) >= num_stages - 1, (name, cuts)
    if len(cuts) == num_stages - 1:
        return cuts
    return {
        1: [],
        2: cuts[1:2],
        3: [cuts[0], cuts[2]] if len(cuts) > 2 else cuts[:2],
        4: cuts,
    }[num_stages]


def make_data(program, folder, rows, seed=0):
    """Writes inputs and targets that fit the model; returns (input name,
    input, target, loss name)."""
    generator = torch.Generator().manual_seed(seed)
    signature = program.graph_signature
    name = signature.user_inputs[0]
    meta = next(n for n in program.graph.nodes if n.name == name).meta["val"]
    args, kwargs = program.example_inputs
    example = (list(args) + list(kwargs.values()))[0]
    label = next(iter(kwargs)) if kwargs else name
    shape = [rows, *example.shape[1:]]
    if meta.dtype == torch.int64:
        data = torch.randint(0, 250, shape, generator=generator)
        target = torch.randint(0, 250, shape, generator=generator)
        loss = "cross_entropy"
    else:
        data = torch.randn(shape, generator=generator, dtype=torch.float64).to(
            meta.dtype
        )
        with torch.no_grad():
            out = flat_output(program.module()(data[: example.shape[0]]))
        if out.dim() == 2 and out.shape[1] == 10:
            target = torch.randint(0, 10, [rows], generator=generator)
            loss = "cross_entropy"
        else:
            target = torch.randn(
                [rows, *out.shape[1:]], generator=generator, dtype=torch.float64
            ).to(meta.dtype)
            loss = "mse"
    np.save(folder / "input.npy", data.numpy())
    np.save(folder / "target.npy", target.numpy())
    return label, data, target, loss


def flat_output(value):
    """The floating output that the loss reads."""
    leaves = torch.utils._pytree.tree_leaves(value)
    return next(x for x in leaves if torch.is_floating_point(x))


def loss_of(output, target, name):
    if name == "mse":
        return torch.nn.functional.mse_loss(output, target)
    if output.dim() == target.dim() + 1 and output.shape[:-1] == target.shape:
        output = output.flatten(0, -2)
        target = target.flatten()
    return torch.nn.functional.cross_entropy(output, target)


def call(module, label, rows):
    try:
        return flat_output(module(**{label: rows}))
    except (TypeError, ValueError):  # the input is positional
        return flat_output(module(rows))


def write_job(
    path,
    model,
    cuts,
    label,
    loss,
    *,
    schedule,
    microbatches,
    optimizer="sgd",
    lr=0.1,
    launcher="local",
    steps=STEPS,
    extra="",
):
    at = ", ".join(f'"{cut}"' for cut in cuts)
    path.write_text(f"""
[model]
path = "{model}"
[split]
at = [{at}]
[pipeline]
schedule = "{schedule}"
microbatches = {microbatches}
launcher = "{launcher}"
[data]
batch_size = {ROWS}
shuffle = false
inputs.{label} = {{ path = "input.npy" }}
target = {{ path = "target.npy" }}
[train]
steps = {steps}
loss = {{ name = "{loss}" }}
optimizer = {{ name = "{optimizer}", lr = {lr} }}
seed = 3
[output]
dir = "{path.stem}"
{extra}
""")
    return path


def largest(tensor):
    return tensor.abs().max().item() if tensor.numel() else 0.0


def error_of(actual, expected, scale, noise=None):
    """max|a-b| / max(max|b|, 1e-3 scale), without the entries of `noise`."""
    difference = (actual.double() - expected.double()).abs()
    if noise is not None:
        difference = difference.masked_fill(noise, 0)
    floor = max(largest(expected.double()), 1e-3 * scale)
    return largest(difference) / floor if floor else largest(difference)


def environment():
    return {
        k: v
        for k, v in os.environ.items()
        if k not in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "TORCH_LOGS")
    }
