"""A figure of the scoreboard: its value, spread and aim."""

import statistics
from dataclasses import asdict, dataclass, fields

from report import spread


@dataclass(frozen=True)
class Figure:
    what: str  # names it within its group
    value: float | None = None
    low: float | None = None  # the spread
    high: float | None = None
    most: float | None = None  # the aim
    least: float | None = None
    unit: str = ""  # empty: a ratio
    group: str = ""  # figures that share a line of the table
    failure: str = ""  # why there is no value
    absent: str = ""  # why this machine can't measure one

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None without a value or an aim."""
        if self.value is None or self.most is self.least is None:
            return None
        above = self.least is None or self.value >= self.least
        return above and (self.most is None or self.value <= self.most)

    @property
    def text(self) -> str:
        if self.failure:
            return f"failed: {self.failure}"
        if self.value is None:
            return f"not measured: {self.absent}" if self.absent else "not measured yet"
        shown = number(self.value, self.unit)
        if self.low is None:
            return shown
        if self.high is None:
            return f"{shown} ({number(self.low, '')} at best)"
        ends = [
            number(end, self.unit, with_unit=False) for end in (self.low, self.high)
        ]
        return f"{shown} ({ends[0]} to {ends[1]})"

    @property
    def aim(self) -> str:
        if self.most is self.least is None:
            return ""
        if self.least is None:
            return limit(self.most, self.unit)
        if self.most is None:
            return f"{limit(self.least, self.unit)} at least"
        return f"{limit(self.least, '')} to {limit(self.most, self.unit)}"


def number(value: float, unit: str, with_unit: bool = True) -> str:
    """The value as text: a ratio with three decimals, else three digits and a unit."""
    if not unit:
        return f"{value:.3f}"
    digits = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    return f"{digits} {unit}" if with_unit else digits


def limit(value: float, unit: str) -> str:
    if not unit:
        return f"{value:.2f}"
    return f"{value:,.0f} {unit}" if value >= 1000 else f"{value:g} {unit}"


def ratio(what: str, ours: list[float], theirs: list[float], **more) -> Figure:
    """The ratio of medians; its spread is over pairs of neighbouring runs."""
    median = statistics.median(ours) / statistics.median(theirs)
    return Figure(what, median, *spread(ours, theirs), **more)


def as_data(figures: list[Figure]) -> list[dict]:
    return [{**asdict(figure), "met": figure.met} for figure in figures]


def from_data(data: list[dict]) -> list[Figure]:
    names = [field.name for field in fields(Figure)]
    return [Figure(**{k: v for k, v in row.items() if k in names}) for row in data]
