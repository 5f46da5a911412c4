#!/usr/bin/env python3
"""Runs an exported model through `pp run` and torch.distributed.pipelining.

    benchmarks/compare.py                            tiny and medium, 1F1B
    benchmarks/compare.py --models tiny --schedules GPipe 1F1B --repetitions 9
    benchmarks/compare.py --against unsplit --modes train --launchers local
    benchmarks/compare.py --scoreboard               every row of the scoreboard
    benchmarks/compare.py --scoreboard --help

Both sides load the same .pt2, cut it before the same modules, and train with
the same schedule, microbatches, rows and optimizer on the same number of ranks
with one thread each; their losses are compared. With --against unsplit the other
side is plain torch without a pipeline: one process with as many threads as there
are ranks. The runs take turns, so that a noisy machine is noisy for all. Writes
report.md and report.json to --out.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cases import LAUNCHERS, MODELS, SCHEDULES, Case
from processes import RunFailed
from report import MEASURES, Row, as_json, best_rows, machine, markdown, write
from sides import Inputs, Sample, run_pp, run_torch, run_unsplit

ROOT = Path(__file__).resolve().parent.parent
DATA_STEPS = 16  # steps before the training rows begin again
LOSS_TOLERANCE = 1e-3  # relative, over the first steps: rounding grows after
RIVALS = {"pipelining": run_torch, "unsplit": run_unsplit}


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pp", type=Path, default=ROOT / "build" / "pp")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument(
        "--modes", nargs="+", choices=["train", "infer"], default=["train", "infer"]
    )
    parser.add_argument("--schedules", nargs="+", choices=SCHEDULES, default=["1F1B"])
    parser.add_argument(
        "--launchers", nargs="+", choices=LAUNCHERS, default=list(LAUNCHERS)
    )
    parser.add_argument("--against", nargs="+", choices=RIVALS, default=["pipelining"])
    parser.add_argument(
        "--device",
        choices=["cpu", "cuda"],
        default="cpu",
        help="cuda: pipelining takes a GPU for each rank, since torch's NCCL "
        "wants one; unsplit takes one GPU, which pp's ranks share",
    )
    parser.add_argument(
        "--cuda-graphs", action="store_true", help="pipeline.cuda_graphs for pp"
    )
    parser.add_argument("--repetitions", type=int, default=5, metavar="N")
    parser.add_argument(
        "--steps", type=int, metavar="N", help="a run, for every model and mode"
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "runs" / "compare", metavar="DIR"
    )
    parser.add_argument(
        "--scoreboard",
        action="store_true",
        help="measure all the scoreboard's rows instead, with options of their own",
    )
    args = parser.parse_args(argv)
    if not args.pp.is_file():
        parser.error(f"no {args.pp}: build first, or give --pp")
    if args.device == "cuda":
        import torch

        wanted = Case.ranks if "pipelining" in args.against else 1
        if torch.cuda.device_count() < wanted:
            parser.error(
                f"--device cuda --against {' '.join(args.against)} takes {wanted} "
                f"GPUs; torch finds {torch.cuda.device_count()}"
            )
    if args.repetitions < 1 or (args.steps or 4) < 4:
        parser.error("at least 1 repetition of 4 steps")
    if "unsplit" in args.against and "infer" in args.modes:
        parser.error("--against unsplit is for --modes train")
    if args.cuda_graphs and args.device != "cuda":
        parser.error("--cuda-graphs is for --device cuda")
    return args


def export(model, path: Path, *options: str) -> Path:
    command = [sys.executable, str(ROOT / "scripts" / "export.py"), model.export]
    command += ["--fixed", *options, "-o", str(path)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return path


def prepare(model, folder: Path, microbatches: int) -> tuple[Path, Path]:
    """Exports the model and makes its tokens."""
    path = export(model, folder / f"{model.name}.pt2", "--batch=1")
    return path, write_tokens(model, folder / f"{model.name}.npy", microbatches)


def write_tokens(model, path: Path, microbatches: int) -> Path:
    import numpy as np

    count = DATA_STEPS * microbatches * model.window + 1
    np.save(path, np.random.default_rng(0).integers(0, model.vocab, count))
    return path


def with_steps(model, steps: int | None):
    if steps is None:
        return model
    from dataclasses import replace

    return replace(model, train_steps=steps, infer_steps=steps)


def check_losses(case: Case, launcher: str, ours: Sample, theirs: Sample) -> None:
    """Fails unless both sides computed the same losses: else times mean nothing."""
    for step, (a, b) in enumerate(
        zip(ours.losses[:3], theirs.losses[:3], strict=True), start=1
    ):
        if abs(a - b) > LOSS_TOLERANCE * abs(b):
            raise SystemExit(
                f"{case.model.name} {case.schedule.name} {launcher}: loss of step "
                f"{step} is {a:.6f}, torch's is {b:.6f}; the two do not run the "
                "same job"
            )


class Table:
    """Collects samples into rows, one per measure."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def row(self, measure: str, case: Case, launcher: str) -> Row:
        key = (measure, case.model.name, case.mode, case.schedule.name, launcher)
        for row in self.rows:
            if (row.measure, row.model, row.mode, row.schedule, row.launcher) == key:
                return row
        self.rows.append(Row(*key))
        return self.rows[-1]

    def add(self, rival: str, case, launcher, ours, theirs, failure: str) -> None:
        for measure, (attribute, _, _) in MEASURES.items():
            if (rival == "unsplit") != measure.startswith("unsplit"):
                continue
            values = [getattr(s, attribute) if s else None for s in (ours, theirs)]
            if values == [None, None] and not failure:
                continue  # start-up time of inference
            if failure and not measure.endswith("step"):
                continue
            row = self.row(measure, case, launcher)
            row.failure = row.failure or failure
            if values[0] is not None:
                row.pp.append(values[0])
            if values[1] is not None:
                row.torch.append(values[1])
                row.note = theirs.note


