"""Tables in: pandas, polars, CSV and Parquet, to one pandas frame of `unique_id`, `ds`, `y` and the other columns."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from conveyor.errors import DataError
from conveyor.tasks.files import read_bytes
from conveyor.tasks.forecast.config import DataConfig
from conveyor.tasks.tables import parse_table

_MOST_NAMED = 5
ONE_SERIES = "series"
"""Name of the series of a table that has no column of ids."""


def read_source(source: Any, what: str = "data") -> pd.DataFrame:
    """Read a table of any kind into pandas.

    Args:
        source: a pandas or polars frame, or the path of a CSV or Parquet file.
        what: the argument's name, for errors.

    Raises:
        DataError: it cannot be read, or has no rows.
    """
    if isinstance(source, pd.DataFrame):
        frame = source
    elif isinstance(source, str | Path):
        frame = parse_table(read_bytes(str(source), DataError, "a table"), str(source))
    elif hasattr(source, "to_pandas"):
        frame = source.to_pandas()
    else:
        raise DataError(
            f"{what}: expected a pandas or polars frame or a path of CSV or Parquet, got {type(source).__name__}"
        )
    if frame.columns.duplicated().any():
        twice = frame.columns[frame.columns.duplicated()][0]
        raise DataError(f"{what}: column {twice!r} is there twice; rename one")
    if frame.empty:
        raise DataError(f"{what}: expected rows, got a table without any")
    return frame


def canonical(frame: pd.DataFrame, data: DataConfig, *, target: bool = True, what: str = "data") -> pd.DataFrame:
    """Choose and check the columns of a table, and sort its rows by series and time.

    Args:
        frame: as it was read.
        data: what its columns mean.
        target: whether the target and the past columns must be there; a table of the future lacks them.
        what: the argument's name, for errors.

    Returns:
        Columns `unique_id`, `ds`, `y` (NaN where the table has none), then future, past and static columns by their
        names, and `row`: the row's number in the table, from 1.

    Raises:
        DataError: a column is missing or cannot be read.
    """
    wanted = [data.time, *data.future]
    wanted += [data.target, *data.past, *data.static] if target else []
    wanted += [] if data.id is None else [data.id]
    _require_columns(frame, wanted, data, what)
    out = pd.DataFrame({"row": np.arange(1, len(frame) + 1)})
    out["unique_id"] = ONE_SERIES if data.id is None else _ids(frame[data.id], data.id, what)
    out["ds"] = parse_stamps(frame[data.time], data, what)
    out["y"] = _numbers(frame[data.target], data.target, what) if target else np.nan
    for name in (*data.future, *data.past, *data.static):
        if name in frame.columns:
            out[name] = _covariate(frame[name])
    return out.sort_values(["unique_id", "ds"], kind="stable", ignore_index=True)


def _require_columns(frame: pd.DataFrame, wanted: Sequence[str], data: DataConfig, what: str) -> None:
    options = {data.time: "--time", data.target: "--target", data.id: "--id"}
    for name in wanted:
        if name not in frame.columns:
            there = ", ".join(map(str, frame.columns[:20]))
            option = options.get(name)
            mend = f"name the right one with {option}" if option else "leave it out, or correct its name"
            raise DataError(f"{what}: no column {name!r} among {there}; {mend}")


def _ids(column: pd.Series, name: str, what: str) -> pd.Series:
    missing = column.isna()
    if missing.any():
        raise DataError(f"{what}: column {name!r} is empty in {rows_named(missing.to_numpy())}; fill or drop them")
    return column.astype(str).reset_index(drop=True)


def _numbers(column: pd.Series, name: str, what: str) -> Any:
    numbers = pd.to_numeric(column, errors="coerce").astype("float64").to_numpy().copy()
    bad = np.isnan(numbers) & column.notna().to_numpy()
    if bad.any():
        value = column.iloc[int(bad.argmax())]
        raise DataError(f"{what}: column {name!r}: expected numbers, got {value!r} in {rows_named(bad)}")
    numbers[np.isinf(numbers)] = np.nan
    return numbers


def _covariate(column: pd.Series) -> Any:
    """Make float64 of numbers and text of everything else, with None where it is missing."""
    if pd.api.types.is_bool_dtype(column):
        return column.astype("float64").to_numpy()
    if pd.api.types.is_numeric_dtype(column):
        numbers = column.astype("float64").to_numpy().copy()
        numbers[np.isinf(numbers)] = np.nan
        return numbers
    # As a series of objects, since pandas takes an array of words for its own kind, whose missing values are NaN.
    words = [None if lacking else str(value) for value, lacking in zip(column, column.isna(), strict=True)]
    return pd.Series(words, dtype=object)


def parse_stamps(column: pd.Series, data: DataConfig, what: str) -> Any:
    """Read time stamps: dates and times without a zone, or whole numbers.

    Raises:
        DataError: one cannot be read.
    """
    missing = column.isna().to_numpy()
    if missing.any():
        raise DataError(f"{what}: column {data.time!r} is empty in {rows_named(missing)}; fill or drop them")
    if pd.api.types.is_integer_dtype(column):
        return column.to_numpy("int64")
    if pd.api.types.is_float_dtype(column):
        numbers = column.to_numpy("float64")
        if (numbers % 1 == 0).all():
            return numbers.astype("int64")
        raise DataError(f"{what}: column {data.time!r}: expected dates or whole numbers, got {numbers[0]!r}")
    stamps = _parse_dates(column, data, what)
    if getattr(stamps.dt, "tz", None) is not None:
        # Clock time jumps where summer time begins and ends; UTC doesn't.
        stamps = stamps.dt.tz_convert("UTC").dt.tz_localize(None)
    return stamps.astype("datetime64[us]").to_numpy()


def _parse_dates(column: pd.Series, data: DataConfig, what: str) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(column):
        return column
    formats: list[dict[str, Any]] = [{"format": data.date_format}]
    if data.date_format is None:
        formats = [{}, {"dayfirst": True}, {"format": "ISO8601"}, {"format": "ISO8601", "utc": True}]
    for options in formats:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return pd.to_datetime(column, **options)
            except (ValueError, TypeError, OverflowError):
                continue
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parsed = pd.to_datetime(column, errors="coerce", **({"format": data.date_format} if data.date_format else {}))
    bad = parsed.isna().to_numpy()
    value = column.iloc[int(bad.argmax())] if bad.any() else column.iloc[0]
    raise DataError(
        f"{what}: column {data.time!r}: {value!r} in {rows_named(bad)} is no date of the others' form; mend it, or "
        "give the form with --date-format, such as %d.%m.%Y"
    )


def rows_named(bad: Any, numbers: Any = None) -> str:
    """Name the rows of a mask: `row 3`, `rows 3, 7, 9 and 12 more`."""
    rows = np.flatnonzero(bad) + 1 if numbers is None else np.asarray(numbers)[np.asarray(bad, bool)]
    named = ", ".join(f"{row:,}" for row in rows[:_MOST_NAMED])
    more = f" and {len(rows) - _MOST_NAMED:,} more" if len(rows) > _MOST_NAMED else ""
    return f"row{'s' if len(rows) > 1 else ''} {named}{more}"
