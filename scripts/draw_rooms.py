#!/usr/bin/env python3
"""Draws the rooms and what they link: docs/images/rooms.svg.

    scripts/draw_rooms.py            # writes the picture
    scripts/draw_rooms.py --check    # exit code 1 if the picture is out of date

The boxes are the libraries that the CMakeLists.txt files declare, the arrows their
DEPENDS, without those that follow from others. A library stands one row below the
lowest one that it links.
"""

import sys

from check_includes import ROOMS, ROOT, read_libraries

PICTURE = ROOT / "docs" / "images" / "rooms.svg"
COLORS = {
    "loader": "#dbe9f6",
    "splitter": "#dff0d8",
    "runtime": "#fdf0d5",
    "cli": "#f6dbe4",
}
COLUMN, ROW = 158, 58
BOX_WIDTH, BOX_HEIGHT = 146, 28
MARGIN = 24
SWEEPS = 24


def direct_arrows(reach: dict[str, set[str]]) -> dict[str, set[str]]:
    """The libraries that each links and that no other one it links brings along."""
    arrows = {}
    for name, seen in reach.items():
        others = seen - {name}
        implied = set().union(*(reach[other] - {other} for other in others))
        arrows[name] = others - implied
    return arrows


def rows(arrows: dict[str, set[str]]) -> dict[str, int]:
    row: dict[str, int] = {}

    def place(name: str) -> int:
        if name not in row:
            row[name] = 1 + max((place(other) for other in arrows[name]), default=-1)
        return row[name]

    for name in arrows:
        place(name)
    return row


def mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def columns(arrows: dict[str, set[str]], row: dict[str, int]) -> dict[str, float]:
    """A column for each box: near what it is linked to, none on top of another."""
    users: dict[str, set[str]] = {name: set() for name in arrows}
    for name, others in arrows.items():
        for other in others:
            users[other].add(name)
    levels: dict[int, list[str]] = {}
    for name in sorted(arrows):
        levels.setdefault(row[name], []).append(name)
    column = {n: float(i) for level in levels.values() for i, n in enumerate(level)}
    for sweep in range(SWEEPS):
        for at in sorted(levels, reverse=sweep % 2 == 1):
            level = levels[at]
            wanted = {
                name: mean(
                    [column[other] for other in sorted(arrows[name] | users[name])],
                    column[name],
                )
                for name in level
            }
            level.sort(key=lambda name: (wanted[name], name))
            spread(level, wanted, column)
    leftmost = min(column.values())
    return {name: value - leftmost for name, value in column.items()}


def spread(level: list[str], wanted: dict[str, float], column: dict[str, float]):
    """Sets the columns of one row in its order, at least one box apart."""
    right = None
    for name in level:
        right = wanted[name] if right is None else max(wanted[name], right + 1)
        column[name] = right
    shift = mean([wanted[name] - column[name] for name in level], 0)
    for name in level:
        column[name] += shift


def box(name: str, place: str, x: float, y: float, torch: bool) -> list[str]:
    room = place.split("/")[0]
    label = place.removeprefix(room + "/")
    dashes = "" if torch else ' stroke-dasharray="4 3"'
    size = f'width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="5"'
    paint = f'fill="{COLORS[room]}" stroke="#555"{dashes}'
    title = f"<title>{place} ({name})</title>"
    return [
        f'<rect x="{x:.0f}" y="{y:.0f}" {size} {paint}>{title}</rect>',
        f'<text x="{x + BOX_WIDTH / 2:.0f}" y="{y + 18:.0f}">{label}</text>',
    ]


def arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    bend = max(16.0, (y2 - y1) / 2)
    return (
        f'<path d="M{x1:.0f} {y1:.0f} C{x1:.0f} {y1 + bend:.0f} '
        f'{x2:.0f} {y2 - bend:.0f} {x2:.0f} {y2:.0f}"/>'
    )


def legend(y: float) -> list[str]:
    swatches = [(room, f'fill="{COLORS[room]}" stroke="#555"') for room in ROOMS]
    swatches.append(
        ("links no LibTorch", 'fill="#fff" stroke="#555" stroke-dasharray="4 3"')
    )
    parts = []
    for i, (label, paint) in enumerate(swatches):
        x = MARGIN + i * 110
        parts.append(f'<rect x="{x}" y="{y:.0f}" width="18" height="14" {paint}/>')
        parts.append(f'<text class="left" x="{x + 25}" y="{y + 11:.0f}">{label}</text>')
    return parts


STYLE = """<style>
text{font:11px sans-serif;text-anchor:middle;fill:#222}
.left{text-anchor:start}
path{fill:none;stroke:#9a9a9a;marker-end:url(#head)}
</style>
<defs>
<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"
 orient="auto">
<path d="M0 0L8 4L0 8z" style="fill:#9a9a9a;stroke:none;marker-end:none"/>
</marker>
</defs>
<rect width="100%" height="100%" fill="#fff"/>"""


def draw() -> str:
    folder, reach = read_libraries()
    reach.pop("pp")  # the program itself stands in cli, like its library
    torch = {name for name, seen in reach.items() if "LibTorch::cpu" in seen}
    reach = {name: seen & reach.keys() for name, seen in reach.items()}
    arrows = direct_arrows(reach)
    row = rows(arrows)
    column = columns(arrows, row)
    at = {n: (MARGIN + column[n] * COLUMN, MARGIN + row[n] * ROW) for n in arrows}
    width = max(x for x, _ in at.values()) + BOX_WIDTH + MARGIN
    height = max(y for _, y in at.values()) + BOX_HEIGHT + 3 * MARGIN
    size = f'width="{width:.0f}" height="{height:.0f}"'
    view = f'viewBox="0 0 {width:.0f} {height:.0f}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {view} {size}>', STYLE]
    half = BOX_WIDTH / 2
    for name in sorted(arrows):
        x2, y2 = at[name]
        for other in sorted(arrows[name]):
            x1, y1 = at[other]
            parts.append(arrow(x1 + half, y1 + BOX_HEIGHT, x2 + half, y2))
    for name in sorted(arrows):
        parts += box(name, folder[name], *at[name], name in torch)
    parts += legend(height - 1.4 * MARGIN)
    return "\n".join([*parts, "</svg>", ""])


def main() -> int:
    picture = draw()
    if "--check" in sys.argv[1:]:
        if PICTURE.is_file() and PICTURE.read_text() == picture:
            return 0
        print(f"{PICTURE.relative_to(ROOT)} is out of date: run scripts/draw_rooms.py")
        return 1
    PICTURE.write_text(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