def attempt(side: str, run, *arguments) -> tuple[Sample | None, str]:
    try:
        return run(*arguments), ""
    except RunFailed as error:
        return None, f"{side}: {error}"


def repetition(
    case: Case, launchers: list[str], rivals: list[str], files: Inputs, table: Table
) -> None:
    """Runs each side once under each launcher, one after the other."""
    theirs = {name: attempt("torch", RIVALS[name], case, files) for name in rivals}
    for launcher in launchers:
        ours, why = attempt("pp", run_pp, case, launcher, files)
        for name, (sample, failure) in theirs.items():
            if ours and sample:
                check_losses(case, launcher, ours, sample)
            table.add(name, case, launcher, ours, sample, why or failure)
            describe(name, case, launcher, ours, sample, why or failure)


def describe(name: str, case, launcher, ours, theirs, why: str) -> None:
    what = f"{case.model.name} {case.mode} {case.schedule.name} {launcher}"
    times = [f"{s.step_ms:.2f} ms" if s else "-" for s in (ours, theirs)]
    print(f"{what}: pp {times[0]}, {name} {times[1]}", flush=True)
    if why:
        print(why, file=sys.stderr, flush=True)


def main(argv: list[str]) -> int:
    if "--scoreboard" in argv:
        import scoreboard

        return scoreboard.main([a for a in argv if a != "--scoreboard"])
    args = parse(argv)
    import torch

    load = os.getloadavg()[0]
    table = Table()
    began = time.time()
    with tempfile.TemporaryDirectory(prefix="compare-") as scratch:
        folder = Path(scratch)
        for name in args.models:
            model = with_steps(MODELS[name], args.steps)
            path, tokens = prepare(model, folder, Case.microbatches)
            files = Inputs(path, tokens, args.pp.resolve(), folder)
            if "unsplit" in args.against:
                batch = f"--batch={Case.microbatches}"
                files.whole = export(model, folder / f"{name}_whole.pt2", batch)
            cases = [
                Case(
                    model,
                    mode,
                    SCHEDULES[schedule],
                    device=args.device,
                    cuda_graphs=args.cuda_graphs,
                )
                for mode in args.modes
                for schedule in args.schedules
            ]
            for turn in range(args.repetitions):
                # The order changes, so that no launcher always follows torch.
                first = turn % len(args.launchers)
                launchers = args.launchers[first:] + args.launchers[:first]
                for case in cases:
                    repetition(case, launchers, args.against, files, table)
    about = {
        **machine(),
        "torch": torch.__version__,
        "ranks": Case.ranks,
        "device": args.device,
        "microbatches": Case.microbatches,
        "repetitions": args.repetitions,
        "load": load,
        "minutes": round((time.time() - began) / 60, 1),
    }
    order = list(MEASURES)
    rows = sorted(table.rows, key=lambda r: order.index(r.measure))
    rows += best_rows(rows)
    write(args.out, markdown(rows, about), as_json(rows, about))
    return 0 if all(row.ratio is not None for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
