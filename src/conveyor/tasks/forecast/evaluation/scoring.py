"""Forecasts at many origins, as tables, and their scores beside the baselines'."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from conveyor.tasks.forecast.data.panel import Panel
from conveyor.tasks.forecast.data.windows import WindowReader
from conveyor.tasks.forecast.evaluation.baselines import Ridge, seasonal_naive
from conveyor.tasks.forecast.evaluation.conformal import Conformal
from conveyor.tasks.forecast.names import NAIVE, RIDGE, quantile_column
from conveyor.tasks.quiet import undisturbed

_BATCH = 512


def forecast_origins(model: nn.Module, reader: WindowReader, origins: Tensor) -> Tensor:
    """Forecast from origins (N,): (horizon, N, Q) on the series' scale; the model is left as it was."""
    parts = []
    with undisturbed(model):
        for chosen in origins.split(_BATCH):
            inputs = reader.inputs(chosen)
            parts.append(model(inputs["x"], inputs["static"]))
    return torch.cat(parts, 1)


def unscale(values: Tensor, reader: WindowReader, origins: Tensor) -> Any:
    """Bring values (horizon, N, …) from the series' scale to the data's own, float64."""
    series = reader.encoded.series[origins]
    shape = (1, len(origins)) + (1,) * (values.dim() - 2)
    location, scale = reader.encoded.location[series].view(shape), reader.encoded.scale[series].view(shape)
    return (values.double() * scale + location).numpy()


def origin_table(
    panel: Panel,
    reader: WindowReader,
    origins: Tensor,
    quantiles: Tensor,
    levels: tuple[float, ...],
    *,
    season: int,
    ridge: Ridge | None = None,
    naive: bool = True,
) -> pd.DataFrame:
    """Build the table of forecasts at origins, in the data's own units.

    Returns:
        Columns `unique_id, ds, cutoff, y`, a column a quantile, then the baselines. `cutoff` is the last stamp that a
        forecast has seen.
    """
    horizon = reader.shape.horizon
    rows = (torch.arange(horizon).unsqueeze(1) + origins).T.reshape(-1).numpy()
    numbers = reader.encoded.series[origins].numpy()
    table = {
        "unique_id": np.repeat(np.array(panel.ids, dtype=object)[numbers], horizon),
        "ds": panel.stamps[rows],
        "cutoff": np.repeat(panel.stamps[origins.numpy() - 1], horizon),
        "y": panel.y[rows],
    }
    values = unscale(quantiles, reader, origins)
    for k, level in enumerate(levels):
        table[quantile_column(level)] = values[:, :, k].T.reshape(-1)
    if naive:
        table[NAIVE] = unscale(seasonal_naive(reader.encoded, origins, horizon, season), reader, origins).T.reshape(-1)
    if ridge is not None:
        table[RIDGE] = unscale(ridge.forecast(reader, origins), reader, origins).T.reshape(-1)
    return pd.DataFrame(table)


def corrected(model: nn.Module, reader: WindowReader, origins: Tensor, conformal: Conformal | None) -> Tensor:
    """Forecast from origins, with the conformal correction if there is one."""
    quantiles = forecast_origins(model, reader, origins)
    return quantiles if conformal is None else conformal.apply(quantiles)
