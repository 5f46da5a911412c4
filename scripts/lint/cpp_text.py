"""Reads C++ as text: what is code, and what is comment or literal."""

import re

# Raw strings, other literals, comments; a digit separator is part of a number.
_PIECES = re.compile(
    r"""
      R"(?P<mark>[^()\\\s]*)\(.*?\)(?P=mark)"
    | "(?:\\.|[^"\\\n])*"
    | \b\d[\w.']*
    | '(?:\\.|[^'\\\n])+'
    | //[^\n]*
    | /\*.*?\*/
    """,
    re.DOTALL | re.VERBOSE,
)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)


def _blank(text: str) -> str:
    """`text` as spaces, with its line ends kept."""
    return re.sub(r"[^\n]", " ", text)


def without_comments(text: str) -> str:
    """`text` with each comment blanked; every line keeps its number."""

    def piece(match: re.Match) -> str:
        found = match.group()
        return _blank(found) if found.startswith(("//", "/*")) else found

    return _PIECES.sub(piece, text)


def skeleton(text: str) -> str:
    """`text` with comments, literals and directives blanked: its braces count."""

    def piece(match: re.Match) -> str:
        found = match.group()
        return _blank(found) if found.startswith(("/", '"', "'", "R")) else found

    return _DIRECTIVE.sub(lambda m: _blank(m.group()), _PIECES.sub(piece, text))


def code_of(text: str) -> list[str]:
    """The code of `text` as words: no comments, includes or line breaks."""
    lines = without_comments(text).splitlines()
    return " ".join(x for x in lines if not re.match(r"\s*#\s*include\b", x)).split()
