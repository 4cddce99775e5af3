"""Sequences from files and from what Python holds, and the one line for what can't be used."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pandas
import polars
import pytest

from conveyor.errors import DataError
from conveyor.tasks.sequences.config import Columns
from conveyor.tasks.sequences.data.arrays import as_sequences
from conveyor.tasks.sequences.data.collection import Sequences
from conveyor.tasks.sequences.data.reading import read_file

from .data import bumps, csv_of, stamps, with_holes

COLUMNS = Columns("recording", "t", "kind")
VALUES, LABELS = bumps(6)
HOLES = with_holes(VALUES)

TS = """#comment
@problemName Toy
@timestamps false
@classLabel true a b
@data
1,2,?:4,5,6:a
7,8:9,NaN:b
"""
STAMPED = """@timeStamps true
@classLabel true 1 2
@data
(2007-01-01 00:00:00,1.5),(2007-01-01 00:01:00,2.5):(2007-01-01 00:01:00,8):1
(2007-01-01 00:00:00,3.5):(2007-01-01 00:00:00,9),(2007-01-01 00:05:00,4):2
"""


def read(path: Path, columns: Columns = COLUMNS, *, tagged: bool = False, window: int = 0) -> Sequences:
    return read_file(str(path), columns, tagged=tagged, labelled=True, window=window)[0]


def same(found: Sequences, values: list[np.ndarray]) -> None:
    assert len(found) == len(values)
    for a, b in zip(found.values, values, strict=True):
        np.testing.assert_array_equal(a, b)


def test_tables_of_every_kind_are_the_same(tmp_path: Path) -> None:
    text = csv_of(HOLES, LABELS)
    frame = pandas.read_csv(io.StringIO(text))
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text.encode()))
    frame.to_parquet(tmp_path / "a.parquet")
    for name in ("a.csv", "a.csv.gz", "a.parquet"):
        found = read(tmp_path / name)
        same(found, HOLES)
        assert found.labels == LABELS.tolist() and found.channels == ("a", "b", "c")
        assert found.ids == tuple(f"r{k}" for k in range(6))
        np.testing.assert_array_equal(found.times[3], np.arange(len(HOLES[3])))
    for given in (frame, frame.convert_dtypes(), polars.from_pandas(frame), dict(frame)):
        same(as_sequences(given, COLUMNS), HOLES)


def test_rows_are_sorted_by_time_within_their_sequence(tmp_path: Path) -> None:
    frame = pandas.read_csv(io.StringIO(csv_of(VALUES, LABELS, stamps(VALUES))))
    shuffled = frame.sample(frac=1.0, random_state=0)
    found, want = as_sequences(shuffled, COLUMNS), as_sequences(frame, COLUMNS)
    for name, values, times in zip(found.ids, found.values, found.times, strict=True):
        np.testing.assert_array_equal(values, want.values[want.place(name)])
        np.testing.assert_array_equal(times, want.times[want.place(name)])


def test_dates_are_seconds_from_the_first() -> None:
    frame = {
        "recording": np.array(["x"] * 3),
        "a": np.ones(3),
        "t": np.array(["2024-02-28T23:59:30", "2024-02-29", "2024-02-29T00:01:00"]),
    }
    (times,) = as_sequences(frame, Columns("recording", "t", None)).times
    assert times.tolist() == [0.0, 30.0, 90.0]
    frame["t"] = frame["t"].astype("datetime64[s]")
    assert as_sequences(frame, Columns("recording", "t", None)).times[0].tolist() == [0.0, 30.0, 90.0]


def test_what_is_no_number_is_left_out_and_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,x,wind,label\n1,2,N,a\n2,3,S,b\n")
    told: list[str] = []
    found, _ = read_file(str(tmp_path / "a.csv"), Columns(), tagged=False, labelled=True, note=told.append)
    assert found.channels == ("x",) and told == ["a.csv: left out what is not a number: wind."]


def test_labels_of_steps_and_windows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,label\n" + "".join(f"{k},{'' if k == 2 else k % 2}\n" for k in range(5)))
    found = read(tmp_path / "a.csv", Columns(None), tagged=True, window=2)
    assert found.ids == ("1/1", "1/2", "1/3") and found.lengths.tolist() == [2, 2, 1]
    assert found.labels[1].tolist() == [None, 1.0]


def test_ts_files(tmp_path: Path) -> None:
    (tmp_path / "a.ts").write_text(TS)
    found = read(tmp_path / "a.ts")
    same(found, [np.array([[1, 4], [2, 5], [np.nan, 6]]), np.array([[7, 9], [8, np.nan]])])
    assert found.labels == ["a", "b"] and found.times is None
    (tmp_path / "b.ts").write_text(STAMPED)
    found = read(tmp_path / "b.ts")
    same(found, [np.array([[1.5, np.nan], [2.5, 8]]), np.array([[3.5, 9], [np.nan, 4]])])
    assert [t.tolist() for t in found.times] == [[0.0, 60.0], [0.0, 300.0]]


def test_npz_files_of_both_layouts(tmp_path: Path) -> None:
    lengths = np.array([len(v) for v in VALUES])
    np.savez(tmp_path / "a.npz", X=np.concatenate(VALUES), lengths=lengths, y=LABELS, ids=np.arange(6) + 10)
    found = read(tmp_path / "a.npz")
    same(found, VALUES)
    assert found.ids[0] == "10" and list(found.labels) == LABELS.tolist()
    padded = np.full((6, 3, lengths.max()), np.nan)
    for k, v in enumerate(VALUES):
        padded[k, :, : len(v)] = v.T
    np.savez(tmp_path / "b.npz", X=padded, y=LABELS)
    same(read(tmp_path / "b.npz"), VALUES)
    same(as_sequences(padded, Columns()), VALUES)
    same(as_sequences(padded[:, 0, :12], Columns()), [v[:12, :1] for v in VALUES])
    same(as_sequences(np.array([*VALUES, None], dtype=object)[:-1], Columns()), VALUES)


BAD_TABLES = [
    ("id,x\n1,2\n", Columns(), "has no column 'label'; it has id, x"),
    ("x,label\n1,2\n", Columns(), "has no column 'id'"),
    ("id,x,label\n1,2,a\n", Columns(time="when"), "has no column 'when'"),
    ("id,x,label\n1,2,a\n1,3,b\n", Columns(), "sequence '1' has the labels a, b"),
    ("id,x,label\n1,2,a\n2,3,\n", Columns(), "sequence '2' has no label in column 'label'"),
    (
        "id,t,x,label\n1,5,2,a\n1,5,3,a\n",
        Columns(time="t"),
        "1 rows repeat a time in column 't', the first in sequence '1' at rows 1 and 2",
    ),
    ("id,t,x,label\n1,soon,2,a\n", Columns(time="t"), "expected numbers or dates"),
    ("id,t,x,label\n1,,2,a\n", Columns(time="t"), "row 1 has no time"),
    ("id,x,label\n1,N,a\n", Columns(), "expected a column of numbers"),
    ("id,x,label\n1,N,a\n", Columns(channels=("x",)), "column 'x' of a.csv holds 'N'"),
    ("id,x,label\n1,,a\n2,1,b\n", Columns(), "all values of sequence '1' are missing"),
    ("id,x,label\n1,inf,a\n", Columns(), "sequence '1' is infinite at step 1"),
    ("id,x,g,label\n1,1,p,a\n1,1,q,a\n", Columns(group="g"), "sequence '1' of a.csv is in p, q"),
    ("id,x,label\n1,1,a\n,2,b\n", Columns(), "row 2 has no id in column 'id'"),
    ("id,x,label\n", Columns(), "expected rows, got none"),
    ('id,x,label\n1,"2,a', Columns(), "cannot be read as a table"),
]


@pytest.mark.parametrize(("text", "columns", "line"), BAD_TABLES, ids=[line for *_, line in BAD_TABLES])
def test_tables_that_cannot_be_used(tmp_path: Path, text: str, columns: Columns, line: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError) as told:
        read(tmp_path / "a.csv", columns)
    assert line in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet", "a.ts", "a.npz"])
def test_half_written_files_are_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    frame = pandas.read_csv(io.StringIO(csv_of(VALUES, LABELS)))
    match name:
        case "a.csv" | "a.csv.gz":
            frame.to_csv(path, index=False)
        case "a.parquet":
            frame.to_parquet(path)
        case "a.ts":
            path.write_text(TS)
        case _:
            np.savez(path, X=np.concatenate(VALUES), lengths=np.array([len(v) for v in VALUES]), y=LABELS)
    whole = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(DataError, match="empty file"):
        read(path)
    for size in {1, 7, len(whole) // 3, len(whole) // 2, len(whole) - 3}:
        path.write_bytes(whole[:size])
        try:
            found = read(path)
        except DataError as error:
            assert "\n" not in str(error)
        else:
            assert name in ("a.csv", "a.ts") and len(found) <= len(VALUES), "only text can end at the end of a line"


@pytest.mark.parametrize("name", ["missing.csv", "a.txt", "."])
def test_paths_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(DataError):
        read(tmp_path / name)


def test_npz_without_labels_or_with_objects(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.ones((2, 1, 3)))
    with pytest.raises(DataError, match="have no labels"):
        read(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", X=np.array([{}, 1], dtype=object))
    with pytest.raises(DataError, match="Python objects, which are not read"):
        read(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", X=np.ones((4, 2)), lengths=np.array([4, 0]), y=np.array([0, 1]))
    with pytest.raises(DataError, match="sequence '1' has no steps"):
        read(tmp_path / "c.npz")
    np.savez(tmp_path / "d.npz", X=np.ones((4, 2)), lengths=np.array([4, 3]), y=np.array([0, 1]))
    with pytest.raises(DataError, match="lengths sum to 7, but X has 4 steps"):
        read(tmp_path / "d.npz")


@pytest.mark.parametrize("given", [3.0, "text", [["a"]], np.ones((2, 2, 2, 2)), [np.ones((2, 2)), np.ones((2, 3))]])
def test_arrays_that_are_no_sequences(given: object) -> None:
    with pytest.raises(DataError, match=r"^X: expected"):
        as_sequences(given, Columns())


def test_time_stamps_that_do_not_fit() -> None:
    with pytest.raises(DataError, match="expected growing stamps, sequence 0 does not grow at step 3"):
        as_sequences([np.ones((3, 1))], Columns(), times=[np.array([0.0, 2.0, 1.0])])
    with pytest.raises(DataError, match="sequence 0 has 3 steps"):
        as_sequences([np.ones((3, 1))], Columns(), times=[np.array([0.0, 2.0])])
    with pytest.raises(DataError, match="for each of 1 sequences, got 2"):
        as_sequences([np.ones((3, 1))], Columns(), times=[1, 2])
