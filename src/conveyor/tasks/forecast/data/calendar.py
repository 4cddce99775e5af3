"""Calendar features of stamps: the phases of day, week and year as sines and cosines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from conveyor.tasks.forecast.data.frequency import Frequency

_DAY, _WEEK, _YEAR = "day", "week", "year"
HARMONICS = {_DAY: 2, _WEEK: 3, _YEAR: 1}
_CYCLES_NEEDED = 2
"""A cycle that was not seen twice would tell the model which date it is, not what such dates have in common."""


def calendar_cycles(frequency: Frequency | None, stamps: Any) -> tuple[str, ...]:
    """Choose the cycles that stamps of a training set (N,) can teach: those longer than a step and seen twice.

    Args:
        frequency: their step; None for irregular ones.
        stamps: rising within each series.
    """
    if stamps.dtype.kind == "i":
        return ()
    span = (stamps.max() - stamps.min()) / np.timedelta64(1, "D")
    step = _step_in_days(frequency)
    lengths = {_DAY: 1.0, _WEEK: 7.0, _YEAR: 365.25}
    # A working day or a month is no fraction of a week, but its date stands somewhere in the week or the year.
    return tuple(name for name, days in lengths.items() if 1.5 * step <= days and span >= _CYCLES_NEEDED * days)


def _step_in_days(frequency: Frequency | None) -> float:
    if frequency is None:
        return 0.0
    if (seconds := frequency.seconds) is not None:
        return seconds / 86400
    name = pd.tseries.frequencies.to_offset(frequency.alias).rule_code
    return {"B": 1.0, "W": 7.0, "M": 30.0, "Q": 91.0}.get(name[0], 365.0)


def calendar_columns(stamps: Any, cycles: tuple[str, ...]) -> Any:
    """Compute the sines and cosines of stamps (N,) in each cycle: (N, K)."""
    if not cycles:
        return np.zeros((len(stamps), 0))
    angles = [
        2 * np.pi * k * phase
        for cycle, phase in phases(stamps).items()
        if cycle in cycles
        for k in range(1, HARMONICS[cycle] + 1)
    ]
    return np.stack([f(angle) for angle in angles for f in (np.sin, np.cos)], 1)


def phases(stamps: Any) -> dict[str, Any]:
    """Compute the phase of each stamp (N,) in its day, week and year, from 0 to 1."""
    # NumPy's own arithmetic of dates: pandas' is ten times slower on the few rows of a forecast.
    dates = stamps.astype("datetime64[D]")
    day = (stamps - dates) / np.timedelta64(1, "D")
    weekday = (dates.astype(np.int64) + 3) % 7
    of_year = (dates - dates.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
    return {_DAY: day, _WEEK: (weekday + day) / 7, _YEAR: (of_year + day) / 365.25}


def calendar_names(cycles: tuple[str, ...]) -> list[str]:
    """Names of the columns that `calendar_columns` computes."""
    return [f"{f}({k} {c})" for c in cycles for k in range(1, HARMONICS[c] + 1) for f in ("sin", "cos")]
