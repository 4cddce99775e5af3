"""Elementary functions for a single row on a device: rational functions where gates need them, the shared ones else.

One row waits for each result, so what counts is the time from operand to result. A rational function has a shorter
chain than an exponential and a division. tanh(x) ≈ x·P(x²)/Q(x²) on |x| ≤ 9.01, with P and Q of degree 4, fitted by
iteratively reweighted least squares to a relative error of 2.1e-8; in float32, the whole has an error of at most 6
units in the last place, 4e-7. σ(x) = ½ + ½ tanh(½x) has the same absolute error: enough for a gate that multiplies,
not for one whose logarithm or reciprocal is taken, which `is_gate` tells apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from conveyor.backends.cpu.codegen.emit import POINTWISE
from conveyor.backends.cpu.codegen.vector import FLOAT32, Vectors
from conveyor.build.lowering.graph import Graph

TANH_HIGH = 9.01
TANH_TOP = (1.0, 0.13380342721939087, 0.003494777251034975, 2.0595716705429368e-05, 1.3336086013282511e-08)
TANH_BOTTOM = (1.0, 0.46713659167289734, 0.025873899459838867, 0.00032843078952282667, 7.768967975607666e-07)
_PRECISE = ("log", "log1p", "sqrt", "lt", "le", "gt", "ge", "eq", "ne")
_ANEW = ("affine", "concat", "sum", "max")  # what reads many units adds their absolute errors up


class Lanes(Vectors):
    """Vectors of float32 numbers, or single ones, with exact division."""

    def __init__(self, builder: ir.IRBuilder, lanes: int) -> None:
        super().__init__(builder, FLOAT32, lanes)
        if lanes == 1:
            self.type: Any = FLOAT32.type
            self.integers: Any = FLOAT32.integer
            self.suffix = "f32"

    def const(self, number: float) -> Any:
        """The number in every lane."""
        return ir.Constant(self.type, number) if self.lanes == 1 else super().const(number)

    def integer(self, number: int) -> Any:
        """The whole number in every lane."""
        return ir.Constant(self.integers, number) if self.lanes == 1 else super().integer(number)

    def splat(self, scalar: Any) -> Any:
        """A scalar of any type in every lane."""
        if self.lanes == 1:
            return scalar
        i32, kind = ir.IntType(32), ir.VectorType(scalar.type, self.lanes)
        first = self.b.insert_element(ir.Constant(kind, ir.Undefined), scalar, ir.Constant(i32, 0))
        mask = ir.Constant(ir.VectorType(i32, self.lanes), [0] * self.lanes)
        return self.b.shuffle_vector(first, ir.Constant(kind, ir.Undefined), mask)

    def across(self, value: Any, join: Callable[[Any, Any], Any]) -> Any:
        """All lanes joined: a scalar."""
        return value if self.lanes == 1 else super().across(value, join)

    def quotient(self, top: Any, bottom: Any) -> Any:
        """The quotient."""
        return self.b.fdiv(top, bottom)

    def estrin(self, x: Any, coefficients: Sequence[float]) -> Any:
        """A polynomial by Estrin's scheme, whose chain is short; coefficients from the constant up."""
        level = [self.const(c) for c in coefficients]
        power = x
        while len(level) > 1:
            pairs = range(0, len(level), 2)
            level = [self.fma(level[k + 1], power, level[k]) if k + 1 < len(level) else level[k] for k in pairs]
            if len(level) > 1:
                power = self.b.fmul(power, power)
        return level[0]

    def _rational(self, x: Any) -> tuple[Any, Any]:
        """Numerator and denominator of tanh."""
        c = self.below(self.above(x, -TANH_HIGH), TANH_HIGH)
        w = self.b.fmul(c, c)
        return self.b.fmul(c, self.estrin(w, TANH_TOP)), self.estrin(w, TANH_BOTTOM)

    def tanh(self, x: Any) -> Any:
        """The hyperbolic tangent, by a rational function."""
        return self.quotient(*self._rational(x))

    def gate(self, x: Any) -> Any:
        """σ(x) with a small absolute error."""
        top, bottom = self._rational(self.b.fmul(x, self.const(0.5)))
        half = self.b.fmul(self.b.fadd(top, bottom), self.const(0.5))
        return self.quotient(half, bottom)


def is_gate(graph: Graph, n: int) -> bool:
    """Tell whether a small absolute error is enough for a node: no logarithm, reciprocal or condition is made of it."""
    todo, seen = [n], {n}
    while todo:
        k = todo.pop()
        for m, node in enumerate(graph.nodes):
            if k not in node.args or m in seen:
                continue
            if node.op in _PRECISE or (node.op == "div" and node.args[1] == k):
                return False
            if node.op not in _ANEW:
                seen.add(m)
                todo.append(m)
    return n not in graph.roots[len(graph.states) :]


def compute(v: Lanes, graph: Graph, n: int, args: Sequence[Any]) -> Any:
    """Emits a pointwise node on operands of one form."""
    node = graph.nodes[n]
    if node.op == "clip":
        return v.below(v.above(args[0], node.attr[0]), node.attr[1])
    if node.op == "sigmoid" and is_gate(graph, n):
        return v.gate(args[0])
    return POINTWISE[node.op](v, *args)
