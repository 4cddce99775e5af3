"""Layers with options of their own in ONNX: they compute there what they compute in evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

import conveyor as cv

OPTIONS: dict[str, dict[str, Any]] = {
    "zoneout": {"zoneout": 0.2},
    "residual": {"num_layers": 3, "connections": "residual"},
    "skip-both-ways": {"num_layers": 2, "connections": "skip", "bidirectional": True},
    "only-training": {
        "num_layers": 2,
        "gradient_clip": 1.0,
        "checkpoint_every": 2,
        "variational_dropout": 0.3,
        "dropout": 0.2,
    },
}


@pytest.mark.parametrize("name", OPTIONS)
def test_exported_is_evaluated(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    layer = cv.LSTM(4, 5, **OPTIONS[name]).eval()
    cv.to_onnx(layer, tmp_path / "layer.onnx")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(tmp_path / "layer.onnx"), options)
    x = torch.randn(6, 2, 4)
    with torch.no_grad():
        y, state = layer(x)
    y_there, h, c = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    for got, want in ((y_there, y), (h, state.h), (c, state.c)):
        np.testing.assert_allclose(got, want.numpy(), atol=2e-6)


def test_onnxruntime_has_nothing_to_say_of_optional_inputs(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Left out, given as None, or given: with its logger as it comes."""
    torch.manual_seed(0)
    layer = cv.LSTM(3, 4, 2, learn_initial_state=True)
    report = cv.to_onnx(layer, tmp_path / "m.onnx")
    assert report.optional == ("lengths", "h_0", "c_0")
    capfd.readouterr()
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    x, state = torch.randn(5, 2, 3), (torch.randn(2, 2, 4), torch.randn(2, 2, 4))
    with torch.no_grad():
        own, given = layer(x)[0].numpy(), layer(x, state, lengths=torch.tensor([5, 2]))[0].numpy()
    np.testing.assert_allclose(session.run(["y"], {"x": x.numpy()})[0], own, atol=1e-6)
    np.testing.assert_allclose(session.run(["y"], {"x": x.numpy(), "h_0": None})[0], own, atol=1e-6)
    feed = {"x": x.numpy(), "lengths": np.array([5, 2]), "h_0": state[0].numpy(), "c_0": state[1].numpy()}
    np.testing.assert_allclose(session.run(["y"], feed)[0], given, atol=1e-6)
    assert capfd.readouterr() == ("", "")
