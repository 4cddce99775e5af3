"""ONNX graphs joined into one by the names of their values."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

import onnx
from onnx import helper

from conveyor.interop.onnx.exporter.graph import IR_VERSION, OPSET

_FED = {
    "x": "front/features",
    "back/y": "core/y",
    "back/base": "front/base",
    "back/straight": "front/straight",
    "back/unit": "front/unit",
    "back/location": "front/series_location",
    "back/scale": "front/series_scale",
}
"""What the layers and the graph behind them are fed with."""


def as_model(graph: onnx.GraphProto) -> onnx.ModelProto:
    """Make a model of a graph."""
    return helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="conveyor",
        producer_version=version("conveyor"),
    )


def join(front: onnx.ModelProto, core: onnx.ModelProto, back: onnx.ModelProto) -> onnx.ModelProto:
    """Join the three graphs by their names; `onnx.compose` loses weights that only the inside of a loop reads."""
    given = {value.name for value in core.graph.input}
    _rename(core.graph, lambda name: _FED.get(name, f"front/{name}") if name in given else f"core/{name}")
    _rename(back.graph, lambda name: _FED.get(name, name))
    parts = (front.graph, core.graph, back.graph)
    nodes, read = [], {"quantiles"}
    for node in reversed([node for part in parts for node in part.node]):
        if read.intersection(node.output):
            nodes.append(node)
            read |= _names_read(node)
    graph = helper.make_graph(
        nodes[::-1],
        "forecast",
        [value for value in front.graph.input if value.name in read],
        list(back.graph.output),
        [weight for part in parts for weight in part.initializer if weight.name in read],
    )
    return as_model(graph)


def _rename(graph: onnx.GraphProto, new: Callable[[str], str]) -> None:
    """Rename every value in a graph and in the graphs inside it."""
    for node in graph.node:
        node.name = new(node.name)
        for names in (node.input, node.output):
            names[:] = [new(name) if name else "" for name in names]
        for inner in _graphs_inside(node):
            _rename(inner, new)
    for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        value.name = new(value.name)


def _names_read(node: onnx.NodeProto) -> set[str]:
    inside = {name for graph in _graphs_inside(node) for inner in graph.node for name in _names_read(inner)}
    results = {value.name for graph in _graphs_inside(node) for value in graph.output}
    return {*node.input} | inside | results


def _graphs_inside(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    return [graph for a in node.attribute for graph in (*([a.g] if a.HasField("g") else []), *a.graphs)]
