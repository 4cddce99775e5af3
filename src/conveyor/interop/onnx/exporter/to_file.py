"""Export of a model to an ONNX file."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper
from torch import nn

from conveyor.atomic_write import as_path, check_free, write
from conveyor.errors import ArgumentError
from conveyor.interop.common.report import tell
from conveyor.interop.onnx import runtime
from conveyor.interop.onnx.exporter.chain import Stage, stages_of, width_in, width_out
from conveyor.interop.onnx.exporter.graph import IR_VERSION, OPSET, Graph
from conveyor.interop.onnx.exporter.interface import Interface
from conveyor.interop.onnx.exporter.layer import LayerWriter
from conveyor.interop.onnx.exporter.recurrence import Recurrence
from conveyor.interop.onnx.exporter.verification import compare
from conveyor.interop.onnx.options import Options
from conveyor.interop.onnx.report import Exported, Row
from conveyor.interop.torch import describe
from conveyor.layers.arguments.conversion import check_flags

_DTYPES: dict[torch.dtype, np.dtype[Any]] = {torch.float32: np.dtype("float32"), torch.float64: np.dtype("float64")}
_LARGEST = 2**31 - 1  # bytes, of a protocol buffer


def export(model: Any, path: Any, options: Options, overwrite: bool, check: bool) -> Exported:
    """Write a model to a file; the arguments are those of `conveyor.to_onnx`."""
    if not isinstance(model, nn.Module):
        raise ArgumentError(f"layer_or_model is a layer or model of torch modules, got {type(model).__name__}")
    check_flags(overwrite=overwrite, check=check)
    target = as_path(path)
    check_free(target, overwrite)
    stages = stages_of(model)
    proto, rows = build(model, stages, options)
    if proto.ByteSize() > _LARGEST:
        raise ArgumentError(
            f"the model takes {proto.ByteSize():,} bytes, and an ONNX file holds {_LARGEST:,}; split it"
        )
    onnx.checker.check_model(proto, full_check=True)
    data = proto.SerializeToString()
    found = compare(model, stages, data, options) if check else None
    note = "" if found else runtime.ABSENT if check else "check=False"
    write(target, data, overwrite)
    inputs, outputs = (tuple(v.name for v in values) for values in (proto.graph.input, proto.graph.output))
    optional = tuple(v.name for v in proto.graph.input if v.type.HasField("optional_type"))
    difference, tolerance = found or (None, 0.0)
    made = Exported(
        "", describe(model), str(target), difference, tolerance, note, tuple(rows), inputs, optional, outputs
    )
    tell(made, None)
    return made


def build(model: nn.Module, stages: Sequence[Stage], options: Options) -> tuple[onnx.ModelProto, list[Row]]:
    """Build the model's graph, and the report's rows of its recurrent layers."""
    graph = Graph(_dtype(model))
    recurrences = [s for s in stages if isinstance(s, Recurrence)]
    _check_steps(recurrences, options)
    _check_static(recurrences, options)
    interface = Interface(graph, options, any(r.batch_first for r in recurrences))
    if isinstance(getattr(stages[0], "module", None), nn.Embedding) and not isinstance(stages[0], Recurrence):
        value, width = interface.tokens(), 0
    else:
        width = width_in(stages)
        value = interface.sequence(width)
    aux = interface.auxiliary(_aux_widths(recurrences))
    resets = interface.resets() if options.reset else None
    rows: list[Row] = []
    for stage in stages:
        if isinstance(stage, Recurrence):
            writer = LayerWriter(interface, stage)
            graph.scope += [stage.name] if stage.name else []
            value = writer.write(value, aux, resets)
            graph.scope.clear()
            rows += writer.rows
        else:
            value = stage.write(graph, stage.module, value)
        width = width_out(stage, width)
    interface.output(value, width)
    # The output stands first, before the states.
    graph.outputs.insert(0, graph.outputs.pop())
    proto = helper.make_model(
        graph.proto("conveyor"),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="conveyor",
        producer_version=version("conveyor"),
    )
    return proto, rows


def _dtype(model: nn.Module) -> np.dtype[Any]:
    found = {p.dtype for p in model.parameters()} or {torch.float32}
    if any(p.is_meta for p in model.parameters()):
        raise ArgumentError(
            "layer_or_model is on the meta device, so its parameters have no values; to_empty, then load them"
        )
    if len(found) > 1 or not found <= _DTYPES.keys():
        said = ", ".join(sorted(str(d) for d in found))
        raise ArgumentError(f"the parameters are {said}; to_onnx writes float32 or float64: model.float() makes one")
    return _DTYPES[found.pop()]


def _check_steps(recurrences: Sequence[Recurrence], options: Options) -> None:
    cells = [r for r in recurrences if r.batch_first is None]
    if cells and not options.step:
        raise ArgumentError("the model has a cell, which makes one step at a time; pass step=True for all of it")
    if options.step and any(r.directions == 2 or r.backwards for r in recurrences):
        raise ArgumentError("step=True with a layer that also runs backwards, which needs the whole sequence")


def _check_static(recurrences: Sequence[Recurrence], options: Options) -> None:
    known = list(_aux_widths(recurrences))
    for name in options.static:
        if name not in known:
            raise ArgumentError(f"static names '{name}'; the model's auxiliary inputs: {', '.join(known) or 'none'}")


def _aux_widths(recurrences: Sequence[Recurrence]) -> dict[str, int]:
    found: dict[str, int] = {}
    for recurrence in recurrences:
        for name, width in recurrence.aux_widths.items():
            if found.setdefault(name, width) != width:
                raise ArgumentError(
                    f"auxiliary input '{name}' is read {found[name]} and {width} wide; rename one of them"
                )
    return found
