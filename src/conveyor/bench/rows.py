"""Rows of a table of measurements, their lines, and their targets."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from conveyor.bench.run import Run

State = Literal["ok", "void", "red"]


@dataclass(frozen=True)
class Line:
    """The figures measured at one size.

    Attributes:
        label: The size, or another unique label.
        figures: Numbers by the names of `conveyor.bench.table.COLUMNS`; times are in seconds.
        state: `void` if the machine was too slow; `red` if the results were wrong, so that nothing was timed.
        note: The reason, or another note.
        product: FLOP a second of the product beside it, the lower of the two; None if time is no part of it.
        facts: The values by which targets select lines, such as B and H.
    """

    label: str
    figures: Mapping[str, float] = field(default_factory=dict)
    state: State = "ok"
    note: str = ""
    product: float | None = None
    facts: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the line in JSON's types."""
        there = {name: _finite(value) for name, value in self.figures.items()}
        return {
            "label": self.label,
            "state": self.state,
            "note": self.note,
            "figures": there,
            "calibration": self.product,
            "facts": dict(self.facts),
        }


@dataclass(frozen=True)
class Verdict:
    """The verdict on a target: met, missed or open.

    Attributes:
        text: The target.
        met: Whether it is met; None if open, because its lines are void or missing.
        value: The mean, or the worst of the lines; None if there is none.
        reason: The deciding fact, such as the worst line.
    """

    text: str
    met: bool | None
    value: float | None
    reason: str


@dataclass(frozen=True)
class Target:
    """A target: a bound on a figure.

    Attributes:
        text: The printed text.
        figure: The figure's name.
        least: It must be at least this; or
        most: At most this.
        mean: Whether the bound applies to the geometric mean of the lines, rather than to each.
        where: Selects its lines.
        instead: Another figure and what it must at least be, which does in place of this one.
    """

    text: str
    figure: str
    least: float | None = None
    most: float | None = None
    mean: bool = False
    where: Callable[[Line], bool] = lambda line: True
    instead: tuple[str, float] | None = None

    def judge(self, lines: Sequence[Line]) -> Verdict:
        """Compare the lines with the target."""
        about = [line for line in lines if self.where(line) and (line.state == "red" or self.figure in line.figures)]
        red = [line.label for line in about if line.state == "red"]
        void = [line.label for line in about if line.state == "void"]
        good = [line for line in about if line.state == "ok"]
        if red:
            return Verdict(self.text, False, None, f"wrong numbers at {', '.join(red)}")
        if not good:
            return Verdict(self.text, None, None, f"void: {', '.join(void)}" if void else "no such line")
        value, reason, met = self._of(good)
        if void and (met or self.mean):
            return Verdict(self.text, None, value, f"{reason}; void: {', '.join(void)}")
        return Verdict(self.text, met, value, reason)

    def _of(self, lines: list[Line]) -> tuple[float, str, bool]:
        values = [line.figures[self.figure] for line in lines]
        if self.mean:
            mean = geometric_mean(values)
            return mean, f"geometric mean of {len(values)}", self._holds(mean)
        failing = [line for line in lines if not self._passes(line)]
        pick = max if self.least is None else min
        worst = pick(failing or lines, key=lambda line: line.figures[self.figure])
        return worst.figures[self.figure], f"worst: {worst.label}", not failing

    def _passes(self, line: Line) -> bool:
        if self._holds(line.figures[self.figure]):
            return True
        return self.instead is not None and line.figures.get(self.instead[0], -math.inf) >= self.instead[1]

    def _holds(self, value: float) -> bool:
        low = -math.inf if self.least is None else self.least
        high = math.inf if self.most is None else self.most
        return low <= value <= high


@dataclass(frozen=True)
class Row:
    """A row of the table of targets.

    Attributes:
        name: The name by which it is selected.
        title: Its title.
        measure: Yields its lines.
        targets: Their targets.
        missing: The reason why it can't be measured here; None if it can.
        asked: Whether it is measured only when it is named.
    """

    name: str
    title: str
    measure: Callable[[Run], Iterator[Line]]
    targets: tuple[Target, ...] = ()
    missing: Callable[[], str | None] = lambda: None
    asked: bool = False


@dataclass(frozen=True)
class Result:
    """A measured row."""

    name: str
    title: str
    lines: tuple[Line, ...]
    verdicts: tuple[Verdict, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the row in JSON's types."""
        return {
            "name": self.name,
            "title": self.title,
            "lines": [line.to_json() for line in self.lines],
            "bars": [
                {"bar": v.text, "met": v.met, "value": _finite(v.value), "reason": v.reason} for v in self.verdicts
            ],
        }


def _finite(value: float | None) -> float | None:
    """Return a finite value, else None: JSON has no NaN or infinity."""
    return value if value is not None and math.isfinite(value) else None


def geometric_mean(values: Sequence[float]) -> float:
    """Return the geometric mean; NaN if a value is not a positive number."""
    if not values or not all(v > 0 and math.isfinite(v) for v in values):
        return math.nan
    return math.exp(statistics.fmean(map(math.log, values)))
