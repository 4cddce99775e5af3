from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conveyor.errors import CheckpointError
from conveyor.tasks.training.checkpoint import INDEX, VERSION, read_checkpoint, write_checkpoint
from conveyor.tasks.training.state import state_from_tensors, state_tensors


class Killed(BaseException):
    """Stands for SIGKILL: no `except Exception` catches it."""


def write(folder: Path, step: int) -> None:
    tensors = {"weights": {"w": torch.full((3,), float(step))}, "best": {"w": torch.zeros(2)}}
    write_checkpoint(folder, {"step": step}, tensors)


def step_in(folder: Path) -> int:
    """The step of the checkpoint, all of whose tensors are verified and fit to it."""
    checkpoint = read_checkpoint(folder)
    step: int = checkpoint.get("step")
    assert checkpoint.tensors("weights")["w"].eq(step).all()
    assert checkpoint.tensors("best")["w"].eq(0).all()
    return step


def test_round_trip_and_old_files_are_deleted(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for step in range(3):
        write(tmp_path, step)
    assert step_in(tmp_path) == 2
    assert len(list(tmp_path.glob("weights-*"))) == 1
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_nothing_is_pickled(tmp_path: Path) -> None:
    write(tmp_path, 1)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}


def test_killed_at_any_moment_of_the_write_a_whole_checkpoint_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0
    last = -1

    def dying(function: Any, after: bool) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == last and not after:
                raise Killed
            result = function(*args, **kwargs)
            if calls == last:
                raise Killed
            return result

        return call

    outcomes = []
    for after in (False, True):
        for last in range(1, 100):
            folder = tmp_path / f"{after}-{last}"
            write(folder, 1)
            calls = 0
            with monkeypatch.context() as patch:
                for owner, name in ((os, "fsync"), (os, "replace"), (os, "chmod"), (tempfile, "mkstemp")):
                    patch.setattr(owner, name, dying(getattr(owner, name), after))
                patch.setattr(Path, "unlink", dying(Path.unlink, after))
                try:
                    write(folder, 2)
                    break
                except Killed:
                    pass
            outcomes.append(step_in(folder))
            write(folder, 3)
            assert step_in(folder) == 3
            assert not list(folder.glob(".conveyor-*"))
            assert len(list(folder.iterdir())) == 3
    assert {1, 2} == set(outcomes), "some deaths come before the new checkpoint counts, some after"


def test_json_is_put_in_place_after_the_tensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append(Path(b).name), replace(a, b)))
    write(tmp_path, 1)
    assert [name.split("-")[0] for name in order] == ["weights", "best", INDEX]


def edit(folder: Path, **values: object) -> None:
    path = folder / INDEX
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / INDEX).unlink(), "found none"),
        (lambda f: (f / INDEX).write_text((f / INDEX).read_text()[:-20]), "truncated or altered"),
        (lambda f: (f / INDEX).write_bytes(b"\x80\x02}q"), "isn't conveyor's|aren't UTF-8"),
        (lambda f: (f / INDEX).write_text("[]"), "not written by conveyor"),
        (lambda f: (f / INDEX).write_text('{"format": "pt"}'), "not written by conveyor"),
        (lambda f: edit(f, version=VERSION + 1), f"got {VERSION + 1}: upgrade"),
        (lambda f: edit(f, files={}), "has no files.weights"),
        (lambda f: next(f.glob("weights-*")).unlink(), "cannot be read"),
        (lambda f: os.truncate(next(f.glob("weights-*")), 50), "expected 76 bytes, got 50: the file is truncated"),
        (lambda f: next(f.glob("weights-*")).write_bytes(b"x" * 76), "was altered"),
    ],
)
def test_damaged_checkpoints_each_give_one_line(tmp_path: Path, damage: Any, message: str) -> None:
    write(tmp_path, 1)
    damage(tmp_path)
    with pytest.raises(CheckpointError, match=message) as caught:
        step_in(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_file_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"")
    with pytest.raises(CheckpointError, match="got a file"):
        read_checkpoint(tmp_path / "model.pt")


def test_unwritable_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CheckpointError, match="cannot be written"):
        write(tmp_path / "file" / "out", 1)


tensors = st.integers(0, 9).map(lambda n: torch.tensor([n]))
states = st.one_of(
    st.none(),
    st.lists(st.one_of(tensors, st.lists(tensors, min_size=1, max_size=12).map(tuple)), min_size=1).map(tuple),
)


@given(states)
def test_state_is_taken_apart_and_built_again(state: Any) -> None:
    assert str(state_from_tensors(state_tensors(state))) == str(state)


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match="cannot be written .No space left on device."):
        write_checkpoint(tmp_path, {}, {"weights": {"w": torch.zeros(3)}})
    assert list(tmp_path.iterdir()) == []
