"""Streaming forecasts: one new value at a time, without a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from conveyor.errors import ArgumentError, DataError
from conveyor.tasks.forecast.data.buffer import buffer_panel
from conveyor.tasks.forecast.data.panel import Panel, build_panel
from conveyor.tasks.forecast.data.table import canonical, read_source
from conveyor.tasks.forecast.predict import forecast_table, panel_reader, read_panel
from conveyor.tasks.forecast.run import Trained


@dataclass
class _Rows:
    """The last rows of one series."""

    stamps: Any
    y: Any
    columns: dict[str, Any]
    static: dict[str, Any]


class ForecastStream:
    """Forecasts of series that grow by a value at a time; the same numbers as `predict` on the whole table.

    The window is read anew for each forecast, since its scale changes with every value; a window is short.

    Args:
        trained: the forecaster; its series have a step.
        history: the series up to the present.

    Raises:
        DataError: the table cannot be used.
    """

    def __init__(self, trained: Trained, history: pd.DataFrame) -> None:
        if trained.encoding.frequency is None:
            raise DataError(
                "stream: expected series with a step between stamps; irregular ones are forecast by predict"
            )
        self.trained = trained
        self.horizon = trained.model.shape.horizon
        self._rows = {}
        panel = self._read(history)
        count = trained.model.shape.context + max(trained.encoding.lags, default=0) + 2
        for number, first, end in panel.series():
            rows = slice(max(end - count, first - count), end)
            self._rows[panel.ids[number]] = _Rows(
                panel.stamps[rows].copy(),
                panel.y[rows].copy(),
                {name: column[rows].copy() for name, column in panel.columns.items()},
                {name: values[number : number + 1] for name, values in panel.static.items()},
            )
        self._check_stamps()

    def _read(self, history: pd.DataFrame) -> Panel:
        """The table on the grid; the columns of the future are asked for when a forecast is."""
        blank = None
        if self.trained.encoding.future:
            blank = _blank_future(self.trained, history)
        return read_panel(self.trained, history, blank)[0]

    def _check_stamps(self) -> None:
        """Free rows before a short series repeat its first stamp; give them stamps of their own."""
        step = self.trained.encoding.step
        assert step is not None
        for rows in self._rows.values():
            rows.stamps = _backwards(step, rows.stamps)

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the series."""
        return tuple(self._rows)

    def push(self, y: float | None, *, id: str | None = None, **columns: Any) -> None:
        """Take the next value of a series.

        Args:
            y: the value; None or NaN if it is missing.
            id: of the series; needed if there are several.
            columns: future and past columns of this step; one that is left out is missing.

        Raises:
            ArgumentError: there is no such series or column.
        """
        rows = self._of(id)
        if strangers := [name for name in columns if name not in rows.columns]:
            there = ", ".join(rows.columns) or "none"
            raise ArgumentError(f"push: no column {strangers[0]!r}; the model reads {there}")
        rows.stamps = np.append(rows.stamps[1:], self._next(rows, 1))
        rows.y = np.append(rows.y[1:], np.nan if y is None else float(y))
        for name, values in rows.columns.items():
            missing = None if values.dtype == object else np.nan
            rows.columns[name] = _appended(values, [columns.get(name, missing)])[1:]

    def forecast(self, future: Any = None, *, id: str | None = None) -> pd.DataFrame:
        """Forecast the horizon after the last value of a series.

        Args:
            future: the steps to come with the future columns: a frame, or a mapping of columns to values, in order.
            id: of the series; needed if there are several.

        Returns:
            As `predict` returns it.

        Raises:
            DataError: the future misses a column or a row.
        """
        name = self._name(id)
        rows = self._rows[name]
        coming = self._coming(future)
        horizon = self.horizon
        stamps = np.append(rows.stamps, self._next(rows, horizon))
        columns = {
            key: _appended(values, coming.get(key, [None if values.dtype == object else np.nan] * horizon))
            for key, values in rows.columns.items()
        }
        y = np.append(rows.y, np.full(horizon, np.nan))
        panel = buffer_panel(name, stamps, y, columns, rows.static, horizon)
        return forecast_table(self.trained, panel, panel_reader(self.trained, panel))

    def _coming(self, future: Any) -> dict[str, Any]:
        names = tuple(self.trained.encoding.future)
        if not names:
            return {}
        if future is None:
            raise DataError(
                f"future: the model reads {', '.join(names)} of the {self.horizon} steps to come; give them"
            )
        table = future if isinstance(future, dict) else read_source(future, "future")
        for name in names:
            if name not in table:
                raise DataError(f"future: no column {name!r}; the model reads {', '.join(names)}")
            if len(table[name]) < self.horizon:
                raise DataError(f"future: expected {self.horizon} rows, got {len(table[name])} of column {name!r}")
        return {name: list(table[name])[: self.horizon] for name in names}

    def _next(self, rows: _Rows, count: int) -> Any:
        step = self.trained.encoding.step
        assert step is not None
        return step.grid(rows.stamps[-1], count + 1)[1:]

    def _name(self, id: str | None) -> str:
        if id is None and len(self._rows) == 1:
            return next(iter(self._rows))
        if id is None or str(id) not in self._rows:
            raise ArgumentError(f"id: expected one of {', '.join(list(self._rows)[:5])}, got {id!r}")
        return str(id)

    def _of(self, id: str | None) -> _Rows:
        return self._rows[self._name(id)]


def _appended(values: Any, more: Any) -> Any:
    if values.dtype == object:
        return np.append(values, np.array([None if v is None else str(v) for v in more], dtype=object))
    return np.append(values, np.array([np.nan if v is None else float(v) for v in more]))


def _backwards(step: Any, stamps: Any) -> Any:
    """Stamps on the grid that ends with the last one."""
    first = int((stamps == stamps[0]).sum()) - 1
    if first == 0:
        return stamps
    if step.is_integer:
        return stamps[-1] - int(step.alias) * np.arange(len(stamps) - 1, -1, -1)
    return pd.date_range(end=stamps[-1], periods=len(stamps), freq=step.alias).to_numpy("datetime64[us]")


def _blank_future(trained: Trained, history: pd.DataFrame) -> pd.DataFrame:
    """Rows of the horizon without values, so that the table of the past can be read by itself."""
    data, horizon = trained.config.data, trained.model.shape.horizon
    panel = build_panel(canonical(history, data, what="history"), data, frequency=trained.encoding.step, ahead=horizon)
    parts = []
    for number, _, end in panel.series():
        rows = slice(end, end + horizon)
        part = pd.DataFrame({data.time: panel.stamps[rows]})
        if data.id is not None:
            part[data.id] = panel.ids[number]
        for name, column in panel.columns.items():
            if name in trained.encoding.future:
                part[name] = column[rows]
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
