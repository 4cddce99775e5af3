"""Makes layers from the recurrent nodes of an ONNX file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnx.inliner
import torch
from google.protobuf.message import DecodeError
from torch import Tensor, nn

from conveyor.atomic_write import as_path
from conveyor.errors import ArgumentError, ConversionError
from conveyor.interop.common.report import Receiver, tell
from conveyor.interop.onnx.exporter.graph import Array
from conveyor.interop.onnx.exporter.reverse import Reverse
from conveyor.interop.onnx.importer.attributes import Attributes, read_attributes
from conveyor.interop.onnx.importer.equations import cell_of
from conveyor.interop.onnx.importer.fill import fill
from conveyor.interop.onnx.importer.nodes import RECURRENT, Node, recurrent_nodes
from conveyor.interop.onnx.importer.tensors import Tensors, read_tensors
from conveyor.interop.onnx.importer.verification import trial
from conveyor.interop.onnx.report import Converted, Row
from conveyor.interop.torch import describe
from conveyor.layers import GRU, LSTM, RNN, Recurrent
from conveyor.layers.core.stack import Stack


@dataclass(frozen=True)
class Read:
    """The settings of a node that its layer can't hold.

    Attributes:
        operator: `LSTM`, `GRU` or `RNN`.
        direction: `forward`, `reverse` or `bidirectional`.
        batch_first: Whether the node has `layout` 1; its initial states then are (B, directions, H), unlike a layer's.
        initial: For each state where its initial value comes from: zeros, the layer (which has learned it), a constant
            that differs from row to row, (directions, B, H), or the names of what it is computed from.
        lengths: The names that the rows' lengths are computed from, a constant (B,), or None if it has none.
        difference: The largest difference between the layer and onnxruntime's node on random input; None if they were
            not compared.
    """

    operator: str
    direction: str
    batch_first: bool
    initial: Mapping[str, str | Tensor]
    lengths: str | Tensor | None
    difference: float | None


class Imported(Mapping[str, nn.Module]):
    """Layers by the names of the nodes they were read from.

    Attributes:
        report: The report, with the largest difference.
        nodes: The settings of each node that its layer can't hold.
        refused: Why the other recurrent nodes could not be read, by their names.
    """

    def __init__(
        self, layers: Mapping[str, nn.Module], nodes: Mapping[str, Read], refused: Mapping[str, str], report: Converted
    ) -> None:
        self._layers = dict(layers)
        self.nodes = dict(nodes)
        self.refused = dict(refused)
        self.report = report

    def __getitem__(self, name: str) -> nn.Module:
        if name in self.refused:
            raise ConversionError(f"node '{name}' could not be read: {self.refused[name]}")
        return self._layers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    def __repr__(self) -> str:
        return str(self.report)


def read(path: Any, receiver: Receiver | None) -> Imported:
    """Read the layers of a file; see `conveyor.from_onnx`."""
    model, title = (path, "an ONNX model") if isinstance(path, onnx.ModelProto) else (_load(path), str(path))
    layers: dict[str, nn.Module] = {}
    found: dict[str, Read] = {}
    refused: dict[str, str] = {}
    rows: list[Row] = []
    worst, tolerance, notes = None, 0.0, []
    for node in _nodes(model, title):
        try:
            attributes, tensors, layer = _read(node)
        except (ConversionError, ArgumentError) as error:
            refused[node.name] = str(error)
            rows.append(Row(node.name, node.proto.op_type, "", "", "", str(error)))
            continue
        difference = None
        try:
            difference, allowed = trial(node, layer, attributes, tensors)
            worst, tolerance = max(worst or 0.0, difference), max(tolerance, allowed)
        except ConversionError as error:
            notes.append(str(error))
        layers[node.name] = layer
        found[node.name] = _said(attributes, tensors, difference)
        rows.append(_row(node, attributes, tensors, layer))
    if not layers:
        name, reason = next(iter(refused.items()))
        raise ConversionError(f"{title}: node '{name}' could not be read: {reason}")
    count = "1 layer" if len(layers) == 1 else f"{len(layers)} layers"
    report = Converted("", title, count, worst, tolerance, "; ".join(dict.fromkeys(notes)), tuple(rows))
    tell(report, receiver)
    return Imported(layers, found, refused, report)


def _load(path: Any) -> onnx.ModelProto:
    target = as_path(path)
    if not target.is_file():
        said = "is a folder" if target.is_dir() else "is not there"
        raise ArgumentError(f"path: {target} {said}; give the name of an ONNX file")
    try:
        model = onnx.load(os.fspath(target), format="protobuf")
    except (DecodeError, ValueError, OSError, onnx.checker.ValidationError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConversionError(f"path: {target} is no ONNX file, or not all of one ({reason})") from error
    if not model.graph.node:
        raise ConversionError(f"path: {target} is no ONNX file: it has no graph with nodes")
    return model


def _nodes(model: onnx.ModelProto, title: str) -> list[Node]:
    """Return the recurrent nodes, also those of the model's own functions."""
    try:
        whole = onnx.inliner.inline_local_functions(model) if model.functions else model
        nodes = recurrent_nodes(whole)
    except Exception as error:  # whatever a contrived graph may raise
        raise ConversionError(f"{title} is damaged ({type(error).__name__}: {str(error)[:200]})") from error
    if not nodes:
        used = [str(op) for op, _ in Counter(n.op_type for n in whole.graph.node).most_common(8)] or ["none at all"]
        raise ConversionError(
            f"{title} has no {', '.join(RECURRENT[:-1])} or {RECURRENT[-1]} node; it has {', '.join(used)}"
        )
    return nodes


