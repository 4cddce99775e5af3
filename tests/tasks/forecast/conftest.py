from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conveyor.cells import cells
from conveyor.tasks.forecast.config import DataConfig, ForecastConfig, ModelConfig, default_training
from conveyor.tasks.forecast.run import ForecastRun

MakeRun = Callable[..., ForecastRun]
HORIZON = 4


def daily_wave(steps: int = 240, seed: int = 0, start: str = "2024-03-01") -> pd.DataFrame:
    """Hourly values with a day's wave that a known temperature moves."""
    generator = np.random.default_rng(seed)
    hours = np.arange(steps)
    temp = generator.normal(size=steps).cumsum() / 5
    y = 10 + 3 * np.sin(2 * np.pi * hours / 24) + 2 * temp + 0.3 * generator.normal(size=steps)
    return pd.DataFrame({"ds": pd.date_range(start, periods=steps, freq="h"), "y": y, "temp": temp})


def panel_frame(series: int = 3, steps: int = 160) -> pd.DataFrame:
    """Several series of unequal length with a static column, a past column of words and holes."""
    parts = []
    for k in range(series):
        part = daily_wave(steps - 20 * k, seed=k)
        part["unique_id"] = f"s{k}"
        part["y"] += 20 * k
        part["region"] = "north" if k % 2 else "south"
        part["weather"] = np.where(part["temp"] > 0, "warm", "cold")
        part.loc[part.index[30 + k : 33 + k], "y"] = np.nan
        parts.append(part.drop(part.index[50 : 52 + k]))
    return pd.concat(parts, ignore_index=True)


def make_config(**options: Any) -> ForecastConfig:
    data: dict[str, Any] = {"horizon": HORIZON, "valid_windows": 3, "test_windows": 3}
    model: dict[str, Any] = {"hidden_size": 5, "context": 8}
    training: dict[str, Any] = {"max_steps": 6, "evaluate_every": 3, "warmup": 2}
    batch_size = options.pop("batch_size", 8)
    for name, value in options.items():
        part = next(
            (p for p, c in ((data, DataConfig), (model, ModelConfig)) if name in c.__dataclass_fields__), training
        )
        part[name] = value
    return ForecastConfig(DataConfig(**data), ModelConfig(**model), default_training(**training), batch_size)


@pytest.fixture(scope="session")
def wave() -> pd.DataFrame:
    return daily_wave()


@pytest.fixture(scope="session")
def panel() -> pd.DataFrame:
    return panel_frame()


@pytest.fixture
def make_run(wave: pd.DataFrame) -> MakeRun:
    """Build a tiny run on the wave, or on another table."""

    def make(frame: pd.DataFrame | None = None, cell: str = "lstm", **options: Any) -> ForecastRun:
        return ForecastRun.start(make_config(**options), cells[cell], wave if frame is None else frame)

    return make


def finish(run: ForecastRun) -> ForecastRun:
    for _ in run.train(None):
        pass
    return run
