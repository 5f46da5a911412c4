"""Runs the other measures of the scoreboard at their smallest sizes.

scores_test.py BUILD FOLDER
"""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from growth import Point, figures, lower_quartile, parts, tiny
from plot import ROW, Dot, Panel, draw, draw_dots, spread_out
from processes import run

SKIPPED = 77


class Skipped(Exception):
    """What a script needs isn't here."""


class Arithmetic(unittest.TestCase):
    def test_the_slope_of_a_piece_is_held_against_the_whole(self):
        costs = {8: [10.0, 10.0], 16: [18.0, 14.0], 32: [58.0, 58.0]}
        points = [
            Point("blocks", n, tiny(n), [[cost] for cost in of])
            for n, of in costs.items()
        ]
        first, second = figures({"blocks": points})
        self.assertEqual((first.what, first.group), ("8 to 16", "blocks"))
        self.assertEqual((first.low, first.value, first.high), (0.25, 0.375, 0.5))
        self.assertEqual((second.low, second.value, second.high), (1.25, 1.3125, 1.375))
        self.assertFalse(first.met)

    def test_a_run_is_cut_into_parts_that_last(self):
        # Steps of 40 ms, then of 120: parts of three steps, or of one.
        self.assertEqual(parts([0, 40, 80, 120, 160, 280, 400, 410]), [40, 80, 120])
        self.assertEqual(lower_quartile([5, 1, 3, 2, 4]), 2)
        self.assertEqual(lower_quartile([7]), 7)

    def test_processor_time_is_read_at_every_line(self):
        code = "import time; out = open('lines', 'a', buffering=1)\n"
        code += "out.write('a\\n'); time.sleep(0.3); out.write('b\\n')\n"
        code += "while time.process_time() < 0.5: pass\n"
        code += "out.write('c\\n'); time.sleep(0.3)"
        with tempfile.TemporaryDirectory() as folder:
            pipe = Path(folder) / "lines"
            done = run([sys.executable, "-c", code], cwd=Path(folder), lines_of=pipe)
        a, b, c = done.processor_s
        self.assertEqual(done.lines, ["a\n", "b\n", "c\n"])
        self.assertLess(b - a, 0.1)  # it slept, which costs no processor time
        self.assertAlmostEqual(c, 0.5, 1)

    def test_names_of_lines_that_end_together_stand_apart(self):
        heights = spread_out({"a": 50.0, "b": 50.0, "c": 10.0})
        self.assertEqual(heights, {"c": 10.0, "a": 50.0, "b": 50.0 + ROW})

    def test_a_plot_has_every_line_once(self):
        lines = {"up": [(4, 0.0), (16, 1.0)], "down": [(4, 1.0), (16, 0.0)]}
        picture = draw("A title", "below", [Panel("one", "ranks", lines)])
        self.assertEqual(picture.count("<polyline"), 2)
        self.assertIn("A title", picture)

    def test_a_dot_without_a_value_has_its_reason(self):
        picture = draw_dots(
            "", "", [Dot("a", "0.5", 0.5, 0.4, 0.6), Dot("b", "x < y", None)]
        )
        self.assertEqual(picture.count("<circle"), 1)
        self.assertIn("x &lt; y", picture)


class Scores(unittest.TestCase):
    build: Path
    out: Path

    def report(self, script: str, *options) -> dict:
        out = self.out / script
        command = [sys.executable, str(BENCHMARKS / f"{script}.py"), "--out", str(out)]
        done = subprocess.run([*command, *options], capture_output=True, text=True)
        if done.returncode == SKIPPED:
            raise Skipped(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertTrue((out / "report.md").read_text())
        return json.loads((out / "report.json").read_text())

    def test_a_split_is_timed_on_both_sides(self):
        options = ["--pp", f"{self.build}/pp", "--models", "tiny", "--repetitions", "1"]
        times = self.report("split", *options)["sizes"]["tiny"]
        for name in ("pp", "start", "load", "pipeline", "graph", "python"):
            self.assertGreater(times[name][0], 0)
        self.assertLess(times["pp"][0], times["python"][0])

    def test_growth_is_measured(self):
        options = [
            "--pp",
            f"{self.build}/pp",
            "--axes",
            "microbatches",
            "--points",
            "2",
        ]
        options += ["--repetitions", "1", "--work", "600"]
        report = self.report("growth", *options)
        axis = report["axes"]["microbatches"]
        self.assertEqual(axis["sizes"], [8, 32])
        self.assertGreater(min(costs[0] for costs in axis["costs_ms"]), 0)
        self.assertEqual(report["figures"][0]["what"], "8 to 32")

    def test_scaling_simulates_what_the_formula_says(self):
        free = ["--link", "1e9", "--latency", "0", "--costs", "1", "1", "1", "2"]
        options = ["--build", str(self.build), "--most-ranks", "16", *free]
        report = self.report("scaling", *options)
        bubbles = {
            (way, c["schedule"], c["ranks"]): c["bubble"]
            for way in ("fixed", "growing")
            for c in report[way]
        }
        self.assertAlmostEqual(bubbles["fixed", "1F1B", 4], 3 / (512 + 3), 4)
        self.assertAlmostEqual(bubbles["growing", "1F1B", 16], 15 / (32 + 15), 4)
        self.assertLess(bubbles["fixed", "ZBVZeroBubble", 16], 0.01)
        self.assertIn("<svg", (self.out / "scaling" / "scaling.svg").read_text())

    def test_a_slow_link_costs_what_the_simulation_says(self):
        options = ["--build", str(self.build), "--models", "tiny", "--repetitions", "1"]
        options += ["--steps", "8"]
        try:
            report = self.report("slow_link", *options, "--latency", "50")
        except Skipped as why:
            self.skipTest(str(why))
        took, bound = report["models"]["tiny"]["step / simulation"]
        # At least the delays of one activation and one gradient.
        self.assertGreater(min(bound), 2 * 50)
        self.assertGreater(min(took), 2 * 50)


if __name__ == "__main__":
    Scores.out = Path(sys.argv.pop())
    Scores.build = Path(sys.argv.pop())
    unittest.main()
