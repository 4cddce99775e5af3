"""Windows of a panel as batches: so many steps before an origin, and the horizon from it on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from conveyor.tasks.forecast.data.encode import Encoded
from conveyor.tasks.forecast.data.panel import Panel
from conveyor.tasks.training.batch import Batch, EpochOrder

Y, KNOWN, SINCE = 0, 1, 2
"""Columns of a window: the value of the step before, whether it is known, the logarithm of the time since the last."""
OWN = 3
"""Columns that tell of the target; past columns follow them."""


@dataclass(frozen=True)
class Shape:
    """The parts of a window.

    Args:
        context: steps before the origin.
        horizon: steps from it on.
        past: past columns.
        lags: lags of the target.
        width: all columns.
        simulate: whether the target's own past is left out.
    """

    context: int
    horizon: int
    past: int
    lags: int
    width: int
    simulate: bool = False

    @property
    def lagged(self) -> int:
        """First of the columns with lagged values; as many flags follow them."""
        return OWN + self.past


class WindowReader:
    """Cuts windows out of an encoded panel.

    A window of origin o has the rows o - context … o + horizon - 1. Nothing that is known only after o is in it: each
    row holds the value and the past columns of the row before, and from o + 1 on these are zero.

    Args:
        encoded: the panel.
        context: steps before the origin.
        horizon: steps from it on.
        lags: number of lags.
        simulate: whether to leave the target's own past out.
    """

    def __init__(self, encoded: Encoded, context: int, horizon: int, lags: int, simulate: bool = False) -> None:
        before = torch.stack([encoded.y, encoded.known], 1)
        before = torch.cat([torch.zeros_like(before[:1]), before[:-1]])
        since = encoded.since.unsqueeze(1)
        parts = [before, since, encoded.shifted, encoded.lagged, encoded.fixed, encoded.gaps]
        self.rows = torch.cat(parts, 1)
        self.passed = encoded.gaps.expm1().squeeze(1).cumsum(0, dtype=torch.float64) if encoded.gaps.shape[1] else None
        self.encoded = encoded
        self.shape = Shape(context, horizon, encoded.shifted.shape[1], lags, self.rows.shape[1], simulate)
        self._offsets = torch.arange(-context, horizon).unsqueeze(1)

    def inputs(self, origins: Tensor) -> dict[str, Tensor]:
        """Return the inputs of windows with these origins (B,): x (T, B, K) and static (B, S)."""
        shape, rows = self.shape, self._offsets + origins
        x = self.rows[rows]
        hidden = x[shape.context + 1 :]
        hidden[:, :, :SINCE] = 0.0
        hidden[:, :, OWN : OWN + shape.past] = 0.0
        x[shape.context :, :, SINCE] = x[shape.context, :, SINCE] + self._time_after(rows[shape.context :])
        if shape.simulate:
            x[:, :, :OWN] = 0.0
            x[:, :, shape.lagged : shape.lagged + 2 * shape.lags] = 0.0
        else:
            x[:, :, SINCE] = torch.log1p(x[:, :, SINCE])
        return {"x": x, "static": self.encoded.static[self.encoded.series[origins]]}

    def _time_after(self, rows: Tensor) -> Tensor:
        """Time from the origin to each row of the horizon (h, B)."""
        if self.passed is None:
            return torch.arange(len(rows), dtype=torch.float32).unsqueeze(1)
        passed = self.passed[rows]
        return (passed - passed[:1]).float()

    def targets(self, origins: Tensor) -> dict[str, Tensor]:
        """Return the values of the horizon (h, B) on the series' scale, and which are known."""
        rows = (self._offsets + origins)[self.shape.context :]
        return {"y": self.encoded.y[rows], "known": self.encoded.known[rows]}

    def batch(self, origins: Tensor) -> Batch:
        """Return inputs and targets of windows with these origins (B,)."""
        return Batch(self.inputs(origins), self.targets(origins), {"static": 0})


class TrainingWindows:
    """The windows of all training origins in a seeded order an epoch; a shorter last batch is left out.

    Args:
        reader: of the panel.
        origins: rows (N,) to forecast from.
        batch_size: windows of a batch.
        seed: of the order.
    """

    stateful = False

    def __init__(self, reader: WindowReader, origins: Tensor, batch_size: int, seed: int) -> None:
        self.reader = reader
        self.origins = origins
        self.batch_size = min(batch_size, len(origins))
        self.order = EpochOrder(len(origins), seed)

    def __len__(self) -> int:
        """Number of batches of an epoch."""
        return len(self.origins) // self.batch_size

    def batch(self, epoch: int, index: int) -> Batch:
        """Return a batch."""
        chosen = self.order(epoch)[index * self.batch_size : (index + 1) * self.batch_size]
        return self.reader.batch(self.origins[chosen])


@dataclass(frozen=True)
class Split:
    """The origins of windows, as rows of a panel.

    Args:
        train_end: row of each series after its last training row, (S,).
        train: origins whose horizon lies in the training rows.
        valid: origins of the validation, a horizon apart.
        test: origins of the test.
    """

    train_end: Any
    train: Tensor
    valid: Tensor
    test: Tensor


def evaluation_origins(panel: Panel, windows: int, horizon: int, end: Any, least: Any) -> tuple[Tensor, Any]:
    """Place `windows` origins a horizon apart before `end`, fewer where fewer than `least` rows would be left.

    Returns:
        The origins (N,), and the first row of them all for each series, (S,).
    """
    count = np.clip((end - panel.first - least) // horizon, 0, windows)
    begin = end - count * horizon
    origins = [np.arange(a, b, horizon) for a, b in zip(begin, end, strict=True)]
    return torch.from_numpy(np.concatenate([np.zeros(0, np.int64), *origins])), begin
