"""Tests of the scoreboard: the runs it needs, its figures, its records.

scoreboard_test.py FOLDER
"""

import io
import json
import re
import shutil
import sys
import unittest
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import scoreboard
import scoreboard_runs
from figure import Figure, as_data, ratio
from pages import renew
from runtime_costs import read, summary
from scoreboard_page import board, cells, picture
from scoreboard_rows import EACH, LIST, RANGE, ROWS, Line, runs_of
from scoreboard_runs import Outcome

ABOUT = {"date": "2026-01-02 03:04", "load": 0.5, "busy_cores": 0.1, "repetitions": 5}
ABOUT |= {"torch": "2", "cpu": "a CPU", "cores": 2}


def outcome(*figures: Figure) -> Outcome:
    return Outcome({"figures": as_data(figures)}, about=ABOUT)


def compared(values: dict[str, float | None], measure="step", model="tiny") -> Outcome:
    """A report of compare.py with these values by schedule; None: the run failed."""
    names = {"measure": measure, "model": model, "mode": "train", "launcher": "local"}
    rows = [
        {
            **names,
            "schedule": schedule,
            "ratio": value,
            "aim": 0.2,
            "spread": value and [value, value],
            "failure": "" if value else "pp: exit status 4 of pp run\nno such device",
        }
        for schedule, value in values.items()
    ]
    return Outcome({"rows": rows}, about=ABOUT)


def row(number: int):
    return next(row for row in ROWS if row.number == number)


def line_of(number: int, text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"| {number} |"))


class Figures(unittest.TestCase):
    def test_an_aim_is_an_upper_limit_a_lower_one_or_both(self):
        self.assertTrue(Figure("", 0.9, most=0.9).met)
        self.assertFalse(Figure("", 0.9, most=0.8).met)
        self.assertFalse(Figure("", 0.8, least=0.9).met)
        self.assertFalse(Figure("", 1.06, least=0.95, most=1.05).met)
        self.assertIsNone(Figure("", 1.0).met)
        self.assertIsNone(Figure("", None, most=1).met)

    def test_a_ratio_is_of_medians_and_its_spread_of_neighbours(self):
        figure = ratio("", [1, 2, 9], [10, 10, 20], most=0.2)
        self.assertEqual(figure.text, "0.200 (0.100 to 0.450)")
        self.assertTrue(figure.met)

    def test_a_figure_has_its_unit_or_its_reason(self):
        self.assertEqual(
            Figure("", 1.234, 1.1, 1.4, unit="us").text, "1.23 us (1.1 to 1.4)"
        )
        self.assertEqual(
            Figure("", 4096, unit="ranks", least=4096).aim, "4,096 ranks at least"
        )
        self.assertEqual(Figure("", failure="boom").text, "failed: boom")
        self.assertEqual(Figure("", absent="no root").text, "not measured: no root")

    def test_the_overheads_are_read_from_their_table(self):
        text = "| measure | figure | aim | |\n|---|---|---|---|\n"
        lines = (
            "| an action | {} us | <= 2 us | met |\n| Gloo | 0.64 | >= 0.9 | missed |\n"
        )
        action, gloo = summary(
            [read(text + lines.format(us)) for us in (0.1, 0.4, 0.2)]
        )
        self.assertEqual(action.text, "0.2 us (0.1 to 0.4)")
        self.assertEqual((action.most, gloo.least, gloo.met), (2, 0.9, False))


class Cells(unittest.TestCase):
    TWO = (Figure("tiny", 0.1, most=0.2), Figure("medium", 0.3, most=0.2))

    def test_a_line_a_figure(self):
        (first, second) = cells(Line("step", EACH, ()), self.TWO, "")
        self.assertEqual(first, ["step: tiny", "0.100", "0.20"])
        self.assertEqual(second, ["medium", "0.300", "0.20, missed"])

    def test_figures_in_one_line_say_who_missed(self):
        (cell,) = cells(Line("step", LIST, ()), self.TWO, "")
        self.assertEqual(
            cell, ["step: tiny, medium", "0.100, 0.300", "0.20; missed by medium"]
        )

    def test_a_range_has_its_ends_and_who_has_no_value(self):
        figures = [*self.TWO, Figure("large", failure="boom", most=0.2)]
        (cell,) = cells(Line("step", RANGE, (), "[all](docs/a.md)"), figures, "../")
        shown = "0.100 to 0.300; large failed: boom, [all](../docs/a.md)"
        self.assertEqual(cell, ["step", shown, "0.20; missed by medium"])


