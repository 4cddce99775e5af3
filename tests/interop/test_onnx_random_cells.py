"""Random cells of every operation of the language, as `Scan` in onnxruntime."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import conveyor as cv
from frontend.random_cells import Cell, cells
from interop.onnx_spec import run


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(cells(), st.booleans(), st.integers(0, 3))
def test_a_random_cell(text: Cell, bidirectional: bool, shortest: int) -> None:
    namespace = {"cv": cv}
    exec(text.text, namespace)
    torch.manual_seed(0)
    layer = cv.Recurrent(
        cv.cell(namespace["f"]), 2, 3, bidirectional=bidirectional, backend="reference", dtype=torch.float64
    )
    x, dt = torch.randn(3, 2, 2, dtype=torch.float64), torch.rand(3, 2, 3, dtype=torch.float64)
    state = torch.randn(2, 2 if bidirectional else 1, 2, 3, dtype=torch.float64)
    lengths = torch.tensor([3, shortest])
    with torch.no_grad():
        y, finals = layer(x, tuple(state), lengths=lengths, dt=dt)
    with tempfile.TemporaryDirectory() as folder:
        cv.to_onnx(layer, Path(folder) / "m.onnx", check=False)
        given_ = {"x": x, "dt": dt, "lengths": lengths, "h_0": state[0], "c_0": state[1]}
        got = run(str(Path(folder) / "m.onnx"), {n: v.numpy() for n, v in given_.items()})
    for a, b in zip(got, (y, *finals), strict=True):
        assert np.abs(a - b.numpy()).max() <= 1e-9 * max(1.0, b.abs().max().item()), text.text
