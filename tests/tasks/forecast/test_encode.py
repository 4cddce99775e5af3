from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from conveyor.errors import DataError
from conveyor.tasks.forecast.config import DataConfig
from conveyor.tasks.forecast.data.calendar import calendar_columns, calendar_cycles
from conveyor.tasks.forecast.data.encode import Encoded, Encoding, encode, fit_encoding, input_names
from conveyor.tasks.forecast.data.frequency import Frequency
from conveyor.tasks.forecast.data.panel import Panel, build_panel, with_front
from conveyor.tasks.forecast.data.table import canonical

from .conftest import panel_frame

DATA = DataConfig(4, id="unique_id", future=("temp",), past=("weather",), static=("region",))


def fitted(
    frame: pd.DataFrame | None = None, data: DataConfig = DATA, held: int = 20
) -> tuple[Panel, Encoding, Encoded]:
    panel = build_panel(canonical(panel_frame() if frame is None else frame, data), data)
    encoding = fit_encoding(panel, data, panel.end - held, 8)
    panel = with_front(panel, 8 + max(encoding.lags, default=0))
    return panel, encoding, encode(panel, encoding)


def test_scales_are_those_of_the_training_rows() -> None:
    panel, encoding, encoded = fitted()
    for number, first, end in panel.series():
        train = panel.y[first : end - 20]
        assert encoding.locations[panel.ids[number]] == pytest.approx(np.nanmean(train), rel=1e-12)
        assert encoding.scales[panel.ids[number]] == pytest.approx(np.nanstd(train), rel=1e-12)
        expected = (panel.y[first:end] - np.nanmean(train)) / np.nanstd(train)
        np.testing.assert_allclose(encoded.y[first:end], np.nan_to_num(expected), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(encoded.known[first:end], ~np.isnan(expected))


def test_rows_that_are_held_out_change_no_scale() -> None:
    frame = panel_frame()
    _, before, _ = fitted(frame)
    last = frame.groupby("unique_id").cumcount(ascending=False) < 15
    frame.loc[last, ["y", "temp"]] = 1e6
    frame.loc[last, "weather"] = "hail"
    _, after, _ = fitted(frame)
    assert after == before


def test_columns_become_numbers() -> None:
    panel, encoding, encoded = fitted()
    temp = encoding.future["temp"]
    assert temp.categories is None and temp.missing and temp.width == 2
    assert encoding.past["weather"].categories is not None
    rows = np.arange(panel.first[0], panel.end[0])
    missing = np.isnan(panel.columns["temp"][rows])
    expected = np.where(missing, 0.0, (panel.columns["temp"][rows] - temp.mean) / temp.scale)
    np.testing.assert_allclose(encoded.fixed[rows, 0], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(encoded.fixed[rows, 1], missing)
    weather = panel.columns["weather"]
    for k, category in enumerate(encoding.past["weather"].categories or ()):
        np.testing.assert_array_equal(encoded.shifted[rows[1:], k], weather[rows[:-1]] == category)
    assert encoded.static.shape == (3, 2) and encoded.static.sum(1).tolist() == [1, 1, 1]


def test_time_since_the_last_value_counts_from_it() -> None:
    panel, _, encoded = fitted()
    for _, first, end in panel.series():
        last = None
        for row in range(first + 1, end):
            last = row - 1 if encoded.known[row - 1] else last
            if last is not None:
                assert encoded.since[row] == row - last


def test_lags_are_values_so_many_rows_before_within_the_series() -> None:
    panel, encoding, encoded = fitted()
    assert encoding.lags == (24,)
    for _, first, end in panel.series():
        for row in range(first, end):
            there = row - 24 >= first and encoded.known[row - 24] > 0
            assert encoded.lagged[row, 1] == float(there)
            assert encoded.lagged[row, 0] == (encoded.y[row - 24] if there else 0.0)


def test_an_encoding_goes_through_json() -> None:
    _, encoding, _ = fitted()
    assert Encoding.from_json(json.loads(json.dumps(encoding.to_json()))) == encoding


def test_columns_have_names() -> None:
    _, encoding, encoded = fitted()
    names = input_names(encoding, DATA)
    widths = (encoded.shifted, encoded.lagged, encoded.fixed, encoded.gaps)
    assert len(names) == 3 + sum(part.shape[1] for part in widths)
    assert {"y before", "temp", "temp missing", "weather=warm before", "y 24 steps before", "sin(1 day)"} <= set(names)


def test_a_calendar_is_read_where_a_cycle_was_seen_twice() -> None:
    hour = Frequency("h")
    stamps = pd.date_range("2024-02-27", periods=24 * 20, freq="h").to_numpy("datetime64[us]")
    assert calendar_cycles(hour, stamps) == ("day", "week")
    assert calendar_cycles(hour, stamps[:30]) == ()
    assert calendar_cycles(Frequency("MS"), pd.date_range("2020", periods=40, freq="MS").to_numpy()) == ("year",)
    assert calendar_cycles(Frequency("D"), pd.date_range("2020", periods=800, freq="D").to_numpy()) == ("week", "year")
    assert calendar_cycles(Frequency("1"), np.arange(99)) == ()


def test_calendar_columns_against_pandas() -> None:
    stamps = pd.date_range("2023-12-30 05:00", periods=60, freq="7h")
    found = calendar_columns(stamps.to_numpy("datetime64[us]"), ("day", "week", "year"))
    day = (stamps.hour + stamps.minute / 60) / 24
    week, year = (stamps.day_of_week + day) / 7, (stamps.day_of_year - 1 + day) / 365.25
    columns = [
        f(2 * np.pi * k * p)
        for p, most in ((day, 2), (week, 3), (year, 1))
        for k in range(1, most + 1)
        for f in (np.sin, np.cos)
    ]
    np.testing.assert_allclose(found, np.stack(columns, 1), atol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": 3.0}, "every value of series series to train on is 3: there is nothing to learn"),
        ({"y": np.nan}, "series series has no value in the part to train on"),
        ({"temp": np.nan}, "'temp': all its values are missing"),
        ({"temp": [f"w{k}" for k in range(60)]}, "at most 50 different words, got 6"),
    ],
)
def test_columns_that_teach_nothing(change: dict[str, Any], message: str) -> None:
    frame = pd.DataFrame({"ds": range(80), "y": np.arange(80.0), "temp": 1.0})
    for name, value in change.items():
        frame[name] = (value + value[:20]) if isinstance(value, list) else value
    with pytest.raises(DataError, match=message):
        fitted(frame, DataConfig(2, future=("temp",)), held=10)


def test_one_constant_series_among_others_is_left_as_it_is() -> None:
    frame = panel_frame()
    frame.loc[frame["unique_id"] == "s1", "y"] = 4.0
    _, encoding, encoded = fitted(frame)
    assert encoding.scales["s1"] == 1.0 and encoding.scales["s0"] != 1.0
    assert torch.isfinite(encoded.y).all()


def test_a_series_that_was_not_there_in_training() -> None:
    panel, encoding, _ = fitted()
    other = Panel(
        ("new", *panel.ids[1:]),
        panel.frequency,
        *(getattr(panel, n) for n in ("stamps", "first", "end", "last", "y", "columns", "static", "profile")),
    )
    with pytest.raises(DataError, match="series 'new' was not there in training"):
        encode(other, encoding)
