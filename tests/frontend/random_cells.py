"""Random cells as Python text, and two ways to compute a step of one: the text itself, and the program read from it.

The text is run on plain lists of floats, by a stand-in for the language that knows nothing of programs; the program by
an interpreter of a dozen lines. Where they agree, tracing has kept every value that a variable ever had.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from conveyor.ir.program import Program

SIZES = {"1": 1, "I": 2, "H": 3, "k": 2}

# Functions that are defined for every number, so that a comparison of two computations is of numbers.
UNARY = {
    "tanh": math.tanh,
    "sin": math.sin,
    "cos": math.cos,
    "relu": lambda v: max(v, 0.0),
    "abs": abs,
    "sigmoid": lambda v: 1 / (1 + math.exp(-v)) if v > -700 else 0.0,
    "detach": lambda v: v,
    "neg": operator.neg,
}
BINARY = {"add": operator.add, "sub": operator.sub, "mul": operator.mul, "maximum": max, "minimum": min}
COMPARE = {
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "eq": operator.eq,
    "ne": operator.ne,
}
SIGNS = {"add": "+", "sub": "-", "mul": "*", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}


@dataclass
class Cell:
    """The text of a cell, and which variables it assigns, in order."""

    text: str
    assigned: list[str]


@st.composite
def cells(draw: st.DrawFn) -> Cell:
    """A random cell with an input, two states, an auxiliary input, assignments of every kind, and shared names."""
    wide = ["h", "c", "dt"]
    lines: list[str] = []
    assigned: list[str] = []
    maps = 0

    def vector() -> str:
        return draw(st.sampled_from(wide))

    def number() -> str:
        if draw(st.booleans()):
            return repr(draw(st.floats(-2, 2, allow_nan=False, width=16)))
        return f"cv.{draw(st.sampled_from(['sum', 'max', 'mean']))}({vector()})"

    def condition() -> str:
        name = draw(st.sampled_from(sorted(COMPARE)))
        simple = f"({vector()} {SIGNS[name]} {draw(st.sampled_from([vector(), '0.25']))})"
        more = draw(st.sampled_from(["", "~", "&", "|"]))
        return simple if not more else f"(~{simple})" if more == "~" else f"({simple} {more} ({vector()} > 0.0))"

    def expression(twice: bool = False) -> str:
        nonlocal maps
        kinds = ["unary", "binary", "binary", "weight", "where", "clip", "number"]
        # In a loop a map would meet another operand each time, under one name.
        kind = draw(st.sampled_from(kinds if twice else [*kinds, "affine", "norm"]))
        if kind == "unary":
            name = draw(st.sampled_from(sorted(UNARY)))
            return f"-{vector()}" if name == "neg" else f"cv.{name}({vector()})"
        if kind == "binary":
            name = draw(st.sampled_from(sorted(BINARY)))
            a, b = vector(), draw(st.sampled_from([vector(), number()]))
            return f"{a} {SIGNS[name]} {b}" if name in SIGNS else f"cv.{name}({a}, {b})"
        if kind == "affine":
            maps += 1
            operands = draw(st.lists(st.sampled_from(["x", "h", *wide]), min_size=1, max_size=3, unique=True))
            bias = draw(st.booleans())
            return f"cv.affine('m{maps}', {', '.join(operands)}, bias={bias})"
        if kind == "weight":
            return f"cv.weight('w{draw(st.integers(0, 2))}') * {vector()}"
        if kind == "where":
            return f"cv.where({condition()}, {vector()}, {draw(st.sampled_from([vector(), number()]))})"
        if kind == "clip":
            return f"cv.clip({vector()}, -0.5, {draw(st.sampled_from(['0.5', 'None']))})"
        if kind == "norm":
            maps += 1
            return f"cv.layer_norm('m{maps}', {vector()})"
        return f"{vector()} * {number()}"

    for _ in range(draw(st.integers(1, 9))):
        target = draw(st.sampled_from(["a", "b", "z", "h", "c", "gate"]))
        shape = draw(st.sampled_from(["plain", "plain", "plain", "augmented", "chain", "tuple", "walrus", "loop"]))
        if shape == "augmented" and target in wide:
            lines.append(f"{target} += {expression()}")
            assigned.append(target)
        elif shape == "chain":
            lines.append(f"{target} = twin = {expression()}")
            assigned += [target, "twin"]
        elif shape == "tuple":
            lines.append(f"{target}, other = {expression()}, {expression()}")
            assigned += [target, "other"]
        elif shape == "walrus":
            lines.append(f"other = (({target} := {expression()}) * 0.5)")
            assigned += [target, "other"]
        elif shape == "loop":
            lines.append(f"for step in range(2): {target} = {expression(twice=True)}")
            assigned.append(target)
        else:
            lines.append(f"{target} = {expression()}")
            assigned.append(target)
        wide += [n for n in assigned if n not in wide]
    # The product with a weight makes each state a vector, whatever the equations were.
    lines.append(f"return {vector()} + cv.weight('w0') * h, {vector()} + cv.weight('w0') * c")
    body = "\n".join(f"    {line}" for line in lines)
    return Cell(f"def f(x, h, c, *, dt):\n    dt = dt + cv.weight('w0')\n{body}\n", ["dt", *assigned])


def parameter(key: str, row: int, column: int = 0) -> float:
    """A number for a parameter's entry, the same wherever it is asked for."""
    spread = sum(map(ord, key)) * 7 + row * 13 + column * 5
    return (spread % 17 - 8) / 16


