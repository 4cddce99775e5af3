"""Permutation importance of columns: the loss with each column's values permuted between windows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from conveyor.tasks.forecast.config import DataConfig
from conveyor.tasks.forecast.data.calendar import HARMONICS
from conveyor.tasks.forecast.data.encode import Encoding
from conveyor.tasks.forecast.data.windows import OWN, WindowReader
from conveyor.tasks.forecast.model import Forecaster, pinball
from conveyor.tasks.training.batch import seeded


def column_groups(encoding: Encoding, data: DataConfig) -> dict[str, list[int]]:
    """Columns of a window by what the user calls them: the target's past, each lag, each column, each cycle."""
    groups = {f"{data.target}, the window": list(range(OWN))}
    place = OWN
    for name, code in encoding.past.items():
        groups[f"{name} (past)"] = list(range(place, place + code.width))
        place += code.width
    lags = len(encoding.lags)
    for k, lag in enumerate(encoding.lags):
        groups[f"{data.target}, {lag:,} steps back"] = [place + k, place + lags + k]
    place += 2 * lags
    for name, code in encoding.future.items():
        groups[name] = list(range(place, place + code.width))
        place += code.width
    for cycle in encoding.cycles:
        groups[f"calendar: {cycle}"] = list(range(place, place + 2 * HARMONICS[cycle]))
        place += 2 * HARMONICS[cycle]
    if encoding.frequency is None:
        groups["time between rows"] = [place]
    return groups


def importance(
    model: Forecaster, reader: WindowReader, origins: Tensor, encoding: Encoding, data: DataConfig, rounds: int = 3
) -> dict[str, float]:
    """Measure how much the pinball loss grows when a column's values come from other windows.

    The loss on the whole is measured with each group of columns permuted over the windows, `rounds` times (Breiman
    2001's permutation importance; a column that another one can stand in for seems to matter less than it does).

    Args:
        model: in evaluation mode.
        reader: of the windows.
        origins: of at least two windows, (N,).
        encoding: of the columns.
        data: what they are called.
        rounds: permutations that are averaged.

    Returns:
        By name, the growth as a part of the loss, largest first.
    """
    batch = reader.batch(origins)
    x, static = batch.inputs["x"], batch.inputs["static"]
    levels = torch.tensor(model.quantiles)

    def loss(x: Tensor, static: Tensor) -> float:
        with torch.no_grad():
            known = batch.targets["known"]
            each = pinball(model(x, static), batch.targets["y"], levels).mean(-1)
            return float((each * known).sum() / known.sum().clamp_min(1.0))

    plain = loss(x, static)
    found = {}
    for number, (name, columns) in enumerate(column_groups(encoding, data).items()):
        grown = [loss(_dealt(x, columns, number, r), static) for r in range(rounds)]
        found[name] = sum(grown) / rounds / plain - 1 if plain else 0.0
    if static.shape[1]:
        orders = [_order(len(static), 1000, r) for r in range(rounds)]
        grown = [loss(x, static[order]) for order in orders]
        found["static columns"] = sum(grown) / rounds / plain - 1 if plain else 0.0
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _dealt(x: Tensor, columns: Sequence[int], number: int, turn: int) -> Tensor:
    out = x.clone()
    out[:, :, columns] = x[:, _order(x.shape[1], number, turn)][:, :, columns]
    return out


def _order(count: int, number: int, turn: int) -> Tensor:
    return torch.randperm(count, generator=seeded(0, number, turn))
