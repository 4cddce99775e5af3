"""Forecasts to compare with: the seasonal naive one, and a ridge regression on the past."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from conveyor.tasks.forecast.data.encode import Encoded
from conveyor.tasks.forecast.data.windows import WindowReader

_PENALTIES = (1.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
_MOST_WINDOWS = 3000
_MOST_PAST = 336
_STEPS_TRIED = 8


def seasonal_naive(encoded: Encoded, origins: Tensor, horizon: int, season: int) -> Tensor:
    """Repeat the last season before each origin (B,): (horizon, B) on the series' scale.

    Where that value is missing, the season before it is taken, up to three; then the series' mean.
    """
    steps = torch.arange(horizon).unsqueeze(1)
    back = season * (steps // season + 1)
    out = torch.zeros(horizon, len(origins))
    found = torch.zeros(horizon, len(origins), dtype=torch.bool)
    for further in range(4):
        rows = origins + steps - back - further * season
        there = rows >= 0
        rows = rows.clamp_min(0)
        known = (encoded.known[rows] > 0) & (encoded.series[rows] == encoded.series[origins]) & there & ~found
        out = torch.where(known, encoded.y[rows], out)
        found |= known
    return out


def choose_season(encoded: Encoded, origins: Tensor, reader: WindowReader, seasons: tuple[int, ...]) -> int:
    """Choose the season whose naive forecast is best at these origins; 1, the last value, where there is none."""
    choices = [1, *seasons]
    if not len(origins):
        return choices[-1]
    targets = reader.targets(origins)
    return min(choices, key=lambda season: _error(seasonal_naive(encoded, origins, len(targets["y"]), season), targets))


def _error(forecast: Tensor, targets: dict[str, Tensor]) -> float:
    known = targets["known"]
    return float(((forecast - targets["y"]).abs() * known).sum() / known.sum().clamp_min(1.0))


@dataclass(frozen=True)
class Ridge:
    """A linear regression a step of the horizon.

    Args:
        past: values before the origin that it reads.
        weights: (horizon, K), float64.
        penalty: of the squared weights.
    """

    past: int
    weights: Tensor
    penalty: float

    def forecast(self, reader: WindowReader, origins: Tensor) -> Tensor:
        """Forecast (horizon, B) on the series' scale."""
        return torch.stack([_design(reader, origins, j, self.past) @ w for j, w in enumerate(self.weights)]).float()


def fit_ridge(reader: WindowReader, train: Tensor, valid: Tensor, seasons: tuple[int, ...]) -> Ridge:
    """Fit a ridge regression to training origins; the number of past values and the penalty by validation.

    Origins are taken at the time of day of the validation's, where that is one and there are enough: a linear model
    cannot know that the hours differ.
    """
    horizon = reader.shape.horizon
    origins = _alike(train, valid, reader.encoded.series, horizon)
    longest = max((s for s in seasons if s <= _MOST_PAST), default=horizon)
    lengths = sorted({min(max(horizon, 2), _MOST_PAST), longest}) if not reader.shape.simulate else [0]
    # Length and penalty are chosen on a few steps of the horizon, which differ little.
    tried = sorted({round(j) for j in torch.linspace(0, horizon - 1, min(_STEPS_TRIED, horizon)).tolist()})
    best: tuple[float, int, float] | None = None
    for past in lengths:
        weights = _solutions(reader, origins, past, tried, _PENALTIES)
        for penalty, chosen in zip(_PENALTIES, weights, strict=True):
            error = _step_error(reader, valid, tried, chosen, past) if len(valid) else penalty
            if best is None or error < best[0]:
                best = error, past, penalty
    assert best is not None, "there is a length and a penalty"
    _, past, penalty = best
    return Ridge(past, _solutions(reader, origins, past, range(horizon), (penalty,))[0], penalty)


def _step_error(reader: WindowReader, origins: Tensor, steps: Sequence[int], weights: Tensor, past: int) -> float:
    """Mean absolute error over some steps of the horizon."""
    forecast = torch.stack([_design(reader, origins, j, past) @ w for j, w in zip(steps, weights, strict=True)])
    targets = {name: values[list(steps)] for name, values in reader.targets(origins).items()}
    return _error(forecast.float(), targets)


def _alike(train: Tensor, valid: Tensor, series: Tensor, horizon: int) -> Tensor:
    """Choose the training origins that are whole horizons away from their own series' validation origins."""
    phase = torch.full((int(series.max()) + 1,), -1)
    phase[series[valid]] = valid % horizon
    is_one_phase = bool((valid % horizon == phase[series[valid]]).all())
    alike = train[train % horizon == phase[series[train]]]
    chosen = alike if is_one_phase and len(alike) >= 50 else train
    step = -(-len(chosen) // _MOST_WINDOWS)
    return chosen[::step]


def _solutions(
    reader: WindowReader, origins: Tensor, past: int, steps: Iterable[int], penalties: Sequence[float]
) -> Tensor:
    """Weights (penalties, steps, K) of the regressions."""
    targets = reader.targets(origins)
    out = []
    for j in steps:
        known = targets["known"][j] > 0
        design = _design(reader, origins[known], j, past)
        gram, moment = design.T @ design, design.T @ targets["y"][j][known].double()
        # By eigenvalues, so that one factorisation serves all penalties and values of any size have a solution.
        values, vectors = torch.linalg.eigh(gram)
        damped = values.clamp_min(0.0).unsqueeze(1) + torch.tensor(penalties, dtype=torch.float64)
        out.append((vectors @ ((vectors.T @ moment).unsqueeze(1) / damped)).T)
    return torch.stack(out, 1)


def _design(reader: WindowReader, origins: Tensor, step: int, past: int) -> Tensor:
    """Build the design matrix of a regression (B, K): past values, the step's lags, known columns, their squares, 1."""
    encoded, shape = reader.encoded, reader.shape
    before = encoded.y[(origins.unsqueeze(1) - torch.arange(1, past + 1)).clamp_min(0)].double()
    rows = origins + step
    columns = encoded.fixed[rows].double()
    lagged = encoded.lagged[rows][:, : 0 if shape.simulate else shape.lags]
    ones = torch.ones(len(origins), 1, dtype=torch.float64)
    return torch.cat([before, lagged, columns, columns.square(), encoded.static[encoded.series[origins]], ones], 1)