def _read(node: Node) -> tuple[Attributes, Tensors, nn.Module]:
    try:
        attributes = read_attributes(node)
        tensors = read_tensors(node, attributes)
        return attributes, tensors, _layer(attributes, tensors)
    except (ConversionError, ArgumentError):
        raise
    # What a contrived node trips over is not to be foreseen: whatever it is, the file is what is wrong.
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ConversionError(f"it is damaged ({type(error).__name__}: {reason[:200]})") from error


def _layer(attributes: Attributes, tensors: Tensors) -> nn.Module:
    directions, _, input_size = tensors.w.shape
    options: dict[str, Any] = {
        "bias": tensors.b is not None,
        "batch_first": attributes.batch_first,
        "bidirectional": directions == 2,
        "dtype": tensors.dtype,
        "learn_initial_state": bool(tensors.learned),
    }
    layer = _make(attributes, input_size, tensors, options)
    fill(layer, attributes, tensors)
    return Reverse(layer) if attributes.direction == "reverse" else layer


def _make(attributes: Attributes, input_size: int, tensors: Tensors, options: Mapping[str, Any]) -> Stack:
    """Make a `cv.LSTM`, `cv.GRU` or `cv.RNN` if the node allows it, else a `cv.Recurrent` by its equations."""
    width, operator = tensors.r.shape[2], attributes.operator
    if operator == "RNN" and attributes.clip is None and attributes.activations[0].name in ("Tanh", "Relu"):
        return RNN(input_size, width, nonlinearity=attributes.activations[0].name.lower(), **options)
    if attributes.plain and operator == "LSTM" and tensors.p is None:
        return LSTM(input_size, width, **options)
    if attributes.plain and operator == "GRU" and attributes.after_reset:
        return GRU(input_size, width, **options)
    return Recurrent(cell_of(attributes, tensors.p is not None), input_size, width, **options)


def _said(attributes: Attributes, tensors: Tensors, difference: float | None) -> Read:
    lengths = tensors.lengths
    return Read(
        attributes.operator,
        attributes.direction,
        attributes.batch_first,
        {s: v if isinstance(v, str) else _tensor(v, tensors.dtype) for s, v in tensors.initial.items()},
        lengths if lengths is None or isinstance(lengths, str) else _tensor(lengths, torch.int64),
        difference,
    )


def _tensor(value: Array, dtype: torch.dtype) -> Tensor:
    return torch.from_numpy(np.array(value, np.float64)).to(dtype)  # torch reads no bfloat16 of NumPy's


def _row(node: Node, attributes: Attributes, tensors: Tensors, layer: nn.Module) -> Row:
    notes = [
        f"initial {s} {v if isinstance(v, str) else 'differs from row to row'}" for s, v in tensors.initial.items()
    ]
    notes = [n for n in notes if not n.endswith(" zeros")]
    notes += [] if tensors.lengths is None else ["has lengths"]
    if attributes.operator == "LSTM" and attributes.clip is not None:
        notes.append("clip leaves the memory unclipped, as in onnxruntime")
    if node.is_quantised:
        notes.append(
            "weights as they were quantised; there their operands are rounded to 8 bits too, here they are not"
        )
    sizes = f"{tensors.w.shape[2]} -> {tensors.r.shape[2] * len(tensors.r)}"
    made = describe(layer.layer if isinstance(layer, Reverse) else layer)
    return Row(node.name, node.proto.op_type, made, sizes, attributes.direction, ", ".join(notes))
