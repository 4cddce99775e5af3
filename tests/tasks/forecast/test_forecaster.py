from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import polars
import pytest

import conveyor as cv
from conveyor.errors import ArgumentError, DataError
from conveyor.tasks.forecast.data.buffer import read_tail
from conveyor.tasks.forecast.onnx_graph import onnx_inputs
from conveyor.tasks.forecast.predict import predict, read_panel

from .conftest import HORIZON, daily_wave, panel_frame

TINY = {"hidden_size": 5, "context": 8, "max_steps": 6, "evaluate_every": 3, "warmup": 2, "batch_size": 8}
TINY |= {"valid_windows": 3, "test_windows": 3}


def quantiles(table: pd.DataFrame) -> np.ndarray:
    return table.filter(like="y-q").to_numpy()


@pytest.fixture(scope="module")
def wave_model() -> cv.forecast.Forecaster:
    return cv.forecast.Forecaster(HORIZON, future=["temp"], **TINY).fit(daily_wave())


@pytest.fixture(scope="module")
def panel_model() -> cv.forecast.Forecaster:
    lines: list[str] = []
    model = cv.forecast.Forecaster(
        HORIZON, cell="gru_d", future=["temp"], past=["weather"], static=["region"], verbose=lines.append, **TINY
    ).fit(panel_frame())
    assert any("3 series" in line for line in lines) and any("trial 1 of" in line for line in lines)
    return model


def test_fit_predict_backtest(wave_model: cv.forecast.Forecaster) -> None:
    frame = daily_wave()
    past, future = frame.iloc[:-HORIZON], frame.iloc[-HORIZON:]
    table = wave_model.predict(past, future=future[["ds", "temp"]])
    assert table.columns.tolist() == ["unique_id", "ds", *(f"y-q0.{k}" for k in range(1, 10))]
    assert table["ds"].tolist() == future["ds"].tolist() and (np.diff(quantiles(table), axis=1) >= 0).all()
    result = wave_model.backtest(windows=5, step=2)
    assert result.table["cutoff"].nunique() == 5 and len(result.table) == 5 * HORIZON
    last = result.table[result.table["cutoff"] == result.table["cutoff"].max()]
    np.testing.assert_allclose(quantiles(last), quantiles(table), rtol=1e-5)
    assert {"model", "seasonal naive", "ridge"} == result.scores.keys() == wave_model.scores.keys()
    assert wave_model.profile.steps == 240


def test_frames_of_polars_give_frames_of_polars(wave_model: cv.forecast.Forecaster) -> None:
    frame = daily_wave()
    past, future = frame.iloc[:-HORIZON], frame.iloc[-HORIZON:]
    table = wave_model.predict(polars.from_pandas(past), future=polars.from_pandas(future))
    assert isinstance(table, polars.DataFrame)
    pd.testing.assert_frame_equal(table.to_pandas(), wave_model.predict(past, future=future), check_dtype=False)


def test_the_short_way_into_a_frame_gives_the_same(wave_model: cv.forecast.Forecaster) -> None:
    """The last rows of a plain frame are read directly; as text they go the long way."""
    frame = daily_wave()
    past, future = frame.iloc[:-HORIZON], frame.iloc[-HORIZON:]
    trained = wave_model.trained
    step = trained.encoding.step
    assert read_tail(past, future, trained.config.data, step, 40, HORIZON) is not None
    as_text = past.assign(ds=past["ds"].astype(str))
    assert read_tail(as_text, future, trained.config.data, step, 40, HORIZON) is None
    np.testing.assert_array_equal(
        quantiles(predict(trained, as_text, future)), quantiles(predict(trained, past, future))
    )
    for changed in (past.drop(past.index[-3]), past.iloc[::-1], past.assign(unique_id="series"), past.iloc[:20]):
        assert read_tail(changed, future, trained.config.data, step, 40, HORIZON) is None
    assert read_tail(past, future.iloc[:2], trained.config.data, step, 40, HORIZON) is None
    assert read_tail(past, future.iloc[::-1], trained.config.data, step, 40, HORIZON) is None


