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

RECURRENT = ("LSTM", "GRU", "RNN")
STANDARD = ("", "ai.onnx")
_ANY = 2  # the size of an axis of any size


class NotConstant(Exception):
    """A tensor is not known before the model runs.

    Attributes:
        sources: The inputs of the model, or of a loop's body, that it is computed from, or is one of.
    """

    def __init__(self, reason: str, sources: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.sources = sources


@dataclass(frozen=True, eq=False)
class Scope:
    """A graph, and the one around it."""

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
        """What makes a value, and where; None if it is an input of a graph."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope._stored:
                return scope._stored[name], scope
            if name in scope._makers:
                return scope._makers[name], scope
            if name in scope._given:
                return None, scope
            scope = scope.around
        return None, None

    def sources(self, name: str, of_shapes: bool = False) -> list[str]:
        """The inputs of the model, or of a loop's body, that a value is computed from.

        Args:
            name: The value.
            of_shapes: Whether those of whose shape alone it is computed are left out.
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
        """The value of a tensor that the model's inputs have no part in.

        Args:
            name: The tensor.
            of_shapes: Whether the inputs' shapes may have one; an axis of any size is then taken to be of size 2.

        Raises:
            NotConstant: They have.
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
        """The value of a tensor that nodes make of constants (exporters cut and reorder weights so)."""
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
            tensors[name] = maker
        elif maker is not None and where is not None and maker.op_type == "Shape" and where.sources(maker.input[0]):
            tensors[name] = numpy_helper.from_array(where._assumed_shape(maker), name)
        elif maker is not None and where is not None:
            if any(a.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS) for a in maker.attribute):
                raise NotConstant(f"is made by a {maker.op_type}")
            for read in maker.input:
                if read:
                    where._collect(read, nodes, tensors, seen)
            if not any(maker is n for n in nodes):
                nodes.append(maker)

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
        """The shapes that are known of this graph's values, axes of any size being 2."""
        graph = self.graph
        if self.around is None:
            try:
                graph = onnx.shape_inference.infer_shapes(self.model).graph
            except Exception:  # whatever a contrived model may raise: then only what is written down is known
                graph = self.graph
        infos = [v for v in (*graph.input, *graph.value_info) if v.type.tensor_type.HasField("shape")]
        return {v.name: [d.dim_value or _ANY for d in v.type.tensor_type.shape.dim] for v in infos}


@dataclass(frozen=True, eq=False)
class Node:
    """A recurrent node.

    Attributes:
        name: Its name, with those of the nodes around it.
        proto: The node.
        scope: Where its inputs are found.
    """

    name: str
    proto: onnx.NodeProto
    scope: Scope

    def input(self, place: int) -> str:
        """The name of its input at this place; empty if it has none."""
        return self.proto.input[place] if place < len(self.proto.input) else ""

    def attribute(self, name: str, kind: type, default: Any) -> Any:
        """The value of an attribute, or the default if it has none.

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
    """The recurrent nodes, in order; nodes without a name are called by their operator and a number."""
    found: dict[str, Node] = {}
    for place, (prefix, proto, scope) in enumerate(_walk(Scope(model.graph, model), "")):
        name = prefix + (proto.name or next((o for o in proto.output if o), f"{proto.op_type}_{place}"))
        while name in found:
            name += "'"
        found[name] = Node(name, proto, scope)
    return list(found.values())


def _walk(scope: Scope, prefix: str) -> Iterator[tuple[str, onnx.NodeProto, Scope]]:
    for place, proto in enumerate(scope.graph.node):
        if proto.op_type in RECURRENT and proto.domain in STANDARD:
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
    """What the graphs inside a node read from around it, and more: what they call by the same name."""
    for graph in _graphs(attribute):
        own = {t.name for t in graph.initializer} | {v.name for v in graph.input}
        own |= {o for n in graph.node for o in n.output}
        for node in graph.node:
            yield from (n for n in node.input if n and n not in own)
            for inner in node.attribute:
                yield from (n for n in _captured(inner) if n not in own)
