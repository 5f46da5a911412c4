#!/usr/bin/env python3
"""Writes torch's results of losses, optimizers, learning rates and gradient clipping,
and scikit-learn's of metrics.

    oracle.py FOLDER

optimizer_<case>.safetensors   metadata `spec`: name, options, groups as JSON
    lr                         of each step
    p.<t>.<fqn>                parameters after t steps (0: before)
    g.<t>.<fqn>                gradients of step t, from 1; absent: none
    optimizer.<kind>.<fqn>     state after the last step
losses.safetensors             metadata <case>: the loss's name
    <case>.{output,target,loss,grad}
    <case>.{weights,smoothing} if the case has them
rates.safetensors              metadata `specs`: by case the schedule's options as JSON
    <case>                     the learning rate of each step; the job's is 0.3
metrics.safetensors            metadata <case>: the loss's name
    <case>.{output,target}
    <case>.values              accuracy, top-5 accuracy, perplexity
clip.safetensors               g.<fqn>, clipped.<fqn>, norm, max_norm
"""

import sys
from pathlib import Path

import torch
from loss_cases import loss_cases, metric_cases
from optimizer_cases import OPTIMIZERS, SHAPES, optimizer_case
from rate_cases import rate_cases
from safetensors.torch import save_file


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
    tensors, metadata = rate_cases()
    save_file(tensors, folder / "rates.safetensors", metadata)
    tensors, metadata = metric_cases(generator)
    save_file(tensors, folder / "metrics.safetensors", metadata)


if __name__ == "__main__":
    main()
