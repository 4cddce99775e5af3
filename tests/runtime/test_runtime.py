"""The runtime without torch gives the bits of `layer.stream`, and imports neither torch nor package metadata."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import conveyor as cv
from conveyor.errors import ArgumentError
from conveyor.runtime import load


def layers() -> dict[str, torch.nn.Module]:
    torch.manual_seed(0)
    made: dict[str, torch.nn.Module] = {
        "LSTM": cv.LSTM(3, 20, num_layers=2),
        "LSTM projection": cv.LSTM(3, 20, proj_size=7),
        "LSTM without biases": cv.LSTM(3, 17, bias=False),
        "GRU of unequal sizes": cv.GRU(3, [9, 14], num_layers=2, dtype=torch.float64),
        "RNN": cv.RNN(3, 8, nonlinearity="relu"),
        "learned initial states": cv.Recurrent("gru", 3, 12, learn_initial_state=True),
        "zoneout": cv.Recurrent("lstm", 3, 12, zoneout={"h": 0.1, "c": 0.2}),
        "residual": cv.Recurrent("lstm", 3, 12, num_layers=3, connections="residual"),
        "skip": cv.Recurrent("gru_reset_before", 3, 12, num_layers=3, connections="skip"),
        "normed": cv.Recurrent("lstm_layer_norm", 3, 12),
        "heads": cv.Recurrent(cv.cells["slstm"].configure(heads=2), 3, 16),
        "projection": cv.Recurrent("lstm_projection", 3, 12, proj_size=5),
    }
    for layer in made.values():
        for name, p in layer.named_parameters():
            if "initial" in name:
                torch.nn.init.normal_(p)
    return made


@pytest.mark.parametrize("name", layers())
def test_the_bits_of_a_stream(name: str, tmp_path: Path) -> None:
    layer = layers()[name].eval()
    path = cv.save(layer, tmp_path / "layer.safetensors")
    stream, running = layer.stream(1), load(path)
    x = torch.randn(20, 1, 3, dtype=next(layer.parameters()).dtype)
    for t in range(20):
        got, want = running.step(x[t, 0].numpy()), stream.step(x[t])[0]
        np.testing.assert_array_equal(got, want.numpy())
    running.reset()
    stream.reset()
    np.testing.assert_array_equal(running.run(x[:, 0].numpy()), torch.stack([stream.step(s)[0] for s in x]).numpy())


def test_auxiliary_inputs(tmp_path: Path) -> None:
    layer = cv.Recurrent("gru_d", 4, 6)
    running = load(cv.save(layer, tmp_path / "layer.safetensors"))
    x, delta = torch.randn(5, 1, 4), torch.rand(5, 1, 4)
    mask = (torch.rand(5, 1, 4) > 0.5).float()
    stream = layer.stream(1)
    want = torch.stack([stream.step(x[t], mask=mask[t], delta=delta[t])[0] for t in range(5)])
    got = running.run(x[:, 0].numpy(), mask=mask[:, 0].numpy(), delta=delta[:, 0].numpy())
    np.testing.assert_array_equal(got, want.numpy())
    with pytest.raises(ArgumentError, match="aux: expected mask, delta, got mask"):
        running.step(x[0, 0].numpy(), mask=mask[0, 0].numpy())


def test_half_precision_computes_in_float32(tmp_path: Path) -> None:
    for dtype in (torch.bfloat16, torch.float16):
        layer = cv.LSTM(2, 8).to(dtype)
        running = load(cv.save(layer, tmp_path / f"{dtype}.safetensors"))
        stream = layer.float().stream(1)
        x = torch.randn(1, 2)
        np.testing.assert_array_equal(running.step(x[0].numpy()), stream.step(x)[0].numpy())


def test_neither_torch_nor_package_metadata_is_imported(tmp_path: Path) -> None:
    layer = cv.LSTM(1, 8)
    path = cv.save(layer, tmp_path / "layer.safetensors")
    want = layer.stream(1).step(torch.full((1, 1), 0.5))[0].detach().numpy()
    code = (
        "import sys\nfrom conveyor.runtime import load\n"
        f"y = load({str(path)!r}).step(0.5)\n"
        "print([m for m in ('torch', 'importlib.metadata', 'safetensors', 'typer') if m in sys.modules])\n"
        "print(y.tobytes().hex())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules, bits = done.stdout.split("\n")[:2]
    assert modules == "[]"
    assert bits == want.tobytes().hex()


def test_what_is_no_layer_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="cannot be read"):
        load(tmp_path / "missing.safetensors")
    other = tmp_path / "other.safetensors"
    other.write_bytes(b"no such file at all")
    with pytest.raises(ArgumentError, match="no whole safetensors file"):
        load(other)
    whole = cv.save(cv.LSTM(1, 4), tmp_path / "whole.safetensors").read_bytes()
    other.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ArgumentError, match="SHA-256"):
        load(other)
    other.write_bytes(whole[:-5])
    with pytest.raises(ArgumentError, match="truncated"):
        load(other)
    with pytest.raises(ArgumentError, match="runs both ways"):
        load(cv.save(cv.LSTM(1, 4, bidirectional=True), tmp_path / "both.safetensors"))
    with pytest.raises(ArgumentError, match="expected one of Recurrent, LSTM, GRU, RNN"):
        load(cv.save(cv.LSTMCell(1, 4), tmp_path / "cell.safetensors"))
    with pytest.raises(ArgumentError, match=r"x: expected \(1,\) numbers, got \(2,\)"):
        load(cv.save(cv.LSTM(1, 4), tmp_path / "good.safetensors")).step(np.zeros(2))
