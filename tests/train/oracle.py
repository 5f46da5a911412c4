#!/usr/bin/env python3
"""Writes what torch makes of losses, optimizers and gradient clipping.

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
# Odd sizes leave tails behind the vector loops; `conv` is channels-last.
SHAPES = {
    "embed.weight": (65, 33),
    "layer.bias": (7,),
    "layer.weight": (16, 31),
    "conv.weight": (4, 3, 3, 3),
    "scale": (),
}

# case: (class, job-file options, groups). torch's own defaults elsewhere.
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
}
CLASSES = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
# Powers of two keep a group's lr in exact proportion.
LR_FACTORS = [0.5, 1.0, 0.25, 0.125]


def group_of(fqn, groups):
    for index, group in enumerate(groups):
        if fnmatchcase(fqn, group["match"]):
            return index
    return None


def optimizer_case(case, spec, generator):
    name, options, groups = spec
    dtype = torch.float64 if case.endswith("double") else torch.float32
    parameters = {}
    for fqn, shape in SHAPES.items():
        value = torch.randn(shape, generator=generator, dtype=dtype)
        if len(shape) == 4:
            value = value.to(memory_format=torch.channels_last)
        parameters[fqn] = value.requires_grad_()
    by_group = {}
    for fqn in parameters:
        by_group.setdefault(group_of(fqn, groups), []).append(fqn)
    optimizer = CLASSES[name](
        [
            {
                "params": [parameters[fqn] for fqn in fqns],
                **({} if index is None else groups[index]["options"]),
            }
            for index, fqns in by_group.items()
        ],
        fused=True,
        **options,
    )
    base_lrs = [group["lr"] for group in optimizer.param_groups]
    base_lr = options.get("lr", 1e-3)
    out = {}

    def record(prefix):
        for fqn, value in parameters.items():
            out[prefix + fqn] = value.detach().clone().contiguous()

    record("p.0.")
    for step in range(1, NUM_STEPS + 1):
        factor = LR_FACTORS[step - 1]
        for group, lr in zip(optimizer.param_groups, base_lrs, strict=True):
            group["lr"] = lr * factor
        for fqn, value in parameters.items():
            value.grad = None
            if case.endswith("late_gradient") and fqn == "layer.bias" and step < 3:
                continue
            value.grad = torch.randn(
                value.shape, generator=generator, dtype=dtype
            ).to(
                memory_format=torch.channels_last
                if value.dim() == 4
                else torch.contiguous_format
            )
            out[f"g.{step}.{fqn}"] = value.grad.clone().contiguous()
        optimizer.step()
        record(f"p.{step}.")
    for fqn, value in parameters.items():
        for kind, state in optimizer.state[value].items():
            if state is not None:
                out[f"optimizer.{kind}.{fqn}"] = state.clone().contiguous()
    out["lr"] = torch.tensor(
        [base_lr * factor for factor in LR_FACTORS], dtype=torch.float64
    )
    metadata = json.dumps({"name": name, "options": options, "groups": groups})
    return out, {"spec": metadata}


def loss_cases(generator):
    def scores(*shape):
        return torch.randn(shape, generator=generator)

    def classes(count, *shape):
        return torch.randint(0, count, shape, generator=generator)

    def some_ignored(target):
        target = target.clone()
        target.view(-1)[::3] = -100
        return target

    def by_last(function, output, target):
        return function(output.reshape(-1, output.shape[-1]), target.reshape(-1))

    ce, nll = F.cross_entropy, F.nll_loss
    images = scores(2, 7, 5, 3)
    rows = scores(9, 11)
    text = scores(2, 13, 37)
    square = scores(3, 5, 5)
    same = scores(6, 5), scores(6, 5)
    # case: (loss, output, target, what torch computes)
    cases = {
        "ce_rows": ("cross_entropy", rows, classes(11, 9), ce),
        "ce_text": (
            "cross_entropy",
            text,
            classes(37, 2, 13),
            lambda o, t: by_last(ce, o, t),
        ),
        "ce_text_ignored": (
            "cross_entropy",
            text,
            some_ignored(classes(37, 2, 13)),
            lambda o, t: by_last(ce, o, t),
        ),
        "ce_images": ("cross_entropy", images, classes(7, 2, 5, 3), ce),
        "ce_images_ignored": (
            "cross_entropy",
            images,
            some_ignored(classes(7, 2, 5, 3)),
            ce,
        ),
        "ce_last_wins": (
            "cross_entropy",
            square,
            classes(5, 3, 5),
            lambda o, t: by_last(ce, o, t),
        ),
        "ce_int32": (
            "cross_entropy",
            rows,
            classes(11, 9).to(torch.int32),
            lambda o, t: ce(o, t.long()),
        ),
        "ce_uint8": (
            "cross_entropy",
            rows,
            classes(11, 9).to(torch.uint8),
            lambda o, t: ce(o, t.long()),
        ),
        "nll_rows": ("nll", F.log_softmax(rows, 1), classes(11, 9), nll),
        "nll_images_ignored": (
            "nll",
            F.log_softmax(images, 1),
            some_ignored(classes(7, 2, 5, 3)),
            nll,
        ),
        "mse": ("mse", *same, F.mse_loss),
        "l1": ("l1", *same, F.l1_loss),
        "bce": (
            "bce_with_logits",
            same[0],
            torch.rand(6, 5, generator=generator),
            F.binary_cross_entropy_with_logits,
        ),
    }
    out = {}
    for case, (_, output, target, function) in cases.items():
        output = output.detach().clone().requires_grad_()
        loss = function(output, target)
        loss.backward()
        out[f"{case}.output"] = output.detach()
        out[f"{case}.target"] = target.clone()
        out[f"{case}.loss"] = loss.detach()
        out[f"{case}.grad"] = output.grad
    return out, {case: row[0] for case, row in cases.items()}


def clip_case(generator):
    parameters = {
        fqn: torch.zeros(shape, requires_grad=True) for fqn, shape in SHAPES.items()
    }
    out = {}
    for fqn, value in parameters.items():
        value.grad = torch.randn(value.shape, generator=generator)
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