@dataclass
class Plain:
    """Plain floats, one a unit, with the arithmetic of the language."""

    units: list[float]
    label: str = field(default="", compare=False)

    def _with(self, other: Any, function: Callable[[float, float], float], swapped: bool = False) -> Plain:
        theirs = other.units if isinstance(other, Plain) else [float(other)]
        size = max(len(self.units), len(theirs))
        pairs = zip(self.units * (size // len(self.units)), theirs * (size // len(theirs)), strict=True)
        return Plain([function(b, a) if swapped else function(a, b) for a, b in pairs])

    def __add__(self, other: Any) -> Plain:
        return self._with(other, operator.add)

    def __sub__(self, other: Any) -> Plain:
        return self._with(other, operator.sub)

    def __mul__(self, other: Any) -> Plain:
        return self._with(other, operator.mul)

    def __rmul__(self, other: Any) -> Plain:
        return self._with(other, operator.mul, True)

    def __neg__(self) -> Plain:
        return Plain([-v for v in self.units])

    def __lt__(self, other: Any) -> Plain:
        return self._with(other, operator.lt)

    def __le__(self, other: Any) -> Plain:
        return self._with(other, operator.le)

    def __gt__(self, other: Any) -> Plain:
        return self._with(other, operator.gt)

    def __ge__(self, other: Any) -> Plain:
        return self._with(other, operator.ge)

    def __eq__(self, other: object) -> Any:
        return self._with(other, operator.eq)

    def __ne__(self, other: object) -> Any:
        return self._with(other, operator.ne)

    def __and__(self, other: Any) -> Plain:
        return self._with(other, operator.and_)

    def __or__(self, other: Any) -> Plain:
        return self._with(other, operator.or_)

    def __invert__(self) -> Plain:
        return Plain([not v for v in self.units])


class PlainLanguage:
    """What `cv` is while the text of a cell runs on plain floats. Each map is used once, so its operands are numbered."""

    def __getattr__(self, name: str) -> Any:
        if name in UNARY:
            return lambda v: Plain([UNARY[name](u) for u in v.units])
        return lambda a, b: a._with(b, BINARY[name])

    def affine(self, name: str, *values: Plain, bias: bool) -> Plain:
        total = [parameter(name, row) if bias else 0.0 for row in range(SIZES["H"])]
        for value in values:
            for row in range(SIZES["H"]):
                total[row] += sum(parameter(f"{name}", row, 1 + k) * u for k, u in enumerate(value.units))
        return Plain(total)

    def weight(self, name: str) -> Plain:
        return Plain([parameter(name, row) for row in range(SIZES["H"])])

    def layer_norm(self, name: str, v: Plain) -> Plain:
        mean = sum(v.units) / len(v.units)
        variance = sum((u - mean) ** 2 for u in v.units) / len(v.units)
        scale = 1 / math.sqrt(variance + 1e-5)
        normal = Plain([(u - mean) * scale for u in v.units])
        return normal * self.weight(f"{name}_gain") + self.weight(f"{name}_bias")

    def sum(self, v: Plain) -> Plain:
        return Plain([sum(v.units)])

    def max(self, v: Plain) -> Plain:
        return Plain([max(v.units)])

    def mean(self, v: Plain) -> Plain:
        return Plain([sum(v.units) / len(v.units)])

    def clip(self, v: Plain, low: float, high: float | None) -> Plain:
        return Plain([max(u, low) if high is None else min(max(u, low), high) for u in v.units])

    def where(self, p: Plain, a: Plain, b: Any) -> Plain:
        other = b.units if isinstance(b, Plain) else [float(b)]
        size = len(p.units)
        return Plain([t if q else f for q, t, f in zip(p.units, a.units, other * (size // len(other)), strict=True)])


def evaluate(program: Program, given: dict[str, list[float]]) -> list[list[Any]]:
    """Every node of a program, on plain floats."""
    found: list[list[Any]] = []
    for node in program.nodes:
        args = [found[a] for a in node.args]
        size = SIZES[node.type.width]
        spread = [a * (size // len(a)) for a in args] if node.op not in ("product", "sum", "max") else args
        if node.op == "input":
            value = given[node.attr]
        elif node.op == "const":
            value = [node.attr]
        elif node.op == "width":
            value = [float(SIZES[node.attr])]
        elif node.op in ("bias", "vector"):
            value = [parameter(node.attr, row) for row in range(size)]
        elif node.op == "product":
            name = program.matrix(node).name
            value = [sum(parameter(name, row, 1 + k) * u for k, u in enumerate(args[0])) for row in range(size)]
        elif node.op in ("sum", "max"):
            value = [{"sum": sum, "max": max}[node.op](args[0])]
        elif node.op == "where":
            value = [a if p else b for p, a, b in zip(*spread, strict=True)]
        elif node.op == "clip":
            value = [min(max(u, node.attr[0]), node.attr[1]) for u in args[0]]
        elif node.op == "not":
            value = [not u for u in args[0]]
        else:
            function: Any = (UNARY | BINARY | COMPARE | REST)[node.op]
            value = [function(*units) for units in zip(*spread, strict=True)]
        found.append(value)
    return found


REST = {
    "div": operator.truediv,
    "sqrt": math.sqrt,
    "square": lambda v: v * v,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
}
