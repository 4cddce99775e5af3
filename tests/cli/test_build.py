"""`conveyor build`: what it makes and says, and one line for each mistake."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import conveyor as cv
from conveyor.cli import main
from conveyor.errors import ArgumentError


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    return cv.save(cv.LSTM(1, 17), tmp_path / "layer.safetensors")


def done(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main([str(w) for w in words]) == 0
    return capsys.readouterr().out


def failed(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main([str(w) for w in words]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "Traceback" not in said
    return said


def test_an_object_for_another_device(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    said = done(capsys, "build", saved, "-o", out, "--target", "cortex-m7", "--prefix", "amp")
    assert "thumbv7em-unknown-none-eabihf" in said
    assert {p.name for p in out.iterdir()} == {"amp.o", "amp.a", "amp.h", "example.c", "README.md"}
    text = (out / "amp.h").read_text()
    assert "#define AMP_INPUTS 1\n" in text and "#define AMP_OUTPUTS 17\n" in text and "AMP_STATE_C_L0" in text
    assert "SHA-256" in text and "lstm 1 to 17" in text


def test_small_weights_say_what_they_cost(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "x.npy", np.linspace(-1, 1, 50, dtype=np.float32))
    said = done(capsys, "build", saved, "-o", tmp_path / "out", "--weights", "int8", "--data", tmp_path / "x.npy")
    assert "over 50 steps of the given data" in said
    assert said.splitlines()[-1] in (tmp_path / "out" / "README.md").read_text()


def test_portable_c_and_web(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "C11" in done(capsys, "build", saved, "-o", tmp_path / "c", "--emit", "c")
    assert "model.c" in {p.name for p in (tmp_path / "c").iterdir()}
    done(capsys, "build", saved, "-o", tmp_path / "web", "--target", "wasm32")
    assert {"model.wasm", "model.js", "package.json", "model.d.ts"} <= {p.name for p in (tmp_path / "web").iterdir()}


def test_a_folder_is_written_over_only_if_asked(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("kept")
    said = failed(capsys, "build", saved, "-o", out, "--emit", "c")
    assert "isn't empty; name another, or overwrite it with --force" in said
    done(capsys, "build", saved, "-o", out, "--emit", "c", "--force")
    assert (out / "mine.txt").read_text() == "kept" and (out / "model.c").exists()


def test_targets_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    said = done(capsys, "build", "--list-targets")
    assert all(name in said for name in ("host", "cortex-m7", "riscv64-v", "wasm32", "macos"))
    near = done(capsys, "build", "--list-targets", "cortexm7")
    assert "cortex-m7" in near and "wasm32" not in near


def test_mistakes_are_told_in_one_line(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["-o", tmp_path / "out"]
    assert "did you mean aarch64" in failed(capsys, "build", saved, *out, "--target", "aarch46")
    assert "--emit c" in failed(capsys, "build", saved, *out, "--target", "xtensa")
    assert "is no processor of" in failed(capsys, "build", saved, *out, "--target", "riscv64", "--cpu", "z80")
    assert "expected float32, bf16, int8; got 'int4'" in failed(capsys, "build", saved, *out, "--weights", "int4")
    assert "a name of C" in failed(capsys, "build", saved, *out, "--prefix", "my-model")
    assert "expected MODEL and --output" in failed(capsys, "build", saved)
    failed(capsys, "build", tmp_path / "missing.safetensors", *out)
    foreign = tmp_path / "foreign.safetensors"
    foreign.write_bytes(b"something else")
    failed(capsys, "build", foreign, *out)
    both = cv.save(cv.LSTM(1, 4, bidirectional=True), tmp_path / "both.safetensors")
    assert "bidirectional" in failed(capsys, "build", both, *out)
    assert "can't be read" in failed(capsys, "build", saved, *out, "--data", tmp_path / "none.npy")
    assert not (tmp_path / "out").exists()


def test_python_takes_models_and_lists(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Embedding(9, 5), cv.LSTM(5, 7, num_layers=2))
    built = cv.build(model, tmp_path / "a", emit="c")
    assert (built.inputs, built.outputs, built.target) == (1, 7, None)
    layer, head = cv.GRU(3, 8), torch.nn.Linear(8, 2)
    built = cv.build([layer, head, torch.nn.Softmax(-1)], tmp_path / "b", emit="c", prefix="net")
    assert (built.inputs, built.outputs) == (3, 2) and "net.c" in built.files
    with pytest.raises(ArgumentError, match="without a recurrent layer"):
        cv.build(torch.nn.Linear(2, 2), tmp_path / "c")
    with pytest.raises(ArgumentError, match="ReLU behind the recurrent layer"):
        cv.build([layer, torch.nn.ReLU()], tmp_path / "c")
    with pytest.raises(ArgumentError, match="reads 4 numbers, it is given 8"):
        cv.build([layer, torch.nn.Linear(4, 1)], tmp_path / "c")
    with torch.no_grad():
        head.weight[0, 0] = float("nan")
    with pytest.raises(ArgumentError, match="not finite"):
        cv.build([layer, head], tmp_path / "c")
    with pytest.raises(ArgumentError, match=r"data: expected finite numbers \(steps, 3\), got shape \(5, 2\)"):
        cv.build(layer, tmp_path / "c", weights="int8", data=np.zeros((5, 2)))
