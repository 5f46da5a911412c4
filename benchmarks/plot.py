"""Lines and dots as SVG, in the style of `pp schedule --format svg`."""

import math
from dataclasses import dataclass
from html import escape

INK, GREY, GRID = "#1d2733", "#6b7785", "#d5dbe1"
COLOURS = (
    "#2b6cb0",
    "#c05621",
    "#2f855a",
    "#9b2c2c",
    "#6b46c1",
    "#b7791f",
    "#2c7a7b",
    "#97266d",
    "#4a5568",
)
WIDTH, HEIGHT = 330, 250  # size of a panel's axes
LEFT, TOP, BOTTOM, NAMES = 56, 76, 48, 160  # space around the axes
ROW = 14  # height between the names of lines


@dataclass
class Panel:
    title: str
    x_label: str
    lines: dict[str, list[tuple[float, float]]]  # by name: x > 0, y from 0 to 1


def text(x: float, y: float, words: str, colour=GREY, size=11, more="") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}"'
    return f'<text {place} font-size="{size}" fill="{colour}" {more}>{words}</text>'


def line(x1: float, y1: float, x2: float, y2: float) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{GRID}"/>'


def spread_out(wanted: dict[str, float]) -> dict[str, float]:
    """Heights of names from the top, at least a row apart."""
    out: dict[str, float] = {}
    last = -math.inf
    for name in sorted(wanted, key=wanted.get):
        last = out[name] = max(wanted[name], last + ROW)
    return out


def draw_panel(panel: Panel, left: float, colours: dict[str, str]) -> list[str]:
    xs = sorted({x for points in panel.lines.values() for x, _ in points})
    octaves = max(1.0, math.log2(xs[-1] / xs[0]))

    def place(x: float, y: float) -> tuple[float, float]:
        return left + WIDTH * math.log2(x / xs[0]) / octaves, TOP + HEIGHT * (1 - y)

    out = [text(left, TOP - 16, panel.title, INK, 13)]
    for percent in range(0, 101, 20):
        _, y = place(xs[0], percent / 100)
        out.append(line(left, y, left + WIDTH, y))
        out.append(text(left - 8, y + 4, f"{percent} %", more='text-anchor="end"'))
    for x in xs:
        at, _ = place(x, 0)
        out.append(line(at, TOP, at, TOP + HEIGHT))
        label = f"{x:,.0f}"
        out.append(text(at, TOP + HEIGHT + 16, label, more='text-anchor="middle"'))
    out.append(text(left, TOP + HEIGHT + 36, panel.x_label))
    ends = {name: place(*points[-1])[1] for name, points in panel.lines.items()}
    heights = spread_out(ends)
    for name, points in panel.lines.items():
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*p) for p in points))
        colour = colours[name]
        out.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" '
            'stroke-width="2"/>'
        )
        out.append(text(left + WIDTH + 8, heights[name] + 4, name, colour))
    return out


def head(title: str, subtitle: str, width: int, height: int) -> list[str]:
    return [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
            f'height="{height}" viewBox="0 0 {width} {height}" '
            'font-family="Helvetica, Arial, sans-serif">'
        ),
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        text(LEFT, 26, title, INK, 18, 'font-weight="bold"'),
        text(LEFT, 44, subtitle, size=12),
    ]


def draw(title: str, subtitle: str, panels: list[Panel]) -> str:
    """Panels side by side; a name has one colour in all of them."""
    names = list(dict.fromkeys(n for p in panels for n in p.lines))
    colours = {n: COLOURS[i % len(COLOURS)] for i, n in enumerate(names)}
    step = LEFT + WIDTH + NAMES
    width, height = step * len(panels), TOP + HEIGHT + BOTTOM
    out = head(title, subtitle, width, height)
    for index, panel in enumerate(panels):
        out += draw_panel(panel, LEFT + step * index, colours)
    return "\n".join([*out, "</svg>"]) + "\n"


@dataclass
class Dot:
    name: str
    words: str  # text at the right
    at: float | None  # None: no dot, the text says why
    low: float | None = None
    high: float | None = None


LABELS, WORDS = 440, 300  # widths of names and words
SCALE = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8)
GOOD, BAD = COLOURS[2], COLOURS[3]


def draw_dots(title: str, subtitle: str, dots: list[Dot]) -> str:
    """One line per dot, on a logarithmic scale; dots at 1 or below are green."""
    left, row = LEFT + LABELS, ROW + 4
    top, bottom = TOP + row, TOP + row * len(dots) + row

    def place(value: float) -> float:
        inside = min(max(value, SCALE[0]), SCALE[-1])
        share = math.log2(inside / SCALE[0]) / math.log2(SCALE[-1] / SCALE[0])
        return left + WIDTH * share

    out = head(title, subtitle, left + WIDTH + WORDS, bottom + row)
    for mark in SCALE:
        at = place(mark)
        out.append(line(at, top - row, at, bottom))
        out.append(text(at, top - row - 4, f"{mark:.2g}", more='text-anchor="middle"'))
    out.append(line(place(1) + 1, top - row, place(1) + 1, bottom))  # twice as wide
    for index, dot in enumerate(dots):
        out += draw_dot(dot, top + row * index, left, place)
    return "\n".join([*out, "</svg>"]) + "\n"


def draw_dot(dot: Dot, y: float, left: float, place) -> list[str]:
    out = [text(left - 12, y + 4, escape(dot.name), INK, more='text-anchor="end"')]
    words = dot.words if len(dot.words) <= 48 else dot.words[:47] + "…"
    colour = GREY if dot.at is None else GOOD if dot.at <= 1 else BAD
    out.append(text(left + WIDTH + 12, y + 4, escape(words), colour))
    if dot.at is None:
        return out
    if dot.low is not None and dot.high is not None:
        ends = f'x1="{place(dot.low):.1f}" x2="{place(dot.high):.1f}" y1="{y}" y2="{y}"'
        out.append(f'<line {ends} stroke="{colour}" stroke-width="2"/>')
    out.append(f'<circle cx="{place(dot.at):.1f}" cy="{y}" r="4" fill="{colour}"/>')
    return out
