"""Measures of forecasts, most from utilsforecast; Nash-Sutcliffe and Kling-Gupta efficiency for hydrologists."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from utilsforecast.losses import coverage, mae, mase, mqloss, rmse, scaled_crps

from conveyor.tasks.forecast.names import MODEL, NAIVE, RIDGE, level_columns, quantile_column


def score_table(frame: pd.DataFrame, history: pd.DataFrame, levels: tuple[float, ...], season: int) -> dict[str, Any]:
    """Score forecasts and the baselines beside them, the mean over series.

    Args:
        frame: columns `unique_id, ds, cutoff, y`, a column a quantile, and the baselines.
        history: `unique_id, ds, y` of the training rows, which scale MASE.
        levels: of the quantiles.
        season: of MASE's scale, in steps.

    Returns:
        By model, measures by name; None where a measure is not finite.
    """
    known = frame[frame["y"].notna()].reset_index(drop=True)
    if known.empty:
        return {}
    known[MODEL] = known[quantile_column(0.5)]
    points = [name for name in (MODEL, NAIVE, RIDGE) if name in known.columns]
    train = history[history["y"].notna()].reset_index(drop=True)
    tables = {
        "MAE": mae(known, points),
        "RMSE": rmse(known, points),
        "MASE": mase(known, points, seasonality=season, train_df=train),
    }
    scores: dict[str, dict[str, Any]] = {
        model: {name: _number(table[model].mean()) for name, table in tables.items()} for model in points
    }
    for model in points:
        y, forecast = known["y"].to_numpy(), known[model].to_numpy()
        scores[model] |= {"NSE": _number(nse(y, forecast)), "KGE": _number(kge(y, forecast))}
    scores[MODEL] |= _distribution(known, levels)
    return scores


def _distribution(known: pd.DataFrame, levels: tuple[float, ...]) -> dict[str, Any]:
    columns = {MODEL: [quantile_column(level) for level in levels]}
    grid = np.array(levels)
    out = {
        "pinball": _number(mqloss(known, columns, quantiles=grid)[MODEL].mean()),
        "scaled CRPS": _number(scaled_crps(known, columns, quantiles=grid)[MODEL].mean()),
    }
    for percent, (low, high) in level_columns(levels).items():
        bounds = known[["unique_id", "y"]].assign(
            **{f"{MODEL}-lo-{percent}": known[low], f"{MODEL}-hi-{percent}": known[high]}
        )
        out[f"coverage {percent} %"] = _number(coverage(bounds, [MODEL], level=percent)[MODEL].mean())
    return out


def nse(y: Any, forecast: Any) -> float:
    """Nash-Sutcliffe efficiency: 1 less the squared error over the variance (Nash & Sutcliffe 1970)."""
    spread = float(np.square(y - y.mean()).sum())
    return 1.0 - float(np.square(y - forecast).sum()) / spread if spread else float("nan")


def kge(y: Any, forecast: Any) -> float:
    """Kling-Gupta efficiency of correlation, ratio of deviations and ratio of means (Gupta et al. 2009)."""
    if len(y) < 2 or not y.std() or not forecast.std() or not y.mean():
        return float("nan")
    r = float(np.corrcoef(y, forecast)[0, 1])
    alpha, beta = float(forecast.std() / y.std()), float(forecast.mean() / y.mean())
    return 1.0 - float(np.sqrt((r - 1) ** 2 + (alpha - 1) ** 2 + (beta - 1) ** 2))


def _number(value: Any) -> float | None:
    number = float(value)
    return number if np.isfinite(number) else None
