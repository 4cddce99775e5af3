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
    "only-training": {"num_layers": 2, "gradient_clip": 1.0, "checkpoint_every": 2, "variational_dropout": 0.3, "dropout": 0.2},
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
