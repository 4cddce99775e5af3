"""The configuration of a forecaster and its data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from conveyor.errors import ArgumentError
from conveyor.tasks.checks import LARGEST_SIZE, at_least, between, fraction, one_of
from conveyor.tasks.config import TrainingConfig

REPEATED = ("error", "mean", "last")
SCALES = ("auto", "series", "window")
BASES = ("auto", "none", "seasonal")
LINEAR = ("auto", "yes", "no")
QUANTILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class DataConfig:
    """The configuration of a table: its columns, and the rows that are held out.

    Args:
        horizon: steps that are forecast at once.
        time: column of the time stamps: dates, or whole numbers.
        id: column that tells the series apart; None for a table of one series.
        target: column that is forecast.
        freq: step between stamps as pandas writes it (`h`, `30min`, `D`, `MS`), or a whole number; None finds it.
        future: columns known beforehand, such as calendars and weather forecasts.
        past: columns known up to the present only.
        static: columns that don't change within a series.
        repeated: what to do about several rows of one series and stamp: `error`, or take their `mean` or the `last`.
        irregular: take the rows as they come, each with its distance in time, instead of as steps of one frequency.
        date_format: of stamps written as text, as strptime has it; None finds it.
        season: lengths of the series' seasons in steps, shortest first; () takes those of the frequency.
        valid_windows: origins, one horizon apart, that validation forecasts from; fewer where the series are short.
        test_windows: origins after them that are only scored at the end.

    Raises:
        ArgumentError: a value is out of its range.
    """

    horizon: int
    time: str = "ds"
    id: str | None = None
    target: str = "y"
    freq: str | None = None
    future: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    repeated: str = "error"
    irregular: bool = False
    date_format: str | None = None
    season: tuple[int, ...] = ()
    valid_windows: int = 28
    test_windows: int = 28

    def __post_init__(self) -> None:
        between("horizon", self.horizon, 1, 10_000)
        one_of("repeated", self.repeated, REPEATED)
        if any(length < 2 for length in self.season) or list(self.season) != sorted(set(self.season)):
            raise ArgumentError(f"season: expected rising lengths of at least 2 steps, got {list(self.season)}")
        at_least("valid_windows", self.valid_windows, 1)
        at_least("test_windows", self.test_windows, 0)
        roles = [("time", self.time), ("target", self.target)]
        roles += [] if self.id is None else [("id", self.id)]
        roles += [(role, name) for role in ("future", "past", "static") for name in getattr(self, role)]
        seen: dict[str, str] = {}
        for role, name in roles:
            if name in seen:
                raise ArgumentError(f"{role}: column {name!r} is already {seen[name]}; name it once")
            seen[name] = role


@dataclass(frozen=True)
class ModelConfig:
    """The sizes and shape of a forecaster.

    Args:
        hidden_size: units of a layer.
        num_layers: recurrent layers.
        dropout: probability before the quantile head and between layers; None lets validation choose.
        context: steps read before the horizon; 0 takes two horizons.
        quantiles: levels that are forecast, rising, with the median among them.
        scale: what values are measured in: each `series`' mean and deviation, or those of the `window` read; `auto`
            lets validation choose.
        base: what the network corrects: `none`, or the `seasonal` naive forecast; `auto` lets validation choose.
        linear: whether a linear path leads from the window's values to the forecast: `yes`, `no`, or `auto`.
        simulate: leave the target's own past out: values follow from the other columns, as in rainfall-runoff models.
        backend: what runs the layer.

    Raises:
        ArgumentError: a value is out of its range.
    """

    hidden_size: int = 64
    num_layers: int = 1
    dropout: float | None = None
    context: int = 0
    quantiles: tuple[float, ...] = QUANTILES
    scale: str = "auto"
    base: str = "auto"
    linear: str = "auto"
    simulate: bool = False
    backend: str = "auto"

    def __post_init__(self) -> None:
        between("hidden_size", self.hidden_size, 1, LARGEST_SIZE)
        between("num_layers", self.num_layers, 1, 1000)
        between("context", self.context, 0, LARGEST_SIZE)
        fraction("dropout", self.dropout or 0.0)
        one_of("scale", self.scale, SCALES)
        one_of("base", self.base, BASES)
        one_of("linear", self.linear, LINEAR)
        levels = self.quantiles
        if 0.5 not in levels or any(not 0 < q < 1 for q in levels) or list(levels) != sorted(set(levels)):
            raise ArgumentError(
                f"quantiles: expected rising levels between 0 and 1 with 0.5 among them, got {list(levels)}"
            )


def default_training(**changes: Any) -> TrainingConfig:
    """Return how forecasters are trained unless told otherwise."""
    usual: dict[str, Any] = {
        "lr": 5e-3,
        "warmup": 50,
        "epochs": 10_000,
        "max_steps": 700,
        "evaluate_every": 50,
        "checkpoint_every": 500,
    }
    return TrainingConfig(**(usual | changes))


@dataclass(frozen=True)
class ForecastConfig:
    """All of a forecasting run but its cell and its table.

    Args:
        data: what the columns mean.
        model: sizes and shape.
        training: how it is trained.
        batch_size: windows of one optimizer step.
        file: the table's path; None where it was given in memory.
    """

    data: DataConfig
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=default_training)
    batch_size: int = 64
    file: str | None = None

    def __post_init__(self) -> None:
        between("batch_size", self.batch_size, 1, LARGEST_SIZE)

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as JSON values."""
        values = asdict(self)
        for part in ("data", "model"):
            values[part] = {k: list(v) if isinstance(v, tuple) else v for k, v in values[part].items()}
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ForecastConfig:
        """Build the configuration that `to_json` returned."""
        return cls(
            DataConfig(**_tuples(values["data"])),
            ModelConfig(**_tuples(values["model"])),
            TrainingConfig(**values["training"]),
            **{f.name: values[f.name] for f in fields(cls) if f.name in ("batch_size", "file")},
        )


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
