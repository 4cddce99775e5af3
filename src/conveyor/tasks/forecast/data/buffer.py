"""The last rows of series as arrays: what a forecast reads, without the cost of a data frame.

A frame whose last rows are plainly one after another is read directly, and a stream of new values keeps its rows here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from conveyor.tasks.forecast.config import DataConfig
from conveyor.tasks.forecast.data.frequency import Frequency
from conveyor.tasks.forecast.data.panel import Panel
from conveyor.tasks.forecast.data.table import ONE_SERIES


def buffer_panel(name: str, stamps: Any, y: Any, columns: dict[str, Any], static: dict[str, Any], ahead: int) -> Panel:
    """Make a panel of one series of N rows, the last `ahead` of which are to come.

    Args:
        name: of the series.
        stamps: (N,).
        y: (N,), NaN where it is missing or to come.
        columns: future and past columns (N,).
        static: static columns (1,).
        ahead: rows to come.
    """
    rows = len(stamps)
    ends = np.array([rows - ahead])
    return Panel((name,), None, stamps, np.array([0]), ends, np.array([rows]), y, columns, static, None)


def read_tail(
    history: pd.DataFrame,
    future: pd.DataFrame | None,
    data: DataConfig,
    frequency: Frequency | None,
    rows: int,
    ahead: int,
) -> Panel | None:
    """Read the last rows of a table of one series directly; None where it takes more than that.

    Args:
        history: as it was given.
        future: of the steps to come, as it was given.
        data: what the columns mean.
        frequency: of the model.
        rows: rows of the past that are read.
        ahead: rows to come.
    """
    step = None if frequency is None else frequency.seconds
    plain = data.id is None and not data.static and "unique_id" not in history and step is not None
    if (
        not plain
        or len(history) < rows
        or not {data.time, data.target, *data.future, *data.past} <= set(history.columns)
    ):
        return None
    tail = history.iloc[len(history) - rows :]
    stamps = _stamps(tail, data)
    if stamps is None or step is None:
        return None
    width = np.timedelta64(round(step * 1e6), "us")
    if (np.diff(stamps) != width).any():
        return None
    coming = stamps[-1] + width * np.arange(1, ahead + 1)
    given = None if future is None else future.iloc[:ahead]
    if data.future:
        if given is None or not {data.time, *data.future} <= set(given.columns):
            return None
        theirs = _stamps(given, data)
        if theirs is None or len(theirs) != ahead or (theirs != coming).any():
            return None
    y = _plain_numbers(tail, data.target)
    columns = {name: _plain_numbers(tail, name) for name in (*data.future, *data.past)}
    later = {name: _plain_numbers(given, name) for name in data.future} if given is not None else {}
    nothing = np.full(ahead, np.nan)
    if y is None or any(c is None for c in columns.values()) or any(c is None for c in later.values()):
        return None
    joined = {name: np.concatenate([column, later.get(name, nothing)]) for name, column in columns.items()}
    return buffer_panel(ONE_SERIES, np.concatenate([stamps, coming]), np.concatenate([y, nothing]), joined, {}, ahead)


def _stamps(frame: pd.DataFrame, data: DataConfig) -> Any:
    values = frame[data.time].to_numpy()
    return values.astype("datetime64[us]") if values.dtype.kind == "M" else None


def _plain_numbers(frame: pd.DataFrame, name: str) -> Any:
    values = frame[name].to_numpy()
    if values.dtype.kind not in "fiub":
        return None
    numbers = values.astype(np.float64)
    return np.where(np.isinf(numbers), np.nan, numbers)
