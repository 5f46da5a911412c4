#!/usr/bin/env python3
"""Writes torch's results of losses, optimizers and gradient clipping.

    oracle.py FOLDER

optimizer_<case>.safetensors   metadata `spec`: name, options, groups as JSON
    lr                         of each step
    p.<t>.<fqn>                parameters after t steps (0: before)
    g.<t>.<fqn>                gradients of step t, from 1; absent: none
    optimizer.<kind>.<fqn>     state after the last step
losses.safetensors             metadata <case>: the loss's name
    <case>.{output,target,loss,grad}
clip.safetensors               g.<fqn>, clipped.<fqn>, norm, max_norm
"""

import json
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

NUM_STEPS = 4
# Odd sizes leave tails after the vector loops; `conv` is channels-last.
SHAPES = {
    "embed.weight": (65, 33),
    "layer.bias": (7,),
    "layer.weight": (16, 31),
    "conv.weight": (4, 3, 3, 3),
    "scale": (),
}

# Cases whose name ends so have parameters of that type.
TYPES = {
    "double": torch.float64,
    "complex": torch.complex64,
    "complex_double": torch.complex128,
}

# case: (class, job-file options, groups); other options have torch's defaults.
OPTIMIZERS = {
    "sgd": ("sgd", {"lr": 0.1}, []),
    "sgd_decay": ("sgd", {"lr": 0.1, "weight_decay": 0.01}, []),
    "sgd_momentum": ("sgd", {"lr": 0.1, "momentum": 0.9}, []),
    "sgd_dampening": (
        "sgd",
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1},
        [],
    ),
    "sgd_nesterov": ("sgd", {"lr": 0.1, "momentum": 0.8, "nesterov": True}, []),
    "adam": ("adam", {}, []),
    "adam_options": (
        "adam",
        {"lr": 0.01, "betas": [0.8, 0.95], "eps": 1e-6, "weight_decay": 0.1},
        [],
    ),
    "adam_amsgrad": ("adam", {"lr": 0.01, "amsgrad": True}, []),
    "adamw": ("adamw", {"lr": 3e-4}, []),
    "adamw_amsgrad": ("adamw", {"lr": 0.01, "amsgrad": True}, []),
    "adamw_groups": (
        "adamw",
        {"lr": 0.01, "weight_decay": 0.1},
        [
            {"match": "*.bias", "options": {"weight_decay": 0.0}},
            {"match": "embed.*", "options": {"lr": 0.02, "eps": 1e-5}},
        ],
    ),
    "adamw_late_gradient": ("adamw", {"lr": 0.01}, []),
    "adamw_double": ("adamw", {"lr": 0.01}, []),
    "sgd_complex": ("sgd", {"lr": 0.1, "weight_decay": 0.1}, []),
    "sgd_nesterov_complex": (
        "sgd",
        {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.01},
        [],
    ),
    "adam_amsgrad_complex": (
        "adam",
        {"lr": 0.01, "amsgrad": True, "weight_decay": 0.1},
        [],
    ),
    "adamw_complex": ("adamw", {"lr": 0.01}, []),
    "adamw_complex_double": ("adamw", {"lr": 0.01}, []),
}
CLASSES = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
# With powers of two a group's lr stays exactly proportional.
LR_FACTORS = [0.5, 1.0, 0.25, 0.125]


def group_of(fqn, groups):
    for index, group in enumerate(groups):
        if fnmatchcase(fqn, group["match"]):
            return index
    return None


def dtype_of(case):
    fitting = [ending for ending in TYPES if case.endswith("_" + ending)]
    return TYPES[max(fitting, key=len)] if fitting else torch.float32


def as_real(value):
    return torch.view_as_real(value) if value.is_complex() else value


