#!/usr/bin/env python3
"""Loads a .pt2 and splits it with Python's pipeline(); prints both times.

    benchmarks/split_side.py MODEL.pt2 FQN...

Prints JSON, in seconds: `load`; `pipeline`, the documented way, which exports the
program again; and `graph`, which cuts the loaded program's graph.
"""

import json
import sys
import time

import torch
from torch.distributed.pipelining import pipeline
from torch.distributed.pipelining._IR import Pipe
from torch_side import split_before


def main(path: str, *cuts: str) -> None:
    begin = time.perf_counter()
    program = torch.export.load(path)
    loaded = time.perf_counter()
    module = program.module()
    pipe = pipeline(module, program.example_inputs[0], split_policy=split_before(cuts))
    split = time.perf_counter()
    assert pipe.num_stages == len(cuts) + 1
    again = time.perf_counter()
    Pipe._from_traced(program.module(), program, split_policy=split_before(cuts))
    end = time.perf_counter()
    print(
        json.dumps(
            {"load": loaded - begin, "pipeline": split - loaded, "graph": end - again}
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
