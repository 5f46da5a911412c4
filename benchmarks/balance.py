#!/usr/bin/env python3
"""Checks splits balanced by time against the stages' times when they run again.

    ninja -C build stage_times && benchmarks/balance.py [--stages 2 3 4 8]

Covers GPT-2, LLaMA, T5 and ResNet-50 (`tests/measure/export_models.py`) in 2 to 8
stages. Three times are measured in turn: the predicted slowest stage, the slowest
stage of a split into equal numbers of layers, and the whole model. The prediction is
made seconds earlier, so both are expressed as shares of the whole model's time at
that moment. Fails where the slowest stage is more than 10 % off its prediction, or
slower than with equal layer counts by more than equal stages vary (3 %). A case that
fails is measured again, up to --tries times; the last column says how often.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAYERS = {
    "gpt2": [f"transformer.h.{i}" for i in range(8)],
    "llama": [f"model.layers.{i}" for i in range(8)],
    "t5": [f"{half}.block.{i}" for half in ("encoder", "decoder") for i in range(4)],
    "resnet50": [
        f"layer{k + 1}.{i}"
        for k, blocks in enumerate((3, 4, 6, 3))
        for i in range(blocks)
    ],
}
WITHIN, SAME = 0.10, 0.03


def equal_cut(layers: list[str], stages: int) -> str:
    return ",".join(layers[i * len(layers) // stages] for i in range(1, stages))


def measure(tool: Path, model: Path, stages: int, layers: list[str]) -> dict:
    done = subprocess.run(
        [tool, model, str(stages), equal_cut(layers, stages)],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


def off(row: dict) -> float:
    predicted = max(row["predicted"]) / row["whole"]
    return max(row["again"]) / row["whole_again"] / predicted - 1


def is_good(row: dict) -> bool:
    return abs(off(row)) <= WITHIN and max(row["again"]) <= (1 + SAME) * max(
        row["equal"]
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--models", nargs="+", default=list(LAYERS), choices=LAYERS)
    parser.add_argument("--stages", nargs="+", type=int, default=list(range(2, 9)))
    parser.add_argument("--scale", type=int, default=8, help="of the models' widths")
    parser.add_argument("--tries", type=int, default=3)
    args = parser.parse_args()
    tool = args.build / "benchmarks/stage_times"
    failed = 0
    print("| model | stages | predicted ms | again | off | equal layers ms | tries |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        exporter = ROOT / "tests/measure/export_models.py"
        subprocess.run([sys.executable, exporter, folder, str(args.scale)], check=True)
        for name in args.models:
            for stages in args.stages:
                rows = []
                while not rows or (len(rows) < args.tries and not is_good(rows[-1])):
                    model = Path(folder) / f"{name}.pt2"
                    rows.append(measure(tool, model, stages, LAYERS[name]))
                row = rows[-1]
                predicted, again = max(row["predicted"]) / 1e6, max(row["again"]) / 1e6
                equal = max(row["equal"]) / 1e6
                mark = "" if is_good(row) else " **"
                print(
                    f"| {name} | {stages} | {predicted:.3f} | {again:.3f} "
                    f"| {off(row):+.1%} | {equal:.3f}{mark} | {len(rows)} |",
                    flush=True,
                )
                failed += not is_good(row)
    print(f"{failed} of {len(args.models) * len(args.stages)} out of bounds")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
