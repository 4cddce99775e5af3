"""What onnxruntime's quantisers make of recurrent layers is read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

import conveyor as cv
from conveyor.interop.onnx.importer.quantised import dequantise

Array = np.ndarray[Any, Any]


def run(model: Any, x: Array) -> Array:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    data = model.SerializeToString() if isinstance(model, onnx.ModelProto) else str(model)
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


@pytest.mark.filterwarnings("ignore")  # the quantiser's own
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("per_channel", [False, True])
def test_a_quantised_lstm(both: bool, per_channel: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    layer = cv.LSTM(5, 16, bidirectional=both)
    cv.to_onnx(layer, tmp_path / "m.onnx", lengths="none", states="none")
    # Seven bits: with eight, onnxruntime's products saturate on processors without VNNI.
    quantize_dynamic(
        tmp_path / "m.onnx",
        tmp_path / "q.onnx",
        weight_type=QuantType.QInt8,
        per_channel=per_channel,
        reduce_range=True,
    )
    found = cv.from_onnx(tmp_path / "q.onnx")
    (read,) = found.values()
    assert isinstance(read, cv.LSTM) and found.report.rows[0].source == "DynamicQuantizeLSTM"
    assert found.report.ok and "as they were quantised" in str(found)
    for name, value in layer.named_parameters():
        step = value.abs().max().item() / 63 if name.startswith("weight") else 1e-6
        off = (read.get_parameter(name) - value).abs().max().item() if name.startswith("weight") else 0.0
        assert off <= 0.51 * step * 1.01, name
        if name.startswith("weight"):
            assert off > 0, "else it was not quantised"
    x = np.random.default_rng(1).normal(size=(9, 3, 5)).astype(np.float32)
    want, plain = run(tmp_path / "q.onnx", x), run(tmp_path / "m.onnx", x)
    got = read(torch.from_numpy(x))[0].detach().numpy()
    # onnxruntime rounds the operands of products to 8 bits besides.
    assert np.abs(got - want).max() < 0.03 and 0 < np.abs(got - plain).max() < 0.03


def spelled(x: Array, scale: Array, zero: Array | None, axis: int) -> Array:
    """The specification, number by number."""
    made = np.empty(x.shape, np.float64)
    for place in np.ndindex(x.shape):
        at = () if scale.ndim == 0 else (place[axis],)
        made[place] = (float(x[place]) - (0.0 if zero is None else float(zero[at]))) * float(scale[at])
    return made


@pytest.mark.parametrize("opset", [10, 13, 18, 19, 21])
@pytest.mark.parametrize("kind", ["tensor", "axis"])
def test_weights_behind_dequantize_linear(opset: int, kind: str) -> None:
    if opset == 10 and kind == "axis":
        return  # came with 13
    random = np.random.default_rng(0)
    h, i = 4, 3
    held = {"r": (1, 3 * h, h), "w": (1, 3 * h, i)}
    nodes, stored, exact = [], [], {}
    for name, shape in held.items():
        whole = random.integers(-127, 128, shape).astype(np.int8)
        scale = np.float32(0.01) if kind == "tensor" else random.uniform(0.005, 0.02, 3 * h).astype(np.float32)
        zero = np.int8(3) if kind == "tensor" else random.integers(-5, 5, 3 * h).astype(np.int8)
        exact[name] = spelled(whole, np.asarray(scale), np.asarray(zero), 1)
        parts = {f"{name}_q": whole, f"{name}_s": np.asarray(scale), f"{name}_z": np.asarray(zero)}
        stored += [numpy_helper.from_array(v, n) for n, v in parts.items()]
        axis = {} if opset == 10 else {"axis": -2}
        nodes.append(helper.make_node("DequantizeLinear", [*parts], [name], **axis))
    nodes.append(helper.make_node("GRU", ["x", "w", "r"], ["y"], hidden_size=h, linear_before_reset=1, name="gru"))
    infos = [helper.make_tensor_value_info("x", 1, ["t", "b", i])], [helper.make_tensor_value_info("y", 1, None)]
    graph = helper.make_graph(nodes, "g", *infos, stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    layer = cv.from_onnx(model)["gru"]
    x = random.normal(size=(6, 2, i)).astype(np.float32)
    y = layer(torch.from_numpy(x))[0].detach().numpy()
    np.testing.assert_allclose(y, run(model, x)[:, 0], atol=1e-5)
    z, r, n = np.split(exact["w"][0], 3)  # ONNX's order z r h, torch's r z n
    np.testing.assert_allclose(layer.weight_ih_l0.detach().numpy(), np.concatenate([r, z, n]), rtol=1e-6)


def test_blocks_share_a_scale() -> None:
    x = np.arange(12, dtype=np.int8).reshape(2, 6)
    scale = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)
    zero = np.array([[0, 1, 2], [3, 4, 5]], np.int8)
    want = np.empty((2, 6))
    for row in range(2):
        for column in range(6):
            want[row, column] = (int(x[row, column]) - int(zero[row, column // 2])) * scale[row, column // 2]
    np.testing.assert_array_equal(dequantise(x, scale, zero, 1, 2), want)
    with pytest.raises(cv.ConversionError, match="does not fit"):
        dequantise(x, scale[:, :2], zero[:, :2], 1, 2)
    with pytest.raises(cv.ConversionError, match="its zero point has shape"):
        dequantise(x, scale, np.zeros(4, np.int8), 1, 2)