class Runs(unittest.TestCase):
    def test_all_rows_take_every_script_once(self):
        names = [run.name for run in runs_of(ROWS)]
        self.assertEqual(len(names), len(set(names)))
        scripts = {run.command[0] for run in runs_of(ROWS)}
        for row in ROWS:
            self.assertIn(row.command.split()[0].removeprefix("benchmarks/"), scripts)

    def test_a_row_alone_takes_no_more_than_it_shows(self):
        tiny, medium = (" ".join(run.command) for run in runs_of([row(8)]))
        self.assertIn(
            "--models tiny --modes train --schedules 1F1B --launchers local", tiny
        )
        self.assertIn("--models medium", medium)

    def test_what_is_not_built_says_how(self):
        (run,) = runs_of([row(6)])
        with mock.patch.object(Path, "is_file", lambda path: path.name == "pp"):
            why = scoreboard_runs.why_absent(run, Path("b"))
        self.assertEqual(why, "not built; cmake --build b --target schedule_bounds")

    def test_more_ranks_than_cores_are_not_measured(self):
        with (
            mock.patch.object(Path, "is_file", lambda _: True),
            mock.patch.object(scoreboard_runs, "machine", lambda: {"cores": 1}),
        ):
            why = scoreboard_runs.why_absent(runs_of([row(1)])[0], Path("b"))
        self.assertEqual(why, "takes 2 cores, one a rank; here is 1")


