"""A table split in time, encoded, and cut into windows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from conveyor.errors import DataError
from conveyor.tasks.forecast.config import DataConfig, ForecastConfig
from conveyor.tasks.forecast.data.encode import Encoding, encode, fit_encoding
from conveyor.tasks.forecast.data.panel import Panel, build_panel, with_front
from conveyor.tasks.forecast.data.table import canonical
from conveyor.tasks.forecast.data.windows import Split, WindowReader, evaluation_origins
from conveyor.tasks.forecast.evaluation.baselines import choose_season

_LEAST_ORIGINS = 8
_PART = 0.2
"""Largest part of a series that validation takes, and the test likewise."""


@dataclass(frozen=True)
class Dataset:
    """The data of a run.

    Attributes:
        panel: The series.
        encoding: What was learned from the training rows.
        reader: Of windows.
        split: Origins of the three parts.
        context: Steps that windows read before their origin.
        season: Of the seasonal naive forecast, in steps; 1 repeats the last value.
        base_lag: Which lag that season is; -1 if none.
    """

    panel: Panel
    encoding: Encoding
    reader: WindowReader
    split: Split
    context: int
    season: int
    base_lag: int

    @property
    def history(self) -> pd.DataFrame:
        """The training rows as `unique_id, ds, y`."""
        panel, parts = self.panel, []
        for name, first, end in zip(panel.ids, panel.first, self.split.train_end, strict=True):
            rows = slice(int(first), int(end))
            parts.append(pd.DataFrame({"unique_id": name, "ds": panel.stamps[rows], "y": panel.y[rows]}))
        return pd.concat(parts, ignore_index=True)


def resolve_columns(frame: pd.DataFrame, data: DataConfig) -> DataConfig:
    """Take the column `unique_id` for the series' names where the user named none and the table has it."""
    named = {data.time, data.target, *data.future, *data.past, *data.static}
    if data.id is None and "unique_id" in frame.columns and "unique_id" not in named:
        return replace(data, id="unique_id")
    return data


def canonical_columns(data: DataConfig) -> DataConfig:
    """Name the columns as a table of `canonical` does."""
    return replace(data, time="ds", id="unique_id", target="y", date_format=None)


def choose_context(config: ForecastConfig) -> int:
    """Steps that windows read before their origin: as given, or two horizons; a year's like for simulations."""
    if config.model.context:
        return config.model.context
    return 365 if config.model.simulate else max(2 * config.data.horizon, 16)


def build_dataset(frame: pd.DataFrame, config: ForecastConfig) -> Dataset:
    """Build the data of a run from a table.

    Raises:
        DataError: the table cannot be used.
    """
    data, horizon = config.data, config.data.horizon
    panel = build_panel(canonical(frame, data), data, front=0)
    context = choose_context(config)
    lengths = panel.end - panel.first
    if int(lengths.max()) < 3 * horizon + 2:
        raise DataError(
            f"data: expected a series of at least {3 * horizon + 2:,} steps for a horizon of {horizon} (to train, "
            f"validate and test on), got {int(lengths.max()):,}; give more data or a smaller --horizon"
        )
    context = min(context, max(int(lengths.max()) // 4, 1))
    least = np.maximum(horizon + 1, np.ceil(lengths * (1 - 2 * _PART)).astype(np.int64))
    test, test_begin = evaluation_origins(
        panel,
        data.test_windows,
        horizon,
        panel.end,
        np.maximum(horizon + 1, np.ceil(lengths * (1 - _PART)).astype(np.int64)),
    )
    valid, train_end = evaluation_origins(panel, data.valid_windows, horizon, test_begin, least)
    if not len(valid):
        raise DataError(
            f"data: no series is long enough to hold out a horizon of {horizon} for validation; give longer ones or a "
            "smaller --horizon"
        )
    encoding = fit_encoding(panel, data, train_end, context)
    if config.model.simulate:
        encoding = replace(encoding, lags=())
    front = context + max(encoding.lags, default=0)
    shifts = front * (1 + np.arange(len(panel.ids)))
    shift_of = torch.from_numpy(shifts[_series_of(panel)])
    panel = with_front(panel, front)
    valid, test = valid + shift_of[valid], test + shift_of[test]
    train_end = train_end + shifts
    reader = WindowReader(encode(panel, encoding), context, horizon, len(encoding.lags), config.model.simulate)
    train = _training_origins(panel, reader, train_end, context, horizon)
    season = choose_season(reader.encoded, train[:: max(len(train) // 2000, 1)], reader, encoding.seasons)
    base_lag = _base_lag(encoding, season)
    return Dataset(panel, encoding, reader, Split(train_end, train, valid, test), context, season, base_lag)


def _series_of(panel: Panel) -> Any:
    begins = np.concatenate([[0], panel.last[:-1]])
    # An origin may stand at the end of the last series.
    return np.append(np.repeat(np.arange(len(panel.ids)), panel.last - begins), len(panel.ids) - 1)


def _training_origins(panel: Panel, reader: WindowReader, train_end: Any, context: int, horizon: int) -> Tensor:
    parts = []
    for first, end in zip(panel.first.tolist(), train_end.tolist(), strict=True):
        begin = first + min(context, max(1, (end - first - horizon) // 2))
        parts.append(torch.arange(begin, max(end - horizon + 1, begin)))
    origins = torch.cat(parts)
    known = reader.encoded.known
    seen = torch.cat([torch.zeros(1, dtype=torch.float64), known.cumsum(0, dtype=torch.float64)])
    ahead = seen[origins + horizon] - seen[origins]
    behind = seen[origins] - seen[origins - context]
    # Windows without a value to read or to score teach nothing.
    origins = origins[(ahead > 0) & ((behind > 0) | torch.tensor(reader.shape.simulate))]
    if len(origins) < _LEAST_ORIGINS:
        raise DataError(
            f"data: expected at least {_LEAST_ORIGINS} windows to train on, got {len(origins)}; give longer series, a "
            "smaller --horizon or --context, or fewer --test-windows and --valid-windows"
        )
    return origins


def _base_lag(encoding: Encoding, season: int) -> int:
    """The lag that repeats this season over the horizon; the longest where it is none."""
    fits = [k for k, lag in enumerate(encoding.lags) if lag % season == 0]
    return fits[0] if fits and season > 1 else len(encoding.lags) - 1
