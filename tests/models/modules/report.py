"""Prints the results of check.py, and writes its tables into docs/modules.md."""

import itertools
import re

MODES = ("train", "eval")


def show(runs):
    """Prints what isn't right."""
    for run in runs:
        where = f"{run.name}, {run.form}, {run.mode}"
        if run.wrong:
            print(f"WRONG {where}: {run.wrong}", flush=True)
        elif run.pp_refuses:
            print(f"refused {where}: {run.pp_refuses}", flush=True)
        elif run.torch_refuses:
            print(f"torch {where}: {run.torch_refuses}", flush=True)


def summary(runs):
    """Prints how many runs are right; returns the exit status."""
    wrong = sum(bool(run.wrong) for run in runs)
    print(f"{len(runs)} runs: {sum(map(is_right, runs))} right, {wrong} wrong")
    return 1 if wrong else 0


def is_right(run):
    return not (run.wrong or run.pp_refuses or run.torch_refuses)


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


def cell(run, notes):
    if run.wrong:
        return "wrong"
    if run.pp_refuses:
        return f"refused [{notes.number(shortened(run.pp_refuses))}]"
    if run.torch_refuses:
        return f"not by torch [{notes.number(shortened(run.torch_refuses))}]"
    return "equal"


def table(runs, forms):
    """A row for each module; a column for each form and mode."""
    notes = Notes()
    columns = list(itertools.product(forms, MODES))
    found = {(run.name, run.form, run.mode): run for run in runs}
    names = dict.fromkeys(run.name for run in runs)
    lines = [
        "| module | " + " | ".join(f"{form}, {mode}" for form, mode in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for name in names:
        cells = [cell(found[name, form, mode], notes) for form, mode in columns]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    right = sum(is_right(run) for run in runs)
    summary = f"{len(names)} models, {len(runs)} runs: {right} right, "
    refused = sum(bool(run.pp_refuses) for run in runs)
    torch = sum(bool(run.torch_refuses) for run in runs)
    summary += f"{refused} refused by `pp`, {torch} not possible in torch."
    reasons = [f"{i}. {text}" for i, text in enumerate(notes.reasons, 1)]
    return "\n".join([summary, "", *lines, "", *reasons]).rstrip()


def write(path, section, runs):
    """Replaces the table between the section's marks."""
    forms = list(dict.fromkeys(run.form for run in runs))
    begin, end = f"<!-- begin {section} -->\n", f"\n<!-- end {section} -->"
    before, rest = path.read_text().split(begin)
    _, after = rest.split(end)
    path.write_text(before + begin + "\n" + table(runs, forms) + "\n" + end + after)