class Board(unittest.TestCase):
    out: Path

    def setUp(self):
        shutil.rmtree(self.out, ignore_errors=True)

    def measure(self, outcomes: dict[str, Outcome], *options: str) -> tuple[int, str]:
        """The command's exit status and output, with simulated runs."""
        printed = io.StringIO()
        with (
            mock.patch.object(scoreboard, "measure", lambda run, _: outcomes[run.name]),
            redirect_stdout(printed),
            redirect_stderr(printed),
        ):
            status = scoreboard.main([*options, "--out", str(self.out)])
        return status, printed.getvalue()

    def text(self) -> str:
        return (self.out / "scoreboard.md").read_text()

    def test_rows_that_are_not_measured_again_stay(self):
        fast = outcome(Figure("tiny", 0.04, most=0.05))
        self.measure({"split": fast}, "--rows", "10")
        bound = outcome(
            Figure("GPipe", 1.01, most=1.03), Figure("1F1B", 1.02, most=1.03)
        )
        later = {**ABOUT, "date": "2026-05-06 07:08", "load": 1.5}
        status, printed = self.measure(
            {"bounds": Outcome(bound.report, about=later)}, "--rows", "6"
        )
        self.assertEqual(status, 0)
        self.assertIn("row 6 done: 2 measured, all met", printed)
        self.assertIn("| 10 | splitting: tiny | 0.040 | 0.05 |", self.text())
        self.assertIn("| 1.010 to 1.020, [all nine", line_of(6, self.text()))
        self.assertIn("not measured yet", line_of(14, self.text()))
        kept = json.loads((self.out / "scoreboard.json").read_text())["rows"]
        self.assertEqual(list(kept), ["6", "10"])
        self.assertEqual((kept["10"]["load"], kept["6"]["load"]), (0.5, 1.5))
        self.assertEqual(kept["6"]["date"], "2026-05-06 07:08")

        self.measure(
            {"split": outcome(Figure("tiny", 0.06, most=0.05))}, "--rows", "10"
        )
        self.assertIn("| 10 | splitting: tiny | 0.060 | 0.05, missed |", self.text())
        self.assertIn("1.010 to 1.020", line_of(6, self.text()))

    def test_a_row_that_fails_does_not_stop_the_others(self):
        outcomes = {
            "bounds": Outcome(failure="exit status 1: boom", about=ABOUT),
            "split": outcome(Figure("tiny", 0.06, most=0.05)),
            "slow_link": Outcome(absent="no namespaces | here", about=ABOUT),
        }
        status, printed = self.measure(outcomes, "--rows", "6", "10", "14")
        self.assertEqual(status, 1)
        self.assertIn("row 6 done: failed: exit status 1: boom", printed)
        self.assertIn("failed: row 6\n", printed)
        self.assertIn("failed: exit status 1: boom", line_of(6, self.text()))
        self.assertIn("0.05, missed", line_of(10, self.text()))
        self.assertIn("not measured: no namespaces \\| here", line_of(14, self.text()))

    def test_a_miss_and_a_row_that_cannot_be_measured_are_no_failures(self):
        outcomes = {
            "split": outcome(Figure("tiny", 0.06, most=0.05)),
            "slow_link": Outcome(absent="no namespaces", about=ABOUT),
        }
        self.assertEqual(self.measure(outcomes, "--rows", "10", "14")[0], 0)

    def test_a_schedule_that_fails_is_named_beside_the_others(self):
        values = {"GPipe": 0.1, "1F1B": None, "Interleaved1F1B": 0.3}
        status, _ = self.measure(
            {"pipelining_tiny_train": compared(values)}, "--rows", "1"
        )
        self.assertEqual(status, 1)
        self.assertIn("threads: GPipe | 0.100 (0.100 to 0.100) | 0.20 |", self.text())
        self.assertIn("| | 1F1B | failed: no such device | 0.20 | |", self.text())
        self.assertIn(
            "| | Interleaved1F1B | 0.300 (0.300 to 0.300) | 0.20, missed |", self.text()
        )
        self.assertIn(
            "| | ZBVZeroBubble | failed: compare.py reports nothing", self.text()
        )

    def test_a_row_of_two_runs_has_the_heavier_load(self):
        tiny = compared({"1F1B": 0.1}, "start")
        medium = compared({"1F1B": 0.3}, "start", "medium")
        medium.about = {**ABOUT, "load": 2.5}
        names = {"pipelining_tiny_train": tiny, "pipelining_medium_train": medium}
        self.measure(names, "--rows", "8")
        self.assertIn(
            "tiny, medium | 0.100 (0.100 to 0.100), 0.300", line_of(8, self.text())
        )
        kept = json.loads((self.out / "scoreboard.json").read_text())["rows"]["8"]
        self.assertEqual(kept["load"], 2.5)

    def test_a_page_has_the_table_between_its_comments(self):
        self.out.mkdir(parents=True)
        page = self.out / "page.md"
        page.write_text(
            "before\n<!-- scoreboard -->\nold\n<!-- /scoreboard -->\nafter\n"
        )
        fast = {"split": outcome(Figure("tiny", 0.04, most=0.05))}
        self.measure(fast, "--rows", "10", "--page", str(page))
        text = page.read_text()
        self.assertTrue(
            text.startswith("before\n<!-- scoreboard -->\n2 cores of a CPU, torch 2")
        )
        self.assertTrue(text.endswith("|\n<!-- /scoreboard -->\nafter\n"))
        self.assertIn(
            "| 10 | splitting: tiny | 0.040 | 0.05 | `benchmarks/split.py` |", text
        )
        self.assertNotIn("old", text)
        page.write_text("nothing\n")
        with self.assertRaisesRegex(SystemExit, "no <!-- scoreboard -->"):
            renew(page, "scoreboard", "")

    def test_the_project_s_pages_have_their_places(self):
        root = BENCHMARKS.parent
        pages = {
            "docs/performance.md": ["scoreboard"],
            "docs/schedules.md": ["bounds.py", "scaling.py"],
        }
        for page, names in pages.items():
            for name in names:
                copy = self.out.parent / "copy.md"
                copy.write_text((root / page).read_text())
                renew(copy, name, "renewed\n")
                self.assertIn("renewed\n<!-- ", copy.read_text())

    def test_every_row_is_in_the_table_and_in_the_picture(self):
        numbers = re.findall(r"^\| (\d+) \|", board({}), re.M)
        self.assertEqual(numbers, [str(n) for n in range(1, 17)])
        figures = [Figure("tiny", 0.1, 0.05, 0.2, most=0.05)]
        lines = [{"title": "", "figures": as_data(figures)}]
        svg = picture({10: {**ABOUT, "lines": lines}})
        self.assertEqual(svg.count("<circle"), 1)
        self.assertEqual(
            len(re.findall(r">\d+  ", svg)), sum(len(row.lines) for row in ROWS)
        )


if __name__ == "__main__":
    Board.out = Path(sys.argv.pop()) / "board"
    unittest.main()
