"""Files are read in a process of their own, which may crash or hang."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import conveyor as cv
from conveyor.interop.keras.storage import subprocess_reader
from conveyor.interop.keras.storage.source import read_file
from interop.keras.library import L, model, save
from interop.keras.test_keras_files import several


@pytest.mark.parametrize("ending", [".keras", ".h5", ".weights.h5"])
def test_what_is_read_is_the_same(ending: str, tmp_path: Path) -> None:
    path = save(several(), tmp_path / f"m{ending}")
    for here, there in zip(read_file(path), subprocess_reader.read_apart(path), strict=True):
        assert here == there
        for a, b in zip((*here.forward, *here.backward), (*there.forward, *there.backward), strict=True):
            assert all(np.array_equal(x, y) and x.dtype == y.dtype for x, y in zip(a.arrays, b.arrays, strict=True))


def test_what_can_not_be_read_is_the_same(tmp_path: Path) -> None:
    path = save(model(L.LSTM(2, activation="gelu", name="bad")), tmp_path / "m.keras")
    assert subprocess_reader.read_apart(path) == read_file(path)


def test_errors_call_the_file_as_the_user_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cut.h5").write_bytes(save(model(L.LSTM(2)), tmp_path / "m.h5").read_bytes()[:2000])
    with pytest.raises(cv.ArgumentError, match=r"^cut\.h5 is damaged, or was not written by Keras \(OSError"):
        cv.from_keras("cut.h5")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "the HDF5 library crashes on it; copy it again"),
        ("import time; time.sleep(60)", r"the HDF5 library does not get through it in 1 s"),
        ("raise MemoryError('all of it')", r"the HDF5 library fails \(MemoryError: all of it\) on it"),
    ],
)
def test_a_process_that_fails_is_one_line(
    code: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(model(L.LSTM(2)), tmp_path / "m.keras")
    run = subprocess.run

    def instead(command: list[str], **arguments: Any) -> Any:
        return run([sys.executable, "-c", code], **arguments)

    monkeypatch.setattr(subprocess_reader, "_SECONDS", 1.0)
    monkeypatch.setattr(subprocess_reader.subprocess, "run", instead)
    with pytest.raises(cv.ArgumentError, match=message) as caught:
        cv.from_keras(path)
    assert "\n" not in str(caught.value)


def test_within_another_program_it_is_read_in_the_same_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(model(L.LSTM(2, name="a")), tmp_path / "m.keras")
    monkeypatch.setattr(sys, "executable", "")
    assert list(cv.from_keras(path)) == ["a"]
