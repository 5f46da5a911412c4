#!/usr/bin/env python3
"""check.py CHECK_LIST FOLDER [OPTION...]

Compares each module of table.py, exported and scripted, in training and in evaluation
mode, with Python: outputs, gradients and every state after a step, cut so that the
module is a stage of its own. `pp verify` compares it with the unsplit model too.
Exits with 1 if a result is wrong, or if what is refused, by `pp` or by torch, differs
from the table in docs/modules.md.

--vision      models of torchvision instead, scripted
--networks    small networks instead (networks.py), scripted and traced
--quick       what ctest runs: evaluation mode only of modules that look at it, and
              few models of torchvision
--only TEXT   only modules whose name contains it
--resume      modules that FOLDER has results of don't run again
--table FILE  writes the rows of these modules into FILE, which is docs/modules.md or
              a copy, and compares nothing with it
"""

import argparse
import json
import multiprocessing
import shutil
import subprocess
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import expected
import networks
import numpy as np
import parity
import report
import table
import torch
import vision
from safetensors.torch import load_file

PAGE = Path(__file__).resolve().parents[3] / "docs" / "modules.md"
TOLERANCE = 1e-6
ENTRIES = {
    "modules": table.ENTRIES,
    "vision": vision.ENTRIES,
    "networks": networks.ENTRIES,
}
# Modules that do something else in evaluation mode begin with these words.
MODAL = (
    *("Batch", "Instance", "Lazy", "Sync", "RNN(", "GRU(", "LSTM("),
    *("Multi", "Transformer", "Dropout", "Alpha", "Feature", "RReLU"),
    *("buffers", "param", "utils"),
)


@dataclass
class Run:
    """One module in one form and mode, and what came out."""

    name: str
    form: str
    mode: str
    torch_refuses: str | None = None  # why torch itself can't
    pp_refuses: str | None = None
    wrong: str | None = None
    error: float = 0.0  # the largest

    folder: Path | None = field(default=None, repr=False)


def with_contiguous_gradient(_module, _inputs, output):
    """LibTorch's backward of batch norm is wrong for some layouts of the gradient of
    one row, in Python too (docs/modules.md)."""
    if output.requires_grad:
        output.register_hook(lambda gradient: gradient.contiguous())


def save(entry, run):
    """Writes the model, its data and its job; returns the line for check_list."""
    model = entry.build(run.mode)
    data, parts = entry.draw()
    if run.form == "exported":
        program = torch.export.export(model, (parts[0].clone(),))
        path = run.folder / "model.pt2"
        torch.export.save(program, path)
    else:
        forget_scripts()
        path = run.folder / "model.pt"
        if run.form == "scripted":
            torch.jit.script(model).save(path)
        else:
            torch.jit.trace(model, (parts[0],), check_trace=False).save(path)
    eager = entry.build(run.mode) if entry.alone else None
    if eager:
        eager.m.register_forward_hook(with_contiguous_gradient)
    result = expected.Step(path, parts, eager)
    torch.save(result, run.folder / "expected")
    np.save(run.folder / "x.npy", data.numpy())
    np.save(run.folder / "target.npy", result.target.numpy())
    (run.folder / "job.toml").write_text(f"""
model.path = "{path.name}"
{entry.split()}
pipeline.microbatches = {len(parts)}
data.batch_size = {entry.rows}
data.shuffle = false
data.inputs.x.path = "x.npy"
data.target.path = "target.npy"
train.steps = 1
train.loss.name = "mse"
train.optimizer.name = "sgd"
train.optimizer.lr = 0.1
""")
    sizes = "x".join(map(str, parts[0].shape))
    dtype = str(data.dtype).replace("torch.", "")
    hint = f" x={sizes}:{dtype}" if run.form == "scripted" else ""
    return f"{run.folder}/job.toml {run.folder}/out.safetensors{hint}"


def forget_scripts():
    """A class that failed to compile can't be compiled again."""
    torch._C._jit_clear_class_registry()
    torch.jit._recursive.concrete_type_store = torch.jit._recursive.ConcreteTypeStore()
    torch.jit._state._clear_class_state()


