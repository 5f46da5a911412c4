"""Runs benchmarks/compare.py on the tiny model, and checks its arithmetic.

compare_test.py PP FOLDER
"""

import json
import subprocess
import sys
import unittest
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from cases import MODELS, SCHEDULES, Case
from processes import RunFailed, run
from report import Row, best_rows, markdown

ABOUT = {
    "cpu": "a CPU",
    "cores": 2,
    "torch": "2",
    "ranks": 2,
    "microbatches": 8,
    "repetitions": 3,
    "load": 0.0,
}


class Report(unittest.TestCase):
    def test_a_ratio_is_of_medians_and_its_spread_of_neighbours(self):
        row = Row("step", "tiny", "train", "1F1B", "local", [1, 2, 9], [10, 10, 20])
        self.assertEqual(row.ratio, 0.2)
        self.assertEqual(row.spread, (0.1, 0.45))
        self.assertEqual(row.fastest, 0.1)

    def test_the_table_says_whether_an_aim_is_met(self):
        row = Row("step", "tiny", "train", "1F1B", "local", [1.0], [10.0])
        self.assertIn(
            "**0.100** | 0.100 to 0.100 | 0.100 | 0.20 met", markdown([row], ABOUT)
        )
        row.pp = [3.0]
        self.assertIn("0.20 missed", markdown([row], ABOUT))

    def test_the_table_says_which_side_failed(self):
        row = Row("step", "tiny", "infer", "1F1B", "local", [1.0], [], "torch: boom")
        self.assertIn("failed: torch: boom", markdown([row], ABOUT))

    def test_the_best_schedule_of_each_side_is_compared(self):
        rows = [
            Row("step", "medium", "train", "GPipe", "local", [4.0], [5.0]),
            Row("step", "medium", "train", "1F1B", "local", [3.0], [6.0]),
        ]
        (best,) = best_rows(rows)
        self.assertEqual(best.schedule, "1F1B / GPipe")
        self.assertEqual(best.ratio, 0.6)

    def test_more_ranks_than_cores_are_marked(self):
        self.assertIn("More ranks than cores", markdown([], {**ABOUT, "cores": 1}))


class Cases(unittest.TestCase):
    def test_cuts_are_even_runs_of_blocks(self):
        model = MODELS["tiny"]
        self.assertEqual(Case(model, "train", SCHEDULES["1F1B"]).cuts, ["layers.4"])
        self.assertEqual(
            Case(model, "train", SCHEDULES["ZBVZeroBubble"]).cuts,
            ["layers.2", "layers.4", "layers.6"],
        )


class Processes(unittest.TestCase):
    def test_peak_memory_is_the_processes_own(self):
        code = "x = b'1' * 200_000_000; print('made'); import time; time.sleep(0.5)"
        done = run([sys.executable, "-u", "-c", code], cwd=Path("/"), watch_for="made")
        self.assertGreater(max(done.peak_kib.values()), 195_000)
        self.assertLess(done.started, done.first_match)
        self.assertLess(done.first_match, done.ended)

    def test_a_failure_keeps_the_last_words(self):
        with self.assertRaisesRegex(RunFailed, "exit status 3.*\n.*last words"):
            run(["sh", "-c", "echo last words; exit 3"], cwd=Path("/"))


class Comparison(unittest.TestCase):
    pp: Path
    out: Path

    def test_all_sides_train_the_tiny_model(self):
        command = [sys.executable, str(BENCHMARKS / "compare.py")]
        command += ["--against", "pipelining", "unsplit"]
        command += ["--pp", self.pp, "--models", "tiny", "--modes", "train"]
        command += ["--repetitions", "1", "--steps", "4", "--out", self.out]
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        report = json.loads((self.out / "report.json").read_text())
        rows = {(r["measure"], r["launcher"]): r for r in report["rows"]}
        for measure in ("step", "start", "memory", "unsplit step"):
            for launcher in ("local", "env"):
                row = rows[measure, launcher]
                self.assertGreater(row["pp"][0], 0)
                self.assertGreater(row["torch"][0], 0)
        # Without Python a rank is always smaller than torch's, in spite of noise.
        self.assertLess(rows["memory", "local"]["ratio"], 1)
        self.assertIn("| step | tiny |", (self.out / "report.md").read_text())


if __name__ == "__main__":
    Comparison.out = Path(sys.argv.pop())
    Comparison.pp = Path(sys.argv.pop())
    unittest.main()
