#!/usr/bin/env python3
"""Checks that comments are sentences or names; prints those that are fragments.

    comments.py FILE...

A comment that begins with "Of", "By", "That", "What" or "The same" is not a
sentence that one would say. "As", "From", "Once", "Then" and "Where" may begin one
where a comma divides it: "Where nothing is missing, nothing is asked for".
"""

import re
import sys
from pathlib import Path

NEVER = re.compile(r"(Of|By|That|What|The same)\b")
WITH_COMMA = re.compile(r"(As|From|Once|Then|Where)\b")
CPP = re.compile(r"^(.*?)\s*//+[!<]?\s(.*)$")
OTHER = re.compile(r"^(.*?)\s*#\s(.*)$")


def comments(path: Path) -> list[tuple[int, str]]:
    """(line, text) of each comment; lines that stand alone are joined."""
    pattern = CPP if path.suffix in (".h", ".cpp") else OTHER
    found: list[tuple[int, str]] = []
    joins = False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = pattern.match(line)
        if not match or match[1].count('"') % 2:  # a text may hold the mark
            joins = False
            continue
        if joins and not match[1]:
            begin, text = found[-1]
            found[-1] = begin, f"{text} {match[2]}"
        else:
            found.append((number, match[2]))
        joins = not match[1]
    return found


def is_fragment(text: str) -> bool:
    sentence = re.split(r"[.:;](?:\s|$)", text, maxsplit=1)[0]
    if NEVER.match(sentence):
        return True
    return bool(WITH_COMMA.match(sentence)) and "," not in sentence


def main(paths: list[str]) -> int:
    found = [
        f"{path}:{line}: not a sentence: {text[:70]}"
        for path in paths
        for line, text in comments(Path(path))
        if is_fragment(text)
    ]
    print(
        "\n".join(found) if found else f"comments of {len(paths)} files are sentences"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
