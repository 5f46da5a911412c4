#!/usr/bin/env python3
"""Writes models that try to do more than compute: hostile.py FOLDER

Each tries to make or read FOLDER/trap. What it is called says how.
"""

import io
import json
import sys
import zipfile
from pathlib import Path

import torch

FOLDER = Path(sys.argv[1]).resolve()
TRAP = FOLDER / "trap"


class AddFull(torch.nn.Module):
    """Adds a constant; the tests put another operator in its place."""

    def forward(self, x):
        return torch.sin(torch.relu(x + torch.full((4,), 0.5)))


class Loop(torch.nn.Module):
    def forward(self, x):
        x = torch.relu(x)
        carried = torch.while_loop(
            lambda x, y: x.sum() < 100, lambda x, y: (x + y, y + 1), (x, x + 1)
        )
        return torch.sin(carried[0])


class Statistics(torch.nn.Module):
    """A decomposed batch norm; the tests give it statistics of one channel."""

    def __init__(self):
        super().__init__()
        self.one = torch.nn.Buffer(torch.ones(1))
        self.mean = torch.nn.Buffer(torch.zeros(4096))
        self.var = torch.nn.Buffer(torch.ones(4096))

    def forward(self, x):
        wide = (x + self.one).repeat(1024).view(1, 4096, 1)
        return torch.ops.aten._native_batch_norm_legit_no_training(
            wide, None, None, self.mean, self.var, 0.1, 1e-5
        )[0]


class AddFullInABranch(torch.nn.Module):
    def forward(self, x):
        return torch.cond(
            x.sum() > 0,
            lambda x: x + torch.full((4,), 0.5),
            lambda x: x - 1,
            (x,),
        )


def argument(name, kind, value):
    return {"name": name, "arg": {kind: value}, "kind": 1}


FILE_ARGUMENTS = [
    argument("filename", "as_string", str(TRAP)),
    argument("shared", "as_bool", True),
    argument("size", "as_int", 4),
]
ALIAS_ARGUMENTS = [
    argument("size", "as_ints", [4096]),
    argument("stride", "as_ints", [1]),
]


def nodes_in(graph):
    """All nodes, also those of branches."""
    for node in graph["nodes"]:
        yield node
        for given in node["inputs"]:
            sub = given["arg"].get("as_graph")
            if sub:
                yield from nodes_in(sub["graph"])


def each_node(edit):
    """Changes a graph node by node."""

    def edit_graph(graph):
        for node in nodes_in(graph):
            edit(node)

    return edit_graph


def more_results(graph):
    """Gives `relu` results that it doesn't return."""
    (node,) = (node for node in graph["nodes"] if "relu" in node["target"])
    first = node["outputs"][0]["as_tensor"]["name"]
    for i in range(20):
        graph["tensor_values"][f"more_{i}"] = graph["tensor_values"][first]
        node["outputs"].append({"as_tensor": {"name": f"more_{i}"}})


def more_outputs(graph):
    """Gives the body of a loop outputs that it doesn't carry."""
    (node,) = (node for node in graph["nodes"] if "while" in node["target"])
    body = node["inputs"][1]["arg"]["as_graph"]["graph"]
    body["outputs"] *= 10


def one_channel(node):
    """Normalises many channels with the mean of one."""
    given = {each["name"]: each["arg"] for each in node["inputs"]}
    if "batch_norm" in node["target"]:
        given["running_mean"]["as_tensor"] = {"name": "b_one"}


def edited(module, path, edit_graph):
    """Exports a module and changes its graph."""
    exported = torch.export.export(module, (torch.ones(4),))
    plain = io.BytesIO()
    torch.export.save(exported, plain)
    plain.seek(0)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("models/model.json"):
                model = json.loads(content)
                edit_graph(model["graph_module"]["graph"])
                content = json.dumps(model).encode()
            new.writestr(name, content)


def replace(target, arguments, keep_first=False):
    """Puts an operator in the place of `full`, or of `add` with its tensor."""

    def edit(node):
        wanted = "aten.add." if keep_first else "aten.full."
        if wanted in node["target"]:
            node["target"] = "torch.ops." + target
            kept = node["inputs"][:1] if keep_first else []
            node["inputs"] = kept + arguments

    return each_node(edit)


class SavesWhenFolded(torch.nn.Module):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def forward(self, x):
        torch.save([1, 2], self.path)
        return x + 1


class ReadsFile(SavesWhenFolded):
    def forward(self, x):
        return x + torch.from_file(self.path, False, 4)


class SavesWhenLoaded(SavesWhenFolded):
    def forward(self, x):
        return x + 1

    @torch.jit.export
    def __getstate__(self):
        return (self.path, self.training)

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]):
        self.path = state[0]
        self.training = state[1]
        torch.save([1, 2], self.path)


def main():
    reads = replace("aten.from_file.default", FILE_ARGUMENTS)
    edited(AddFull(), FOLDER / "file.pt2", reads)
    edited(AddFullInABranch(), FOLDER / "file_in_a_branch.pt2", reads)
    edited(
        AddFull(),
        FOLDER / "alias.pt2",
        replace("aten._reshape_alias.default", ALIAS_ARGUMENTS, keep_first=True),
    )
    for name, module in (
        ("folded.pt", SavesWhenFolded),
        ("file.pt", ReadsFile),
        ("set_state.pt", SavesWhenLoaded),
    ):
        torch.jit.script(module(str(TRAP))).save(str(FOLDER / name))
    with (
        zipfile.ZipFile(FOLDER / "set_state.pt") as old,
        zipfile.ZipFile(FOLDER / "upper_case.pt", "w") as new,
    ):
        for name in old.namelist():
            new.writestr(name.replace(".py", ".PY"), old.read(name))
    edited(AddFull(), FOLDER / "many_results.pt2", more_results)
    edited(Loop(), FOLDER / "many_outputs.pt2", more_outputs)
    edited(AddFull(), FOLDER / "no_operands.pt2", replace("_operator.add", []))
    edited(AddFull(), FOLDER / "script.pt2", replace("prim::If", []))
    edited(Statistics(), FOLDER / "one_channel.pt2", each_node(one_channel))


if __name__ == "__main__":
    main()
