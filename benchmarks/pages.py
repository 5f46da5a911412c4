"""Writes tables into pages, between two comments."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def renew(page: Path, name: str, text: str) -> None:
    """Puts `text` between <!-- name --> and <!-- end of name -->, or <!-- /name -->."""
    name_of = re.escape(name)
    place = re.compile(
        rf"(<!-- {name_of} -->\n).*?(<!-- (?:end of |/){name_of} -->\n)", re.S
    )
    old = page.read_text()
    if not place.search(old):
        raise SystemExit(f"{page}: no <!-- {name} --> with its end")
    page.write_text(place.sub(lambda found: found[1] + text + found[2], old, count=1))
