"""run_page.py PAGE PP: runs every block of a page, in order and in one folder.

A block of Python or TOML begins with a comment that names its file. Python blocks run
in this process; one that ends with a comment `# NAME` must raise an exception of that
name on its last line, and blocks of shell commands call `pp`.
"""

import contextlib
import os
import re
import runpy
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
RAISES = re.compile(r"  # (\w+)\n\Z")


def run_python(file: Path, text: str) -> str | None:
    """What is wrong with the block; None if nothing is."""
    wanted = RAISES.search(text)
    try:
        with contextlib.redirect_stdout(None):
            runpy.run_path(str(file))
    except Exception as error:
        names = [kind.__name__ for kind in type(error).__mro__]
        if not wanted or wanted[1] not in names:
            return traceback.format_exc()
        last = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in last if frame.filename == str(file)]
        if lines[0] != text.count("\n"):
            return f"line {lines[0]} raised {wanted[1]}, not the last one"
        return None
    return f"didn't raise {wanted[1]}" if wanted else None


def run_shell(text: str, pp: Path) -> str | None:
    done = subprocess.run(
        ["bash", "-euc", text],
        env=os.environ | {"PATH": f"{pp.parent}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return None if done.returncode == 0 else done.stdout + done.stderr


def run_block(kind: str, text: str, pp: Path) -> str | None:
    if kind == "sh":
        return run_shell(text, pp)
    name = re.match(r"# ([\w.]+)\n", text)
    if kind not in ("python", "toml") or name is None:
        return "a block is Python, TOML or shell, and names its file"
    file = Path(name[1])
    file.write_text(text)
    return run_python(file, text) if kind == "python" else None


def main(page: Path, pp: Path) -> int:
    blocks = BLOCK.findall(page.read_text())
    wrong = 0 if blocks else 1
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        sys.path.insert(0, folder)
        for kind, text in blocks:
            problem = run_block(kind, text, pp)
            if problem:
                wrong += 1
                print(f"{page.name}: this block failed:\n{text}{problem}")
        os.chdir("/")
    print(f"{page.name}: {len(blocks)} blocks, {wrong} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()))
