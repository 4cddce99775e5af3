"""Forecasts of what comes after a table's last rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch

from conveyor.errors import DataError
from conveyor.tasks.forecast.config import DataConfig
from conveyor.tasks.forecast.data.buffer import read_tail
from conveyor.tasks.forecast.data.encode import Encoding, encode
from conveyor.tasks.forecast.data.panel import Panel, build_panel, stamp_text, with_front
from conveyor.tasks.forecast.data.table import canonical
from conveyor.tasks.forecast.data.windows import WindowReader
from conveyor.tasks.forecast.evaluation.scoring import unscale
from conveyor.tasks.forecast.names import quantile_column
from conveyor.tasks.forecast.run import Trained


def predict(trained: Trained, history: pd.DataFrame, future: pd.DataFrame | None = None) -> pd.DataFrame:
    """Forecast the horizon after each series' last row.

    Args:
        trained: the forecaster.
        history: the series up to the present, with the columns that it was trained on.
        future: rows after them with the future columns; needed if there are such columns.

    Returns:
        Columns `unique_id`, `ds`, and one a quantile, `y-q0.1` …; horizon rows a series.

    Raises:
        DataError: a table cannot be used, or the future misses rows.
    """
    panel, reader = read_panel(trained, history, future)
    return forecast_table(trained, panel, reader)


def forecast_table(trained: Trained, panel: Panel, reader: WindowReader) -> pd.DataFrame:
    """Forecast from the end of each series of a panel, as `predict` returns it."""
    values = forecast_values(trained, panel, reader)
    horizon = reader.shape.horizon
    rows = (panel.end[:, None] + np.arange(horizon)).reshape(-1)
    table: dict[str, Any] = {
        "unique_id": np.repeat(np.array(panel.ids, dtype=object), horizon),
        "ds": panel.stamps[rows],
    }
    for k, level in enumerate(trained.config.model.quantiles):
        table[quantile_column(level)] = values[:, :, k].T.reshape(-1)
    return pd.DataFrame(table)


def forecast_values(trained: Trained, panel: Panel, reader: WindowReader) -> Any:
    """Forecast from the end of each of S series: quantiles (horizon, S, Q) in the data's units, float64."""
    origins = torch.from_numpy(panel.end)
    inputs = reader.inputs(origins)
    with torch.no_grad():
        quantiles = trained.model(inputs["x"], inputs["static"])
        if trained.conformal is not None:
            quantiles = trained.conformal.apply(quantiles)
    return unscale(quantiles, reader, origins)


def read_panel(trained: Trained, history: pd.DataFrame, future: pd.DataFrame | None) -> tuple[Panel, WindowReader]:
    """Put tables on the grid of a trained forecaster, with the horizon's rows after each series.

    Raises:
        DataError: a table cannot be used, or the future misses rows.
    """
    data, encoding, shape = trained.config.data, trained.encoding, trained.model.shape
    names = tuple(encoding.future)
    if names and future is None:
        raise DataError(
            f"future: the model reads {', '.join(names)} of the steps to come; give a table of the next "
            f"{shape.horizon} steps with --future"
        )
    front = shape.context + max(encoding.lags, default=0)
    # Two more rows than are read: what happens between the first of them is read too.
    direct = read_tail(history, future, data, encoding.step, front + 2, shape.horizon)
    if direct is not None and not np.isnan(direct.y[: -shape.horizon]).all():
        return direct, panel_reader(trained, direct)
    frame = _tail(canonical(history, data, what="history"), front + 2)
    coming = None if future is None else canonical(future, data, target=False, what="future")
    panel = build_panel(
        frame,
        data,
        ahead=shape.horizon,
        future=coming,
        frequency=encoding.step,
        usual=_usual_step(encoding, frame["ds"].to_numpy().dtype),
        what="history",
    )
    _require_values(panel)
    if names:
        _require_future(panel, coming, data, shape.horizon)
    panel = with_front(panel, front)
    return panel, panel_reader(trained, panel)


def panel_reader(trained: Trained, panel: Panel) -> WindowReader:
    """Encode a panel as a trained forecaster reads it."""
    shape = trained.model.shape
    return WindowReader(encode(panel, trained.encoding), shape.context, shape.horizon, shape.lags, shape.simulate)


def _tail(frame: pd.DataFrame, rows: int) -> pd.DataFrame:
    """The last rows of each series; those before them are not read."""
    if len(frame) <= rows:
        return frame
    return frame.groupby("unique_id", sort=False).tail(rows).reset_index(drop=True)


def _usual_step(encoding: Encoding, dtype: np.dtype[Any]) -> Any:
    if encoding.frequency is not None:
        return None
    if dtype.kind == "M":
        return np.timedelta64(round(encoding.time_unit * 1e6), "us")
    return max(round(encoding.time_unit), 1)


def _require_values(panel: Panel) -> None:
    for number, first, end in panel.series():
        if np.isnan(panel.y[first:end]).all():
            raise DataError(
                f"history: series {panel.ids[number]} has no value of the target in its last steps; give rows that do"
            )


def _require_future(panel: Panel, coming: pd.DataFrame | None, data: DataConfig, horizon: int) -> None:
    assert coming is not None, "asked for before"
    given = {str(name): set(group["ds"].to_numpy().tolist()) for name, group in coming.groupby("unique_id", sort=False)}
    for number, _, end in panel.series():
        there = given.get(panel.ids[number], set())
        for stamp in panel.stamps[end : end + horizon]:
            if stamp.item() not in there and stamp.tolist() not in there:
                raise DataError(
                    f"future: expected the {horizon} steps after {stamp_text(panel.stamps[end - 1])} of series "
                    f"{panel.ids[number]}, but {stamp_text(stamp)} is missing; add its row"
                )
