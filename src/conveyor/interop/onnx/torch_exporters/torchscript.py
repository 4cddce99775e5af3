"""ONNX nodes in a TorchScript graph, one by one, as its exporter requires.

That graph has no `Scan`: it becomes a `Loop` that gathers what is scanned step by step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper

from conveyor.interop.onnx.exporter.graph import Array

_SUFFIX = {
    onnx.AttributeProto.INT: "i", onnx.AttributeProto.INTS: "i", onnx.AttributeProto.FLOAT: "f",
    onnx.AttributeProto.FLOATS: "f", onnx.AttributeProto.STRING: "s", onnx.AttributeProto.STRINGS: "s",
}  # fmt: skip


def replay(
    g: Any, nodes: Sequence[onnx.NodeProto], stored: Mapping[str, Array], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Add nodes to a graph.

    Args:
        g: The exporter's context of the graph, or of a block in it.
        nodes: The nodes, in order.
        stored: The constants that they read.
        given: The values that they read.

    Returns:
        Every value by name.
    """
    values = dict(given)
    for node in nodes:
        for name in node.input:
            _find(g, name, stored, values)
        if node.op_type == "Scan":
            _loop(g, node, stored, values)
            continue
        inputs = [_find(g, n, stored, values) for n in node.input]
        made = g.op(node.op_type, *inputs, outputs=len(node.output), **_attributes(node))
        outputs = [made] if len(node.output) == 1 else list(made)
        values |= dict(zip(node.output, outputs, strict=True))
    return values


def _find(g: Any, name: str, stored: Mapping[str, Array], values: dict[str, Any]) -> Any:
    """Return a value by its name; an omitted one is a node without a value."""
    if not name:
        return _none(g)
    if name not in values:
        values[name] = _constant(g, stored[name])
    return values[name]


def _none(g: Any) -> Any:
    none = g.op("prim::Constant")
    none.setType(torch._C.OptionalType.ofTensor())
    return none


def _constant(g: Any, value: Any) -> Any:
    return g.op("Constant", value_t=torch.from_numpy(np.array(value)))


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    made = {}
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        if isinstance(value, bytes):
            value = value.decode()
        elif isinstance(value, list | tuple) or hasattr(value, "__len__") and not isinstance(value, str):
            value = [v.decode() if isinstance(v, bytes) else v for v in value]
        made[f"{attribute.name}_{_SUFFIX[attribute.type]}"] = value
    return made


def _loop(g: Any, node: onnx.NodeProto, stored: Mapping[str, Array], values: dict[str, Any]) -> None:
    """Add a forward `Scan` over axis 0 as a `Loop`: the states, then the values of each step."""
    from torch.onnx._internal.torchscript_exporter import jit_utils, utils

    body: onnx.GraphProto = next(a.g for a in node.attribute if a.name == "body")
    scans = next(a.i for a in node.attribute if a.name == "num_scan_inputs")
    states, scanned = list(node.input[:-scans]), list(node.input[-scans:])
    for inner in body.node:  # what the steps read from around them is there once
        for name in inner.input:
            if name in stored:
                _find(g, name, stored, values)
    shape = g.op("Shape", values[scanned[0]])
    steps = g.op("Gather", shape, _constant(g, np.asarray(0)), axis_i=0)
    outputs, (inside,), _ = jit_utils.add_op_with_blocks(
        g,
        "Loop",
        steps,
        _constant(g, np.asarray(True)),
        *(values[s] for s in states),
        outputs=len(node.output),
        n_blocks=1,
    )
    block = inside.block
    step, going = utils._add_input_to_block(block), utils._add_input_to_block(block)
    held = {i.name: utils._add_input_to_block(block) for i in body.input[: len(states)]}
    held |= {
        i.name: inside.op("Gather", values[s], step, axis_i=0)
        for i, s in zip(body.input[len(states) :], scanned, strict=True)
    }
    found = replay(inside, body.node, stored, values | held)
    utils._add_output_to_block(block, inside.op("Identity", going))
    for result in body.output:
        utils._add_output_to_block(block, found[result.name])
    made = [outputs] if len(node.output) == 1 else list(outputs)
    values |= dict(zip(node.output, made, strict=True))
