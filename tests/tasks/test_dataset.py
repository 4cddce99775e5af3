from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conveyor.errors import ArgumentError, TextError
from conveyor.tasks.text.config import DataConfig
from conveyor.tasks.text.data.dataset import Dataset, read_dataset


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return str(path)


def texts(dataset: Dataset) -> list[str]:
    return [dataset.vocabulary.decode(part.tolist()) for part in (dataset.train, dataset.valid, dataset.test)]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff"), min_size=60, max_size=300))
def test_split_is_90_5_5_in_order_and_loses_nothing(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = write(tmp_path_factory.mktemp("split"), "a.txt", text)
    dataset = read_dataset(DataConfig((path,), batch_size=2, window=2))
    assert "".join(texts(dataset)) == text
    assert len(dataset.valid) == len(dataset.test) == len(text) // 20


def test_given_files_replace_the_split(tmp_path: Path) -> None:
    train, valid, test = "abcd" * 25, "dcba", "aabb"
    files = write(tmp_path, "a", train), write(tmp_path, "b", valid), write(tmp_path, "c", test)
    both = read_dataset(DataConfig(files[:1], files[1:2], files[2:], batch_size=2, window=2))
    assert texts(both) == [train, valid, test]
    one = read_dataset(DataConfig(files[:1], valid=files[1:2], batch_size=2, window=2))
    assert texts(one) == [train[:95], valid, train[95:]]
    other = read_dataset(DataConfig(files[:1], test=files[2:], batch_size=2, window=2))
    assert texts(other) == [train[:95], train[95:], test]


def test_several_files_follow_one_another_and_their_sha256_is_kept(tmp_path: Path) -> None:
    files = write(tmp_path, "a", "x" * 50), write(tmp_path, "b", "y" * 50)
    dataset = read_dataset(DataConfig(files, batch_size=2, window=2))
    assert "".join(texts(dataset)) == "x" * 50 + "y" * 50
    assert list(dataset.sha256) == list(files)


def test_words_of_the_held_out_parts_do_not_enter_the_vocabulary(tmp_path: Path) -> None:
    path = write(tmp_path, "a", ("whale sea " * 45 + "kraken " * 10).strip())
    dataset = read_dataset(DataConfig((path,), level="word", batch_size=2, window=2))
    assert "kraken" not in dataset.vocabulary.tokens
    assert dataset.test.eq(0).all()


def test_bytes_need_no_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(range(256)))
    dataset = read_dataset(DataConfig((str(path),), level="byte", batch_size=2, window=2))
    assert torch.cat([dataset.train, dataset.valid, dataset.test]).tolist() == list(range(256))


def test_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    dataset = read_dataset(DataConfig((write(tmp_path, "a", "\ufeff" + "ab" * 50),), batch_size=2, window=2))
    assert dataset.vocabulary.tokens == ("a", "b")


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    latin = tmp_path / "latin"
    latin.write_bytes("café".encode("latin-1"))
    cases = {
        str(tmp_path / "none"): "no such file",
        str(tmp_path): "got a directory",
        write(tmp_path, "empty", ""): "got an empty file",
        str(latin): "expected UTF-8, got byte 0xe9 at offset 3",
        write(tmp_path, "short", "a" * 20): r"expected at least 321 characters .* got 18",
        str(tmp_path / "short" / "below"): "cannot be read",
    }
    for path, message in cases.items():
        with pytest.raises(TextError, match=message):
            read_dataset(DataConfig((path,), batch_size=16, window=20))


def test_too_little_is_held_out(tmp_path: Path) -> None:
    path, tiny = write(tmp_path, "a", "ab" * 50), write(tmp_path, "b", "a")
    with pytest.raises(TextError, match="at least 2 characters for validation, got 1"):
        read_dataset(DataConfig((path,), valid=(tiny,), batch_size=2, window=2))


def test_changed_file_is_refused(tmp_path: Path) -> None:
    config = DataConfig((write(tmp_path, "a", "ab" * 50),), batch_size=2, window=2)
    dataset = read_dataset(config)
    assert texts(read_dataset(config, dataset.vocabulary, dataset.sha256)) == texts(dataset)
    write(tmp_path, "a", "ba" * 50)
    with pytest.raises(TextError, match="changed since the run began"):
        read_dataset(config, dataset.vocabulary, dataset.sha256)


@pytest.mark.parametrize(
    ("name", "value"), [("level", "line"), ("batch_size", 0), ("window", 0), ("vocabulary_size", 1)]
)
def test_numbers_out_of_range(name: str, value: object) -> None:
    with pytest.raises(ArgumentError, match=f"{name}: expected"):
        DataConfig(("a",), **{name: value})  # type: ignore[arg-type]
