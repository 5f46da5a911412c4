"""Learning rates of torch's schedules, and of torchtitan's."""

import json
import math

import torch

LR, RATE_STEPS = 0.3, 40


def one_cycle_rates(**options):
    leaf = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.SGD([leaf], lr=LR)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=LR, total_steps=RATE_STEPS, cycle_momentum=False, **options
    )
    rates = [optimizer.param_groups[0]["lr"]]
    for _ in range(RATE_STEPS - 1):
        optimizer.step()
        schedule.step()
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


def wsd_rates(warmup, decay, anneal, min_lr):
    """torchtitan's linear_warmup_stable_decay, which adds a last step to the run."""
    stable = RATE_STEPS + 1 - warmup - decay
    lowest = min_lr / LR

    def factor(step):
        if step < warmup:
            return (step + 1) / warmup
        if step < warmup + stable:
            return 1.0
        progress = (step + 1 - warmup - stable) / decay
        left = {
            "linear": 1 - progress,
            "sqrt": 1 - math.sqrt(progress),
            "cosine": 0.5 * (1 + math.cos(math.pi * progress)),
        }[anneal]
        return lowest + (1 - lowest) * left

    return [LR * factor(step) for step in range(RATE_STEPS)]


def rate_cases():
    rates, specs = {}, {}
    for anneal in ("linear", "sqrt", "cosine"):
        for warmup, decay, min_lr in ((0, 4, 0.0), (5, 20, 0.0), (7, 33, 0.06)):
            case = f"wsd_{anneal}_{warmup}_{decay}"
            rates[case] = wsd_rates(warmup, decay, anneal, min_lr)
            specs[case] = {
                "name": "wsd",
                "anneal": anneal,
                "warmup": warmup,
                "decay": decay,
                "min_lr": min_lr,
            }
    rates["wsd_defaults"] = wsd_rates(3, RATE_STEPS // 10, "linear", 0.0)
    specs["wsd_defaults"] = {"name": "wsd", "warmup": 3}
    for case, options in {
        "one_cycle": {},
        "one_cycle_linear": {"anneal": "linear"},
        "one_cycle_factors": {
            "pct_start": 0.11,
            "div_factor": 7.0,
            "final_div_factor": 30.0,
        },
        "one_cycle_no_rise": {"anneal": "linear", "pct_start": 0.0},
    }.items():
        in_torch = dict(options)
        if "anneal" in in_torch:
            in_torch["anneal_strategy"] = in_torch.pop("anneal")
        rates[case] = one_cycle_rates(**in_torch)
        specs[case] = {"name": "one_cycle", **options}
    tensors = {
        case: torch.tensor(values, dtype=torch.float64)
        for case, values in rates.items()
    }
    return tensors, {"specs": json.dumps(specs)}
