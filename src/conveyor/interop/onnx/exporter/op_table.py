"""The translation of a program's operations to ONNX: one table, keyed by the names of `conveyor.ir.ops`.

A value's last axis holds the units, and axes before it are rows and, where it was computed for all steps at once, time;
the same nodes serve for one step and for all.
"""

from __future__ import annotations

from collections.abc import Callable

from conveyor.interop.onnx.exporter.graph import Graph
from conveyor.ir.ops import OPS

Emit = Callable[..., str]


def _node(op: str) -> Emit:
    return lambda g, *args: g.add(op, *args)


def _log1p(g: Graph, v: str) -> str:
    """Emit log(1 + v), exact for small v: the rounding of 1 + v cancels (Kahan; Goldberg 1991, theorem 4)."""
    sum_ = g.add("Add", g.number(1.0), v)
    added = g.add("Sub", sum_, g.number(1.0))
    log = g.add("Log", sum_)
    mended = g.add("Mul", log, g.add("Div", v, added))
    # 1 + v = 1 leaves v itself; 1 + v = v, infinity included, leaves log v
    large = g.add("Where", g.add("Equal", sum_, v), log, mended)
    return g.add("Where", g.add("Equal", added, g.number(0.0)), v, large)


def _softplus(g: Graph, v: str) -> str:
    """Emit log(1 + exp(v)) = max(v, 0) + log(1 + exp(−|v|)), without overflow."""
    small = _log1p(g, g.add("Exp", g.add("Neg", g.add("Abs", v))))
    return g.add("Add", g.add("Relu", v), small)


def _not_equal(g: Graph, a: str, b: str) -> str:
    return g.add("Not", g.add("Equal", a, b))


def _over_units(op: str) -> Emit:
    return lambda g, v: g.add(op, v, g.whole(-1), keepdims=1)


POINTWISE: dict[str, Emit] = {
    "add": _node("Add"),
    "sub": _node("Sub"),
    "mul": _node("Mul"),
    "div": _node("Div"),
    "neg": _node("Neg"),
    "sigmoid": _node("Sigmoid"),
    "tanh": _node("Tanh"),
    "relu": _node("Relu"),
    "exp": _node("Exp"),
    "log": _node("Log"),
    "log1p": _log1p,
    "softplus": _softplus,
    "sin": _node("Sin"),
    "cos": _node("Cos"),
    "sqrt": _node("Sqrt"),
    "abs": _node("Abs"),
    "square": lambda g, v: g.add("Mul", v, v),
    "maximum": _node("Max"),
    "minimum": _node("Min"),
    "detach": lambda g, v: v,  # an exported graph has no gradient
    "clip_gradient": lambda g, v: v,
    "where": _node("Where"),
    "lt": _node("Less"),
    "le": _node("LessOrEqual"),
    "gt": _node("Greater"),
    "ge": _node("GreaterOrEqual"),
    "eq": _node("Equal"),
    "ne": _not_equal,
    "and": _node("And"),
    "or": _node("Or"),
    "not": _node("Not"),
    "sum": _over_units("ReduceSum"),
    "max": _over_units("ReduceMax"),
}
# What reads more than its arguments: methods of conveyor.interop.onnx.exporter.emit.Emitter.
READERS = ("input", "const", "width", "bias", "vector", "product", "product_t", "clip", "broadcast")

assert {*POINTWISE, *READERS} == set(OPS), "the table must have every operation"
