"""Columns of any frame as NumPy arrays: pandas, polars, or a mapping of names to arrays."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conveyor.errors import DataError
from conveyor.tasks.sequences.data.collection import listed


def column_names(frame: Any) -> list[str]:
    """List a frame's columns."""
    return [str(name) for name in (frame.columns if hasattr(frame, "columns") else frame.keys())]


def column(frame: Any, name: str, role: str, source: str) -> NDArray[Any]:
    """Read one column as (rows,).

    Raises:
        DataError: there is no such column.
    """
    if name not in column_names(frame):
        raise DataError(
            f"{role}: {source} has no column {name!r}; it has {listed(column_names(frame), 12)}; name one with --{role}"
        )
    values = frame[name]
    return np.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values)


def is_missing(value: Any) -> bool:
    """Tell whether a cell of a frame holds nothing."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def as_numbers(values: NDArray[Any]) -> NDArray[np.float64] | None:
    """Convert a column to float64, NaN where it is missing; None if it holds something that is no number."""
    if values.dtype.kind in "fiub":
        return values.astype(np.float64)
    if values.dtype.kind != "O":
        return None
    missing = np.fromiter((is_missing(v) for v in values), bool, len(values))
    if not all(isinstance(v, numbers.Real | np.bool_) for v in values[~missing]):
        return None
    result = np.full(len(values), np.nan)
    result[~missing] = values[~missing].astype(np.float64)
    return result


def as_times(values: NDArray[Any], name: str, source: str) -> NDArray[np.float64]:
    """Convert a column of numbers or dates to float64, dates in seconds since the first of them.

    Raises:
        DataError: a stamp is missing or can't be read.
    """
    times = as_numbers(values)
    if times is None:
        times = _dates(values, name, source)
    if np.isnan(times).any():
        row = int(np.flatnonzero(np.isnan(times))[0])
        raise DataError(f"{source}: row {row + 1} has no time in column {name!r}; leave the row out")
    if np.isinf(times).any():
        raise DataError(f"{source}: column {name!r} has an infinite time; leave the row out")
    return times


def _dates(values: NDArray[Any], name: str, source: str) -> NDArray[np.float64]:
    if values.dtype.kind in "mM":
        stamps = values
    else:
        stamps = parse_dates([None if is_missing(v) else str(v) for v in values], f"{source}, column {name!r}")
    ticks = stamps.astype(f"{stamps.dtype.kind}8[ns]")
    missing = np.isnat(ticks)
    whole = ticks.astype(np.int64)
    first = whole[~missing].min() if not missing.all() else 0
    return np.where(missing, np.nan, (whole - first) / 1e9)


def parse_dates(texts: list[str | None], where: str) -> NDArray[Any]:
    """Parse dates as ISO 8601 writes them, or as pandas reads them if it is installed.

    Raises:
        DataError: one can't be read.
    """
    try:
        return np.array(["NaT" if t is None else t.strip().removesuffix("Z") for t in texts], dtype="datetime64[ns]")
    except ValueError as error:
        try:
            import pandas
        except ImportError:
            raise DataError(
                f"{where}: expected numbers or dates such as 2024-05-31T12:00:00, got {texts[0]!r} ({error})"
            ) from None
        try:
            return np.asarray(pandas.to_datetime(texts, utc=True).tz_localize(None).to_numpy())
        except (ValueError, TypeError, OverflowError) as worse:
            reason = str(worse).partition("\n")[0]
            raise DataError(f"{where}: expected numbers or dates, got one that can't be read ({reason})") from None
