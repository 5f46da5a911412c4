#!/usr/bin/env python3
"""Continues a prompt with a byte-level model that `pp merge` wrote.

scripts/generate.py demo/trained.pt2 --prompt "def "
"""

import argparse
import sys
from pathlib import Path

import torch
import transformers.modeling_outputs  # noqa: F401  registers the output's class


def longest_input(program: torch.export.ExportedProgram) -> int:
    """The largest sequence length that the export allows."""
    for node in program.graph.nodes:
        if node.op == "placeholder" and node.name == "input_ids":
            length = node.meta["val"].shape[1]
            if isinstance(length, int):
                return length
            return int(program.range_constraints[length.node.expr].upper)
    sys.exit("the model has no input `input_ids`")


@torch.no_grad()
def continue_text(
    program: torch.export.ExportedProgram,
    prompt: str,
    num_bytes: int,
    temperature: float,
) -> str:
    """Samples `num_bytes` bytes after the prompt, each from the model's logits."""
    module, longest = program.module(), longest_input(program)
    tokens = torch.tensor([list(prompt.encode())])
    for _ in range(num_bytes):
        output = module(input_ids=tokens[:, -longest:])
        logits = output["logits"] if isinstance(output, dict) else output.logits
        shares = torch.softmax(logits[0, -1] / temperature, dim=-1)
        tokens = torch.cat([tokens, torch.multinomial(shares, 1)[None]], dim=1)
    return bytes(tokens[0].tolist()).decode(errors="replace")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--prompt", default="import os\n\ndef ")
    parser.add_argument("--bytes", type=int, default=200, metavar="N")
    parser.add_argument("--temperature", type=float, default=0.7, metavar="T")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    args = parser.parse_args(argv)
    torch.manual_seed(args.seed)
    program = torch.export.load(args.model)
    print(continue_text(program, args.prompt, args.bytes, args.temperature))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
