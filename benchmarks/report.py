"""Medians, ratios and their spread; as Markdown and as JSON."""

import json
import os
import platform
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cases import AIMS

MEASURES = {  # key: (attribute of a Sample, unit, digits)
    "step": ("step_ms", "ms", 4),
    "start": ("start_s", "s", 3),
    "memory": ("peak_mib", "MiB", 3),
    "unsplit step": ("step_ms", "ms", 4),
}


@dataclass
class Row:
    """One line of the table: one measure of one case under one launcher."""

    measure: str
    model: str
    mode: str
    schedule: str
    launcher: str
    pp: list[float] = field(default_factory=list)  # one per repetition
    torch: list[float] = field(default_factory=list)
    failure: str = ""
    note: str = ""  # how torch was run

    @property
    def ratio(self) -> float | None:
        if not self.pp or not self.torch:
            return None
        return statistics.median(self.pp) / statistics.median(self.torch)

    @property
    def fastest(self) -> float | None:
        """The ratio of the fastest runs, which noise affects least."""
        return min(self.pp) / min(self.torch) if self.pp and self.torch else None

    @property
    def spread(self) -> tuple[float, float] | None:
        return spread(self.pp, self.torch)

    @property
    def aim(self) -> float | None:
        return AIMS.get((self.measure, self.model, self.mode, self.launcher))


def spread(ours: list[float], theirs: list[float]) -> tuple[float, float] | None:
    """Least and largest ratio of neighbouring runs."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return (min(ratios), max(ratios)) if ratios else None


def best_rows(rows: list[Row]) -> list[Row]:
    """The best schedule of each side against the other's, where there are
    several."""
    out = []
    keys = {
        (r.measure, r.model, r.mode, r.launcher)
        for r in rows
        if r.measure.endswith("step")
    }
    for key in sorted(keys):
        group = [r for r in rows if (r.measure, r.model, r.mode, r.launcher) == key]
        ours = [r for r in group if r.pp]
        theirs = [r for r in group if r.torch]
        if len(group) < 2 or not ours or not theirs:
            continue
        best = min(ours, key=lambda r: statistics.median(r.pp))
        rival = min(theirs, key=lambda r: statistics.median(r.torch))
        name = f"{best.schedule} / {rival.schedule}"
        measure, model, mode, launcher = key
        best_of = [f"best {measure}", model, mode, name, launcher]
        out.append(Row(*best_of, best.pp, rival.torch))
    return out


def machine() -> dict:
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return {"cpu": model, "cores": len(os.sched_getaffinity(0))}


def number(values: list[float], unit: str, digits: int) -> str:
    if not values:
        return "-"
    return f"{statistics.median(values):.{digits}g} {unit}"


def line(row: Row) -> str:
    _, unit, digits = MEASURES[row.measure.removeprefix("best ")]
    cells = [row.measure, row.model, row.mode, row.schedule, row.launcher]
    cells += [number(row.pp, unit, digits), number(row.torch, unit, digits)]
    cells[-1] += f" ({row.note})" if row.note else ""
    if row.ratio is None:
        cells += ["failed: " + (row.failure.splitlines() or ["?"])[-1][:80], "", "", ""]
    else:
        low, high = row.spread
        aim = "" if row.aim is None else f"{row.aim:.2f}"
        if aim:
            aim += " met" if row.ratio <= row.aim else " missed"
        cells += [f"**{row.ratio:.3f}**", f"{low:.3f} to {high:.3f}"]
        cells += [f"{row.fastest:.3f}", aim]
    return "| " + " | ".join(cells) + " |"


def markdown(rows: list[Row], about: dict) -> str:
    crowded = about["ranks"] > about["cores"]
    head = [
        "# `pp` against torch.distributed.pipelining",
        "",
        (
            f"{about['cores']} cores of {about['cpu']}, torch {about['torch']}, "
            f"{about['ranks']} ranks of one thread, {about['microbatches']} "
            f"microbatches of one row, median of {about['repetitions']} runs each, "
            f"in turn. Load before: {about['load']:.2f}. A ratio below 1 means that "
            "`pp` takes less."
        ),
        "",
    ]
    if crowded:
        head += ["More ranks than cores: step times show no overlap here.", ""]
    head += [
        (
            "| measure | model | mode | schedule | `pp` launcher | `pp` | torch "
            "| ratio | spread | fastest | aim |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    foot = [
        "",
        (
            "Ratio: of medians. Spread: least and largest ratio of runs that were "
            "neighbours. Fastest: ratio of the fastest run of each side."
        ),
        "",
        (
            "Start: launch of the command to the end of the first step. Memory: peak "
            "of a rank; under `local` the ranks are threads of one process and each "
            "is counted with an equal share. Torch always runs under torchrun (Gloo), "
            "but for unsplit steps: one process, as many threads as there are ranks."
        ),
    ]
    return "\n".join(head + [line(r) for r in rows] + foot) + "\n"


def as_json(rows: list[Row], about: dict) -> dict:
    return {
        "about": about,
        "rows": [
            {
                **asdict(r),
                "ratio": r.ratio,
                "spread": r.spread,
                "fastest": r.fastest,
                "aim": r.aim,
            }
            for r in rows
        ],
    }


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


def write(out: Path, text: str, data: dict) -> None:
    """Writes report.md and report.json to a folder, and prints the first."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.md").write_text(text)
    (out / "report.json").write_text(json.dumps(data, indent=1) + "\n")
    print("\n" + text)
