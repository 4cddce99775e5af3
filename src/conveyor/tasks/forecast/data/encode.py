"""From a panel to the numbers that a model reads; what is learned from the training rows is kept for later tables."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from coreforecast.grouped_array import GroupedArray
from coreforecast.scalers import LocalStandardScaler
from torch import Tensor

from conveyor.errors import DataError
from conveyor.tasks.forecast.config import DataConfig
from conveyor.tasks.forecast.data.calendar import calendar_columns, calendar_cycles, calendar_names
from conveyor.tasks.forecast.data.frequency import Frequency
from conveyor.tasks.forecast.data.panel import Panel

_MOST_CATEGORIES = 50


@dataclass(frozen=True)
class ColumnCode:
    """The encoding of a column as numbers.

    Args:
        mean: of a numeric column's training values.
        scale: their standard deviation; 1 where they don't vary.
        categories: of a column of text, most frequent first; None for a numeric one.
        missing: whether a column of its own says where values are missing.
    """

    mean: float = 0.0
    scale: float = 1.0
    categories: tuple[str, ...] | None = None
    missing: bool = False

    @property
    def width(self) -> int:
        """Number of columns that it becomes."""
        return (1 if self.categories is None else len(self.categories)) + self.missing

    def names(self, name: str) -> list[str]:
        """Names of those columns."""
        values = [name] if self.categories is None else [f"{name}={category}" for category in self.categories]
        return values + [f"{name} missing"] * self.missing

    def encode(self, values: Any) -> Any:
        """Encode values (N,) as (N, width); what is missing or unknown is zero."""
        lacking = np.array([v is None for v in values]) if values.dtype == object else np.isnan(values)
        if self.categories is None:
            numbers = np.where(lacking, self.mean, values).astype(np.float64)
            columns = [(numbers - self.mean) / self.scale]
        else:
            columns = [values == category for category in self.categories]
        columns += [lacking] if self.missing else []
        return np.stack(columns, 1).astype(np.float32)


@dataclass(frozen=True)
class Encoding:
    """The encoding of all columns, fitted to the training rows.

    Args:
        frequency: the step's alias; None for irregular stamps.
        cycles: parts of the calendar that are read.
        seasons: of the series, in steps, shortest first.
        lags: steps back to values that are known at every step of the horizon.
        time_unit: median time between rows in seconds, for irregular stamps.
        locations: mean of each series, by name.
        scales: deviation of each series, by name.
        future: columns known beforehand.
        past: columns known up to the present.
        static: columns of whole series.
    """

    frequency: str | None
    cycles: tuple[str, ...]
    seasons: tuple[int, ...]
    lags: tuple[int, ...]
    time_unit: float
    locations: dict[str, float]
    scales: dict[str, float]
    future: dict[str, ColumnCode]
    past: dict[str, ColumnCode]
    static: dict[str, ColumnCode]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Encoding:
        """Build what `to_json` returned."""
        rest = dict(values)
        for role in ("future", "past", "static"):
            rest[role] = {name: _code_from_json(code) for name, code in values[role].items()}
        for name in ("cycles", "seasons", "lags"):
            rest[name] = tuple(values[name])
        return cls(**rest)

    @property
    def step(self) -> Frequency | None:
        """The step of the series."""
        return None if self.frequency is None else Frequency(self.frequency, given=True)


def _code_from_json(values: dict[str, Any]) -> ColumnCode:
    categories = values["categories"]
    return ColumnCode(**(values | {"categories": None if categories is None else tuple(categories)}))


def fit_encoding(panel: Panel, data: DataConfig, train_end: Any, context: int) -> Encoding:
    """Learn locations, scales, categories, seasons and lags from the rows before `train_end`.

    Args:
        panel: of all rows; those from `train_end` on are not read.
        data: what the columns mean.
        train_end: row of each series after its last training row, (S,).
        context: steps that a window reads before its origin.

    Raises:
        DataError: a series has no values, or all are constant.
    """
    rows = np.concatenate([np.arange(first, end) for first, end in zip(panel.first, train_end, strict=True)])
    locations, scales = _series_scales(panel, train_end)
    seasons = _seasons(panel, data)
    longest = int((train_end - panel.first).max())
    cycles = calendar_cycles(panel.frequency, panel.stamps[rows])
    future = {name: _fit_column(name, panel.columns[name][rows]) for name in data.future}
    past = {name: _fit_column(name, panel.columns[name][rows]) for name in data.past}
    return Encoding(
        frequency=None if panel.frequency is None else panel.frequency.alias,
        cycles=cycles,
        seasons=seasons,
        lags=_lags(seasons, data.horizon, longest - context - data.horizon),
        time_unit=_time_unit(panel, train_end) if panel.frequency is None else 0.0,
        locations=dict(zip(panel.ids, locations.tolist(), strict=True)),
        scales=dict(zip(panel.ids, scales.tolist(), strict=True)),
        future=future,
        past=past,
        static={name: _fit_column(name, panel.static[name]) for name in data.static},
    )


def _series_scales(panel: Panel, train_end: Any) -> tuple[Any, Any]:
    values = np.concatenate([panel.y[a:b] for a, b in zip(panel.first, train_end, strict=True)])
    bounds = np.concatenate([[0], np.cumsum(train_end - panel.first)])
    empty = [name for name, a, b in zip(panel.ids, panel.first, train_end, strict=True) if np.isnan(panel.y[a:b]).all()]
    if empty:
        raise DataError(
            f"target: {_named(empty)} has no value in the part to train on; drop it, or name the right --target"
        )
    grouped = GroupedArray(values, bounds.astype(np.int32))
    stats = LocalStandardScaler(skipna=True).fit(grouped).stats_
    locations, scales = stats[:, 0], stats[:, 1]
    constant = ~(scales > 1e-9 * np.abs(locations))
    if constant.all():
        raise DataError(
            f"target: every value of {_named(list(panel.ids))} to train on is {locations[0]:g}: there is nothing to "
            "learn; name the right --target"
        )
    return locations, np.where(constant, 1.0, scales)


def _named(ids: list[str]) -> str:
    return f"series {ids[0]}" + (f" (and {len(ids) - 1:,} more)" if len(ids) > 1 else "")


def _seasons(panel: Panel, data: DataConfig) -> tuple[int, ...]:
    if data.season:
        return data.season
    return () if panel.frequency is None else panel.frequency.seasons()


def _lags(seasons: tuple[int, ...], horizon: int, most: int) -> tuple[int, ...]:
    """Multiples of the seasons that reach back over the whole horizon and leave windows to train on."""
    lags = {season * -(-horizon // season) for season in seasons}
    return tuple(sorted(lag for lag in lags if lag <= max(most, 0) // 3))


def _time_unit(panel: Panel, train_end: Any) -> float:
    gaps = [np.diff(panel.stamps[a:b]) for a, b in zip(panel.first, train_end, strict=True)]
    together = np.concatenate(gaps)
    if together.dtype.kind == "m":
        together = together / np.timedelta64(1, "s")
    return float(np.median(together)) if len(together) and np.median(together) > 0 else 1.0


def _fit_column(name: str, values: Any) -> ColumnCode:
    if values.dtype == object:
        known = [v for v in values if v is not None]
        found, counts = np.unique(np.array(known, dtype=str), return_counts=True)
        if len(found) > _MOST_CATEGORIES:
            raise DataError(
                f"column {name!r}: expected numbers or at most {_MOST_CATEGORIES} different words, got {len(found):,}; "
                "leave it out, or make numbers of it"
            )
        order = np.argsort(-counts, kind="stable")
        return ColumnCode(categories=tuple(found[order].tolist()), missing=len(known) < len(values))
    known = values[~np.isnan(values)]
    if not len(known):
        raise DataError(f"column {name!r}: all its values are missing in the part to train on; leave it out")
    scale = float(known.std())
    return ColumnCode(float(known.mean()), scale if scale > 0 else 1.0, None, len(known) < len(values))


@dataclass(frozen=True)
class Encoded:
    """A panel as tensors; K counts columns.

    Attributes:
        y: (N,) float32 on each series' scale, zero where missing.
        known: (N,) one where y is known.
        since: (N,) steps (or units of time) since the last known value before the row.
        shifted: (N, P) past columns of the row before.
        fixed: (N, F) future columns and calendar of the row itself.
        lagged: (N, 2 L) y at each lag, then whether it is known.
        gaps: (N, 1) time since the row before, for irregular stamps; else (N, 0).
        static: (S, K).
        series: (N,) which series a row belongs to.
        location: (S,) float64.
        scale: (S,) float64.
    """

    y: Tensor
    known: Tensor
    since: Tensor
    shifted: Tensor
    fixed: Tensor
    lagged: Tensor
    gaps: Tensor
    static: Tensor
    series: Tensor
    location: Tensor
    scale: Tensor


def encode(panel: Panel, encoding: Encoding) -> Encoded:
    """Encode a panel.

    Raises:
        DataError: a series was not there in training.
    """
    strangers = [name for name in panel.ids if name not in encoding.scales]
    if strangers:
        there = ", ".join(list(encoding.scales)[:5])
        raise DataError(
            f"series {strangers[0]!r} was not there in training ({there}, …); train again with it, or drop its rows"
        )
    location = np.array([encoding.locations[name] for name in panel.ids])
    scale = np.array([encoding.scales[name] for name in panel.ids])
    begins = np.concatenate([[0], panel.last[:-1]])
    series = np.repeat(np.arange(len(panel.ids)), panel.last - begins)
    y = (panel.y - location[series]) / scale[series]
    known = ~np.isnan(y)
    y = np.where(known, y, 0.0).astype(np.float32)
    flags = known.astype(np.float32)
    shifted = _stack([code.encode(panel.columns[name]) for name, code in encoding.past.items()], len(y))
    fixed = [code.encode(panel.columns[name]) for name, code in encoding.future.items()]
    fixed.append(calendar_columns(panel.stamps, encoding.cycles).astype(np.float32))
    gaps = _gaps(panel, encoding, begins)
    return Encoded(
        y=torch.from_numpy(y),
        known=torch.from_numpy(flags),
        since=torch.from_numpy(_since(known, begins, gaps)),
        shifted=torch.from_numpy(np.concatenate([np.zeros_like(shifted[:1]), shifted[:-1]])),
        fixed=torch.from_numpy(_stack(fixed, len(y))),
        lagged=torch.from_numpy(_lagged(y, flags, encoding.lags)),
        gaps=torch.from_numpy(np.log1p(gaps)[:, None][:, : int(encoding.frequency is None)].copy()),
        static=torch.from_numpy(
            _stack([code.encode(panel.static[name]) for name, code in encoding.static.items()], len(panel.ids))
        ),
        series=torch.from_numpy(series),
        location=torch.from_numpy(location),
        scale=torch.from_numpy(scale),
    )


def _stack(columns: list[Any], rows: int) -> Any:
    return np.concatenate([np.zeros((rows, 0), np.float32), *columns], 1)


def _lagged(y: Any, known: Any, lags: tuple[int, ...]) -> Any:
    """Each lag lies within the free rows of its own series, if not among its values."""
    out = np.zeros((len(y), 2 * len(lags)), np.float32)
    for k, lag in enumerate(lags):
        out[lag:, k] = y[:-lag]
        out[lag:, len(lags) + k] = known[:-lag]
    return out


def _gaps(panel: Panel, encoding: Encoding, begins: Any) -> Any:
    """Time from the row before in units of the usual step, (N,)."""
    if encoding.frequency is not None:
        return np.ones(len(panel.y), np.float32)
    passed = np.diff(panel.stamps, prepend=panel.stamps[:1])
    seconds = passed / np.timedelta64(1, "s") if passed.dtype.kind == "m" else passed.astype(np.float64)
    seconds[begins] = 0.0
    return np.maximum(seconds / encoding.time_unit, 0.0).astype(np.float32)


def _since(known: Any, begins: Any, gaps: Any) -> Any:
    """Time from the last known value before each row to the row, (N,); from the beginning where there is none."""
    passed = np.cumsum(gaps, dtype=np.float64)
    rows = np.arange(len(known))
    last = np.where(known, rows, -1)
    last[begins] = begins
    last = np.maximum.accumulate(last)
    before = np.concatenate([[0], last[:-1]])
    before[begins] = begins
    return (passed - passed[before]).astype(np.float32)


def input_names(encoding: Encoding, data: DataConfig) -> list[str]:
    """Names of the columns that the model reads, in its order."""
    names = [f"{data.target} before", f"{data.target} known", "time since it"]
    names += [f"{n} before" for column, code in encoding.past.items() for n in code.names(column)]
    names += [f"{data.target} {lag} steps before" for lag in encoding.lags]
    names += [f"{data.target} {lag} steps before known" for lag in encoding.lags]
    names += [n for column, code in encoding.future.items() for n in code.names(column)]
    return names + calendar_names(encoding.cycles)