def test_missing_values_at_the_end_are_read_as_missing(wave_model: cv.forecast.Forecaster) -> None:
    frame = daily_wave()
    past, future = frame.iloc[:-HORIZON].copy(), frame.iloc[-HORIZON:]
    past.loc[past.index[-3:], "y"] = np.nan
    table = wave_model.predict(past, future=future)
    assert np.isfinite(quantiles(table)).all()
    holed = past.drop(past.index[-9:-5])
    assert np.isfinite(quantiles(wave_model.predict(holed, future=future))).all()


def test_saved_and_loaded(wave_model: cv.forecast.Forecaster, tmp_path: Path) -> None:
    wave_model.save(tmp_path)
    loaded = cv.forecast.Forecaster.load(tmp_path)
    frame = daily_wave()
    past, future = frame.iloc[:-HORIZON], frame.iloc[-HORIZON:]
    pd.testing.assert_frame_equal(loaded.predict(past, future=future), wave_model.predict(past, future=future))
    assert loaded.scores == wave_model.scores
    with pytest.raises(DataError, match="a loaded forecaster has none"):
        loaded.predict()
    with pytest.raises(ArgumentError, match="fitted here"):
        loaded.save(tmp_path)


def test_streaming_gives_what_the_whole_table_gives(panel_model: cv.forecast.Forecaster) -> None:
    frame = panel_frame()
    stamps = sorted(frame["ds"].unique())
    cut = {name: part["ds"].max() - pd.Timedelta(HORIZON + 6, "h") for name, part in frame.groupby("unique_id")}
    known = frame[frame["ds"] <= frame["unique_id"].map(cut)]
    stream = panel_model.stream(known)
    assert stream.ids == ("s0", "s1", "s2") and len(stamps) > 0
    for name in stream.ids:
        own = frame[frame["unique_id"] == name].set_index("ds")
        for hour in range(1, 7):
            stamp = cut[name] + pd.Timedelta(hour, "h")
            row = own.loc[stamp]
            value = None if hour == 3 else row["y"]
            stream.push(value, id=name, temp=row["temp"], weather=row["weather"])
        until = frame[(frame["unique_id"] == name) & (frame["ds"] <= cut[name] + pd.Timedelta(6, "h"))].copy()
        until.loc[until["ds"] == cut[name] + pd.Timedelta(3, "h"), "y"] = np.nan
        future = frame[(frame["unique_id"] == name) & (frame["ds"] > cut[name] + pd.Timedelta(6, "h"))].head(HORIZON)
        expected = panel_model.predict(until, future=future)
        got = stream.forecast({"temp": future["temp"].tolist()}, id=name)
        pd.testing.assert_frame_equal(got, expected, check_exact=True)


def test_streams_say_what_they_need(panel_model: cv.forecast.Forecaster) -> None:
    stream = panel_model.stream(panel_frame())
    for call, message in (
        (lambda: stream.push(1.0), "id: expected one of s0, s1, s2, got None"),
        (lambda: stream.push(1.0, id="s0", wind=3), "no column 'wind'; the model reads temp, weather"),
        (lambda: stream.forecast(id="s0"), "the model reads temp of the 4 steps to come"),
        (lambda: stream.forecast({"temp": [1.0]}, id="s0"), "expected 4 rows, got 1"),
        (lambda: stream.forecast({"wind": [1.0] * 4}, id="s0"), "no column 'temp'"),
    ):
        with pytest.raises((ArgumentError, DataError), match=message):
            call()


