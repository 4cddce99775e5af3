from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from conveyor.errors import DataError
from conveyor.tasks.forecast.config import DataConfig
from conveyor.tasks.forecast.data.frequency import Frequency, check_frequency, find_frequency
from conveyor.tasks.forecast.data.panel import Panel, build_panel, with_front
from conveyor.tasks.forecast.data.table import canonical


@pytest.mark.parametrize(
    ("alias", "periods", "seasons"),
    [
        ("h", 50, (24, 168, 8766)),
        ("30min", 50, (48, 336, 17532)),
        ("15min", 50, (96, 672, 35064)),
        ("s", 50, (3600, 86400)),
        ("D", 50, (7, 365)),
        ("2D", 50, (4, 183)),
        ("W-WED", 30, (52,)),
        ("B", 40, (5, 261)),
        ("MS", 30, (12,)),
        ("ME", 30, (12,)),
        ("QS-OCT", 20, (4,)),
        ("YS-JAN", 12, ()),
    ],
)
def test_frequencies_are_found_with_gaps_too(alias: str, periods: int, seasons: tuple[int, ...]) -> None:
    stamps = pd.date_range("2023-03-01", periods=periods, freq=alias).to_numpy("datetime64[us]")
    whole = find_frequency([stamps])
    if alias != "QS-OCT":  # quarters that begin in October begin in April, too
        assert pd.tseries.frequencies.to_offset(whole.alias) == pd.tseries.frequencies.to_offset(alias)
    assert whole.share == pytest.approx(1.0)
    rows = np.delete(np.arange(periods), [4, 9])
    holed = find_frequency([stamps[rows]])
    assert holed.alias == whole.alias and 0.75 < holed.share < 1.0
    assert whole.positions(stamps[rows]).tolist() == rows.tolist()
    assert (whole.grid(stamps[0], periods) == stamps).all()
    if alias not in ("YS-JAN",):
        assert whole.seasons() == pytest.approx(seasons, abs=2)


def test_whole_numbers_have_a_step() -> None:
    found = find_frequency([np.array([5, 15, 25, 45])])
    assert found == Frequency("10", 2 / 3) and found.words() == "every 10"
    assert found.positions(np.array([5, 15, 45, 47])).tolist() == [0, 1, 4, -1]


def test_given_frequencies() -> None:
    assert check_frequency("h").words() == "every hour"
    assert check_frequency("15min").words() == "every 15 minutes"
    assert check_frequency("MS").words() == "every month"
    assert check_frequency("7") == Frequency("7", given=True)
    for wrong in ("hourly!", "-1h", ""):
        with pytest.raises(DataError, match="freq"):
            check_frequency(wrong)
    with pytest.raises(DataError, match="two stamps or more"):
        find_frequency([np.array([1])])


def build(frame: pd.DataFrame, **options: Any) -> Panel:
    names = {name: options.pop(name) for name in list(options) if name in DataConfig.__dataclass_fields__}
    data = DataConfig(2, **names)
    return build_panel(canonical(frame, data), data, **options)


def hourly(hours: list[int], **columns: Any) -> pd.DataFrame:
    start = pd.Timestamp("2024-01-01")
    stamps = [start + pd.Timedelta(hour, "h") for hour in hours]
    return pd.DataFrame({"ds": stamps, "y": np.array(hours, float)} | columns)


def test_gaps_become_missing_steps() -> None:
    panel = build(hourly([0, 1, 2, 5, 6]))
    np.testing.assert_array_equal(panel.y, [0, 1, 2, np.nan, np.nan, 5, 6])
    assert panel.profile is not None
    assert (panel.profile.missing_steps, panel.profile.steps, panel.profile.gaps[0].longest) == (2, 7, 2)
    text = "\n".join(panel.profile.lines())
    for told in (
        "5 rows",
        "every hour (h), found: 75.0%",
        "Gaps: 2 missing of 7 steps (28.6%), the longest 2",
        "none.",
    ):
        assert told in text


