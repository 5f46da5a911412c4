"""A figure of the scoreboard: a value, its spread, what is aimed at."""

import statistics
from dataclasses import asdict, dataclass, fields

from report import spread


@dataclass(frozen=True)
class Figure:
    what: str  # among those of its group
    value: float | None = None
    low: float | None = None  # the spread
    high: float | None = None
    most: float | None = None  # aimed at
    least: float | None = None
    unit: str = ""  # none: a ratio
    group: str = ""  # figures that share a line of the table
    failure: str = ""  # why there is no value
    absent: str = ""  # why there can't be one here

    @property
    def met(self) -> bool | None:
        """None where there is no value, or no aim."""
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
        ends = [number(end, self.unit, with_unit=False) for end in (self.low, self.high)]
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
    """A ratio has three decimals; what has a unit, three digits."""
    if not unit:
        return f"{value:.3f}"
    digits = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    return f"{digits} {unit}" if with_unit else digits


def limit(value: float, unit: str) -> str:
    if not unit:
        return f"{value:.2f}"
    return f"{value:,.0f} {unit}" if value >= 1000 else f"{value:g} {unit}"


def ratio(what: str, ours: list[float], theirs: list[float], **more) -> Figure:
    """Of medians; the spread is that of runs that were neighbours in time."""
    median = statistics.median(ours) / statistics.median(theirs)
    return Figure(what, median, *spread(ours, theirs), **more)


def as_data(figures: list[Figure]) -> list[dict]:
    return [{**asdict(figure), "met": figure.met} for figure in figures]


def from_data(data: list[dict]) -> list[Figure]:
    names = [field.name for field in fields(Figure)]
    return [Figure(**{k: v for k, v in row.items() if k in names}) for row in data]
