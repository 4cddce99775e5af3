"""The translation of a program into a graph whose parameters are values of that graph, for torch's exporters.

`to_onnx` knows the numbers of the parameters; in a model that torch exports they are initializers by other names, or
are computed (weight norm), so that gates are cut, put in order and summed by nodes. Runtimes fold those as they load.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from onnx import helper

from conveyor.backends.interface import RecurrenceSpec
from conveyor.interop.onnx.exporter.emit import Emitter, join, split
from conveyor.interop.onnx.exporter.graph import Graph
from conveyor.interop.onnx.exporter.operators import Stacked, emit_operator
from conveyor.interop.onnx.exporter.scan import Steps, emit_scan
from conveyor.interop.onnx.exporter.weights import weights_of
from conveyor.ir.canonical.linear import Key
from conveyor.ir.program import Program
from conveyor.operators.recognise import Operator, recognise


@dataclass(frozen=True)
class Call:
    """The names of one call's inputs in a graph.

    Attributes:
        x: The input, (T, B, I).
        states: The initial states, each (B, width).
        aux: The auxiliary inputs in the program's order, (T, B, width) or (1, B, width).
        params: The tensors that hold the parameters.
        lengths: (B,) integers, or None.
    """

    x: str
    states: Sequence[str]
    aux: Sequence[str]
    params: Sequence[str]
    lengths: str | None


def operator_of(program: Program, dtype: np.dtype[np.generic]) -> Operator | None:
    """Return the recurrent operator that computes a program in unmodified runtimes; None for a `Scan`."""
    operator = recognise(program)
    if operator is None or dtype != np.float32 or (operator.name == "LSTM" and operator.clip is not None):
        return None
    return operator


def emit_call(g: Graph, spec: RecurrenceSpec, call: Call) -> list[str]:
    """Add a call; returns the names of its output, (T, B, width), and of its final states, (B, width) each."""
    steps = _steps(g, call)
    values = InGraph(g, spec, call.params)
    operator = operator_of(spec.program, np.dtype(g.dtype))
    if operator is None:
        return _scan(g, spec, call, steps, values)
    width = spec.state_widths[0]
    one = weights_of(operator, values, spec.widths["I"], width)
    stacked = Stacked(*(None if v is None else g.add("Unsqueeze", v, g.whole(0)) for v in (one.w, one.r, one.b, one.p)))
    states = [g.add("Unsqueeze", s, g.whole(0)) for s in call.states]
    y, finals = emit_operator(g, operator, stacked, 1, width, call.x, states, steps, False)
    return [y, *(g.add("Squeeze", f, g.whole(0)) for f in finals)]


def _steps(g: Graph, call: Call) -> Steps:
    batch = g.add("Shape", call.x, hint="batch", start=1, end=2)
    if call.lengths is None:
        return Steps(batch)
    time = g.add("Shape", call.x, hint="time", start=0, end=1)
    lengths = g.add("Cast", call.lengths, to=helper.np_dtype_to_tensor_dtype(np.dtype(np.int64)))
    steps = g.add("Range", g.constant(np.asarray(0)), g.add("Squeeze", time, g.whole(0)), g.constant(np.asarray(1)))
    valid = g.add("Less", g.add("Unsqueeze", steps, g.whole(1)), g.add("Unsqueeze", lengths, g.whole(0)))
    return Steps(batch, lengths, g.add("Unsqueeze", valid, g.whole(2), hint="valid"))


def _scan(g: Graph, spec: RecurrenceSpec, call: Call, steps: Steps, values: InGraph) -> list[str]:
    time = g.add("Shape", call.x, hint="time", start=0, end=1)
    # One that is the same at each step has one row of time, or a row a step: here it always has a row a step.
    rows = g.add("Concat", time, g.whole(1, 1), axis=0)
    aux = {n: g.add("Expand", v, rows) for n, v in zip(spec.aux, call.aux, strict=True)}
    given = {"x": call.x, **aux}
    emitter = _Emitter(spec.program, spec.widths, values, given)
    y, finals = emit_scan(g, emitter, call.states, steps, dict.fromkeys(given, True), False)
    return [y, *finals]


@dataclass(frozen=True)
class InGraph:
    """The parameters of a spec, as values of a graph."""

    graph: Graph
    spec: RecurrenceSpec
    params: Sequence[str]

    def parts(self, key: Key) -> list[str]:
        """Return the rows of the tensors that hold a parameter."""
        g = self.graph
        return [
            g.add("Slice", self.params[p.tensor], g.whole(p.start), g.whole(p.stop), g.whole(0), hint=f"rows_{key[1]}")
            for p in self.spec.layout.parts[key]
        ]

    def whole(self, key: Key) -> str:
        """Return a parameter."""
        return reduce(lambda a, b: self.graph.add("Add", a, b), self.parts(key))

    def total(self, found: Sequence[str], shape: tuple[int, ...]) -> str:
        """Return the sum; zeros of this shape for none."""
        if not found:
            return self.graph.weight(np.zeros(shape), "zeros")
        return reduce(lambda a, b: self.graph.add("Add", a, b), found)

    def scaled(self, value: str, number: float, factors: Sequence[str]) -> str:
        """Multiply the rows of a matrix."""
        g = self.graph
        for factor in factors:
            value = g.add("Mul", value, g.add("Unsqueeze", factor, g.whole(1)))
        return value if number == 1.0 else g.add("Mul", value, g.number(number))

    def vector(self, number: float, factors: Sequence[str], width: int) -> str:
        """Return the product of a number and factors."""
        g = self.graph
        if not factors:
            return g.weight(np.full(width, number), "numbers")
        value = reduce(lambda a, b: g.add("Mul", a, b), factors)
        return value if number == 1.0 else g.add("Mul", value, g.number(number))

    def stacked(self, parts: Sequence[str]) -> str:
        """Stack values along their first axis."""
        return parts[0] if len(parts) == 1 else self.graph.add("Concat", *parts, axis=0)


class _Emitter(Emitter):
    """An emitter of a program whose parameters are values; they are sliced outside the loop."""

    def __init__(self, program: Program, widths: Mapping[str, int], values: InGraph, given: Mapping[str, str]) -> None:
        super().__init__(program, widths, {}, given)
        self._values = values

    def _parameter(self, g: Graph, index: int, prefix: str) -> None:
        node = self.program.nodes[index]
        self.names[index] = self._values.whole((node.op, node.attr))

    def _product(self, g: Graph, index: int, operand: str) -> None:
        pack = self.plan.packs[index]
        outside = self._values.graph
        members = [self._cut(m, pack.blocks) for m in pack.members]
        weights = [outside.add("Transpose", self._values.stacked(w), perm=[1, 0]) for w in zip(*members, strict=True)]
        pieces = split(g, operand, [self._columns(index, pack.blocks)] * pack.blocks)
        products = [g.add("MatMul", v, w) for v, w in zip(pieces, weights, strict=True)]
        rows = [self._rows(m, pack.blocks) for m in pack.members]
        parts = [split(g, part, rows) for part in products]
        for k, member in enumerate(pack.members):
            self.names[member] = join(g, [p[k] for p in parts])

    def _product_t(self, g: Graph, index: int, operand: str) -> None:
        blocks = self.program.matrix(self.program.nodes[index]).blocks
        pieces = split(g, operand, [self._rows(index, blocks)] * blocks)
        self.names[index] = join(
            g, [g.add("MatMul", v, w) for v, w in zip(pieces, self._cut(index, blocks), strict=True)]
        )

    def _rows(self, index: int, blocks: int) -> int:
        return self.widths[self.program.matrix(self.program.nodes[index]).rows] // blocks

    def _columns(self, index: int, blocks: int) -> int:
        return self.widths[self.program.matrix(self.program.nodes[index]).cols] // blocks

    def _cut(self, index: int, blocks: int) -> list[str]:
        """Return the diagonal blocks of a product's matrix."""
        outside = self._values.graph
        return split(
            outside,
            self._values.whole(("product", self.program.nodes[index].attr)),
            [self._rows(index, blocks)] * blocks,
            0,
        )