def test_repeated_stamps_are_an_error_with_their_rows_or_are_combined() -> None:
    frame = hourly([0, 1, 1, 2, 1], note=["a", "b", "c", "d", "e"])
    frame["y"] = [1.0, 2.0, 4.0, 8.0, 9.0]
    with pytest.raises(DataError, match=r"2 repeated stamps \(rows 3, 5\), such as 2024-01-01 01:00 .*--repeated mean"):
        build(frame)
    mean = build(frame, repeated="mean", past=("note",))
    assert mean.y.tolist() == [1.0, 5.0, 8.0] and mean.columns["note"].tolist() == ["a", "e", "d"]
    last = build(frame, repeated="last")
    assert last.y.tolist() == [1.0, 9.0, 8.0]
    assert last.profile is not None and last.profile.repeated == 2 and last.profile.rows == 5
    assert "2 repeated; the last of each is taken" in "\n".join(last.profile.lines())


def test_stamps_between_steps_are_refused_with_their_rows_or_taken_as_they_come() -> None:
    frame = hourly([0, 1, 2, 3])
    frame.loc[2, "ds"] += pd.Timedelta(7, "min")
    with pytest.raises(DataError, match=r"1 stamps .* between steps of h .*02:07 in row 3.*--irregular"):
        build(frame, freq="h")
    panel = build(frame, irregular=True)
    assert panel.frequency is None and len(panel.y) == 4


def test_a_frequency_that_makes_a_grid_without_end() -> None:
    frame = hourly([0, 1, 2])
    frame["ds"] = pd.to_datetime(["1900-01-01 00:00:00", "1900-01-01 00:00:01", "2024-01-01 00:00:00"])
    with pytest.raises(DataError, match="would have .* rows"):
        build(frame)


def test_several_series_stand_one_after_another_with_free_rows() -> None:
    frame = pd.concat([hourly([0, 1, 2], id="b", size=[7, 7, None]), hourly([4, 6], id="a", size=5)])
    panel = build(frame, id="id", static=("size",), ahead=1)
    assert panel.ids == ("a", "b") and panel.static["size"].tolist() == [5.0, 7.0]
    np.testing.assert_array_equal(panel.y, [4, np.nan, 6, np.nan, 0, 1, 2, np.nan])
    assert (panel.first.tolist(), panel.end.tolist(), panel.last.tolist()) == ([0, 4], [3, 7], [4, 8])
    assert panel.stamps[7] == np.datetime64("2024-01-01T03")
    wide = with_front(panel, 2)
    assert (wide.first.tolist(), wide.end.tolist(), wide.last.tolist()) == ([2, 8], [5, 11], [6, 12])
    np.testing.assert_array_equal(wide.y[8:11], [0, 1, 2])
    assert np.isnan(wide.y[[0, 1, 6, 7]]).all()


def test_static_columns_that_change() -> None:
    with pytest.raises(DataError, match=r"column 'size' has 2 values in series series \(1.0, 2.0, …\)"):
        build(hourly([0, 1], size=[1, 2]), static=("size",))


def test_future_rows_continue_the_series() -> None:
    data = DataConfig(2, future=("temp",))
    history = canonical(hourly([0, 1], temp=[1.0, 2.0]), data)
    future = canonical(hourly([2, 3], temp=[3.0, 4.0]).drop(columns="y"), data, target=False)
    panel = build_panel(history, data, future=future, ahead=2)
    assert panel.columns["temp"].tolist() == [1, 2, 3, 4] and panel.end.tolist() == [2]
    for change, message in (
        ({"temp": ["warm", "cold"]}, "expected numbers as in the history"),
        ({"ds": [2, 3]}, "stamps like the history's"),
        ({"ds": pd.to_datetime(["2024-01-01 02:30", "2024-01-01 03:30"])}, "not every hour"),
        ({"ds": pd.to_datetime(["2024-01-01 02:00", "2024-01-01 02:00"])}, "repeated stamps in row 2"),
    ):
        wrong = canonical(hourly([2, 3], temp=[3.0, 4.0]).assign(**change), data, target=False)
        with pytest.raises(DataError, match=message):
            build_panel(history, data, future=wrong)


def test_future_of_a_series_without_history() -> None:
    data = DataConfig(2, id="id")
    history = canonical(hourly([0, 1], id="a"), data)
    future = canonical(hourly([2, 3], id="b"), data, target=False)
    with pytest.raises(DataError, match="series 'b' is not in the history"):
        build_panel(history, data, future=future)
