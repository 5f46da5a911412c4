"""Compares the FLOPs of `pp inspect` with torch's own counter.

    oracle_flops.py SPLIT_TOOL MODEL.pt2 ...

Both count matrix products, convolutions and attention, a multiply-add as two,
at the sizes of the sample inputs; the sums over the model must be equal.
"""

import json
import subprocess
import sys
import warnings
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

warnings.simplefilter("ignore")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import export  # noqa: F401
from transformers import (  # noqa: F401
    GPT2LMHeadModel,
    LlamaForCausalLM,
    T5ForConditionalGeneration,
)

TOOL = sys.argv[1]
for path in sys.argv[2:]:
    done = subprocess.run(
        [TOOL, "inspect", path, "json"], check=True, capture_output=True, text=True
    )
    ours = json.loads(done.stdout)["modules"]["flops"]
    program = torch.export.load(path)
    args, kwargs = program.example_inputs
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        program.module()(*args, **kwargs)
    theirs = counter.get_total_flops()
    print(f"{Path(path).name}: {ours}, torch {theirs}")
    assert ours == theirs > 0, path
