"""The figures of a report on a forecaster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from conveyor.inspect.draw.figure import EDGE, INK, SOFT, Drawn, figure, finish
from conveyor.tasks.forecast.names import MODEL, NAIVE, RIDGE, level_columns, quantile_column
from conveyor.views.diagram.palette import LIGHT

_BLUE = LIGHT[1]
_STYLES = {MODEL: (_BLUE, "-"), NAIVE: (SOFT, ":"), RIDGE: (LIGHT[2 % len(LIGHT)], "--")}


def forecasts(table: pd.DataFrame, series: str, levels: tuple[float, ...], unit: str) -> Drawn:
    """Draw the forecasts from several origins of one series, and what came."""
    rows = table[table["unique_id"] == series]
    with figure(11.0, 3.8) as (made, ax):
        intervals = level_columns(levels)
        widest = max(intervals, default=0)
        for number, (_, part) in enumerate(rows.groupby("cutoff", sort=True)):
            for percent, (low, high) in intervals.items():
                label = f"{widest} % interval" if percent == widest and not number else None
                ax.fill_between(part["ds"], part[low], part[high], color=_BLUE, alpha=0.16, linewidth=0, label=label)
            label = None if number else "median"
            ax.plot(part["ds"], part[quantile_column(0.5)], color=_BLUE, linewidth=1.6, label=label)
            ax.axvline(part["ds"].iloc[0], color=EDGE, linewidth=0.8)
        came = rows.drop_duplicates("ds").sort_values("ds")
        ax.plot(came["ds"], came["y"], color=INK, linewidth=1.1, label="what came")
        ax.set_ylabel(unit)
        ax.margins(x=0.01)
        ax.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1.0), fontsize=9)
        count = rows["cutoff"].nunique()
        words = f"{count} forecasts of series {series}, each from a line on, with what came beside them"
        return finish(made, "forecasts", "Forecasts and what came", words + ".")


def errors_by_step(table: pd.DataFrame, unit: str) -> Drawn:
    """Draw the mean absolute error at each step of the horizon, beside the baselines'."""
    step = table.groupby(["unique_id", "cutoff"], sort=False).cumcount() + 1
    with figure(7.0, 3.4) as (made, ax):
        told = []
        for name, column in ((MODEL, quantile_column(0.5)), (NAIVE, NAIVE), (RIDGE, RIDGE)):
            if column not in table:
                continue
            errors = (table["y"] - table[column]).abs().groupby(step).mean()
            colour, style = _STYLES[name]
            ax.plot(errors.index, errors.to_numpy(), style, color=colour, label=name)
            told.append(f"{name} {errors.iloc[0]:.3g} at the first step, {errors.iloc[-1]:.3g} at the last")
        ax.set_xlabel("step of the horizon")
        ax.set_ylabel(f"mean absolute error, {unit}")
        ax.set_ylim(bottom=0)
        ax.legend(frameon=False)
        return finish(made, "errors", "Error over the horizon", "; ".join(told) + ".")


def gate_maps(values: Mapping[str, Any], stamps: Sequence[str], origin: int, titles: Mapping[str, str]) -> Drawn:
    """Draw gates (T, H) over a window: a row a unit, a column a step, the origin marked."""
    order = np.argsort(-next(iter(values.values())).mean(0), kind="stable")
    steps, units = len(stamps), len(order)
    with figure(11.0, 1.6 * len(values) + 0.9, len(values), 1, squeeze=False) as (made, axes):
        for (name, value), ax in zip(values.items(), axes[:, 0], strict=True):
            image = ax.imshow(
                value[:, order].T,
                aspect="auto",
                interpolation="nearest",
                cmap="cividis",
                vmin=0.0,
                vmax=1.0,
                extent=(-0.5, steps - 0.5, units, 0),
            )
            ax.axvline(origin - 0.5, color="white", linewidth=1.6)
            ax.set_title(titles.get(name, name))
            ax.set_ylabel("units")
            ax.set_yticks([0, units])
            ax.set_xticks([])
            ax.grid(False)
            made.colorbar(image, ax=ax, pad=0.01, fraction=0.03)
        places = np.linspace(0, steps - 1, min(8, steps)).round().astype(int)
        axes[-1, 0].set_xticks(places, [stamps[p] for p in places], fontsize=8)
        words = (
            f"{len(values)} maps of {units} units over {steps} steps, {stamps[0]} to {stamps[-1]}; the white line is "
            f"the origin, {stamps[origin]}, from which on the target is not known"
        )
        return finish(made, "gates", "Gates over the window", words + ".")


def memory_against_seasons(lengths: Mapping[str, Any], seasons: Sequence[int]) -> Drawn:
    """Draw how long each unit remembers, longest first, with the seasons as lines."""
    longest = max([*seasons, 100.0]) * 10
    with figure(7.0, 3.6) as (made, ax):
        told = []
        for k, (label, steps) in enumerate(lengths.items()):
            ordered = np.sort(np.clip(np.nan_to_num(steps, nan=0.0, posinf=longest), 0.1, longest))[::-1]
            share = (np.arange(len(ordered)) + 1) / len(ordered)
            ax.plot(100 * share, ordered, color=LIGHT[k % len(LIGHT)], label=label, drawstyle="steps-pre")
            beyond = ", ".join(f"{(ordered >= s).mean():.0%} remember {s:,} steps" for s in seasons)
            told.append(f"{label}: half of the units forget half within {np.median(ordered):.1f} steps; {beyond}")
        for season in seasons:
            ax.axhline(season, color=SOFT, linewidth=1, linestyle="--")
            ax.text(99.5, season, f"season {season:,}", ha="right", va="bottom", fontsize=8.5, color=SOFT)
        ax.set_yscale("log")
        ax.set_xlim(0, 100)
        ax.set_ylim(bottom=0.1)
        ax.set_xlabel("units, % of the layer, longest memory first")
        ax.set_ylabel("steps to half")
        if len(lengths) > 1:
            ax.legend(frameon=False)
        return finish(made, "memory", "Memory against the seasons", "; ".join(told) + ".")


def importances(found: Mapping[str, float]) -> Drawn:
    """Draw by how much the loss grows without each column's own values."""
    names = list(found)[::-1]
    with figure(7.5, 0.32 * len(names) + 1.0) as (made, ax):
        ax.barh(names, [100 * found[name] for name in names], color=_BLUE, height=0.62)
        ax.set_xlabel("growth of the pinball loss, %")
        ax.axvline(0, color=SOFT, linewidth=0.8)
        ax.grid(False, axis="y")
        words = "; ".join(f"{name} {value:+.0%}" for name, value in found.items())
        return finish(made, "columns", "What moves the forecast", words + ".")
