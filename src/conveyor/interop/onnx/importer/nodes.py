"""The recurrent nodes of an ONNX model, also inside branches and loops, and the tensors that they read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import onnx
import onnx.shape_inference
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from conveyor.errors import ConversionError
from conveyor.interop.onnx.exporter.graph import Array
from conveyor.interop.onnx.importer.quantised import MICROSOFT, QUANTISED_LSTM, dequantise

RECURRENT = ("LSTM", "GRU", "RNN")
STANDARD = ("", "ai.onnx")
_ANY = 2  # the size of an axis of any size


def is_dequantiser(node: onnx.NodeProto) -> bool:
    """Tell whether a node dequantises its input."""
    return node.op_type == "DequantizeLinear" and node.domain in (*STANDARD, MICROSOFT)


class NotConstant(Exception):
    """The error for a tensor whose value is known only when the model runs.

    Attributes:
        sources: The inputs of the model, or of a loop's body, that it is computed from, or is one of.
    """

    def __init__(self, reason: str, sources: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.sources = sources


@dataclass(frozen=True, eq=False)
class Scope:
    """A graph, and the outer one."""

    graph: onnx.GraphProto
    model: onnx.ModelProto
    around: Scope | None = None

    @cached_property
    def _makers(self) -> dict[str, onnx.NodeProto]:
        return {name: node for node in self.graph.node for name in node.output if name}

    @cached_property
    def _stored(self) -> dict[str, onnx.TensorProto]:
        return {t.name: t for t in self.graph.initializer}

    @cached_property
    def _given(self) -> set[str]:
        return {v.name for v in self.graph.input} - self._stored.keys()

    def _maker(self, name: str) -> tuple[onnx.NodeProto | onnx.TensorProto | None, Scope | None]:
        """Return the node or tensor that defines a value, and its scope; None if it is an input of a graph."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope._stored:
                return scope._stored[name], scope
            if name in scope._makers:
                return scope._left_out(scope._makers[name]) or (scope._makers[name], scope)
            if name in scope._given:
                return None, scope
            scope = scope.around
        return None, None

    def _left_out(self, node: onnx.NodeProto) -> tuple[onnx.NodeProto | onnx.TensorProto | None, Scope | None] | None:
        """Return the default of an optional input, for a node that chooses it when the input is absent; else None."""
        asks = self._makers.get(node.input[0]) if node.op_type == "If" and node.input else None
        if asks is None or asks.op_type != "OptionalHasElement" or asks.input[0] not in self._given:
            return None
        branch = next((a.g for a in node.attribute if a.name == "else_branch"), None)
        if branch is None or len(branch.node) != 1 or branch.node[0].op_type != "Identity":
            return None
        return self._maker(branch.node[0].input[0])

    def sources(self, name: str, of_shapes: bool = False) -> list[str]:
        """Return the inputs of the model, or of a loop's body, from which a value is computed.

        Args:
            name: The value.
            of_shapes: Whether inputs of which only the shape is used are left out.
        """
        found: dict[str, None] = {}
        seen: set[tuple[int, str]] = set()
        todo: list[tuple[str, Scope]] = [(name, self)]
        while todo:
            wanted, scope = todo.pop()
            maker, where = scope._maker(wanted)
            if (id(where), wanted) in seen:
                continue
            seen.add((id(where), wanted))
            if maker is None:
                found[wanted] = None
            elif isinstance(maker, onnx.NodeProto):
                assert where is not None
                if of_shapes and maker.op_type == "Shape":
                    continue
                todo += [(n, where) for n in maker.input if n]
                todo += [(n, where) for a in maker.attribute for n in _captured(a)]
        return list(found)

    def constant(self, name: str, of_shapes: bool = False) -> Array:
        """Return the value of a tensor that does not depend on the model's inputs.

        Args:
            name: The tensor.
            of_shapes: Whether it may depend on the inputs' shapes; a dynamic axis then counts as size 2.

        Raises:
            NotConstant: It does depend on them.
        """
        maker, where = self._maker(name)
        if isinstance(maker, onnx.TensorProto):
            try:
                return np.asarray(numpy_helper.to_array(maker))
            except Exception as error:  # whatever a contrived tensor may raise
                raise NotConstant(f"can't be read ({_line(error)})") from error
        sources = self.sources(name, of_shapes)
        if maker is None or where is None:
            raise NotConstant("is an input of the graph", [name])
        if sources:
            raise NotConstant(f"is computed from {', '.join(sources)}", sources)
        try:
            return where._computed(name)
        except NotConstant as error:
            raise NotConstant(str(error), self.sources(name)) from error

    def _computed(self, name: str) -> Array:
        """Return the value of a tensor that nodes compute from constants (exporters slice and reorder weights so)."""
        nodes: list[onnx.NodeProto] = []
        tensors: dict[str, onnx.TensorProto] = {}
        self._collect(name, nodes, tensors, set())
        graph = helper.make_graph(
            nodes, "constants", [], [helper.make_empty_tensor_value_info(name)], list(tensors.values())
        )
        model = helper.make_model(graph, opset_imports=self.model.opset_import, ir_version=self.model.ir_version)
        try:
            (value,) = ReferenceEvaluator(model).run(None, {})
        except Exception as error:  # whatever a foreign node may raise
            raise NotConstant(f"can't be computed ({_line(error)})") from error
        return np.asarray(value)

    def _collect(
        self, name: str, nodes: list[onnx.NodeProto], tensors: dict[str, onnx.TensorProto], seen: set[str]
    ) -> None:
        if name in seen:
            return
        seen.add(name)
        maker, where = self._maker(name)
        if isinstance(maker, onnx.TensorProto):
            tensors[name] = _renamed(maker, name)
        elif maker is not None and where is not None and maker.op_type == "Shape" and where.sources(maker.input[0]):
            tensors[name] = numpy_helper.from_array(where._assumed_shape(maker), name)
        elif maker is not None and where is not None and is_dequantiser(maker):
            tensors[name] = numpy_helper.from_array(where._dequantised(maker), name)
        elif maker is not None and where is not None:
            if any(a.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS) for a in maker.attribute):
                raise NotConstant(f"is made by a {maker.op_type}")
            for read in maker.input:
                if read:
                    where._collect(read, nodes, tensors, seen)
            if not any(maker is n for n in nodes):
                nodes.append(maker)

    def _dequantised(self, node: onnx.NodeProto) -> Array:
        """Return the value of a DequantizeLinear, which onnx's reference lacks in older operator sets."""
        values = [self.constant(n) if n else None for n in node.input]
        x, scale, zero_point = (*values, None)[:3]
        said = {a.name: a.i for a in node.attribute}
        if x is None or scale is None:
            raise NotConstant("is made by a DequantizeLinear without a scale")
        try:
            return dequantise(x, scale, zero_point, said.get("axis", 1), said.get("block_size", 0))
        except ConversionError as error:
            raise NotConstant(f"can't be dequantised ({error})") from error

    def _assumed_shape(self, shape: onnx.NodeProto) -> Array:
        scope: Scope | None = self
        while scope is not None and shape.input[0] not in scope._shapes:
            scope = scope.around
        if scope is None:
            raise NotConstant(f"is computed from the shape of {shape.input[0]}")
        bounds = {a.name: a.i for a in shape.attribute}
        return np.asarray(scope._shapes[shape.input[0]][bounds.get("start") : bounds.get("end")], np.int64)

    @cached_property
    def _shapes(self) -> dict[str, list[int]]:
        """The known shapes of this graph's values, with dynamic axes as 2."""
        graph = self.graph
        if self.around is None:
            try:
                graph = onnx.shape_inference.infer_shapes(self.model).graph
            except Exception:  # whatever a contrived model may raise: then only what is written down is known
                graph = self.graph
        infos = [v for v in (*graph.input, *graph.value_info) if v.type.tensor_type.HasField("shape")]
        return {v.name: [d.dim_value or _ANY for d in v.type.tensor_type.shape.dim] for v in infos}


