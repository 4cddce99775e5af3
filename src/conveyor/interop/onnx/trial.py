"""Runs a recurrent node in onnxruntime beside the layer that was read from it."""

from __future__ import annotations

import numpy as np
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from conveyor.errors import ConversionError
from conveyor.interop.onnx.attributes import Attributes
from conveyor.interop.onnx.compare import difference
from conveyor.interop.onnx.graph import IR_VERSION, OPSET
from conveyor.interop.onnx.operators import attributes_of
from conveyor.interop.onnx.tensors import Tensors

_STEPS, _ROWS = 6, 3
_BOUND = 1e-3


def trial(layer: nn.Module, attributes: Attributes, tensors: Tensors) -> float | None:
    """The largest difference of output and final states, from random input and states.

    Returns:
        The difference; None without onnxruntime, or for a type that it has no such node for.

    Raises:
        ConversionError: They are too far apart for rounding.
    """
    try:
        import onnxruntime
    except ImportError:
        return None
    if tensors.dtype != torch.float32:
        return None
    directions, width = len(tensors.r), tensors.r.shape[2]
    random = np.random.default_rng(0)
    x = random.standard_normal((_STEPS, _ROWS, tensors.w.shape[2])).astype(np.float32)
    names = ("h", "c") if attributes.operator == "LSTM" else ("h",)
    states = [random.standard_normal((directions, _ROWS, width)).astype(np.float32) for _ in names]
    given = {"X": x, **{f"initial_{n}": s for n, s in zip(names, states, strict=True)}}
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        _model(attributes, tensors, given), quiet, providers=["CPUExecutionProvider"]
    )
    y, *theirs = session.run(None, given)
    mine = torch.from_numpy(x.swapaxes(0, 1) if attributes.batch_first else x)
    hx = tuple(torch.from_numpy(s) for s in states)
    with torch.no_grad():
        output, finals = layer(mine, hx if len(hx) > 1 or not _takes_tensor(layer) else hx[0])
    ours = [output.transpose(0, 1) if attributes.batch_first else output]
    ours += [finals] if isinstance(finals, torch.Tensor) else list(finals)
    y = y.transpose(0, 2, 1, 3).reshape(_STEPS, _ROWS, directions * width)
    off = max(difference(o.numpy(), t) for o, t in zip(ours, [y, *theirs], strict=True))
    scale = max(1.0, *(float(np.abs(t[np.isfinite(t)]).max(initial=0.0)) for t in [y, *theirs]))
    if not off <= _BOUND * scale:
        raise ConversionError(f"the layer read from it gives other numbers than onnxruntime, by {off:.1e}")
    return off


def _takes_tensor(layer: nn.Module) -> bool:
    from conveyor.interop.onnx.reverse import Reverse
    from conveyor.layers import GRU, RNN

    return isinstance(layer.layer if isinstance(layer, Reverse) else layer, GRU | RNN)


def _model(attributes: Attributes, tensors: Tensors, given: dict[str, np.ndarray]) -> bytes:
    weights = {"W": tensors.w, "R": tensors.r, "B": tensors.b, "P": tensors.p}
    held = {n: np.asarray(t, np.float32) for n, t in weights.items() if t is not None}
    order = ["X", "W", "R", "B", "", "initial_h"] + (["initial_c", "P"] if attributes.operator == "LSTM" else [])
    names = [n if n in held or n in given else "" for n in order]
    outputs = ["Y", "Y_h", "Y_c"][: 1 + len(given) - 1]
    node = helper.make_node(
        attributes.operator, names, outputs, hidden_size=tensors.r.shape[2], direction=attributes.direction,
        **attributes_of(
            attributes.activations, len(tensors.r), attributes.after_reset, attributes.coupled, attributes.clip
        ),
    )  # fmt: skip
    graph = helper.make_graph(
        [node],
        "node",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, v.shape) for n, v in given.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs],
        [numpy_helper.from_array(v, n) for n, v in held.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    return model.SerializeToString()
