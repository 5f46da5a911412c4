"""Prints the results of check.py, and compares them with the tables of docs/modules.md
or writes them there."""

import itertools
import re
from dataclasses import dataclass

MODES = ("train", "eval")
FORMS = {  # by section
    "modules": ("exported", "scripted"),
    "vision": ("scripted",),
    "networks": ("scripted", "traced"),
}


@dataclass
class Cell:
    """What a table says of a module in one form and mode."""

    word: str  # "equal", "refused", "not by torch" or "wrong"
    reason: str = ""

    def text(self):
        return f"{self.word}: {self.reason}" if self.reason else self.word


def where(name, form, mode):
    return f"{name}, {form}, {mode}"


def show(runs):
    """Prints what isn't right."""
    for run in runs:
        text = where(run.name, run.form, run.mode)
        if run.wrong:
            print(f"WRONG {text}: {run.wrong}", flush=True)
        elif run.pp_refuses:
            print(f"refused {text}: {run.pp_refuses}", flush=True)
        elif run.torch_refuses:
            print(f"torch {text}: {run.torch_refuses}", flush=True)


def summary(runs):
    """Prints how many runs are right; returns the exit status."""
    wrong = sum(bool(run.wrong) for run in runs)
    right = sum(cell_of(run).word == "equal" for run in runs)
    print(f"{len(runs)} runs: {right} right, {wrong} wrong")
    return 1 if wrong else 0


def compare(path, section, runs, names):
    """Prints each cell that differs from the section's table; returns the exit status.

    names  the modules that check.py has
    """
    cells = read(path, section)
    problems = []
    for run in runs:
        key = (run.name, run.form, run.mode)
        cell, known = cell_of(run), cells.get(key, Cell("nothing"))
        if cell.word not in ("wrong", known.word):
            said = f"{path.name} says {known.text()}"
            problems.append(f"{where(*key)}: {said}, but it is {cell.text()}")
    for name in dict.fromkeys(name for name, _, _ in cells if name not in names):
        problems.append(f"{name}: {path.name} has a row of it, but check.py doesn't")
    for problem in problems:
        print(f"NOT AS IN THE TABLE {problem}")
    if problems:
        print(f"If this is right, write the table again with --table {path}")
    return 1 if problems else 0


class Notes:
    """Numbers the reasons in the order in which the table mentions them."""

    def __init__(self):
        self.reasons = []

    def number(self, reason):
        if reason not in self.reasons:
            self.reasons.append(reason)
        return self.reasons.index(reason) + 1


def shortened(reason):
    """A reason without the file's name, which differs from run to run."""
    text = (
        re.sub(r"^\S*model\.pt2?: ", "", reason).removesuffix(":").removesuffix(" at")
    )
    text = text.replace("|", "\\|").replace("<", "&lt;")
    return text if len(text) <= 160 else text[:157].rstrip() + "..."


def cell_of(run):
    if run.wrong:
        return Cell("wrong")
    if run.pp_refuses:
        return Cell("refused", shortened(run.pp_refuses))
    if run.torch_refuses:
        return Cell("not by torch", shortened(run.torch_refuses))
    return Cell("equal")


def columns_of(section):
    return list(itertools.product(FORMS[section], MODES))


def table(section, cells, names):
    """A row for each module; a column for each form and mode."""
    notes = Notes()
    columns = columns_of(section)
    lines = [
        "| module | " + " | ".join(f"{form}, {mode}" for form, mode in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for name in names:
        row = [cells[name, *column] for column in columns]
        texts = [
            f"{cell.word} [{notes.number(cell.reason)}]" if cell.reason else cell.word
            for cell in row
        ]
        lines.append(f"| `{name}` | " + " | ".join(texts) + " |")
    words = [cell.word for cell in cells.values()]
    right, refused = words.count("equal"), words.count("refused")
    summary = f"{len(names)} models, {len(words)} runs: {right} right, "
    summary += f"{refused} refused by `pp`, "
    summary += f"{words.count('not by torch')} not possible in torch."
    reasons = [f"{i}. {text}" for i, text in enumerate(notes.reasons, 1)]
    return "\n".join([summary, "", *lines, "", *reasons]).rstrip()


def parts_of(path, section):
    """The page before, in and after the section's marks."""
    begin, end = f"<!-- begin {section} -->\n", f"\n<!-- end {section} -->"
    before, rest = path.read_text().split(begin)
    inside, after = rest.split(end)
    return before + begin, inside, end + after


def read(path, section):
    """The cells of the section's table by (module, form, mode)."""
    _, text, _ = parts_of(path, section)
    reasons = dict(re.findall(r"^(\d+)\. (.+)$", text, re.M))
    cells = {}
    for name, row in re.findall(r"^\| `(.+?)` \| (.+) \|$", text, re.M):
        for column, word in zip(columns_of(section), row.split(" | "), strict=True):
            word, _, number = word.partition(" [")
            cells[name, *column] = Cell(word, reasons.get(number.rstrip("]"), ""))
    return cells


def write(path, section, runs, names):
    """Writes the section's table. Modules that didn't run keep their rows.

    names  the modules that the table may have, in its order
    """
    before, _, after = parts_of(path, section)
    cells = read(path, section)
    cells |= {(run.name, run.form, run.mode): cell_of(run) for run in runs}
    cells = {key: cell for key, cell in cells.items() if key[0] in names}
    found = [name for name in names if any(key[0] == name for key in cells)]
    path.write_text(before + "\n" + table(section, cells, found) + "\n" + after)
