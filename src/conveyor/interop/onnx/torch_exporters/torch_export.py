"""`torch.onnx.export` of models with conveyor's layers inside, by both of torch's exporters.

A layer is one operation in torch's graph, `conveyor::forward`. The exporter of `torch.export` gets an ONNX function for
it, that of `torch.jit.trace` its nodes one by one; either way it is the operator or the `Scan` that `to_onnx` writes.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

from conveyor.backends.interface import RecurrenceSpec
from conveyor.errors import ConversionError
from conveyor.interop.onnx.exporter.graph import OPSET, Graph
from conveyor.interop.onnx.torch_exporters.in_graph import Call, emit_call
from conveyor.interop.onnx.torch_exporters.torchscript import replay
from conveyor.torch_ops.passes import read_spec

_OPERATION = "conveyor::forward"
_DOMAIN = "conveyor"
_DTYPES: dict[int, str] = {onnx.TensorProto.FLOAT: "float32", onnx.TensorProto.DOUBLE: "float64"}
_SCALARS = {"Float": "float32", "Double": "float64"}
_TOLD: set[str] = set()
_HINT = "cv.replace(model, back=True) makes torch.nn's layers of conveyor's, which torch exports itself"


def register() -> None:
    """Register the translation once with each of torch's exporters that is loaded."""
    for name, tell in (
        ("torch.onnx._internal.exporter._registration", _tell_exporter),
        ("torch.onnx._internal.torchscript_exporter.registration", _tell_torchscript),
    ):
        if name in sys.modules and name not in _TOLD:
            _TOLD.add(name)
            tell(sys.modules[name])


def _tell_exporter(module: Any) -> None:
    """Add the translation to every registry, including existing ones: one is made before the model is traced."""
    registry = module.ONNXRegistry
    known: Callable[..., list[Any]] = registry.get_decomps
    meta = module.OnnxDecompMeta(
        onnx_function=_translate, fx_target=torch.ops.conveyor.forward.default, signature=None, is_custom=True,
        skip_signature_inference=True,
    )  # fmt: skip

    def get_decomps(self: Any, target: Any) -> list[Any]:
        found = known(self, target)
        ours = not found and isinstance(target, torch._ops.OpOverload) and target.name() == _OPERATION
        return [meta] if ours else found

    registry.get_decomps = get_decomps


def _tell_torchscript(module: Any) -> None:
    module.custom_onnx_symbolic(_OPERATION, 9)(_symbolic)


def _check(dtype: str | None, training: bool) -> np.dtype[Any]:
    if training:
        raise ConversionError(
            f"a layer whose graph was made for training can't be written as ONNX; export in eval(); {_HINT}"
        )
    if dtype is None:
        raise ConversionError(f"conveyor's layers are written as ONNX in float32 or float64: model.float(), or {_HINT}")
    return np.dtype(dtype)


def _named(spec: RecurrenceSpec, ragged: bool, params: int) -> Call:
    """Make names for the inputs of a call."""
    return Call(
        "x",
        [f"{s.name}_0" for s in spec.program.states],
        [f"aux_{n}" for n in spec.aux],
        [f"param_{k}" for k in range(params)],
        "lengths" if ragged else None,
    )


def _graph(spec: RecurrenceSpec, call: Call, dtype: np.dtype[Any]) -> tuple[Graph, list[str]]:
    """Return the nodes of a call, and the names of its results."""
    g = Graph(dtype)
    for name in (call.x, *call.states, *call.aux, *call.params, *([call.lengths] if call.lengths else [])):
        g.claim(name)
    return g, emit_call(g, spec, call)


# The exporter of torch.export


def _translate(
    x: Any, states: Sequence[Any], aux: Sequence[Any], params: Sequence[Any], lengths: Any, program: str, layout: str,
    backend: str, training: bool,
) -> Sequence[Any]:  # fmt: skip
    """Translate an operation for the exporter of `torch.export`: values of its representation in and out."""
    import onnx_ir
    from onnxscript import evaluator
    from torch.onnx._internal.exporter import _constants

    recorder: Any = evaluator.default()
    spec = read_spec(program, layout)
    dtype = _check(_DTYPES.get(x.dtype.value) if x.dtype is not None else None, training)
    call = _named(spec, lengths is not None, len(params))
    given = [x, *states, *aux, *params, *([] if lengths is None else [lengths])]
    names = [call.x, *call.states, *call.aux, *call.params, *([call.lengths] if call.lengths else [])]
    proto = _function(spec, call, dtype, names, max(_constants.TORCHLIB_OPSET, OPSET))
    function = onnx_ir.serde.deserialize_function(proto)
    recorder.functions[(_DOMAIN, proto.name, "")] = function
    node = onnx_ir.Node(_DOMAIN, proto.name, given, num_outputs=len(proto.output), version=1)
    recorder.nodes.append(node)
    return list(node.outputs)


def _function(
    spec: RecurrenceSpec, call: Call, dtype: np.dtype[Any], names: Sequence[str], opset: int
) -> onnx.FunctionProto:
    g, results = _graph(spec, call, dtype)
    body = g.proto("body")
    # A function has no initializers.
    constants = [helper.make_node("Constant", [], [t.name], value=t) for t in body.initializer]
    made: onnx.FunctionProto = helper.make_function(
        _DOMAIN, "", list(names), list(results), [*constants, *body.node], [helper.make_opsetid("", opset)]
    )
    made.name = f"forward_{hashlib.sha256(made.SerializeToString(deterministic=True)).hexdigest()[:12]}"
    return made


# The exporter of torch.jit.trace


def _symbolic(g: Any, *given: Any) -> Any:
    """Translate an operation for the TorchScript exporter: values of torch's graph in and out."""
    from torch.onnx._internal.torchscript_exporter import _globals, symbolic_helper

    x, states, aux, params, lengths, program, layout, _, training = given
    if _globals.GLOBALS.export_onnx_opset_version < OPSET:
        raise ConversionError(
            f"conveyor's layers are written with ONNX's operator set {OPSET}: opset_version={OPSET}; {_HINT}"
        )
    text, places = (symbolic_helper._get_const(v, "s", "text") for v in (program, layout))
    spec = read_spec(text, places)
    dtype = _check(
        _SCALARS.get(x.type().scalarType() or ""), bool(symbolic_helper._get_const(training, "b", "training"))
    )
    held = [symbolic_helper._unpack_list(v) for v in (states, aux, params)]
    ragged = not symbolic_helper._is_none(lengths)
    call = _named(spec, ragged, len(held[2]))
    values = {call.x: x, **dict(zip(call.states, held[0], strict=True)), **dict(zip(call.aux, held[1], strict=True))}
    values |= dict(zip(call.params, held[2], strict=True)) | ({call.lengths: lengths} if call.lengths else {})
    made, results = _graph(spec, call, dtype)
    stored = {t.name: numpy_helper.to_array(t) for t in made.proto("body").initializer}
    outputs = replay(g, made.nodes, stored, values)
    return g.op("prim::ListConstruct", *(outputs[name] for name in results))
