"""dropout.py MODEL PP FOLDER

Checks that with dropout the weights after five steps have the same bits for every
split, schedule, number of ranks and launcher, and differ from those without dropout."""

import shutil
import sys
from pathlib import Path

import models
import torch
import training

RUNS = (
    (1, "GPipe", "local"),
    (2, "1F1B", "local"),
    (4, "1F1B", "local"),
    (3, "GPipe", "processes"),
    (2, "1F1B", "env"),
)


def main():
    name, pp, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    folder = folder / f"dropout_{name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path = models.export(name, folder, extra=["--dropout", "0.1"])
    program = torch.export.load(path)
    label, _data, _target, loss = models.make_data(program, folder, models.ROWS)

    def weights(model, stages, schedule, launcher, mode):
        job = models.write_job(
            folder / f"{mode}_{stages}_{launcher}.toml",
            model,
            models.cuts_for(name, program, stages),
            label,
            loss,
            schedule=schedule,
            microbatches=4,
            optimizer="adamw",
            lr=1e-3,
            launcher=launcher,
        )
        text = job.read_text().replace("[split]", f'mode = "{mode}"\n[split]')
        job.write_text(text)
        training.run(pp, job, launcher, stages)
        return training.weights(folder / job.stem)

    first = None
    failures = []
    for run in RUNS:
        got = weights(path, *run, "train")
        first = first or got
        failures += [
            f"{run}: other bits: {key}"
            for key in first
            if not torch.equal(first[key], got[key])
        ]
    without = weights(path, 1, "GPipe", "local", "eval")
    if all(torch.equal(first[key], without[key]) for key in first):
        failures.append("dropout changed nothing")
    for failure in failures:
        print(failure)
    print(f"{name}: {len(failures)} differences")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
