"""A run finds its texts again: where they were, beside it, or where its user says; and takes no other for them."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from conveyor.errors import TextError
from conveyor.tasks.text.config import DataConfig
from conveyor.tasks.text.data.locate import locate

A, B = "abcd" * 200, "dcba" * 100


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def sums(*paths: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.parametrize("place", ["runs/x", "x", "data/runs/deep/x", "data/x"])
def test_a_project_that_moved(tmp_path: Path, place: str) -> None:
    old, new = tmp_path / "old/project", tmp_path / "new/home/project"
    text, valid = write(old / "data/a.txt", A), write(old / "data/b.txt", B)
    recorded = sums(text, valid)
    (old / place).mkdir(parents=True)
    new.parent.mkdir(parents=True)
    old.rename(new)
    found = locate(DataConfig(("data/a.txt",), (str(valid),)), recorded, new / place)
    assert (found.config.files, found.config.valid) == ((str(new / "data/a.txt"),), (str(new / "data/b.txt"),))
    assert found.sha256 == sums(new / "data/a.txt", new / "data/b.txt")


def test_a_text_where_it_was_needs_no_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = write(tmp_path / "a.txt", A)
    monkeypatch.chdir(tmp_path.parent)
    found = locate(DataConfig(("a.txt",)), sums(text), tmp_path / "run")
    assert found.config.files == (str(text),)
    shipped = DataConfig(("conveyor:moby_dick.txt",))
    assert locate(shipped, {"conveyor:moby_dick.txt": "x"}, tmp_path).config == shipped


def test_a_text_of_the_same_name_is_not_taken(tmp_path: Path) -> None:
    text = write(tmp_path / "old/a.txt", A)
    recorded = sums(text)
    text.rename(tmp_path / "renamed.txt")
    write(tmp_path / "run/a.txt", B)
    found = locate(DataConfig((str(text),)), recorded, tmp_path / "run")
    assert found.config.files == (str(text),), "it keeps the path of then, under which it is missing"
    for given in (tmp_path / "renamed.txt", tmp_path / "renamed.txt"):
        assert locate(DataConfig((str(text),)), recorded, tmp_path, [given]).config.files == (str(given),)
    with pytest.raises(TextError, match=r"--data: .*run/a.txt is no text of this run \(SHA-256 expected .*a.txt: "):
        locate(DataConfig((str(text),)), recorded, tmp_path, [tmp_path / "run/a.txt"])
    with pytest.raises(TextError, match="no such file"):
        locate(DataConfig((str(text),)), recorded, tmp_path, [tmp_path / "none.txt"])


def test_a_folder_that_is_given(tmp_path: Path) -> None:
    first, second = write(tmp_path / "old/one/a.txt", A), write(tmp_path / "old/two/a.txt", B)
    recorded = sums(first, second)
    shutil.move(tmp_path / "old", tmp_path / "elsewhere")
    run = tmp_path / "far/run"
    run.mkdir(parents=True)
    config = DataConfig(("one/a.txt", "two/a.txt"))
    found = locate(config, recorded, run, [tmp_path / "elsewhere"])
    assert found.config.files == (str(tmp_path / "elsewhere/one/a.txt"), str(tmp_path / "elsewhere/two/a.txt"))


def test_the_command_goes_on_with_a_text_that_moved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from conveyor.cli import main

    sizes = ["--hidden-size", "4", "--embedding-size", "4", "--batch-size", "2", "--window", "8", "--warmup", "1"]
    text = write(tmp_path / "first/text.txt", "The white whale.\n" * 60)
    run = tmp_path / "run"
    assert main(["train", str(text), "-o", str(run), *sizes, "--max-steps", "4", "--checkpoint-every", "2"]) == 0
    index = run / "checkpoint.json"
    document = json.loads(index.read_text())
    weights = document["files"]["weights"]["sha256"]
    document["trainer"]["progress"]["finished"] = None  # as if it had been stopped before it was tested
    document["test_loss"] = None
    index.write_text(json.dumps(document))
    moved = tmp_path / "second/other.txt"
    moved.parent.mkdir()
    text.rename(moved)
    capsys.readouterr()

    def fails(*arguments: str) -> str:
        assert main(["train", "--resume", str(run), *arguments]) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        return lines[0]

    assert "text.txt: no such file; say where it is now with the --data FILE" in fails()
    wrong = write(tmp_path / "wrong.txt", "The black whale.\n" * 60)
    assert "is no text of this run (SHA-256 expected" in fails("--data", str(wrong))
    document["trainer"]["progress"]["step"] = 3
    index.write_text(json.dumps(document))
    assert main(["train", "--resume", str(run), "--data", str(moved)]) == 0
    after = json.loads(index.read_text())
    assert list(after["data"]) == [str(moved)] == after["config"]["data"]["files"]
    assert after["files"]["weights"]["sha256"] != weights, "it did the last step again"
    assert main(["train", "--resume", str(run)]) == 0, "from now on it is known"
