"""Pictures of forecasts: the past, the median, the intervals, and what came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from conveyor.errors import ArgumentError
from conveyor.tasks.forecast.data.dataset import resolve_columns
from conveyor.tasks.forecast.data.table import canonical
from conveyor.tasks.forecast.names import NAIVE, RIDGE, level_columns, quantile_column
from conveyor.tasks.forecast.run import Trained

_MOST_SERIES = 6
_INK, _BLUE, _GREY = "#1f2933", "#1f6fb2", "#8a94a0"


def plot_forecast(trained: Trained, history: pd.DataFrame, table: pd.DataFrame, path: Path) -> None:
    """Draw the end of each series (the first few) and its forecast into a file.

    Raises:
        ArgumentError: matplotlib is missing, or the file cannot be written.
    """
    config = resolve_columns(history, trained.config.data)
    past = canonical(history, config)
    shown = list(dict.fromkeys(table["unique_id"]))[:_MOST_SERIES]
    figure, axes = _axes(len(shown))
    steps = max(4 * trained.model.shape.horizon, 48)
    for axis, name in zip(axes, shown, strict=True):
        rows = past[past["unique_id"] == name].tail(steps)
        axis.plot(rows["ds"], rows["y"], color=_INK, linewidth=1, label="past")
        draw_forecast(axis, table[table["unique_id"] == name])
        axis.set_title(name, loc="left", fontsize=10)
    _finish(figure, axes, path)


def plot_backtest(table: pd.DataFrame, path: Path) -> None:
    """Draw forecasts against what came, for the first few series, into a file.

    Raises:
        ArgumentError: matplotlib is missing, or the file cannot be written.
    """
    shown = list(dict.fromkeys(table["unique_id"]))[:_MOST_SERIES]
    figure, axes = _axes(len(shown))
    for axis, name in zip(axes, shown, strict=True):
        draw_backtest(axis, table[table["unique_id"] == name])
        axis.set_title(name, loc="left", fontsize=10)
    _finish(figure, axes, path)


def draw_forecast(axis: Any, rows: pd.DataFrame) -> None:
    """Draw the intervals and the median of one forecast."""
    levels = tuple(float(name.removeprefix("y-q")) for name in rows.columns if name.startswith("y-q"))
    for percent, (low, high) in level_columns(levels).items():
        axis.fill_between(
            rows["ds"], rows[low], rows[high], color=_BLUE, alpha=0.18, linewidth=0, label=f"{percent} % interval"
        )
    axis.plot(rows["ds"], rows[quantile_column(0.5)], color=_BLUE, linewidth=1.4, label="median")


def draw_backtest(axis: Any, rows: pd.DataFrame) -> None:
    """Draw the forecasts from several origins of a series, what came, and the baselines."""
    for _, part in rows.groupby("cutoff", sort=True):
        draw_forecast(axis, part)
        for name, style in ((NAIVE, ":"), (RIDGE, "--")):
            if name in part:
                axis.plot(part["ds"], part[name], style, color=_GREY, linewidth=0.8, label=name)
    came = rows.drop_duplicates("ds").sort_values("ds")
    axis.plot(came["ds"], came["y"], color=_INK, linewidth=1, label="what came")


def _axes(count: int) -> tuple[Any, list[Any]]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ArgumentError("--plot: needs matplotlib: pip install 'conveyor[inspect]'") from error
    figure = Figure(figsize=(10, 2.6 * count + 0.4), layout="constrained")
    return figure, list(figure.subplots(count, 1, squeeze=False)[:, 0])


def _finish(figure: Any, axes: list[Any], path: Path) -> None:
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
        axis.margins(x=0.01)
    handles, labels = axes[0].get_legend_handles_labels()
    # Every origin draws under the same labels; each stands once.
    once = dict(zip(labels, handles, strict=True))
    figure.legend(once.values(), once.keys(), fontsize=8, ncols=len(once), frameon=False, loc="outside lower center")
    try:
        figure.savefig(path, dpi=110)
    except OSError as error:
        raise ArgumentError(f"--plot: {path} cannot be written ({error.strerror}); name another") from error
