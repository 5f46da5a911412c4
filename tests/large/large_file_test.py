#!/usr/bin/env python3
"""Splits a `.pt2` of 512 MB within 300 MB of memory, merges it and runs it.

Each rank has only its own stage in memory.

    large_file_test.py PP FOLDER
"""

import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
import large_file
import large_model

PP, FOLDER = Path(sys.argv[1]), Path(sys.argv[2])
MEGABYTES, STAGES = 512, 4

JOB = """
[model]
stages = "stages"
[pipeline]
microbatches = 2
[data]
batch_size = 4
inputs.x = {{ path = "x.npy" }}
[output]
dir = "out"
"""


def checksums(path: Path) -> dict[str, tuple[int, int]]:
    with zipfile.ZipFile(path) as archive:
        return {
            i.filename.split("/", 1)[1]: (i.CRC, i.file_size)
            for i in archive.infolist()
        }


def check_split_and_merge(model: Path) -> None:
    _, memory = large_file.split(PP, model, FOLDER / "stages")
    print(f"split: {memory:.0f} MB of private memory")
    assert 0 < memory < large_file.MEMORY_MB
    sizes = [(FOLDER / f"stages/stage_{k}.pt2").stat().st_size for k in range(STAGES)]
    assert all(abs(s / 2**20 - MEGABYTES / STAGES) < 4 for s in sizes), sizes
    merged = FOLDER / "merged.pt2"
    _, memory = large_file.watch([PP, "merge", FOLDER / "stages", "-o", merged])
    print(f"merge: {memory:.0f} MB of private memory")
    assert 0 < memory < large_file.MEMORY_MB
    source = checksums(model)
    for name, entry in checksums(merged).items():
        assert name not in source or source[name][1] == entry[1], name
    weights = {n for n in source if n.startswith("data/weights/weight_")}
    assert len(weights) == 16
    assert all(checksums(merged)[n] == source[n] for n in weights)
    merged.unlink()


def resident_by_stage(pid: int) -> dict[int, int]:
    """Resident KB of each stage file in a process."""
    out: dict[int, int] = {}
    stage = None
    try:
        text = Path(f"/proc/{pid}/smaps").read_text()
    except OSError:
        return out
    for line in text.splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            found = re.search(r"/stage_(\d+)\.pt2$", line)
            stage = int(found[1]) if found else None
        elif stage is not None and line.startswith("Rss:"):
            out[stage] = out.get(stage, 0) + int(line.split()[1])
    return out


def children(pid: int) -> list[int]:
    try:
        return [
            int(c)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for c in (task / "children").read_text().split()
        ]
    except OSError:
        return []


def check_ranks() -> None:
    """Ranks are processes, so that each has its own memory map."""
    with zipfile.ZipFile(FOLDER / "large.pt2") as archive:
        name = next(n for n in archive.namelist() if n.endswith("weight_0"))
        width = int((archive.getinfo(name).file_size // 4) ** 0.5)
    numpy.save(FOLDER / "x.npy", numpy.ones((4, width), numpy.float32))
    (FOLDER / "job.toml").write_text(JOB.format())
    process = subprocess.Popen(
        [PP, "run", FOLDER / "job.toml", "--launcher", "processes"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    most: dict[int, dict[int, int]] = {}
    while process.poll() is None:
        for child in children(process.pid):
            for stage, resident in resident_by_stage(child).items():
                seen = most.setdefault(child, {})
                seen[stage] = max(seen.get(stage, 0), resident)
        time.sleep(0.005)
    assert process.returncode == 0, process.stderr.read().decode()
    assert len(most) == STAGES, most
    own = MEGABYTES * 1024 // STAGES
    for resident in most.values():
        large = [s for s, kb in resident.items() if kb > 1024]
        assert len(large) == 1, resident
        assert resident[large[0]] < own * 1.1, resident
    print("resident KB of each stage's file, a line a rank:")
    print("\n".join(str(dict(sorted(r.items()))) for r in most.values()))


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    try:
        model = FOLDER / "large.pt2"
        large_model.make(model, MEGABYTES)
        check_split_and_merge(model)
        check_ranks()
    finally:
        shutil.rmtree(FOLDER)


main()
