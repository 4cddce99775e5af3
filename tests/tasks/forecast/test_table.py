from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars
import pytest

from conveyor.errors import DataError
from conveyor.tasks.forecast.config import DataConfig
from conveyor.tasks.forecast.data.table import canonical, read_source

DATA = DataConfig(2, future=("temp",))


def plain() -> pd.DataFrame:
    stamps = pd.date_range("2024-01-01", periods=5, freq="h")
    return pd.DataFrame({"ds": stamps, "y": [1.0, 2.0, np.nan, 4.0, 5.5], "temp": [1, 2, 3, 4, 5]})


def same(source: Any) -> None:
    expected = canonical(plain(), DATA)
    pd.testing.assert_frame_equal(canonical(read_source(source), DATA), expected)


def test_every_kind_of_table_reads_the_same(tmp_path: Path) -> None:
    frame = plain()
    same(frame)
    same(polars.from_pandas(frame))
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_csv(tmp_path / "b.csv", index=False, sep=";")
    frame.to_csv(tmp_path / "c.csv.gz", index=False)
    frame.to_parquet(tmp_path / "d.parquet")
    for path in sorted(tmp_path.iterdir()):
        same(path)
        same(str(path))


def test_rows_are_sorted_and_keep_their_numbers() -> None:
    frame = canonical(plain().iloc[::-1], DATA)
    assert frame["row"].tolist() == [5, 4, 3, 2, 1]
    assert frame["y"].tolist()[0] == 1.0


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["2024-01-31", "2024-02-01"], ["2024-01-31", "2024-02-01"]),
        (["31.01.2024", "01.02.2024"], ["2024-01-31", "2024-02-01"]),
        (["2024-01-31T10:00:00+02:00", "2024-02-01T10:00:00+02:00"], ["2024-01-31T08:00", "2024-02-01T08:00"]),
        (["2024-03-31T00:30:00Z", "2024-03-31T01:30:00Z"], ["2024-03-31T00:30", "2024-03-31T01:30"]),
    ],
)
def test_dates_of_several_forms(texts: list[str], expected: list[str]) -> None:
    frame = canonical(pd.DataFrame({"ds": texts, "y": [1.0, 2.0]}), DataConfig(1))
    assert frame["ds"].tolist() == [pd.Timestamp(text) for text in expected]


def test_whole_numbers_are_stamps_too() -> None:
    frame = canonical(pd.DataFrame({"ds": [3.0, 1.0], "y": [1, 2]}), DataConfig(1))
    assert frame["ds"].tolist() == [1, 3] and frame["ds"].dtype.kind == "i"


def test_a_date_format_decides() -> None:
    config = DataConfig(1, date_format="%d/%m/%y")
    assert canonical(pd.DataFrame({"ds": ["02/01/24"], "y": [1.0]}), config)["ds"][0] == pd.Timestamp("2024-01-02")


def test_words_stay_words_and_infinite_numbers_are_missing() -> None:
    frame = pd.DataFrame(
        {"ds": [1, 2, 3], "y": [1.0, np.inf, 2.0], "sky": ["clear", None, "rain"], "on": [True, False, True]}
    )
    table = canonical(frame, DataConfig(1, future=("sky", "on")))
    assert table["sky"].tolist() == ["clear", None, "rain"] and table["on"].tolist() == [1.0, 0.0, 1.0]
    assert np.isnan(table["y"][1])


@pytest.mark.parametrize(
    ("change", "config", "message"),
    [
        ({"ds": ["2024-01-01", "2024-13-45"]}, {}, "'2024-13-45' in row 2 is no date"),
        ({"ds": [None, "2024-01-01"]}, {}, "'ds' is empty in row 1"),
        ({"ds": [0.5, 1.0]}, {}, "dates or whole numbers"),
        ({"y": ["1", "many"]}, {}, "'y': expected numbers, got 'many' in row 2"),
        ({}, {"target": "sales"}, "no column 'sales' among ds, y; name the right one with --target"),
        ({}, {"time": "when"}, "no column 'when' .* with --time"),
        ({}, {"id": "store"}, "no column 'store' .* with --id"),
        ({}, {"future": ("temp",)}, "no column 'temp' .* leave it out"),
        ({"id": ["a", None]}, {"id": "id"}, "column 'id' is empty in row 2"),
    ],
)
def test_columns_that_cannot_be_used(change: dict[str, Any], config: dict[str, Any], message: str) -> None:
    frame = pd.DataFrame({"ds": ["2024-01-01", "2024-01-02"], "y": [1.0, 2.0]} | change)
    with pytest.raises(DataError, match=message):
        canonical(frame, DataConfig(1, **config))


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    whole = tmp_path / "whole.parquet"
    plain().to_parquet(whole)
    plain().to_csv(tmp_path / "whole.csv.gz")
    cases = {
        "empty.csv": (b"", "empty file"),
        "half.parquet": (whole.read_bytes()[:300], "cannot be read as a table"),
        "half.csv.gz": ((tmp_path / "whole.csv.gz").read_bytes()[:60], "truncated or damaged"),
        "latin.csv": (b"ds,y\n2024,caf\xe9\n", "UTF-8"),
        "head.csv": (b"ds,y\n", "without any"),
        "ragged.csv": (b"ds,y\n1,2\n1,2,3,4\n", "cannot be read as a table"),
        "text.parquet": (b"ds,y\n1,2\n", "cannot be read as a table"),
        "blank.csv": (b"\n\n", "cannot be read as a table"),
    }
    for name, (content, message) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=message) as told:
            read_source(tmp_path / name)
        assert "\n" not in str(told.value)
    for source, message in ((tmp_path / "none.csv", "no such file"), (tmp_path, "directory"), (7, "expected a pandas")):
        with pytest.raises(DataError, match=message):
            read_source(source)


def test_columns_that_are_there_twice() -> None:
    with pytest.raises(DataError, match="'y' is there twice"):
        read_source(pd.DataFrame([[1, 2, 3]], columns=["ds", "y", "y"]))
