"""Runs a case through `pp`, torch.distributed.pipelining or plain torch.

Each run gives a Sample of the same measures:

    step_ms    median time of a step after the first `WARM_UP`
    start_s    seconds from the launch to the end of the first step (training)
    peak_mib   peak resident memory of a rank; ranks that are threads of one
               process get an equal share of it
    losses     losses of the first steps, to see that all sides did the same work
    note       how it was run, where a side has a choice
"""

import itertools
import json
import shutil
import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path

from cases import Case
from processes import Finished, RunFailed, run

WARM_UP = 2  # steps that are not counted: caches, buffers, connections
LR, WEIGHT_DECAY = 1e-3, 0.1
HERE = Path(__file__).resolve().parent


@dataclass
class Sample:
    step_ms: float
    start_s: float | None
    peak_mib: float
    losses: list[float] = field(default_factory=list)
    note: str = ""


@dataclass
class Inputs:
    """Files that all sides read."""

    model: Path
    tokens: Path
    pp: Path
    folder: Path  # for jobs and results
    whole: Path | None = None  # the model exported with a batch of all microbatches


def torchrun(ranks: int) -> list[str]:
    return [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        f"--nproc-per-node={ranks}",
    ]


# --- pp ----------------------------------------------------------------------

JOB = """\
[model]
path = "{model}"

[split]
at = {cuts}

[pipeline]
schedule = "{schedule}"
microbatches = {microbatches}
ranks = {ranks}
launcher = "{launcher}"
threads_per_rank = 1
device = "{device}"
cuda_graphs = {cuda_graphs}

[data]
batch_size = {microbatches}
shuffle = false
inputs.tokens = {{ path = "{tokens}", window = {window} }}
"""

TRAIN = """\
target = {{ path = "{tokens}", window = {window}, shift = 1 }}

[train]
steps = {steps}
loss = {{ name = "cross_entropy", output = "output_0" }}
optimizer = {{ name = "adamw", lr = {lr}, weight_decay = {weight_decay} }}
"""

INFER = """\

[output]
dir = "{out}"
outputs.output_0 = {{ reduce = "argmax" }}
"""


def pp_job(case: Case, launcher: str, files: Inputs, tokens: Path, steps: int) -> Path:
    """Writes the job and removes what an earlier one left in its folder.

    `pp` would keep those checkpoints, and many runs would fill the disk.
    """
    shutil.rmtree(files.folder / "pp", ignore_errors=True)
    values = {
        "model": files.model,
        "cuts": json.dumps(case.cuts),
        "schedule": case.schedule.name,
        "microbatches": case.microbatches,
        "ranks": case.ranks,
        "launcher": launcher,
        "device": case.device,
        "cuda_graphs": str(case.cuda_graphs).lower(),
        "tokens": tokens,
        "window": case.model.window,
        "steps": steps,
        "lr": LR,
        "weight_decay": WEIGHT_DECAY,
        "out": files.folder / "pp",
    }
    text = JOB + (
        TRAIN + '\n[output]\ndir = "{out}"\n' if case.mode == "train" else INFER
    )
    path = files.folder / "job.toml"
    path.write_text(text.format(**values))
    return path


def pp_run(case: Case, launcher: str, files: Inputs, job: Path) -> Finished:
    command = [str(files.pp), "run", str(job)]
    if launcher == "env":
        command = [*torchrun(case.ranks), "--no-python", *command]
    return run(command, cwd=files.folder, watch_for=r"^step +1/")


def pp_peak_mib(case: Case, launcher: str, files: Inputs, done: Finished) -> float:
    peaks = done.peak_of(files.pp.name[:15])  # the kernel keeps no more of a name
    if launcher == "local":
        return max(peaks) / case.ranks / 1024
    return max(peaks) / 1024


def run_pp(case: Case, launcher: str, files: Inputs) -> Sample:
    if case.mode == "infer":
        return infer_pp(case, launcher, files)
    job = pp_job(case, launcher, files, files.tokens, case.model.train_steps)
    done = pp_run(case, launcher, files, job)
    lines = (files.folder / "pp" / "metrics.jsonl").read_text().splitlines()
    steps = [json.loads(line) for line in lines]
    if done.first_match is None:
        raise RunFailed("pp printed no line of step 1")
    return Sample(
        statistics.median(s["step_ms"] for s in steps[WARM_UP:]),
        done.first_match - done.started,
        pp_peak_mib(case, launcher, files, done),
        [s["loss"] for s in steps],
    )


