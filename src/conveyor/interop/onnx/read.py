"""From the recurrent nodes of an ONNX file to layers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import torch
from google.protobuf.message import DecodeError
from torch import Tensor, nn

from conveyor.errors import ArgumentError, ConversionError
from conveyor.interop.onnx.attributes import Attributes, read_attributes
from conveyor.interop.onnx.equations import cell_of
from conveyor.interop.onnx.fill import fill
from conveyor.interop.onnx.nodes import RECURRENT, Node, recurrent_nodes
from conveyor.interop.onnx.report import Report, Row
from conveyor.interop.onnx.reverse import Reverse
from conveyor.interop.onnx.tensors import Tensors, read_tensors
from conveyor.interop.onnx.trial import trial
from conveyor.layers import GRU, LSTM, RNN, Recurrent
from conveyor.layers.stack import Stack


@dataclass(frozen=True)
class Read:
    """What a node says that its layer can't hold.

    Attributes:
        operator: `LSTM`, `GRU` or `RNN`.
        direction: `forward`, `reverse` or `bidirectional`.
        batch_first: Whether the node has `layout` 1; its initial states then are (B, directions, H), unlike a layer's.
        initial: For each state where its initial value comes from: zeros, the layer (which has learned it), a constant
            that differs from row to row, (directions, B, H), or the names of what it is computed from.
        lengths: The names that the rows' lengths are computed from, a constant (B,), or None if it has none.
        difference: The largest difference between the layer and onnxruntime's node on random input; None if they were
            not compared (without onnxruntime, or in a type that it has no such node for).
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
        report: What was read.
        nodes: What each node says that its layer can't hold.
        refused: Why the other recurrent nodes could not be read, by their names.
    """

    def __init__(
        self, layers: Mapping[str, nn.Module], nodes: Mapping[str, Read], refused: Mapping[str, str], report: Report
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


def read(path: Any) -> Imported:
    """The layers of a file; see `conveyor.from_onnx`."""
    model, title = (path, "an ONNX model") if isinstance(path, onnx.ModelProto) else (_load(path), str(path))
    nodes = recurrent_nodes(model)
    if not nodes:
        used = sorted({n.op_type for n in model.graph.node})
        raise ConversionError(
            f"{title} has no {', '.join(RECURRENT[:-1])} or {RECURRENT[-1]} node; it has {', '.join(used) or 'none'}"
        )
    layers: dict[str, nn.Module] = {}
    read_: dict[str, Read] = {}
    refused: dict[str, str] = {}
    rows: list[Row] = []
    for node in nodes:
        try:
            attributes = read_attributes(node)
            tensors = read_tensors(node, attributes)
            layer = _layer(attributes, tensors)
            difference = trial(layer, attributes, tensors)
        except (ConversionError, ArgumentError) as error:
            refused[node.name] = str(error)
            rows.append(Row(node.name, node.proto.op_type, "", "", node.attribute("direction", "forward"), str(error)))
            continue
        layers[node.name] = layer
        read_[node.name] = Read(
            attributes.operator,
            attributes.direction,
            attributes.batch_first,
            {s: v if isinstance(v, str) else torch.from_numpy(v) for s, v in tensors.initial.items()},
            torch.from_numpy(tensors.lengths) if hasattr(tensors.lengths, "shape") else tensors.lengths,
            difference,
        )
        rows.append(_row(node, attributes, tensors, layer))
    if not layers:
        name, reason = next(iter(refused.items()))
        raise ConversionError(f"{title}: node '{name}' could not be read: {reason}")
    found = [r.difference for r in read_.values() if r.difference is not None]
    return Imported(layers, read_, refused, Report(title, tuple(rows), max(found, default=None)))


def _load(path: Any) -> onnx.ModelProto:
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(f"path is the name of a file or an onnx.ModelProto, got {type(path).__name__}")
    if not Path(path).is_file():
        raise ArgumentError(f"path '{path}' is {'a folder' if Path(path).is_dir() else 'not there'}; give an ONNX file")
    try:
        model = onnx.load(os.fspath(path))
    except (DecodeError, UnicodeDecodeError, ValueError, OSError, onnx.checker.ValidationError) as error:
        reason = str(error).partition("\n")[0]
        raise ConversionError(f"path '{path}' is no ONNX file, or not all of one ({reason})") from error
    if not model.graph.node:
        raise ConversionError(f"path '{path}' is no ONNX file: it has no graph with nodes")
    return model


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
    """The layer that users know by name, if the node is that; any other by its equations."""
    width, operator = tensors.r.shape[2], attributes.operator
    if operator == "RNN" and attributes.clip is None and attributes.activations[0].name in ("Tanh", "Relu"):
        return RNN(input_size, width, nonlinearity=attributes.activations[0].name.lower(), **options)
    if attributes.plain and operator == "LSTM" and tensors.p is None:
        return LSTM(input_size, width, **options)
    if attributes.plain and operator == "GRU" and attributes.after_reset:
        return GRU(input_size, width, **options)
    return Recurrent(cell_of(attributes, tensors.p is not None), input_size, width, **options)


def _row(node: Node, attributes: Attributes, tensors: Tensors, layer: nn.Module) -> Row:
    inner = layer.layer if isinstance(layer, Reverse) else layer
    kind = type(inner).__name__
    cell = f"cv.Recurrent({inner.units[0].cell.name})" if isinstance(inner, Recurrent) else f"cv.{kind}"
    notes = [f"initial {s} {v}" if isinstance(v, str) else f"initial {s} per row" for s, v in tensors.initial.items()]
    notes = [n for n in notes if not n.endswith("zeros")]
    notes += [] if tensors.lengths is None else ["has lengths"]
    notes += ["batch_first"] if attributes.batch_first else []
    sizes = f"{tensors.w.shape[2]} -> {tensors.r.shape[2]}"
    return Row(node.name, attributes.operator, cell, sizes, attributes.direction, ", ".join(notes))
