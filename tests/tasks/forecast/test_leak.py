"""Nothing at or after an origin changes a bit of its forecast: neither the target, nor past columns, nor later rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conveyor.cells import cells
from conveyor.tasks.forecast.data.table import canonical
from conveyor.tasks.forecast.evaluation.backtest import roll
from conveyor.tasks.forecast.predict import predict
from conveyor.tasks.forecast.run import ForecastRun, Trained

from .conftest import HORIZON, finish, make_config, panel_frame

COLUMNS = {"id": "unique_id", "future": ("temp",), "past": ("weather",), "static": ("region",)}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return panel_frame()


@pytest.fixture(scope="module", params=["window", "series"])
def trained(frame: pd.DataFrame, request: pytest.FixtureRequest) -> Trained:
    options: dict[str, Any] = {"scale": request.param, "base": "seasonal" if request.param == "window" else "none"}
    return finish(ForecastRun.start(make_config(**COLUMNS, **options, linear="yes"), cells["gru_d"], frame)).trained()


def forecasts(trained: Trained, frame: pd.DataFrame, windows: int, step: int) -> pd.DataFrame:
    table = roll(trained, trained.config, canonical(frame, trained.config.data), windows, step).table
    return table.set_index(["unique_id", "cutoff", "ds"]).filter(like="y-q")


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))  # a hundred for each of two models
@given(data=st.data())
def test_what_comes_later_changes_no_bit(trained: Trained, frame: pd.DataFrame, data: st.DataObject) -> None:
    windows, step = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 9))
    before = forecasts(trained, frame, windows, step)
    series, cutoff = data.draw(st.sampled_from(sorted({key[:2] for key in before.index})))
    changed = frame.copy()
    later = (changed["unique_id"] == series) & (changed["ds"] > cutoff)
    # Another series may change everywhere.
    rows = later | (changed["unique_id"] != series) if data.draw(st.booleans()) else later
    chosen = rows & (np.random.default_rng(data.draw(st.integers(0, 2**31))).random(len(changed)) < 0.7)
    value = data.draw(st.sampled_from([np.nan, 0.0, -1e6, 1e30, 3.5]))
    changed.loc[chosen, "y"] = value
    changed.loc[chosen, "weather"] = data.draw(st.sampled_from(["cold", "warm", "hail"]))
    if value == 0.0:
        # Known columns beyond the horizon are no more known than the target is.
        beyond = later & (changed["ds"] > cutoff + pd.Timedelta(HORIZON, "h"))
        changed.loc[beyond, "temp"] = 1e3
    after = forecasts(trained, changed, windows, step)
    pd.testing.assert_frame_equal(after.loc[(series, cutoff)], before.loc[(series, cutoff)], check_exact=True)


def test_forecasting_from_a_table_that_ends_at_the_origin_gives_the_same(trained: Trained, frame: pd.DataFrame) -> None:
    """The backtest's forecasts are those that were possible then; batches of another size round otherwise."""
    table = forecasts(trained, frame, 3, HORIZON)
    for series, cutoff in sorted({key[:2] for key in table.index}):
        own = frame[frame["unique_id"] == series]
        then = predict(
            trained, own[own["ds"] <= cutoff], own[own["ds"] > cutoff][["unique_id", "ds", "temp"]].head(HORIZON)
        )
        expected = table.loc[(series, cutoff)]
        scale = trained.encoding.scales[series]
        difference = np.abs(then.filter(like="y-q").to_numpy() - expected.to_numpy()).max()
        assert difference < 1e-5 * scale
        assert then["ds"].tolist() == expected.index.tolist()


def test_the_test_part_has_no_hand_in_the_training(frame: pd.DataFrame) -> None:
    plain = finish(ForecastRun.start(make_config(**COLUMNS), cells["lstm"], frame))
    origins = plain.dataset.split.test
    first = {}
    for origin in origins.tolist():
        series = int(plain.dataset.reader.encoded.series[origin])
        first.setdefault(plain.dataset.panel.ids[series], plain.dataset.panel.stamps[origin])
    changed = frame.copy()
    late = changed["ds"] >= changed["unique_id"].map(first)
    changed.loc[late, ["y", "temp"]] = 777.0
    changed.loc[late, "weather"] = "hail"
    other = finish(ForecastRun.start(make_config(**COLUMNS), cells["lstm"], changed))
    assert other.dataset.encoding == plain.dataset.encoding
    assert [t.loss for t in other.trials] == [t.loss for t in plain.trials] and other.conformal == plain.conformal
    for name, tensor in plain.trainer.best_weights.items():
        assert torch.equal(other.trainer.best_weights[name], tensor), name
