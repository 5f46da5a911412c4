#!/usr/bin/env python3
"""Exports a known model to a file that `pp` reads.

    scripts/export.py gpt2 -o gpt2.pt2
    scripts/export.py mlp -o mlp.pt --torchscript trace
    scripts/export.py --list

Weights are random but the same on every run (--seed). Batch and sequence are
left free where torch can export that; --fixed pins them to the example's.
"""

import argparse
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from models import TABLE, Example, Options


def build(
    name: str,
    options: Options | None = None,
    *,
    dtype: torch.dtype = torch.float32,
    train: bool = True,
) -> Example:
    """The model `name` with its seeded weights and example inputs."""
    options = options or Options()
    torch.manual_seed(options.seed)
    example = TABLE[name](options)
    example.module.to(dtype).train(train)

    def cast(t):
        return t.to(dtype) if t.is_floating_point() else t

    example.args = tuple(cast(t) for t in example.args)
    example.kwargs = {k: cast(t) for k, t in example.kwargs.items()}
    return example


def export(
    example: Example,
    *,
    fixed: bool = False,
    functional: bool = False,
    strict: bool = False,
) -> torch.export.ExportedProgram:
    """Exports the training IR, or with `functional` the decomposed one."""
    program = torch.export.export(
        example.module,
        example.args,
        example.kwargs,
        dynamic_shapes=None if fixed else example.dynamic or None,
        strict=strict,
    )
    return program.run_decompositions() if functional else program


def export_torchscript(example: Example, how: str) -> torch.jit.ScriptModule:
    """Traces (with the example inputs) or scripts the module."""
    if how == "script":
        return torch.jit.script(example.module)
    return torch.jit.trace(example.module, example.args, check_trace=False)


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="?", choices=sorted(TABLE), metavar="NAME")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE")
    parser.add_argument("--list", action="store_true", help="list the models")
    for size in ("batch", "seq", "layers", "width", "heads", "vocab"):
        parser.add_argument(f"--{size}", type=int, metavar="N")
    parser.add_argument("--dropout", type=float, metavar="P")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--eval", action="store_true", help="export in eval mode")
    parser.add_argument("--fixed", action="store_true", help="fix every size")
    parser.add_argument("--strict", action="store_true", help="torch's strict mode")
    parser.add_argument(
        "--functional", action="store_true", help="decompose to core operators"
    )
    parser.add_argument("--torchscript", choices=["trace", "script"])
    args = parser.parse_args(argv)
    if not args.list and not (args.name and args.output):
        parser.error("give a model's NAME and -o FILE, or --list")
    return args


def main(argv: list[str]) -> int:
    args = parse(argv)
    if args.list:
        print("\n".join(sorted(TABLE)))
        return 0
    sizes = {f: getattr(args, f) for f in Options.__dataclass_fields__}
    example = build(
        args.name,
        Options(**sizes),
        dtype=getattr(torch, args.dtype),
        train=not args.eval,
    )
    args.output.parent.mkdir(parents=True, exist_ok=True)
    if args.torchscript:
        export_torchscript(example, args.torchscript).save(str(args.output))
    else:
        program = export(
            example,
            fixed=args.fixed,
            functional=args.functional,
            strict=args.strict,
        )
        torch.export.save(program, args.output)
    count = sum(p.numel() for p in example.module.parameters())
    print(f"{args.output}: {args.name}, {count:,} parameters")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
