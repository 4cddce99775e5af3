"""Construction of an ONNX graph: nodes in order, constants stored once, unique names."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

# The oldest set that has what is needed: ReduceMax with its axes as an input came with 18. Runtimes read older sets.
OPSET = 18
IR_VERSION = 8

Array = NDArray[Any]
Shape = list[int | str | None]  # a number, a symbol, or None for what is not said


class Graph:
    """A graph under construction, or the body of a node; a body shares names and constants with its outer graph."""

    def __init__(self, dtype: np.dtype[Any], around: Graph | None = None) -> None:
        self.dtype = dtype
        self.nodes: list[onnx.NodeProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self.scope: list[str] = around.scope if around else []
        self._root: Graph = around._root if around else self
        self._made: set[str] = set()  # by this graph's own nodes
        if around is None:
            self._names: dict[str, int] = {}
            self._initializers: dict[str, onnx.TensorProto] = {}
            self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def body(self) -> Graph:
        """Make a graph inside this one."""
        return Graph(self.dtype, self)

    # Names

    def unique(self, hint: str) -> str:
        """Return a new name made of `hint` and the current scope."""
        full = "/".join([*self.scope, hint])
        count = self._root._names.get(full, 0)
        self._root._names[full] = count + 1
        return self.unique(f"{hint}_{count}") if count else full

    def claim(self, name: str) -> str:
        """Reserve a name for an input or output of the outermost graph, and return it."""
        self._root._names[name] = self._root._names.get(name, 0) + 1
        return name

    # Nodes

    def add(self, op: str, *inputs: str, hint: str | None = None, **attributes: Any) -> str:
        """Add a node with one output; returns the output's name."""
        return self.add_many(op, inputs, 1, hint, **attributes)[0]

    def add_many(
        self, op: str, inputs: tuple[str, ...], count: int, hint: str | None = None, **attributes: Any
    ) -> list[str]:
        """Add a node with several outputs; returns their names."""
        name = self.unique(hint or op)
        outputs = [name] if count == 1 else [f"{name}:{k}" for k in range(count)]
        self.nodes.append(helper.make_node(op, list(inputs), outputs, name=name, **attributes))
        self._made.update(outputs)
        return outputs

    def named(self, name: str, value: str) -> str:
        """Give a value a name of the outermost graph."""
        self.nodes.append(helper.make_node("Identity", [value], [name], name=self.unique(f"to_{name}")))
        return name

    # Constants

    def constant(self, value: Array, hint: str = "constant") -> str:
        """Store a constant; equal ones are stored once."""
        value = np.asarray(value, order="C")
        key = (value.dtype.str, value.shape, value.tobytes())
        if key not in self._root._constants:
            name = self.unique(hint)
            self._root._constants[key] = name
            self.default(name, value)
        return self._root._constants[key]

    def known(self, value: Array) -> str | None:
        """Return the name of a constant if it is stored already."""
        return self._root._constants.get((value.dtype.str, value.shape, value.tobytes()))

    def default(self, name: str, value: Array) -> None:
        """Store a tensor under a name; for an input it is the default value."""
        self._root._initializers[name] = numpy_helper.from_array(value, name)

    def weight(self, value: Array, hint: str) -> str:
        """Store a constant of the graph's dtype."""
        return self.constant(np.asarray(value, self.dtype), hint)

    def number(self, value: float) -> str:
        """Store a scalar of the graph's dtype."""
        return self.weight(np.asarray(value), f"number_{value:g}")

    def whole(self, *values: int) -> str:
        """Store integers, (len(values),) int64: axes and sizes."""
        return self.constant(np.asarray(values, np.int64), "whole_" + "_".join(map(str, values)))

    # Inputs, outputs

    def give(self, name: str, kind: Any, shape: Shape | None) -> str:
        """Add an input."""
        self.inputs.append(_info(name, kind, shape))
        return name

    def give_optional(self, name: str, kind: Any, shape: Shape | None, default: Array) -> str:
        """Add an optional input with a default; returns the name of its value.

        Its type is optional rather than that of a tensor with an initializer: of those onnxruntime warns one by one.
        """
        tensor = _info(name, kind, shape).type
        self.inputs.append(helper.make_value_info(name, helper.make_optional_type_proto(tensor)))
        stored = self.unique(f"{name}_default")
        self.default(stored, default)
        given, left_out = self.body(), self.body()
        given.result(given.add("OptionalGetElement", name), kind, shape)
        left_out.result(left_out.add("Identity", stored), kind, list(default.shape))
        branches = {"then_branch": given.proto(f"{name}_given"), "else_branch": left_out.proto(f"{name}_left_out")}
        return self.add("If", self.add("OptionalHasElement", name), hint=f"{name}_or_default", **branches)

    def result(self, name: str, kind: Any, shape: Shape | None) -> None:
        """Add an output; a body's output is a value that one of its own nodes computes, once."""
        if self is not self._root and (name not in self._made or any(o.name == name for o in self.outputs)):
            name = self.add("Identity", name)
        self.outputs.append(_info(name, kind, shape))

    def proto(self, name: str) -> onnx.GraphProto:
        """Return the finished graph."""
        initializers = list(self._initializers.values()) if self is self._root else []
        return helper.make_graph(self.nodes, name, self.inputs, self.outputs, initializers)


def _info(name: str, kind: Any, shape: Shape | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(kind)), shape)
