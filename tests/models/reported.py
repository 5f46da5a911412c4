#!/usr/bin/env python3
"""reported.py NAME|all PP FOLDER

Trains small models, each of a kind that once went wrong, and compares them with Python
(parity.py). A model in NOT_YET must fail: one that passes has to leave the list.
"""

import sys
import warnings
from pathlib import Path

import parity
import reported_models
import torch

# Models that fail today, with the reason. It may only shrink.
NOT_YET: dict[str, str] = {}


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    name, pp, folder = sys.argv[1], Path(sys.argv[2]).resolve(), Path(sys.argv[3])
    failed = 0
    for each in reported_models.MODELS if name == "all" else [name]:
        torch.manual_seed(0)
        case = reported_models.MODELS[each]()
        found = parity.problem(case, pp, folder.resolve() / each)
        known = NOT_YET.get(each)
        if known is None and found:
            failed += 1
            print(f"{each}: {found}", flush=True)
        elif known is not None and not found:
            failed += 1
            print(f"{each}: passes now; remove it from NOT_YET", flush=True)
        else:
            print(f"{each}: {f'not yet: {known}' if known else 'right'}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
