"""weights.py FOLDER

Exports a tied model with its values (real.pt2), with others (other.pt2, other.pt) and
on the meta device (meta.pt2), and writes its values to two safetensors files; then
files that are wrong in one way each.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

VOCABULARY, WIDTH = 12, 8


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, WIDTH)
        self.body = nn.Linear(WIDTH, WIDTH)
        self.norm = nn.BatchNorm1d(WIDTH)
        self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids):
        scale = torch.arange(1, WIDTH + 1, device=ids.device) / WIDTH
        return self.head(self.norm(self.body(self.embed(ids)) * scale))


def export(model, ids, path):
    rows = torch.export.Dim("rows", min=2, max=64)
    torch.export.save(
        torch.export.export(model, (ids,), dynamic_shapes={"ids": {0: rows}}), path
    )


def write_folders(folder, state):
    """Folders as `save_pretrained` writes them: one file, several files with an index,
    names with another first part; and an index that is wrong in one way each."""
    names = sorted(state)

    def write(name, files, index=None):
        (folder / name).mkdir()
        for file, tensors in files.items():
            save_file(tensors, folder / name / file, {"format": "pt"})
        if index is not None:
            text = json.dumps({"metadata": {}, "weight_map": index})
            (folder / name / "model.safetensors.index.json").write_text(text)

    shards = {
        "model-00001-of-00002.safetensors": {k: state[k] for k in names[:3]},
        "model-00002-of-00002.safetensors": {k: state[k] for k in names[3:]},
    }
    index = {k: file for file, tensors in shards.items() for k in tensors}
    first, second = shards
    write("single", {"model.safetensors": state})
    write("sharded", shards, index)
    longer = {f"base.{k}": v for k, v in state.items()}
    write("longer", {"model.safetensors": longer})
    write("moved", shards, index | {names[0]: second})
    write("outside", shards, index | {names[0]: "../w-1.safetensors"})
    write("absent", {first: shards[first]}, index)
    write("pickle", {})
    torch.save(state, folder / "pickle/pytorch_model.bin")


def main(folder):
    torch.manual_seed(0)
    model = Tied()
    with torch.no_grad():
        model.norm.running_mean.uniform_()
    ids = torch.randint(VOCABULARY, (4,))
    export(model, ids, folder / "real.pt2")
    torch.manual_seed(1)
    export(Tied(), ids, folder / "other.pt2")
    torch.jit.trace(Tied(), (ids,)).save(str(folder / "other.pt"))
    with torch.device("meta"):
        empty = Tied()
        empty.head.weight = empty.embed.weight
        export(empty, ids.to("meta"), folder / "meta.pt2")

    state = {k: v.contiguous() for k, v in model.state_dict().items()}
    del state["head.weight"]  # transformers also leaves out a tied weight
    names = sorted(state)
    save_file({k: state[k] for k in names[:3]}, folder / "w-1.safetensors")
    save_file({k: state[k] for k in names[3:]}, folder / "w-2.safetensors")

    def wrong(name, **changes):
        tensors = {**state, **{k.replace("__", "."): v for k, v in changes.items()}}
        save_file(
            {k: v for k, v in tensors.items() if v is not None},
            folder / f"{name}.safetensors",
        )

    embed = state["embed.weight"]
    wrong("missing", body__weight=None, body__bias=None)
    wrong("dtype", body__weight=state["body.weight"].double())
    wrong("shape", body__bias=torch.zeros(3))
    wrong("mixed", body__bias=None, rotary__inv_freq=torch.zeros(2))
    wrong("extra", rotary__inv_freq=torch.zeros(2))
    wrong("both", head__weight=embed.clone())
    wrong("untied", head__weight=embed + 1)
    write_folders(folder, state)
    rows = torch.randint(VOCABULARY, (32,))
    np.save(folder / "ids.npy", rows.numpy())
    np.save(folder / "target.npy", (rows * 5 % VOCABULARY).numpy())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