def check_complex(spec, out):
    """Compares with the optimizer for complex tensors, which isn't a fused one."""
    name, options, groups = spec
    assert not groups
    parameters = {
        key.removeprefix("p.0."): value.clone().requires_grad_()
        for key, value in out.items()
        if key.startswith("p.0.")
    }
    optimizer = CLASSES[name](parameters.values(), **options)
    base_lr = optimizer.param_groups[0]["lr"]
    for step, factor in enumerate(LR_FACTORS, 1):
        optimizer.param_groups[0]["lr"] = base_lr * factor
        for fqn, value in parameters.items():
            value.grad = out[f"g.{step}.{fqn}"].clone()
        optimizer.step()
    for fqn, value in parameters.items():
        after = out[f"p.{NUM_STEPS}.{fqn}"]
        torch.testing.assert_close(after, value.detach(), rtol=1e-5, atol=1e-6)


def with_layout(value):
    """Tensors of four dimensions are channels-last."""
    return (
        value.to(memory_format=torch.channels_last)
        if value.dim() == 4
        else value.contiguous()
    )


def make_optimizer(leaves, spec):
    name, options, groups = spec
    by_group = {}
    for fqn in leaves:
        by_group.setdefault(group_of(fqn, groups), []).append(fqn)
    return CLASSES[name](
        [
            {
                "params": [leaves[fqn] for fqn in fqns],
                **({} if index is None else groups[index]["options"]),
            }
            for index, fqns in by_group.items()
        ],
        fused=True,
        **options,
    )


def optimizer_metadata(spec, out):
    """The case's metadata. Stores complex128 as pp does (docs/formats.md)."""
    name, options, groups = spec
    metadata = {
        "spec": json.dumps({"name": name, "options": options, "groups": groups})
    }
    pairs = [key for key, value in out.items() if value.dtype == torch.complex128]
    if pairs:
        out.update({key: torch.view_as_real(out[key]) for key in pairs})
        metadata["pp.complex"] = json.dumps(pairs)
    return metadata


def optimizer_case(case, spec, generator):
    def draw(shape):
        return with_layout(
            torch.randn(shape, generator=generator, dtype=dtype_of(case))
        )

    parameters = {fqn: draw(shape) for fqn, shape in SHAPES.items()}
    # torch's fused optimizers refuse complex tensors, so they get their parts.
    leaves = {fqn: as_real(value).requires_grad_() for fqn, value in parameters.items()}
    optimizer = make_optimizer(leaves, spec)
    base_lrs = [group["lr"] for group in optimizer.param_groups]
    out = {}

    def record(prefix):
        for fqn, value in parameters.items():
            out[prefix + fqn] = value.detach().clone().contiguous()

    record("p.0.")
    for step, factor in enumerate(LR_FACTORS, 1):
        for group, lr in zip(optimizer.param_groups, base_lrs, strict=True):
            group["lr"] = lr * factor
        for fqn, value in parameters.items():
            leaves[fqn].grad = None
            if case.endswith("late_gradient") and fqn == "layer.bias" and step < 3:
                continue
            grad = draw(value.shape)
            leaves[fqn].grad = as_real(grad)
            out[f"g.{step}.{fqn}"] = grad.clone().contiguous()
        optimizer.step()
        record(f"p.{step}.")
    for fqn, value in parameters.items():
        for kind, state in optimizer.state[leaves[fqn]].items():
            if state is not None:
                if value.is_complex() and kind != "step":
                    state = torch.view_as_complex(state)
                out[f"optimizer.{kind}.{fqn}"] = state.clone().contiguous()
    if dtype_of(case).is_complex:
        check_complex(spec, out)
    base_lr = spec[1].get("lr", 1e-3)
    out["lr"] = torch.tensor(
        [base_lr * factor for factor in LR_FACTORS], dtype=torch.float64
    )
    return out, optimizer_metadata(spec, out)


