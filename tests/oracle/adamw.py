"""Compares AdamW step by step (docs/architecture.md, "What always holds", 2).

AdamW moves an entry by lr m / (sqrt(v) + eps), about lr whatever the gradient's size.
An entry whose gradient is smaller than its own rounding error therefore moves by a
full step in a direction that rounding decides, and later gradients follow. So each
step is compared from the state that `pp` itself had before it, in three ways:

- m and v equal those that Python's gradient gives, within MOMENT_TOLERANCE (m);
- weights equal the formula applied to the m and v of `pp`, to rounding;
- weights equal those of Python's step within TOLERANCE, except for noise: entries
  that the error of the gradient alone moves by more than that.
"""

from typing import NamedTuple

import models
import torch
from safetensors.torch import load_file

BETA1, BETA2, EPS, DECAY = 0.9, 0.999, 1e-8, 0.01  # torch's and pp's defaults
TOLERANCE = 1e-5
MOMENT_TOLERANCE = 2e-6  # sums in another order reach 1e-6
ROUNDINGS = 8  # float32 roundings of a weight's update; a good run has 4.3
SAFETY = 4  # the gradient's error is known from one sample


class State(NamedTuple):
    """Tensors by FQN; a tied parameter has one of its names."""

    weights: dict
    exp_avg: dict
    exp_avg_sq: dict


def load_states(folder, num_steps):
    """The states after each step of a run that kept all checkpoints."""
    states = []
    for step in range(1, num_steps + 1):
        tensors = {}
        for part in (folder / f"checkpoints/step_{step}").glob("part_*.safetensors"):
            tensors |= load_file(part)
        moments = []
        for kind in ("exp_avg", "exp_avg_sq"):
            prefix = f"optimizer.{kind}."
            moments.append(
                {
                    key.removeprefix(prefix): value
                    for key, value in tensors.items()
                    if key.startswith(prefix)
                }
            )
        weights = {k: v for k, v in tensors.items() if not k.startswith("optimizer.")}
        states.append(State(weights, *moments))
    return states


def error_bound(single, double):
    """Bound of the error of each entry of a float32 gradient.

    Entries of a row, or of a column, are sums of terms of similar size. So the bound
    is the largest difference from the float64 gradient in the entry's row or in its
    column, whichever is smaller.
    """
    difference = (single.double() - double).abs()
    if difference.dim() < 2:
        return difference.max()
    flat = difference.flatten(1)
    bound = torch.minimum(flat.amax(0, keepdim=True), flat.amax(1, keepdim=True))
    return bound.view_as(difference)


class Step:
    """AdamW's step number `number`, from 1, in double precision."""

    def __init__(self, number, lr):
        self.lr = lr
        self.correction1 = 1 - BETA1**number
        self.correction2 = 1 - BETA2**number

    def denominator(self, exp_avg_sq):
        return (exp_avg_sq / self.correction2).sqrt() + EPS

    def update(self, weight, exp_avg, exp_avg_sq):
        moved = exp_avg / self.correction1 / self.denominator(exp_avg_sq)
        return weight.double() * (1 - self.lr * DECAY) - self.lr * moved


def compare_parameter(step, before, after, single, double, scales):
    """Errors of one parameter's step: lines without its name.

    before, after   (weight, exp_avg, exp_avg_sq) of `pp`
    single, double  Python's gradient in float32 and in float64
    scales          largest entry of all gradients, and of all weights
    """
    gradient_scale, weight_scale = scales
    weight, exp_avg, exp_avg_sq = (value.double() for value in before)
    single = single.double()
    wanted_avg = BETA1 * exp_avg + (1 - BETA1) * single
    wanted_sq = BETA2 * exp_avg_sq + (1 - BETA2) * single.square()
    scale = (1 - BETA1) * gradient_scale
    error = models.error_of(after[1], wanted_avg, scale)
    if not error <= MOMENT_TOLERANCE:
        yield f"exp_avg: {error:.3g}"
    scale = (1 - BETA2) * 1e-3 * gradient_scale**2  # squares reach 1e-6 of it
    error = models.error_of(after[2], wanted_sq, scale)
    if not error <= 2 * MOMENT_TOLERANCE:  # squares have twice the relative error
        yield f"exp_avg_sq: {error:.3g}"
    wanted = step.update(weight, after[1].double(), after[2].double())
    unit = torch.finfo(torch.float32).eps / 2
    units = (after[0].double() - wanted).abs() / (unit * (weight.abs() + step.lr))
    if not models.largest(units) <= ROUNDINGS:
        yield f"update: {models.largest(units):.3g} roundings"
    wanted = step.update(weight, wanted_avg, wanted_sq)
    scale = max(models.largest(wanted), 1e-3 * weight_scale)
    moved = step.lr * error_bound(single, double) / step.denominator(wanted_sq)
    noise = SAFETY * moved > TOLERANCE * scale
    error = models.error_of(after[0], wanted, weight_scale, noise)
    if not error <= TOLERANCE:
        yield f"weight: {error:.3g}"


def compare_steps(where, initial, states, gradients, lr):
    """Errors of every step of every parameter, as lines.

    initial    weights by FQN before the first step
    states     the states of `pp` after each step
    gradients  called with weights by FQN: Python's float32 and float64 gradients
               there, by FQN; a tied parameter under each of its names
    """
    failures = []
    zeros = {fqn: torch.zeros_like(value) for fqn, value in initial.items()}
    before = State(initial, zeros, zeros)
    for number, after in enumerate(states, 1):
        single, double = gradients(before.weights)
        scales = [
            max(models.largest(value.double()) for value in values.values())
            for values in (single, after.weights)
        ]
        trained = set(after.weights) & set(single)
        if trained != set(after.exp_avg):
            wrong = trained ^ set(after.exp_avg)
            failures.append(f"{where}: step {number}: state is missing or not: {wrong}")
        for fqn in sorted(trained & set(after.exp_avg)):
            wrong = compare_parameter(
                Step(number, lr),
                [values[fqn] for values in before],
                [values[fqn] for values in after],
                single[fqn],
                double[fqn],
                scales,
            )
            failures += [f"{where}: step {number}: {fqn}: {line}" for line in wrong]
        before = after
    return failures