def _renamed(tensor: onnx.TensorProto, name: str) -> onnx.TensorProto:
    if tensor.name == name:
        return tensor
    other = onnx.TensorProto()
    other.CopyFrom(tensor)
    other.name = name
    return other


@dataclass(frozen=True, eq=False)
class Node:
    """A recurrent node.

    Attributes:
        name: Its name, with those of the enclosing nodes.
        proto: The node.
        scope: The scope of its inputs.
    """

    name: str
    proto: onnx.NodeProto
    scope: Scope

    @property
    def operator(self) -> str:
        """The operator with its equations: `LSTM`, `GRU` or `RNN`."""
        return "LSTM" if self.is_quantised else self.proto.op_type

    @property
    def is_quantised(self) -> bool:
        """True if it is onnxruntime's LSTM of quantised weights."""
        return self.proto.op_type == QUANTISED_LSTM

    def input(self, place: int) -> str:
        """Return the name of its input at this index; empty if it has none."""
        return self.proto.input[place] if place < len(self.proto.input) else ""

    def attribute(self, name: str, kind: type, default: Any) -> Any:
        """Return the value of an attribute, or the default if it has none.

        Raises:
            ConversionError: It is of another kind.
        """
        found = next((a for a in self.proto.attribute if a.name == name), None)
        if found is None:
            return default
        value = helper.get_attribute_value(found)
        value = [_decoded(v) for v in value] if isinstance(value, list) else _decoded(value)
        if not isinstance(value, kind):
            raise ConversionError(f"attribute {name} is {value!r}, expected {kind.__name__}")
        return value


def _decoded(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def recurrent_nodes(model: onnx.ModelProto) -> list[Node]:
    """Return the recurrent nodes, in order; unnamed nodes are called by their operator and a number."""
    found: dict[str, Node] = {}
    for place, (prefix, proto, scope) in enumerate(_walk(Scope(model.graph, model), "")):
        name = prefix + (proto.name or next((o for o in proto.output if o), f"{proto.op_type}_{place}"))
        while name in found:
            name += "'"
        found[name] = Node(name, proto, scope)
    return list(found.values())


def _walk(scope: Scope, prefix: str) -> Iterator[tuple[str, onnx.NodeProto, Scope]]:
    for place, proto in enumerate(scope.graph.node):
        if (proto.op_type in RECURRENT and proto.domain in STANDARD) or (
            proto.op_type == QUANTISED_LSTM and proto.domain == MICROSOFT
        ):
            yield prefix, proto, scope
        for attribute in proto.attribute:
            for inner in _graphs(attribute):
                inside = f"{prefix}{proto.name or f'{proto.op_type}_{place}'}.{attribute.name}/"
                yield from _walk(Scope(inner, scope.model, scope), inside)


def _graphs(attribute: onnx.AttributeProto) -> list[onnx.GraphProto]:
    if attribute.type == onnx.AttributeProto.GRAPH:
        return [attribute.g]
    return list(attribute.graphs)


def _captured(attribute: onnx.AttributeProto) -> Iterator[str]:
    """Yield the outer values that the graphs inside a node read, and possibly others of the same name."""
    for graph in _graphs(attribute):
        own = {t.name for t in graph.initializer} | {v.name for v in graph.input}
        own |= {o for n in graph.node for o in n.output}
        for node in graph.node:
            yield from (n for n in node.input if n and n not in own)
            for inner in node.attribute:
                yield from (n for n in _captured(inner) if n not in own)
