"""Series on a grid: every step of every series has a row, and what is missing is NaN.

The rows of all series stand in one table, one series after another, each with free rows before its first value, so that
a window that begins before the series is read like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from conveyor.errors import DataError
from conveyor.tasks.forecast.config import DataConfig
from conveyor.tasks.forecast.data.frequency import Frequency, check_frequency, find_frequency
from conveyor.tasks.forecast.data.profile import Profile, SeriesGaps, column_gaps
from conveyor.tasks.forecast.data.table import rows_named

_MOST_STEPS = 50_000_000  # rows of a grid; more are a wrong frequency or a mistyped year


@dataclass(frozen=True)
class Panel:
    """Series on a grid, one after another.

    Attributes:
        ids: Names of the S series.
        frequency: Their step; None where rows are taken as they come.
        stamps: Of each of N rows; those before a series repeat its first stamp.
        first: Row of each series' first value, (S,).
        end: Row after its last value, where the first forecast stands, (S,).
        last: Row after its last row, those of known future columns included, (S,).
        y: The target (N,), float64, NaN where it is missing or to come.
        columns: Future and past columns by name, (N,) float64 or object.
        static: Static columns by name, (S,) float64 or object.
        profile: What was found about the data; None for the last rows of a series that were read without it.
    """

    ids: tuple[str, ...]
    frequency: Frequency | None
    stamps: Any
    first: Any
    end: Any
    last: Any
    y: Any
    columns: dict[str, Any]
    static: dict[str, Any]
    profile: Profile | None

    def series(self) -> Iterator[tuple[int, int, int]]:
        """Yield the number, first row and end of each series."""
        return iter(zip(range(len(self.ids)), self.first.tolist(), self.end.tolist(), strict=True))


def build_panel(
    frame: pd.DataFrame,
    data: DataConfig,
    *,
    front: int = 0,
    ahead: int = 0,
    future: pd.DataFrame | None = None,
    frequency: Frequency | None = None,
    usual: Any = None,
    what: str = "data",
) -> Panel:
    """Put the series of a table on a grid.

    Args:
        frame: of `canonical`.
        data: what its columns mean.
        front: free rows before each series.
        ahead: rows that each series has after its last value at least, with the stamps that come next.
        future: of `canonical`: rows after the series' ends, with the future columns.
        frequency: of a model; None takes `data.freq`, or finds it.
        usual: time between rows of irregular stamps that come next.
        what: the argument's name, for errors.

    Raises:
        DataError: stamps are repeated, lie between steps, or the future's rows are missing.
    """
    repeated = _count_repeated(frame)
    frame = _combine(frame, data, what)
    groups = [group for _, group in frame.groupby("unique_id", sort=False)]
    if data.irregular:
        frequency = None
    elif frequency is None:
        all_stamps = [group["ds"].to_numpy() for group in groups]
        frequency = check_frequency(data.freq) if data.freq else find_frequency(all_stamps)
    coming = _split_future(future, data, groups)
    grid = _Grid(frequency, front, ahead, usual)
    parts = [_Part(group, coming.get(str(group["unique_id"].iat[0])), data, grid, what) for group in groups]
    total = sum(part.rows for part in parts)
    check_rows(total, frequency, what)
    return _join(parts, frame, data, frequency, repeated)


def check_rows(count: int, frequency: Frequency | None, what: str) -> None:
    """Refuse a grid that is too long for memory before it is made.

    Raises:
        DataError: it is.
    """
    if count > _MOST_STEPS:
        raise DataError(
            f"{what}: a grid of step {frequency.alias if frequency else ''} from first to last stamp would have "
            f"{count:,} rows; give the right --freq, or correct stamps that are far from the others"
        )


def _count_repeated(frame: pd.DataFrame) -> int:
    return int(frame.duplicated(["unique_id", "ds"]).sum())


def _combine(frame: pd.DataFrame, data: DataConfig, what: str) -> pd.DataFrame:
    """Make one row of several with the same series and stamp, as the user chose."""
    again = frame.duplicated(["unique_id", "ds"]).to_numpy()
    if not again.any():
        return frame
    if data.repeated == "error":
        where = int(again.argmax())
        stamp = stamp_text(frame["ds"].iat[where])
        rows = rows_named(again, frame["row"].to_numpy())
        raise DataError(
            f"{what}: {int(again.sum()):,} repeated stamps ({rows}),"
            f" such as {stamp} of {frame['unique_id'].iat[where]}; "
            "take their mean or the last with --repeated mean|last, or name the column of series with --id"
        )
    keys = ["unique_id", "ds"]
    numeric = [c for c in frame.columns if c not in keys and pd.api.types.is_numeric_dtype(frame[c])]
    how = {c: "mean" if c in numeric and c != "row" and data.repeated == "mean" else "last" for c in frame.columns}
    return frame.groupby(keys, sort=False, as_index=False).agg({c: h for c, h in how.items() if c not in keys})


def _split_future(future: pd.DataFrame | None, data: DataConfig, groups: list[pd.DataFrame]) -> dict[str, pd.DataFrame]:
    if future is None:
        return {}
    coming = {str(name): group for name, group in future.groupby("unique_id", sort=False)}
    known = {str(group["unique_id"].iat[0]) for group in groups}
    if strangers := [name for name in coming if name not in known]:
        raise DataError(f"future: series {strangers[0]!r} is not in the history; add its past, or drop its rows")
    again = future.duplicated(["unique_id", "ds"]).to_numpy()
    if again.any():
        raise DataError(
            f"future: repeated stamps in {rows_named(again, future['row'].to_numpy())}; keep one row of each"
        )
    return coming


@dataclass(frozen=True)
class _Grid:
    """The properties that the grids of all series share."""

    frequency: Frequency | None
    front: int
    ahead: int
    usual: Any

    def lengthened(self, stamps: Any, count: int) -> Any:
        """Irregular stamps with others at the usual distance after them, until there are `count`."""
        lacking = count - len(stamps)
        if lacking <= 0:
            return stamps
        step = self.usual if self.usual is not None else np.median(np.diff(stamps)).astype(np.diff(stamps).dtype)
        return np.concatenate([stamps, stamps[-1] + step * np.arange(1, lacking + 1)])


class _Part:
    """One series on its grid."""

    def __init__(
        self, group: pd.DataFrame, ahead: pd.DataFrame | None, data: DataConfig, grid: _Grid, what: str
    ) -> None:
        frequency, front = grid.frequency, grid.front
        self.name = str(group["unique_id"].iat[0])
        self.front = front
        stamps = group["ds"].to_numpy()
        if ahead is not None and (ahead["ds"].dtype.kind == "i") != (stamps.dtype.kind == "i"):
            raise DataError(f"future: column {data.time!r}: expected stamps like the history's, got others")
        future = None if ahead is None else ahead[ahead["ds"] > stamps[-1]]
        coming = np.empty(0, stamps.dtype) if future is None else future["ds"].to_numpy()
        both = np.concatenate([stamps, coming])
        if frequency is None:
            places = np.arange(len(both))
            self.stamps = grid.lengthened(both, len(stamps) + grid.ahead)
        else:
            places = frequency.positions(both)
            if (places < 0).any():
                self._refuse_off_grid(group, places, stamps, frequency, what)
            last = max(int(places[-1]), int(places[len(stamps) - 1]) + grid.ahead)
            check_rows(last + 1, frequency, what)
            self.stamps = frequency.grid(both[0], last + 1)
        self.length = int(places[len(stamps) - 1]) + 1
        self.rows = front + len(self.stamps)
        self._places = places
        self._group, self._future = group, future
        self.gaps = self._gaps(places[: len(stamps)])

    def _refuse_off_grid(self, group: pd.DataFrame, places: Any, stamps: Any, frequency: Frequency, what: str) -> None:
        bad = places[: len(stamps)] < 0
        if not bad.any():
            raise DataError(f"future: stamps of {self.name} are not {frequency.words()} from the history's last one")
        stamp = stamp_text(stamps[int(bad.argmax())])
        found = "given" if frequency.given else f"found in {frequency.share:.0%} of the steps"
        raise DataError(
            f"{what}: {int(bad.sum()):,} stamps of {self.name} lie between steps of {frequency.alias} ({found}), such "
            f"as {stamp} in {rows_named(bad, group['row'].to_numpy())}; round them, give --freq, or take the rows as "
            "they come with --irregular"
        )

    def _gaps(self, places: Any) -> SeriesGaps:
        steps = np.diff(places) - 1
        return SeriesGaps(self.length, int(self.length - len(places)), int(steps.max(initial=0)))

    def column(self, name: str) -> Any:
        """The column on the grid, with the free rows in front."""
        source = self._group[name].to_numpy()
        numeric = source.dtype != object
        out = np.full(self.rows, np.nan) if numeric else np.full(self.rows, None, dtype=object)
        count = len(source)
        out[self.front + self._places[:count]] = source
        if self._future is not None and name in self._future and name != "y":
            coming = self._future[name].to_numpy()
            if numeric and coming.dtype == object:
                raise DataError(f"future: column {name!r}: expected numbers as in the history, got text")
            out[self.front + self._places[count:]] = coming
        return out

    def static(self, name: str) -> Any:
        """The series' value of a static column.

        Raises:
            DataError: it has several.
        """
        values = self._group[name].dropna().unique()
        if len(values) > 1:
            raise DataError(
                f"static: column {name!r} has {len(values)} values in series {self.name} ({values[0]}, "
                f"{values[1]}, …); give it as --future or --past"
            )
        return values[0] if len(values) else None


def _join(
    parts: list[_Part], frame: pd.DataFrame, data: DataConfig, frequency: Frequency | None, repeated: int
) -> Panel:
    offsets = np.cumsum([0, *(part.rows for part in parts)])
    first = np.array([offset + part.front for offset, part in zip(offsets, parts, strict=False)])
    end = np.array([row + part.length for row, part in zip(first, parts, strict=True)])
    stamps = np.concatenate([np.concatenate([np.repeat(p.stamps[:1], p.front), p.stamps]) for p in parts])
    names = [name for name in (*data.future, *data.past) if name in frame.columns]
    columns = {name: np.concatenate([part.column(name) for part in parts]) for name in names}
    static = {name: _static_values([part.static(name) for part in parts]) for name in data.static if name in frame}
    y = np.concatenate([part.column("y") for part in parts])
    profile = Profile(
        rows=len(frame) + repeated,
        ids=tuple(part.name for part in parts),
        first=min(part.stamps[0] for part in parts),
        last=max(part.stamps[part.length - 1] for part in parts),
        frequency=frequency,
        repeated=repeated,
        repeated_taken=data.repeated,
        gaps=tuple(part.gaps for part in parts),
        missing=column_gaps(frame, data),
    )
    return Panel(tuple(p.name for p in parts), frequency, stamps, first, end, offsets[1:], y, columns, static, profile)


def _static_values(values: list[Any]) -> Any:
    if all(value is None or isinstance(value, int | float | np.number) for value in values):
        return np.array([np.nan if value is None else float(value) for value in values])
    return np.array(values, dtype=object)


def stamp_text(stamp: Any) -> str:
    """Write a stamp as a reader would: without seconds, or without a time at midnight."""
    if isinstance(stamp, int | np.integer):
        return str(int(stamp))
    text = str(pd.Timestamp(stamp))
    return text.removesuffix(" 00:00:00").removesuffix(":00")


def with_front(panel: Panel, front: int) -> Panel:
    """Put `front` more free rows before each series."""
    begins = np.concatenate([[0], panel.last[:-1]])
    bounds = list(zip(begins.tolist(), panel.last.tolist(), strict=True))
    rows = np.concatenate([np.concatenate([np.full(front, -1), np.arange(a, b)]) for a, b in bounds])
    # Free rows repeat the first stamp of their series.
    stamp_rows = np.concatenate([np.concatenate([np.full(front, a), np.arange(a, b)]) for a, b in bounds])
    shift = front * (1 + np.arange(len(bounds)))
    return Panel(
        panel.ids,
        panel.frequency,
        panel.stamps[stamp_rows],
        panel.first + shift,
        panel.end + shift,
        panel.last + shift,
        _rows_or_nothing(panel.y, rows),
        {name: _rows_or_nothing(column, rows) for name, column in panel.columns.items()},
        panel.static,
        panel.profile,
    )


def _rows_or_nothing(values: Any, rows: Any) -> Any:
    out = values[rows]
    out[rows < 0] = None if out.dtype == object else np.nan
    return out