def loss_inputs(generator):
    """By case: the loss, output, target, and the function of torch."""

    def scores(*shape):
        return torch.randn(shape, generator=generator)

    def classes(count, *shape):
        return torch.randint(0, count, shape, generator=generator)

    def some_ignored(target):
        target = target.clone()
        target.view(-1)[::3] = -100
        return target

    def by_last(output, target):
        """Cross entropy whose classes are the last dimension."""
        return ce(output.reshape(-1, output.shape[-1]), target.reshape(-1))

    def long(output, target):
        return ce(output, target.long())

    ce, nll = F.cross_entropy, F.nll_loss
    images = scores(2, 7, 5, 3)
    rows = scores(9, 11)
    text = scores(2, 13, 37)
    square = scores(3, 5, 5)
    same = scores(6, 5), scores(6, 5)
    # The order of the draws decides the values.
    return {
        "ce_rows": ("cross_entropy", rows, classes(11, 9), ce),
        "ce_text": ("cross_entropy", text, classes(37, 2, 13), by_last),
        "ce_text_ignored": (
            *("cross_entropy", text),
            *(some_ignored(classes(37, 2, 13)), by_last),
        ),
        "ce_images": ("cross_entropy", images, classes(7, 2, 5, 3), ce),
        "ce_images_ignored": (
            *("cross_entropy", images),
            *(some_ignored(classes(7, 2, 5, 3)), ce),
        ),
        "ce_last_wins": ("cross_entropy", square, classes(5, 3, 5), by_last),
        "ce_int32": ("cross_entropy", rows, classes(11, 9).to(torch.int32), long),
        "ce_uint8": ("cross_entropy", rows, classes(11, 9).to(torch.uint8), long),
        "nll_rows": ("nll", F.log_softmax(rows, 1), classes(11, 9), nll),
        "nll_images_ignored": (
            *("nll", F.log_softmax(images, 1)),
            *(some_ignored(classes(7, 2, 5, 3)), nll),
        ),
        "mse": ("mse", *same, F.mse_loss),
        "l1": ("l1", *same, F.l1_loss),
        "l1_complex": (
            "l1",
            torch.complex(*same),
            torch.complex(*same[::-1]),
            F.l1_loss,
        ),
        "bce": (
            *("bce_with_logits", same[0], torch.rand(6, 5, generator=generator)),
            F.binary_cross_entropy_with_logits,
        ),
    }


def loss_cases(generator):
    out, names = {}, {}
    for case, (name, output, target, function) in loss_inputs(generator).items():
        output = output.detach().clone().requires_grad_()
        loss = function(output, target)
        loss.backward()
        out[f"{case}.output"] = output.detach()
        out[f"{case}.target"] = target.clone()
        out[f"{case}.loss"] = loss.detach()
        out[f"{case}.grad"] = output.grad
        names[case] = name
    return out, names


def clip_case(generator):
    parameters = {
        fqn: torch.zeros(shape, requires_grad=True) for fqn, shape in SHAPES.items()
    }
    parameters["turn"] = torch.zeros(5, 3, dtype=torch.complex64, requires_grad=True)
    out = {}
    for fqn, value in parameters.items():
        value.grad = torch.randn(value.shape, generator=generator, dtype=value.dtype)
        out[f"g.{fqn}"] = value.grad.clone()
    max_norm = 1.5
    norm = torch.nn.utils.clip_grad_norm_(parameters.values(), max_norm)
    for fqn, value in parameters.items():
        out[f"clipped.{fqn}"] = value.grad
    out["norm"] = norm
    out["max_norm"] = torch.tensor(max_norm, dtype=torch.float64)
    return out


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    for case, spec in OPTIMIZERS.items():
        tensors, metadata = optimizer_case(case, spec, generator)
        save_file(tensors, folder / f"optimizer_{case}.safetensors", metadata)
    tensors, metadata = loss_cases(generator)
    save_file(tensors, folder / "losses.safetensors", metadata)
    save_file(clip_case(generator), folder / "clip.safetensors")


if __name__ == "__main__":
    main()
