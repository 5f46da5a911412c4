"""The scoreboard as Markdown, and its ratios as a picture."""

import os
from pathlib import Path

from figure import Figure, from_data, number
from plot import Dot, draw_dots
from report import table
from scoreboard_rows import EACH, RANGE, ROWS, Line

ROOT = Path(__file__).resolve().parent.parent
NOT_YET = [Figure("")]


def figures_by_line(kept: dict[int, dict], row) -> list[list[Figure]]:
    """The figures of each line of a row; without a record, the reason why."""
    if row.number not in kept:
        return [NOT_YET for _ in row.lines]
    return [from_data(line["figures"]) for line in kept[row.number]["lines"]]


# --- cells -------------------------------------------------------------------


def missed(figures: list[Figure]) -> str:
    """Names in a sentence: nobody, everybody, or a list."""
    names = [figure.what for figure in figures if figure.met is False]
    if len(names) in (0, len(figures)):
        return ", missed" if names else ""
    some = f"{len(names)} of {len(figures)}"
    return "; missed by " + (", ".join(names) if len(names) <= 3 else some)


def aims(figures: list[Figure]) -> str:
    different = dict.fromkeys(figure.aim for figure in figures if figure.aim)
    return ", ".join(different) + missed(figures)


def values(line: Line, figures: list[Figure]) -> str:
    """The aims of some figures, in one cell."""
    if line.layout != RANGE:
        return ", ".join(figure.text for figure in figures)
    found = [f for f in figures if f.value is not None]
    without = [f"{f.what} {f.text}".strip() for f in figures if f.value is None]
    ends = [
        number(end(f.value for f in found), found[0].unit)
        for end in (min, max)
        if found
    ]
    return "; ".join([" to ".join(ends)] * bool(ends) + without)


def cells(line: Line, figures: list[Figure], base: str) -> list[list[str]]:
    """What, ratio and aim of a line: one row per figure, or one for all."""
    texts = {figure.text for figure in figures}
    if len(texts) == 1 and figures[0].value is None:
        return [[line.title, *texts, aims(figures)]]  # all have the same reason
    if line.layout == EACH and len(figures) > 1:
        first, *others = figures
        titles = [f"{line.title}: {first.what}", *(figure.what for figure in others)]
        return [[t, f.text, aims([f])] for t, f in zip(titles, figures, strict=True)]
    names = [figure.what for figure in figures if figure.what != figure.group]
    is_listed = line.layout != RANGE and names
    title = f"{line.title}: {', '.join(names)}" if is_listed else line.title
    shown = values(line, figures)
    if line.page and any(figure.value is not None for figure in figures):
        shown += ", " + line.page.replace("](", f"]({base}")
    return [[title, shown, aims(figures)]]


# --- pages -------------------------------------------------------------------


def board(kept: dict[int, dict], base: str = "") -> str:
    """The table. base: path from the page to the project's root, ending in a slash"""
    out, above = [], ""
    for row in ROWS:
        begin = len(out)
        for line, figures in zip(row.lines, figures_by_line(kept, row), strict=True):
            out += [["", *cell, ""] for cell in cells(line, figures, base)]
        out[begin][0] = str(row.number)
        out[begin][-1] = "" if row.command == above else f"`{row.command}`"
        above = row.command
    head = "| # | what | ratio (spread) | aim | command |\n|---|---|---|---|---|\n"
    escaped = [[cell.replace("|", "\\|") for cell in line] for line in out]
    lines = ["|" + "".join(f" {c} |" if c else " |" for c in line) for line in escaped]
    return head + "".join(f"{line}\n" for line in lines)


def span(values: list) -> str:
    return " to ".join(dict.fromkeys(str(end) for end in (min(values), max(values))))


def about(kept: dict[int, dict]) -> dict:
    """What the rows (at least one) have in common, as text."""
    rows = list(kept.values())
    machines = dict.fromkeys(f"{r['cores']} cores of {r['cpu']}" for r in rows)
    return {
        "machine": "; ".join(machines),
        "torch": ", ".join(dict.fromkeys(r["torch"] for r in rows)),
        "repetitions": span([r["repetitions"] for r in rows]),
        "date": span([r["date"][:10] for r in rows]),
        "load": span([r["load"] for r in rows]),
        "busy_cores": span([r["busy_cores"] for r in rows]),
    }


def table_of(kept: dict[int, dict], base: str = "") -> str:
    common = about(kept)
    return (
        f"{common['machine']}, torch {common['torch']}, 8 microbatches of one row; "
        f"medians of {common['repetitions']} runs of each side in turn, "
        f"{common['date']}. Before the runs other work kept {common['busy_cores']} "
        "cores busy. The spread is over pairs of neighbouring runs.\n\n"
        + board(kept, base)
    )


def page(kept: dict[int, dict], out: Path) -> str:
    """scoreboard.md: the table, the pictures, and when each row was measured."""
    base = os.path.relpath(ROOT, out) + "/"
    text = "# Scoreboard\n\n" + table_of(kept, base)
    text += "\n![Ratios against their aims](ratios.svg)\n\n"
    if (out / "scaling.svg").is_file():
        text += "![Weak scaling](scaling.svg)\n\n"
    head = ["row", "measured", "load", "other work, in cores", "repetitions", "torch"]
    rows = [
        [n, r["date"], r["load"], r["busy_cores"], r["repetitions"], r["torch"]]
        for n, r in sorted(kept.items())
    ]
    return text + table(head, rows)


# --- picture -----------------------------------------------------------------


def shares(figure: Figure) -> list[float | None]:
    """Value, low and high as shares of what the aim allows: above 1 is missed."""

    def share(value: float | None) -> float | None:
        if value is None:
            return None
        if figure.least is None:
            return value / figure.most
        if figure.most is None:
            return figure.least / value
        middle, reach = (
            (figure.most + figure.least) / 2,
            (figure.most - figure.least) / 2,
        )
        return abs(value - middle) / reach

    return [share(value) for value in (figure.value, figure.low, figure.high)]


def picture(kept: dict[int, dict]) -> str:
    dots = []
    for row in ROWS:
        for line, figures in zip(row.lines, figures_by_line(kept, row), strict=True):
            for figure in figures:
                if figure.value is not None and not figure.aim:
                    continue
                name = f"{row.number}  {line.title}"
                name += f": {figure.what}" if figure.what != figure.group else ""
                at, low, high = shares(figure)
                dots.append(Dot(name.replace("`", ""), figure.text, at, low, high))
    below = (
        "each as a share of what is aimed at, with its spread; "
        "above 1 the aim is missed"
    )
    return draw_dots("Figures against their aims", below, dots)
