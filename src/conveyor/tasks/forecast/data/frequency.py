"""The step between stamps: found, or given; and the seasons that come with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from conveyor.errors import DataError

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_NAMES = {"s": "second", "min": "minute", "h": "hour", "D": "day", "W": "week", "B": "working day"}
_MONTHLY = (("MS", "ME"), ("QS", "QE"), ("YS", "YE"))
_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_MOST = 200_000  # stamps that are looked at to find the frequency


@dataclass(frozen=True)
class Frequency:
    """The step of a table.

    Args:
        alias: as pandas writes it, or a whole number for whole-numbered stamps.
        share: of the steps between neighbouring stamps that are one step of it; 1 where it was given.
        given: whether the user gave it.
    """

    alias: str
    share: float = 1.0
    given: bool = False

    @property
    def is_integer(self) -> bool:
        """Tell whether stamps are integers."""
        return self.alias.isdigit()

    def grid(self, first: Any, periods: int) -> Any:
        """Make `periods` stamps from the first one on."""
        if self.is_integer:
            return first + int(self.alias) * np.arange(periods, dtype=np.int64)
        return pd.date_range(first, periods=periods, freq=self.alias).to_numpy("datetime64[us]")

    def positions(self, stamps: Any) -> Any:
        """Number the stamps (N,) by steps from the first, -1 where one lies between two steps."""
        if self.is_integer:
            steps, rest = np.divmod(stamps - stamps[0], int(self.alias))
            return np.where(rest == 0, steps, -1)
        seconds = self.seconds
        if seconds is not None:
            step = np.timedelta64(round(seconds * 1e6), "us")
            passed = stamps - stamps[0]
            steps = passed // step
            return np.where(steps * step == passed, steps, -1)
        grid = pd.date_range(stamps[0], stamps[-1], freq=self.alias)
        return grid.get_indexer(pd.DatetimeIndex(stamps))

    @property
    def seconds(self) -> float | None:
        """Length of a step in seconds; None where it varies (months, working days) or stamps are whole numbers."""
        if self.is_integer:
            return None
        offset = pd.tseries.frequencies.to_offset(self.alias)
        if isinstance(offset, pd.tseries.offsets.Tick) or offset.rule_code == "D":
            return float(pd.Timedelta(1, "D").total_seconds() * offset.n) if offset.rule_code == "D" else _tick(offset)
        return None

    def words(self) -> str:
        """Name the frequency for a reader."""
        if self.is_integer:
            return f"every {self.alias}" if self.alias != "1" else "whole numbers, one apart"
        offset = pd.tseries.frequencies.to_offset(self.alias)
        base = offset.rule_code.split("-")[0]
        name = _NAMES.get(base)
        if name is None:
            name = {"M": "month", "Q": "quarter", "Y": "year"}.get(base[0], base)
        return f"every {name}" if offset.n == 1 else f"every {offset.n} {name}s"

    def seasons(self) -> tuple[int, ...]:
        """Steps of the day, the week and the year, those of more than one step, shortest first."""
        if self.is_integer:
            return ()
        seconds = self.seconds
        if seconds is not None:
            lengths = [period / seconds for period in (_DAY, 7 * _DAY, 365.25 * _DAY)]
            if seconds < _MINUTE:
                lengths = [_HOUR / seconds, *lengths[:2]]
            return tuple(round(length) for length in lengths if length >= 1.5 and round(length) <= 200_000)
        offset = pd.tseries.frequencies.to_offset(self.alias)
        base = offset.rule_code.split("-")[0][0]
        year = {"W": 52, "M": 12, "Q": 4, "B": 261, "C": 261}.get(base)
        lengths = [] if year is None else [year / offset.n]
        if base == "B" and offset.n == 1:
            lengths = [5, *lengths]
        return tuple(round(length) for length in lengths if length >= 1.5)


def _tick(offset: Any) -> float:
    return float(pd.Timedelta(offset).total_seconds())


def check_frequency(alias: str) -> Frequency:
    """Read a frequency that a user gave.

    Raises:
        DataError: pandas knows no such one.
    """
    if alias.isdigit() and int(alias) > 0:
        return Frequency(str(int(alias)), given=True)
    try:
        offset = pd.tseries.frequencies.to_offset(alias)
    except (ValueError, TypeError) as error:
        raise DataError(f"freq: {alias!r} is none that pandas knows; write h, 30min, D, W, MS, or a number") from error
    if offset is None or offset.n < 1:
        raise DataError(f"freq: expected a step forwards such as h, 30min, D, MS, got {alias!r}")
    return Frequency(offset.freqstr, given=True)


def find_frequency(groups: list[Any]) -> Frequency:
    """Find the step of series' stamps, each (N,) rising and unique.

    The step is the commonest difference, or the calendar step (months, quarters, years, working days) that explains
    more of them.

    Raises:
        DataError: no series has two stamps.
    """
    parts, seen = [], 0
    for stamps in groups:
        parts.append(stamps)
        seen += len(stamps)
        if seen > _MOST:
            break
    differences = np.concatenate([np.diff(stamps) for stamps in parts])
    if not len(differences):
        raise DataError("freq: expected a series of two stamps or more to find the frequency; give it with --freq")
    values, counts = np.unique(differences, return_counts=True)
    commonest = int(counts.argmax())
    share = float(counts[commonest] / len(differences))
    step = values[commonest]
    if values.dtype.kind == "i":
        return Frequency(str(int(step)), share)
    found = Frequency(_alias(pd.Timedelta(step)), share)
    index = pd.DatetimeIndex(np.concatenate(parts))
    if step == np.timedelta64(7, "D") and (index.day_of_week == index.day_of_week[0]).all():
        return Frequency(f"W-{_WEEKDAYS[index.day_of_week[0]]}", share)
    return max([found, *_calendar(parts, differences, index)], key=lambda f: f.share)


def _alias(step: pd.Timedelta) -> str:
    seconds = step.total_seconds()
    for unit, length in (("D", _DAY), ("h", _HOUR), ("min", _MINUTE), ("s", 1)):
        if seconds % length == 0:
            n = int(seconds // length)
            return unit if n == 1 else f"{n}{unit}"
    return f"{step // pd.Timedelta(1, 'us')}us"


def _calendar(parts: list[Any], differences: Any, index: pd.DatetimeIndex) -> list[Frequency]:
    """Calendar steps, and how many of the differences are one of each; none on whose days not all stamps lie."""
    days = differences / np.timedelta64(1, "D")
    found = []
    if (index == index.normalize()).all():
        for (start, end), (low, high) in zip(_MONTHLY, ((28, 31), (90, 92), (365, 366)), strict=True):
            share = float(((days >= low) & (days <= high)).mean())
            for alias, fits in ((start, index.is_month_start), (end, index.is_month_end)):
                if fits.all() and share > 0.5:
                    found.append(Frequency(_anchored(alias, index), share))
        if (index.day_of_week < 5).all() and len(index) >= 6:
            weekend = np.concatenate([pd.DatetimeIndex(part).day_of_week[:-1] == 4 for part in parts])
            found.append(Frequency("B", float(((days == 1) | ((days == 3) & weekend)).mean())))
    return found


def _anchored(alias: str, index: pd.DatetimeIndex) -> str:
    """Quarters and years begin in the month that the stamps do."""
    if alias in ("MS", "ME"):
        return alias
    return f"{alias}-{index[0].strftime('%b').upper()}"
