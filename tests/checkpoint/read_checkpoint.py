#!/usr/bin/env python3
"""Opens the checkpoint of checkpoint_folder.h with the safetensors package."""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

folder = Path(sys.argv[1])
state = json.loads((folder / "state.json").read_text())
assert state["step"] == 7 and state["seed"] == 2**64 - 1, state
tensors = {}
for part in state["parts"]:
    assert (folder / part["file"]).stat().st_size == part["num_bytes"], part
    tensors |= load_file(folder / part["file"])
expected = {
    "embed.weight": torch.tensor([[1.0, 2, 3], [4, 5, 6]]),
    "optimizer.step.embed.weight": torch.tensor(7.0),
    "norm.num_batches_tracked": torch.tensor(41),
    "head.weight": torch.tensor([[0.5], [0.25]], dtype=torch.float64),
    "head.mask": torch.tensor([1, 0, 1], dtype=torch.uint8),
    "head.empty": torch.empty(0, 4),
}
assert tensors.keys() == expected.keys(), tensors.keys()
for name, tensor in expected.items():
    assert tensors[name].dtype == tensor.dtype, name
    assert torch.equal(tensors[name], tensor), name
