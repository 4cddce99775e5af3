"""Files that are cut, altered or something else: one clear line, and nothing of the libraries' own."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import conveyor as cv
from interop.onnx_spec import activations, model, problem
from interop.onnx_spec import given as inputs_of

# Bytes that protocol buffers skip or read as another field may leave a model that is whole; a load that gives layers is
# then as right as one that refuses.
OUTCOMES = (cv.ConversionError, cv.ArgumentError)


def whole() -> list[bytes]:
    made = []
    for op, extra in (
        ("LSTM", {"clip": 1.0, "direction": "bidirectional"}),
        ("GRU", activations(["HardSigmoid", "Tanh"])),
    ):
        weights = problem(op, 2, 3, extra.get("direction", "forward"), peepholes=op == "LSTM")
        made.append(model(op, weights, inputs_of(op, 2, 1, weights), **extra).SerializeToString())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.onnx"
        cv.to_onnx(cv.LSTM(2, 3, 2, batch_first=True), path)
        made.append(path.read_bytes())
    return made


FILES = whole()


def attempt(data: bytes) -> Any:
    """The layers, or the one line that says why there are none."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.onnx"
        path.write_bytes(data)
        try:
            return cv.from_onnx(path)
        except OUTCOMES as error:
            said = str(error)
            assert said and "\n" not in said and len(said) < 1000
            return said


def test_whole_files_load() -> None:
    assert [len(attempt(data)) for data in FILES] == [1, 1, 2]


@pytest.mark.parametrize("kind", range(len(FILES)), ids=["lstm", "gru", "ours"])
def test_cut_files(kind: int) -> None:
    data = FILES[kind]
    for end in {0, 1, 7, 16, len(data) // 3, len(data) // 2, len(data) - 1}:
        assert isinstance(attempt(data[:end]), str), end


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(FILES) - 1), st.randoms(use_true_random=False), st.integers(1, 6))
def test_altered_files(kind: int, chance: random.Random, count: int) -> None:
    data = bytearray(FILES[kind])
    for _ in range(count):
        place = chance.randrange(len(data))
        action = chance.randrange(3)
        if action == 0:
            data[place] = chance.randrange(256)
        elif action == 1:
            del data[place : place + chance.randrange(1, 9)]
        else:
            data[place:place] = chance.randbytes(chance.randrange(1, 9))
    got = attempt(bytes(data))
    assert isinstance(got, str) or len(got) >= 1


@settings(max_examples=40)
@given(st.binary(max_size=200))
def test_arbitrary_bytes(data: bytes) -> None:
    assert isinstance(attempt(data), str)


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    """Neither of what onnxruntime refuses: here a name that is no UTF-8."""
    for data in FILES:
        attempt(data.replace(b"LSTM", b"LS\xffM", 1).replace(b"node", b"no\xffe"))
        attempt(data[:-5])
    assert capfd.readouterr() == ("", "")


def test_foreign_files(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(3)}, tmp_path / "torch.pt")
    cv.save(cv.GRU(2, 3), tmp_path / "ours.safetensors")
    (tmp_path / "text.onnx").write_text("a model, said the text\n" * 50)
    (tmp_path / "text.json").write_text("{}")
    (tmp_path / "empty").touch()
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(cv.ConversionError, match=f"path: {path} is no ONNX file"):
            cv.from_onnx(path)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nowhere.onnx", "path: nowhere.onnx is not there; give the name of an ONNX file"),
        (".", r"path: \. is a folder; give the name of an ONNX file"),
        (3, "path is the name of a file, got 3"),
        ("", "path is the name of a file, got ''"),
        (None, "path is the name of a file, got None"),
    ],
)
def test_wrong_paths(path: Any, said: str) -> None:
    with pytest.raises(cv.ArgumentError, match=said):
        cv.from_onnx(path)


def test_weights_kept_in_another_file_that_is_gone(tmp_path: Path) -> None:
    weights = problem("GRU", 20, 30)
    made = model("GRU", weights, inputs_of("GRU", 2, 1, weights))
    onnx.save(made, tmp_path / "m.onnx", save_as_external_data=True, location="weights", size_threshold=0)
    assert len(cv.from_onnx(tmp_path / "m.onnx")) == 1
    (tmp_path / "weights").unlink()
    with pytest.raises(cv.ConversionError, match="m.onnx is no ONNX file, or not all of one"):
        cv.from_onnx(tmp_path / "m.onnx")
