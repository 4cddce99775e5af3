"""Runs a recurrent node in onnxruntime and compares it with the layer that was read from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from conveyor.errors import ConversionError
from conveyor.interop.common.report import BATCH, TIME, outputs
from conveyor.interop.common.rounding import TWO_LIBRARIES, lost_by, measured, widened
from conveyor.interop.onnx import runtime
from conveyor.interop.onnx.exporter.graph import Array
from conveyor.interop.onnx.exporter.reverse import Reverse
from conveyor.interop.onnx.importer.attributes import STATES, Attributes
from conveyor.interop.onnx.importer.nodes import STANDARD, Node
from conveyor.interop.onnx.importer.tensors import Tensors
from conveyor.layers import Recurrent


def trial(node: Node, layer: nn.Module, attributes: Attributes, tensors: Tensors) -> tuple[float, float]:
    """Return (largest difference, tolerance) of output and final states, from random input and states.

    Raises:
        ConversionError: onnxruntime is not there, or does not run such a node.
    """
    directions, _, input_size = tensors.w.shape
    width = tensors.r.shape[2]
    random = np.random.default_rng(0)
    shapes = {"X": (TIME, BATCH, input_size)}
    shapes |= {f"initial_{s}": (directions, BATCH, width) for s in STATES[attributes.operator]}
    given = {name: random.standard_normal(shape).astype(tensors.w.dtype) for name, shape in shapes.items()}
    session = runtime.session(_model(node, attributes, tensors, given).SerializeToString())
    if session is None:
        raise ConversionError(runtime.ABSENT)
    y, *finals = runtime.run(session, None, given)
    theirs = [y.transpose(0, 2, 1, 3).reshape(TIME, BATCH, directions * width), *finals]
    x, *states = (torch.from_numpy(v) for v in given.values())

    def run(layer: nn.Module, dtype: torch.dtype | None) -> list[Tensor]:
        read = x.transpose(0, 1) if attributes.batch_first else x
        output, *ours = outputs(layer, (widened(read, dtype), _as_taken(layer, widened(states, dtype))))
        return [output.transpose(0, 1) if attributes.batch_first else output, *ours]

    want = [torch.from_numpy(t) for t in theirs]
    return measured(want, run(layer, None), lambda: lost_by(layer, run), TWO_LIBRARIES, bounded=True)


def _as_taken(layer: nn.Module, states: list[Tensor]) -> Any:
    """Return the states in the form that the layer takes: a tensor for torch's layers with one state."""
    inner = layer.layer if isinstance(layer, Reverse) else layer
    return states[0] if len(states) == 1 and not isinstance(inner, Recurrent) else tuple(states)


def _model(node: Node, attributes: Attributes, tensors: Tensors, given: dict[str, Array]) -> onnx.ModelProto:
    """Make a model of the node alone, with its own attributes and weights."""
    weights = {"W": tensors.w, "R": tensors.r, "B": tensors.b, "P": tensors.p}
    held = {name: tensor for name, tensor in weights.items() if tensor is not None}
    proto, finals = onnx.NodeProto(), [f"Y_{s}" for s in STATES[attributes.operator]]
    proto.CopyFrom(node.proto)
    proto.op_type, proto.domain = node.operator, ""  # of a quantised one the same with the numbers it stands for
    del proto.input[:], proto.output[:], proto.attribute[:]
    places = ("X", "W", "R", "B", "", "initial_h", "initial_c", "P")
    names = [n if n in held or n in given else "" for n in places]
    proto.input.extend(names[: 1 + max(k for k, n in enumerate(names) if n)])
    proto.output.extend(["Y", *finals])
    # onnxruntime has no other layout, and wants the hidden size, which the specification lets be left out.
    proto.attribute.extend(a for a in node.proto.attribute if a.name not in ("layout", "hidden_size"))
    proto.attribute.append(helper.make_attribute("hidden_size", tensors.r.shape[2]))
    kind = helper.np_dtype_to_tensor_dtype(tensors.w.dtype)
    graph = helper.make_graph(
        [proto],
        "node",
        [helper.make_tensor_value_info(n, kind, v.shape) for n, v in given.items()],
        [helper.make_tensor_value_info(n, kind, None) for n in proto.output],
        [numpy_helper.from_array(np.ascontiguousarray(v), n) for n, v in held.items()],
    )
    model = node.scope.model
    standard = [o for o in model.opset_import if o.domain in STANDARD]
    return helper.make_model(graph, opset_imports=standard, ir_version=model.ir_version)
