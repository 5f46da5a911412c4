#!/usr/bin/env python3
"""Runs clang-tidy over C++ sources; the checks are in .clang-tidy.

    tidy.py --all            every source of the repository, several in a unit
    tidy.py [--seconds N]    sources whose code changed since PP_CI_BASE, a revision,
                             or else in the last five commits

A source has changed where its code, or that of the header of its name, differs: a
file that was only moved, and comments, includes and line breaks, don't count. A
changed header without a source of its name is checked through one source that
includes it. At most 40 sources are checked, the cheapest first, and none is begun
after --seconds; those are named.
"""

import argparse
import functools
import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cpp_text import code_of

ROOT = Path(__file__).resolve().parents[2]
CLANG_TIDY = Path(sys.executable).with_name("clang-tidy")  # the .venv's
MAX_SOURCES = 40
COMMITS_BACK = 5
ROOMS = ("loader", "splitter", "runtime", "cli", "benchmarks", "tests")


def git(*args: str) -> str | None:
    """What git prints; None where it fails."""
    done = subprocess.run(["git", *args], cwd=ROOT, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


def base_revision() -> str | None:
    """The revision to compare with; None where there is none."""
    wanted = os.environ.get("PP_CI_BASE") or f"HEAD~{COMMITS_BACK}"
    found = git("rev-parse", "--verify", "--quiet", wanted + "^{commit}")
    if not found:
        print(f"tidy: no revision {wanted} here (a shallow clone?): nothing to check")
        return None
    return found.strip()


def changed_files(base: str) -> list[str]:
    """Sources and headers whose code differs from what it was at `base`."""
    listed = git("diff", "-M50%", "--name-status", "-z", base, "--", *ROOMS) or ""
    words = iter(listed.split("\0"))
    found = []
    for status in words:
        if not status:
            break
        old = next(words)
        new = next(words) if status[0] in "RC" else old
        if status[0] == "D" or not new.endswith((".h", ".cpp")):
            continue
        before = "" if status[0] == "A" else git("show", f"{base}:{old}") or ""
        if code_of(before) != code_of((ROOT / new).read_text()):
            found.append(new)
    return found


def compiled(preset: str) -> list[str]:
    """Configures the preset's build (nothing is built); lists what it compiles."""
    configure = ["cmake", "--preset", preset]
    subprocess.run(configure, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    build = f"build-{preset}"
    entries = json.loads((ROOT / build / "compile_commands.json").read_text())
    paths = {Path(entry["file"]).resolve() for entry in entries}
    ours = [p.relative_to(ROOT).as_posix() for p in paths if p.is_relative_to(ROOT)]
    rooms = (*ROOMS, *(f"{build}/{room}" for room in ROOMS))
    return sorted(p for p in ours if p.startswith(rooms))


def sources_of(changed: list[str], sources: list[str]) -> list[str]:
    """The sources through which clang-tidy sees the changed files."""
    found, known = set(), set(sources)
    for path in changed:
        source = re.sub(r"\.h$", ".cpp", path)
        if source not in known and path.endswith(".h"):
            users = (s for s in sources if f'"{path}"' in (ROOT / s).read_text())
            source = min(users, key=cost_of, default="")
        if source in known:
            found.add(source)
    return sorted(found)


@functools.cache
def includes(path: str) -> tuple[str, ...]:
    text = (ROOT / path).read_text() if (ROOT / path).is_file() else ""
    return tuple(re.findall(r'^#include [<"]([^>"]+)', text, re.MULTILINE))


def cost_of(source: str) -> tuple[bool, int]:
    """Sorts by cost: LibTorch's headers, included directly or not, take most of it."""
    seen, waiting = set(), [source]
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += includes(path)
    needs_torch = any(path.startswith(("ATen/", "torch/", "c10/")) for path in seen)
    return needs_torch, (ROOT / source).stat().st_size


def check(source: str, preset: str) -> tuple[str, int, str, float]:
    """(source, exit status, complaints, seconds) of one source."""
    start = time.monotonic()
    command = [CLANG_TIDY, "-p", f"build-{preset}", "--quiet", source]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    # Standard error counts warnings of system headers; it matters on failure.
    text = done.stdout + (done.stderr if done.returncode and not done.stdout else "")
    return source, done.returncode, text, time.monotonic() - start


def check_all(
    sources: list[str], jobs: int, preset: str = "tidy", seconds: float = float("inf")
) -> int:
    """Checks the sources until time is up; returns how many have complaints."""
    began = time.monotonic()
    left_out = []

    def check_in_time(source: str) -> tuple[str, int, str, float] | None:
        if time.monotonic() - began > seconds:
            left_out.append(source)
            return None
        return check(source, preset)

    num_faulty = 0
    with ThreadPoolExecutor(jobs) as pool:
        for result in pool.map(check_in_time, sources):
            if result is None:
                continue
            source, status, text, took = result
            print(f"tidy: {source}: {took:.0f} s", flush=True)
            if status:
                num_faulty += 1
                print(text, flush=True)
    if left_out:
        print(f"tidy: left out after {seconds:.0f} s: {' '.join(left_out)}")
    print(f"tidy: {len(sources) - len(left_out)} sources, {num_faulty} with complaints")
    return num_faulty


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--all", action="store_true", help="every source")
    parser.add_argument("--seconds", type=float, default=240, help="begin none later")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("sources", nargs="*", help="these sources instead")
    args = parser.parse_args()
    if args.sources or args.all:
        preset = "tidy" if args.sources else "tidy-all"
        sources = compiled(preset)  # which also configures the preset
        sources = args.sources or sources
        return 1 if check_all(sources, args.jobs, preset) else 0
    base = base_revision()
    changed = changed_files(base) if base else []
    if not changed:
        print("tidy: no code has changed")
        return 0
    sources = sorted(sources_of(changed, compiled("tidy")), key=cost_of)
    print(f"tidy: {len(sources)} sources have changed since {base[:12]}")
    if len(sources) > MAX_SOURCES:
        print(f"tidy: only {MAX_SOURCES} are checked; --all checks every source")
    sources = sources[:MAX_SOURCES]
    return 1 if check_all(sources, args.jobs, seconds=args.seconds) else 0


if __name__ == "__main__":
    sys.exit(main())
