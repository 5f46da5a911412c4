"""What torch's optimizers do, step by step, and Lion, which torch lacks."""

import json
from fnmatch import fnmatchcase

import torch

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
    "lion": ("lion", {}, []),
    "lion_options": (
        "lion",
        {"lr": 0.01, "betas": [0.8, 0.95], "weight_decay": 0.1},
        [{"match": "*.bias", "options": {"weight_decay": 0.0}}],
    ),
    "lion_late_gradient": ("lion", {"lr": 0.01}, []),
    "lion_complex": ("lion", {"lr": 0.01, "weight_decay": 0.1}, []),
    "muon": ("muon", {}, []),
    "muon_options": (
        "muon",
        {
            "lr": 0.02,
            "weight_decay": 0.01,
            "momentum": 0.9,
            "nesterov": False,
            "ns_steps": 3,
            "adjust_lr_fn": "match_rms_adamw",
            "betas": [0.8, 0.95],
            "eps": 1e-6,
        },
        [],
    ),
    "muon_groups": (
        "muon",
        {"lr": 0.02, "adjust_lr_fn": "spectral_unclamped"},
        [{"match": "embed.*", "options": {"orthogonalize": False, "lr": 0.01}}],
    ),
    "muon_late_gradient": ("muon", {"lr": 0.01}, []),
    "muon_double": ("muon", {"lr": 0.01}, []),
}


class Lion(torch.optim.Optimizer):
    """The algorithm of Chen et al. (2023), which torch lacks."""

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(
            params, {"lr": lr, "betas": betas, "weight_decay": weight_decay}
        )

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                m = self.state[p].setdefault("exp_avg", torch.zeros_like(p))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                update = m.mul(beta1).add_(p.grad, alpha=1 - beta1).sign_()
                p.add_(update, alpha=-group["lr"])
                m.mul_(beta2).add_(p.grad, alpha=1 - beta2)


class MuonForMatrices:
    """torch's Muon for matrices, and its AdamW for all other parameters."""

    MUON = ("lr", "weight_decay", "momentum", "nesterov", "ns_steps", "adjust_lr_fn")
    ADAMW = ("lr", "weight_decay", "betas", "eps")

    def __init__(self, groups, **options):
        matrices, others = [], []
        for group in groups:
            own = {"weight_decay": 0.1, **options, **group}
            params = own.pop("params")
            is_split = own.pop("orthogonalize", True)
            for into, names, wanted in (
                (matrices, self.MUON, True),
                (others, self.ADAMW, False),
            ):
                chosen = [p for p in params if (is_split and p.dim() == 2) == wanted]
                if chosen:
                    read = {key: own[key] for key in names if key in own}
                    into.append({"params": chosen, **read})
        self.parts = [
            torch.optim.Muon(matrices),
            torch.optim.AdamW(others, fused=True),
        ]
        self.param_groups = [g for part in self.parts for g in part.param_groups]

    @property
    def state(self):
        return {p: state for part in self.parts for p, state in part.state.items()}

    def step(self):
        for part in self.parts:
            part.step()


# Each name has its class, and whether torch has a fused kernel for it.
CLASSES = {
    "sgd": (torch.optim.SGD, True),
    "adam": (torch.optim.Adam, True),
    "adamw": (torch.optim.AdamW, True),
    "lion": (Lion, False),
    "muon": (MuonForMatrices, False),
}
DEFAULT_LR = {"lion": 1e-4}
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
    optimizer = CLASSES[name][0](parameters.values(), **options)
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
    optimizer, is_fused = CLASSES[name]
    return optimizer(
        [
            {
                "params": [leaves[fqn] for fqn in fqns],
                **({} if index is None else groups[index]["options"]),
            }
            for index, fqns in by_group.items()
        ],
        **({"fused": True} if is_fused else {}),
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
            is_late = fqn in ("layer.bias", "layer.weight")
            if case.endswith("late_gradient") and is_late and step < 3:
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
    if dtype_of(case).is_complex and spec[0] != "lion":
        check_complex(spec, out)
    base_lr = spec[1].get("lr", DEFAULT_LR.get(spec[0], 1e-3))
    out["lr"] = torch.tensor(
        [base_lr * factor for factor in LR_FACTORS], dtype=torch.float64
    )
    return out, optimizer_metadata(spec, out)