def first_line(error):
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines and lines[0].startswith("The following operation failed"):
        return lines[-1]
    return lines[0] if lines else type(error).__name__


def modes_of(name, options):
    one = options.section == "modules" and not name.startswith(MODAL)
    one = one or options.section == "networks"
    return report.MODES[:1] if options.quick and one else report.MODES


def prepare(entry, run):
    """Returns the line for check_list, or None if torch can't run this at all."""
    run.folder.mkdir(parents=True, exist_ok=True)
    try:
        return save(entry, run)
    except Exception as error:  # torch raises many kinds
        run.torch_refuses = first_line(error)
        return None


def judge(run, verified, stepped):
    """Fills in what came out of check_list."""
    if verified or stepped:
        text = stepped or verified
        if "DIFFERENT" in verified or not stepped or not verified:
            run.wrong = f"verify: {verified}; step: {stepped}"
        run.pp_refuses = text
        return
    got = load_file(run.folder / "out.safetensors")
    result = torch.load(run.folder / "expected", weights_only=False)
    run.error, run.wrong = result.compare(got, TOLERANCE)
    if not run.wrong:
        shutil.rmtree(run.folder)


def check(arguments):
    """Runs some entries; returns their runs."""
    names, tool, folder, options = arguments
    entries = ENTRIES[options.section]
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    runs, lines = [], []
    for name in names:
        number = list(entries).index(name)
        for form in report.FORMS[options.section]:
            for mode in modes_of(name, options):
                own = folder / f"{number}_{form}_{mode}"
                run = Run(name, form, mode, folder=own)
                line = prepare(entries[name], run)
                runs.append(run)
                if line is not None:
                    lines.append((run, line))
    while lines:
        lines = run_list(tool, folder / f"list_{number}", lines)
    return runs


def run_list(tool, path, lines):
    """Runs check_list; returns the lines after the one at which it died, if it did."""
    path.write_text("".join(line + "\n" for _, line in lines))
    done = subprocess.run(
        [tool, path],
        capture_output=True,
        text=True,
        env=parity.measure.environment(),
        timeout=300,
    )
    printed = [line.split("\t", 1)[1] for line in done.stdout.splitlines()]
    answered = len(printed) // 2
    for (run, _), verified, stepped in zip(
        lines, printed[0::2], printed[1::2], strict=False
    ):
        judge(run, verified, stepped)
    if answered < len(lines):
        lines[answered][0].wrong = f"ended with {done.returncode}: {done.stderr}"
    return lines[answered + 1 :]


def run_all(args, names, done):
    """Yields the runs of each part of the modules as it is ready."""
    names = [name for name in names if name not in {run.name for run in done}]
    most = 2 if args.section == "vision" else 6
    size = max(1, min(most, len(names) // 2))
    parts = [names[i : i + size] for i in range(0, len(names), size)]
    work = [(part, args.tool.resolve(), args.folder.resolve(), args) for part in parts]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        yield from pool.imap(check, work)


def parse():
    """The options, with `section`: the part of docs/modules.md that has the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tool", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true")
    section = {"dest": "section", "action": "store_const", "default": "modules"}
    parser.add_argument("--vision", const="vision", **section)
    parser.add_argument("--networks", const="networks", **section)
    parser.add_argument("--only", default="")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    if options.table and options.quick:
        parser.error("--table needs every run; leave --quick out")
    return options


def main():
    args = parse()
    entries = ENTRIES[args.section]
    few = args.quick and args.section == "vision"
    wanted = vision.SMALL if few else entries
    names = [name for name in wanted if args.only in name]
    args.folder.mkdir(parents=True, exist_ok=True)
    results = args.folder / "results.json"
    runs = []
    if args.resume and results.exists():
        runs = [Run(**fields) for fields in json.loads(results.read_text())]
    for part in run_all(args, names, runs):
        report.show(part)
        runs += part
        kept = [{k: v for k, v in vars(run).items() if k != "folder"} for run in runs]
        results.write_text(json.dumps(kept))
    status = report.summary(runs)
    if args.table:
        report.write(args.table, args.section, runs, entries)
    else:
        status |= report.compare(PAGE, args.section, runs, entries)
    sys.exit(status)


if __name__ == "__main__":
    main()