def infer_pp(case: Case, launcher: str, files: Inputs) -> Sample:
    """Runs a long and a short job: they differ by whole steps and nothing else.

    (Rank 0 runs ahead of the others, so its own times of a step are too short.)
    """
    took, steps = [], [WARM_UP, WARM_UP + case.model.infer_steps]
    for count in steps:
        tokens = short_tokens(case, files, count)
        job = pp_job(case, launcher, files, tokens, count)
        done = pp_run(case, launcher, files, job)
        took.append(done.ended - done.started)
    step_ms = (took[1] - took[0]) / (steps[1] - steps[0]) * 1000
    return Sample(step_ms, None, pp_peak_mib(case, launcher, files, done))


def short_tokens(case: Case, files: Inputs, steps: int) -> Path:
    """Tokens for `steps` steps: inference ends with its data."""
    import numpy as np

    tokens = np.load(files.tokens)
    count = steps * case.microbatches * case.model.window
    path = files.folder / f"tokens_{steps}.npy"
    np.save(path, np.resize(tokens[:-1], count))
    return path


# --- torch -------------------------------------------------------------------


def torch_job(case: Case, files: Inputs) -> dict:
    steps = case.model.train_steps
    if case.mode == "infer":
        steps = WARM_UP + case.model.infer_steps
    return {
        "model": str(files.model),
        "cuts": case.cuts,
        "schedule": case.schedule.name,
        "stages_per_rank": case.schedule.stages_per_rank,
        "microbatches": case.microbatches,
        "mode": case.mode,
        "tokens": str(files.tokens),
        "window": case.model.window,
        "steps": steps,
        "threads": 1,
        "device": case.device,
        "lr": LR,
        "weight_decay": WEIGHT_DECAY,
        "out": str(files.folder / "torch"),
    }


def torch_command(case: Case, files: Inputs) -> list[str]:
    """The job that each rank reads."""
    path = files.folder / "torch_job.json"
    path.write_text(json.dumps(torch_job(case, files)))
    return [str(HERE / "torch_side.py"), str(path)]


def run_torch(case: Case, files: Inputs) -> Sample:
    command = [*torchrun(case.ranks), *torch_command(case, files)]
    done = run(command, cwd=files.folder)
    return torch_sample(case, files, done.started)


def torch_sample(case: Case, files: Inputs, started: float) -> Sample:
    """Reads the results of all ranks."""
    ranks = [
        json.loads((files.folder / f"torch.rank{r}.json").read_text())
        for r in range(case.ranks)
    ]
    last = next(r for r in ranks if r["is_last"])
    # A step lasts from one end to the next, since steps follow each other.
    ends = last["ends"][WARM_UP - 1 :]
    steps = [b - a for a, b in itertools.pairwise(ends)]
    start = None
    if case.mode == "train":
        start = max(r["ends"][0] for r in ranks) - started
    if case.mode == "train":
        step_s = statistics.median(steps)
    else:
        step_s = (ends[-1] - ends[0]) / len(steps)  # a mean, like that of pp
    return Sample(
        step_s * 1000,
        start,
        max(r["peak_kib"] for r in ranks) / 1024,
        last["losses"],
    )


# --- torch, unsplit ----------------------------------------------------------


def run_unsplit(case: Case, files: Inputs) -> Sample:
    """The faster of two ways: the batch in one piece, or by microbatch."""
    runs = {"whole batch": files.whole, "by microbatch": files.model}
    samples = [unsplit_run(case, files, *item) for item in runs.items()]
    return min(samples, key=lambda sample: sample.step_ms)


def unsplit_run(case: Case, files: Inputs, note: str, model: Path) -> Sample:
    job = torch_job(case, files) | {"model": str(model), "threads": case.ranks}
    path = files.folder / "unsplit_job.json"
    path.write_text(json.dumps(job))
    command = [sys.executable, str(HERE / "unsplit_side.py"), str(path)]
    done = run(command, cwd=files.folder)
    result = json.loads((files.folder / "torch.unsplit.json").read_text())
    ends = result["ends"][WARM_UP - 1 :]
    step_s = statistics.median(b - a for a, b in itertools.pairwise(ends))
    return Sample(
        step_s * 1000,
        result["ends"][0] - done.started,
        result["peak_kib"] / 1024 / case.ranks,
        result["losses"],
        note,
    )
