"""Rolling-origin evaluation: forecasts at many past origins, none of which sees what came after it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from conveyor.errors import ArgumentError, DataError
from conveyor.tasks.forecast.config import ForecastConfig
from conveyor.tasks.forecast.data.dataset import canonical_columns, resolve_columns
from conveyor.tasks.forecast.data.encode import encode
from conveyor.tasks.forecast.data.panel import Panel, build_panel, with_front
from conveyor.tasks.forecast.data.table import canonical
from conveyor.tasks.forecast.data.windows import WindowReader, evaluation_origins
from conveyor.tasks.forecast.evaluation.baselines import Ridge, fit_ridge
from conveyor.tasks.forecast.evaluation.measures import score_table
from conveyor.tasks.forecast.evaluation.scoring import corrected, origin_table
from conveyor.tasks.forecast.run import ForecastRun, Trained


@dataclass(frozen=True)
class Backtest:
    """The results of a rolling-origin evaluation.

    Attributes:
        table: Columns `unique_id, ds, cutoff, y`, a column a quantile, `seasonal naive`, `ridge`.
        scores: By model, measures by name.
    """

    table: pd.DataFrame
    scores: dict[str, dict[str, Any]]


def backtest(
    trained: Trained, frame: pd.DataFrame, *, windows: int, step: int | None = None, refit: int = 0
) -> Backtest:
    """Forecast from the last `windows` origins of each series, `step` apart, and score it beside the baselines.

    Args:
        trained: the forecaster.
        frame: the series, with what came.
        windows: number of origins.
        step: steps between origins; None takes the horizon.
        refit: train the model anew, on what lies before, at every so many origins; 0 never.

    Raises:
        ArgumentError: a number is out of its range.
        DataError: the table cannot be used, or has too few rows before the first origin.
    """
    shape = trained.model.shape
    step = shape.horizon if step is None else step
    for name, value, least in (("windows", windows, 1), ("step", step, 1), ("refit", refit, 0)):
        if value < least:
            raise ArgumentError(f"{name}: expected at least {least}, got {value}")
    config = trained.config
    config = replace(config, data=resolve_columns(frame, config.data))
    frame = canonical(frame, config.data)
    if refit:
        return _refitted(trained, config, frame, windows, step, refit)
    rolled = roll(trained, config, frame, windows, step)
    return Backtest(rolled.table, score_table(rolled.table, rolled.history, config.model.quantiles, trained.season))


@dataclass(frozen=True)
class Rolled:
    """Forecasts from many origins.

    Attributes:
        table: Of the forecasts, as in `Backtest`.
        history: The rows before the first origin of each series: `unique_id, ds, y`.
        panel: The series.
        reader: Of their windows.
        origins: Rows that were forecast from.
    """

    table: pd.DataFrame
    history: pd.DataFrame
    panel: Panel
    reader: WindowReader
    origins: Tensor


def roll(trained: Trained, config: ForecastConfig, frame: pd.DataFrame, windows: int, step: int) -> Rolled:
    """Forecast from the last origins of each series of a table of `canonical`.

    Raises:
        DataError: the table has too few rows.
    """
    shape, encoding = trained.model.shape, trained.encoding
    panel = build_panel(frame, config.data, frequency=encoding.step)
    panel = with_front(panel, shape.context + max(encoding.lags, default=0))
    end = panel.end - shape.horizon + step
    origins, begin = evaluation_origins(panel, windows, step, end, 1)
    if not len(origins):
        raise DataError(
            f"data: expected a series with more than {shape.horizon:,} steps to forecast the last of them, got "
            f"{int((panel.end - panel.first).max()):,}"
        )
    reader = WindowReader(encode(panel, encoding), shape.context, shape.horizon, shape.lags, shape.simulate)
    quantiles = corrected(trained.model, reader, origins, trained.conformal)
    ridge = _ridge_before(panel, reader, begin, step, encoding.seasons)
    levels = config.model.quantiles
    table = origin_table(panel, reader, origins, quantiles, levels, season=trained.season, ridge=ridge)
    return Rolled(table, rows_before(panel, begin), panel, reader, origins)


def _ridge_before(panel: Panel, reader: WindowReader, begin: Any, step: int, seasons: tuple[int, ...]) -> Ridge | None:
    """Fit a ridge regression to the rows before the first origin; its penalty is chosen on the last fifth of them.

    The origins of that fifth continue those of the backtest, so that both have the same times of day.
    """
    horizon = reader.shape.horizon
    parts, held = [], []
    for first, end in zip(panel.first.tolist(), begin.tolist(), strict=True):
        middle = end - min((end - first) // 5, 28 * horizon)
        start = first + min(reader.shape.context, (middle - first) // 2)
        parts.append(torch.arange(start, max(middle - horizon + 1, start)))
        held.append(torch.arange(end, middle - 1, -step).flip(0))
        held[-1] = held[-1][held[-1] + horizon <= end]
    train, valid = torch.cat(parts), torch.cat(held)
    return fit_ridge(reader, train, valid, seasons) if len(train) > 2 and len(valid) else None


def rows_before(panel: Panel, ends: Any) -> pd.DataFrame:
    """The rows of each series before `ends` (S,), as `unique_id, ds, y`."""
    parts = []
    for name, first, end in zip(panel.ids, panel.first.tolist(), ends.tolist(), strict=True):
        rows = slice(first, end)
        parts.append(pd.DataFrame({"unique_id": name, "ds": panel.stamps[rows], "y": panel.y[rows]}))
    return pd.concat(parts, ignore_index=True)


def _refitted(
    trained: Trained, config: ForecastConfig, frame: pd.DataFrame, windows: int, step: int, refit: int
) -> Backtest:
    """Train anew at every `refit` origins; each model sees only what lies before its first origin."""
    data = replace(canonical_columns(config.data), test_windows=0)
    config = replace(config, data=data, file=None)
    horizon, cell = trained.model.shape.horizon, trained.model.recurrent.cell
    panel = build_panel(frame, data, frequency=trained.encoding.step)
    tables, history, season = [], None, trained.season
    for begin in range(0, windows, refit):
        count = min(refit, windows - begin)
        after = (windows - begin - count) * step
        # A model may see what lies before its first origin; its origins are the last ones of what is left.
        known = _until(frame, panel, (windows - 1 - begin) * step + horizon)
        run = ForecastRun(config, cell, known)
        for _ in run.train(None):
            pass
        rolled = roll(run.trained(), config, _until(frame, panel, after), count, step)
        history = rolled.history if history is None else history
        season = run.dataset.season
        tables.append(rolled.table)
    assert history is not None, "there is at least one window"
    table = pd.concat(tables, ignore_index=True)
    return Backtest(table, score_table(table, history, config.model.quantiles, season))


def _until(frame: pd.DataFrame, panel: Panel, steps: int) -> pd.DataFrame:
    """Drop each series' last `steps` steps, gaps counted."""
    if not steps:
        return frame
    last = {panel.ids[k]: panel.stamps[max(end - steps, first) - 1] for k, first, end in panel.series()}
    limit = frame["unique_id"].map(last).to_numpy()
    return frame[frame["ds"].to_numpy() <= limit].reset_index(drop=True)