@pytest.mark.parametrize("name", ["wave_model", "panel_model"])
def test_onnx_gives_the_same_forecast(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    model: cv.forecast.Forecaster = request.getfixturevalue(name)
    made = model.to_onnx(tmp_path / "model.onnx")
    assert made.difference is not None and made.difference < 1e-5
    frame = daily_wave() if name == "wave_model" else panel_frame()
    ends = frame.groupby(frame["unique_id"] if "unique_id" in frame else frame["y"] * 0)["ds"].transform("max")
    late = frame["ds"] > ends - pd.Timedelta(HORIZON, "h")
    past, future = frame[~late], frame[late]
    panel, _ = read_panel(model.trained, past, future)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    wanted = {i.name for i in session.get_inputs()}
    got = session.run(["quantiles"], {k: v for k, v in onnx_inputs(model.trained, panel).items() if k in wanted})[0]
    expected = quantiles(model.predict(past, future=future)).reshape(len(panel.ids), HORIZON, -1).transpose(1, 0, 2)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


def test_refitting_sees_nothing_of_what_it_forecasts() -> None:
    model = cv.forecast.Forecaster(HORIZON, scale="series", base="none", linear="no", **TINY).fit(daily_wave())
    frame = daily_wave()
    before = model.backtest(frame, windows=4, refit=2).table
    late = frame["ds"] > before["cutoff"].unique()[1]
    changed = frame.assign(y=frame["y"].where(~late, 1e4))
    after = model.backtest(changed, windows=4, refit=2).table
    first = before["cutoff"] <= before["cutoff"].unique()[1]
    np.testing.assert_array_equal(quantiles(after[first]), quantiles(before[first]))
    assert not np.array_equal(quantiles(after[~first]), quantiles(before[~first]))


def test_tables_of_the_future_that_lack_something(wave_model: cv.forecast.Forecaster) -> None:
    frame = daily_wave()
    past, future = frame.iloc[:-HORIZON], frame.iloc[-HORIZON:]
    for coming, message in (
        (None, "future: the model reads temp of the steps to come"),
        (future.drop(columns="temp"), "future: no column 'temp'"),
        (
            future.drop(future.index[1]),
            "expected the 4 steps after 2024-03-10 19:00 .* but 2024-03-10 21:00 is missing",
        ),
        (future.iloc[:0], "future: expected rows"),
    ):
        with pytest.raises(DataError, match=message):
            wave_model.predict(past, future=coming)
    with pytest.raises(DataError, match="no value of the target in its last steps"):
        wave_model.predict(past.assign(y=np.nan), future=future)


def test_series_that_were_not_there(panel_model: cv.forecast.Forecaster) -> None:
    frame = panel_frame(1)
    with pytest.raises(DataError, match="series 'new' was not there in training"):
        late = frame.tail(HORIZON).assign(unique_id="new")
        panel_model.predict(frame.iloc[:-HORIZON].assign(unique_id="new"), future=late)


def test_options_that_are_none() -> None:
    with pytest.raises(ArgumentError, match="no such option as frobnicate"):
        cv.forecast.Forecaster(4, frobnicate=3)
    with pytest.raises(ArgumentError, match="expected a fitted one"):
        cv.forecast.Forecaster(4).predict(daily_wave())


def test_the_ridge_beside_a_backtest_is_as_good_as_the_runs_own() -> None:
    """Both are fitted at the hour that they forecast from; a fifth of these rows is no number of whole days."""
    generator = np.random.default_rng(0)
    hours = pd.date_range("2024-01-01", periods=2000, freq="h")
    temp = 8 + 6 * np.sin(2 * np.pi * np.arange(2000) / 24) + generator.normal(size=2000).cumsum() / 20
    sales = 100 + 5 * temp + 20 * (hours.day_of_week < 5) + 3 * generator.normal(size=2000)
    frame = pd.DataFrame({"ds": hours, "y": sales, "temp": temp})
    model = cv.forecast.Forecaster(24, future=["temp"], hidden_size=4, max_steps=2).fit(frame)
    own, found = model.scores["ridge"]["MAE"], model.backtest(frame, windows=5).scores["ridge"]["MAE"]
    assert own is not None and found is not None and found < 1.5 * own
