#!/usr/bin/env python3
"""Checks that files and functions are short; prints those that are not.

    sizes.py FILE...

A file has at most 400 lines. A function has at most 60, from the line of its
opening brace (Python: of its `def`) to its last one. Python, shell and C++ files
are read; a file is judged by its suffix, or else by its first line.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from cpp_text import skeleton

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

Function = tuple[str, int, int]  # its name, its first and its last line

_NO_FUNCTION = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")
_LAMBDA = re.compile(
    r"\[[^\[\]]*\]\s*(\([^{};]*\))?\s*(mutable|noexcept|\s)*(->[^{};]*)?$"
)
_NAME = re.compile(r"([\w:~]+|operator\s*\S+)\s*\(")


def _opens(header: str) -> str:
    """What a brace after `header` opens: "function", "scope" or "value"."""
    header = header.strip()
    if _LAMBDA.search(header):
        return "function"
    ends_like_one = re.search(
        r"(\)|\}|\b(const|noexcept|override|final|try))$|->[^;{}]*$", header
    )
    outside = re.sub(r"\((?:[^()]|\([^()]*\))*\)", "", header)
    if "(" in header and ends_like_one and not re.search(r"(?<![=!<>])=(?!=)", outside):
        return "function"
    return "scope" if _NO_FUNCTION.search(header) and "=" not in outside else "value"


def _name(header: str) -> str:
    found = _NAME.search(re.sub(r"<[^<>]*>", "", header))
    return "lambda" if _LAMBDA.search(header.strip()) or not found else found[1]


def cpp_functions(text: str) -> Iterator[Function]:
    """Functions, and lambdas outside of functions; what lies in one is part of it."""
    code = skeleton(text)
    kinds: list[str] = []  # of the braces that are open
    header_at, opened_at, name = 0, 0, ""
    for match in re.finditer(r"[{};]", code):
        at, mark = match.start(), match.group()
        inside = "function" in kinds
        if mark == "{":
            kind = "value" if inside else _opens(code[header_at:at])
            kinds.append(kind)
            if kind == "function":
                name, opened_at = _name(code[header_at:at]), at
        elif mark == "}":
            kind = kinds.pop() if kinds else "value"
            if kind == "function":
                yield (
                    name,
                    1 + code.count("\n", 0, opened_at),
                    1 + code.count("\n", 0, at),
                )
        else:
            kind = ""
        if kind != "value":  # a value's braces are part of a longer header
            header_at = at + 1


def python_functions(text: str) -> Iterator[Function]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno or node.lineno


def shell_functions(text: str) -> Iterator[Function]:
    name, begin = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        opened = re.match(r"(\w+)\(\) \{", line)
        if opened:
            name, begin = opened[1], number
        if name and re.search(r"^\}" if number != begin else r"\}$", line):
            yield name, begin, number
            name = ""


def language_of(path: Path, text: str) -> str:
    by_suffix = {".py": "python", ".sh": "shell", ".cpp": "cpp", ".h": "cpp"}
    if path.suffix in by_suffix:
        return by_suffix[path.suffix]
    return "python" if "python" in text.partition("\n")[0] else "shell"


READERS = {
    "cpp": cpp_functions,
    "python": python_functions,
    "shell": shell_functions,
}


def complaints(path: Path) -> Iterator[str]:
    text = path.read_text()
    num_lines = len(text.splitlines())
    if num_lines > MAX_FILE_LINES:
        yield f"{path}:1: file has {num_lines} lines, limit {MAX_FILE_LINES}"
    for name, begin, end in READERS[language_of(path, text)](text):
        if end - begin > MAX_FUNCTION_LINES:
            yield (
                f"{path}:{begin}: function {name} has {end - begin} lines, "
                f"limit {MAX_FUNCTION_LINES}"
            )


def main(paths: list[str]) -> int:
    found = [line for path in paths for line in complaints(Path(path))]
    print("\n".join(found) if found else f"{len(paths)} files are short enough")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
