from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import safetensors.torch
import torch

import conveyor as cv
from cli.conftest import TINY, Failure
from cli.test_import import done, words
from conveyor.cli import main
from conveyor.interop.keras.layer import KerasLayer
from conveyor.interop.onnx.exporter.reverse import Reverse
from conveyor.tasks.text.run import load_model
from interop.keras.library import keras, run, sequences


def logits(folder: Path, tokens: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Of the model of a run, batch first."""
    with torch.no_grad():
        return load_model(folder)[0].eval()(torch.from_numpy(tokens).T)[0].transpose(0, 1).numpy()


TOKENS = np.random.default_rng(0).integers(0, 15, (2, 7))


def test_a_run_to_keras(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.keras"
    out = done(capsys, "export", trained, "--to", "keras", "-o", path)
    assert "recurrent" in out and "LSTM(units=8)" in out and "lstm 4 → 8 forward" in words(out)
    assert f"In Python: keras.saving.load_model('{path}')" in out and "Largest difference" in out
    theirs = keras.saving.load_model(path)
    assert [type(k).__name__ for k in theirs.layers] == ["Embedding", "LSTM", "Dense"]
    np.testing.assert_allclose(run(theirs, TOKENS)[0], logits(trained, TOKENS), atol=1e-5)


def test_a_run_to_torch(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.pt"
    out = done(capsys, "export", trained, "--to", "torch", "-o", path)
    assert "torch.nn.LSTM(4, 8)" in out
    state = torch.load(path, weights_only=True)
    lstm = torch.nn.LSTM(4, 8)
    lstm.load_state_dict({k.removeprefix("recurrent."): v for k, v in state.items() if k.startswith("recurrent.")})
    with torch.no_grad():
        y, _ = lstm(state["embedding.weight"][TOKENS.T])
        got = (y @ state["decoder.weight"].T + state["decoder.bias"]).transpose(0, 1).numpy()
    np.testing.assert_allclose(got, logits(trained, TOKENS), atol=1e-5)


def test_a_run_to_onnx(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.onnx"
    out = done(capsys, "export", trained, "--to", "onnx", "-o", path)
    assert "LSTM" in out and "Largest difference" in out and "tokens" in out
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    got = session.run(["y"], {"tokens": TOKENS.T})[0]
    np.testing.assert_allclose(np.swapaxes(got, 0, 1), logits(trained, TOKENS), atol=1e-5)


def test_there_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    layer = cv.LSTM(3, 4, 2, bidirectional=True)
    cv.save(layer, "layer.safetensors")
    x = torch.randn(5, 2, 3)
    for to, name in (("torch", "a.pt"), ("torch", "b.safetensors"), ("onnx", "c.onnx")):
        done(capsys, "export", "layer.safetensors", "--to", to, "-o", name)
        done(capsys, "import", name, "-o", f"{name}.out")
        if to == "torch":
            torch.testing.assert_close(cv.load(f"{name}.out")(x)[0], layer(x)[0], rtol=0, atol=0)
    done(capsys, "export", "layer.safetensors", "--to", "keras", "-o", "d.keras")
    done(capsys, "import", "d.keras")
    below, above = (cv.load(f"d/{n}.safetensors") for n in ("bidirectional", "bidirectional_1"))
    y = above(below(x.transpose(0, 1))[0])[0].transpose(0, 1)
    torch.testing.assert_close(y, layer(x)[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.weights.h5"])
def test_a_layer_with_keras_settings(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = cv.save(KerasLayer(cv.GRU(3, 4, batch_first=True), go_backwards=True), tmp_path / "l.safetensors")
    out = done(capsys, "export", saved, "--to", "keras", "-o", tmp_path / name)
    assert "GRU(units=4, reset_after=True), go_backwards" in out
    if name != "m.weights.h5":
        (layer,) = cv.from_keras(tmp_path / name).values()
        x = torch.from_numpy(sequences())
        torch.testing.assert_close(layer(x)[0], cv.load(saved)(x)[0], rtol=0, atol=1e-6)
    out = done(capsys, "export", saved, "--to", "torch", "-o", tmp_path / "m.pt")
    assert "without go_backwards=True" in out
    out = done(capsys, "export", saved, "--to", "onnx", "-o", tmp_path / "m.onnx")
    assert "without go_backwards=True" in out


def test_a_layer_that_runs_backwards(tmp_path: Path, capsys: pytest.CaptureFixture[str], failure: Failure) -> None:
    saved = cv.save(Reverse(cv.GRU(3, 4)), tmp_path / "l.safetensors")
    assert "reverse" in done(capsys, "export", saved, "--to", "onnx", "-o", tmp_path / "m.onnx")
    out = done(capsys, "export", saved, "--to", "torch", "-o", tmp_path / "m.pt")
    assert "turn its input and output round in time" in out
    torch.nn.GRU(3, 4).load_state_dict(torch.load(tmp_path / "m.pt", weights_only=True))
    assert "layer is a cv.Recurrent" in failure("export", saved, "--to", "keras", "-o", tmp_path / "m.keras")


def test_a_single_step_to_torch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cell = cv.GRUCell(3, 4)
    saved = cv.save(cell, tmp_path / "l.safetensors")
    done(capsys, "export", saved, "--to", "torch", "-o", tmp_path / "m.safetensors")
    state = safetensors.torch.load_file(tmp_path / "m.safetensors")
    torch.nn.GRUCell(3, 4).load_state_dict(state)
    assert all(torch.equal(state[n], t) for n, t in cell.state_dict().items())


def test_nothing_is_overwritten_unasked(trained: Path, tmp_path: Path, failure: Failure) -> None:
    for to, name in (("keras", "m.keras"), ("torch", "m.pt"), ("onnx", "m.onnx")):
        path = tmp_path / name
        path.write_text("mine")
        assert "is there already; name another, or overwrite it with --force" in failure(
            "export", trained, "--to", to, "-o", path
        )
        assert path.read_text() == "mine"
        assert main(["export", str(trained), "--to", to, "-o", str(path), "--force"]) == 0
        assert path.read_bytes()[:4] != b"mine"


def layer(tmp_path: Path, made: Any) -> Path:
    return cv.save(made, tmp_path / "l.safetensors")


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        (lambda p: p / "no", ("--to", "keras", "-o", "m.keras"), "is not there; give the folder of a training run, or a file of cv.save"),
        (lambda p: p, ("--to", "keras", "-o", "m.keras"), "expected a folder with checkpoint.json"),
        (lambda p: layer(p, cv.GRU(2, 3)), ("--to", "keras", "-o", "m.onnx"), "--output: expected a file .keras or .h5 or .hdf5 for keras, got m.onnx"),
        (lambda p: layer(p, cv.GRU(2, 3)), ("--to", "torch", "-o", "m"), "--output: expected a file .pt or .pth or .safetensors for torch"),
        (lambda p: layer(p, cv.GRU(2, 3)), ("--to", "tensorflow", "-o", "m.h5"), "'tensorflow'"),
        (lambda p: layer(p, cv.GRU(2, 3)), ("--to", "torch"), "output"),
        (lambda p: layer(p, cv.Recurrent("mgu", 2, 3)), ("--to", "torch", "-o", "m.pt"), "torch.nn has no module with the equations of <cell mgu>"),
        (lambda p: layer(p, cv.Recurrent("mgu", 2, 3)), ("--to", "keras", "-o", "m.keras"), "Keras has no layer with the equations of <cell mgu>"),
        (lambda p: layer(p, cv.GRUCell(2, 3)), ("--to", "keras", "-o", "m.keras"), "layer is a cv.Recurrent, LSTM, GRU or RNN"),
        (lambda p: layer(p, cv.GRU(2, 3)), ("--to", "torch", "-o", "no/m.pt"), "cannot be written: No such file"),
        (lambda p: (p / "x.safetensors").write_bytes(b"junk") and p / "x.safetensors", ("--to", "torch", "-o", "m.pt"), "is no whole safetensors file"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(
    model: Any,
    arguments: tuple[str, ...],
    message: str,
    failure: Failure,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in failure("export", model(tmp_path), *arguments)
    assert not [p for p in tmp_path.iterdir() if p.name.startswith("m")]


def test_a_run_of_another_shape_to_keras(text_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, path = tmp_path / "run", tmp_path / "m.h5"
    shape = ("--cell", "gru_reset_before", "--num-layers", "2", "--dropout", "0.3", "--tie-weights", "--max-steps", "2")
    assert main(["train", str(text_file), "-o", str(folder), *TINY, *shape]) == 0
    out = done(capsys, "export", folder, "--to", "keras", "-o", path)
    assert "GRU(units=8, reset_after=False), GRU(units=8, reset_after=False)" in out
    theirs = keras.saving.load_model(path, compile=False)
    kinds = ["Embedding", "Dropout", "GRU", "Dropout", "GRU", "Dropout", "Dense", "Dense"]
    assert [type(k).__name__ for k in theirs.layers] == kinds
    np.testing.assert_allclose(run(theirs, TOKENS)[0], logits(folder, TOKENS), atol=1e-5)
