"""The one table of operations that programs are made of.

Each row gives an operation's name, its arity, the kind of its result, its derivative rule, and how it prints as text
and as LaTeX. Every backend keeps one table keyed by the same names; a test checks that each covers every row here.

Derivative rules are written with ordinary Python operators and with the functions of this module on *operands*: any
object with an `apply(name, args, attr)` method that returns a new operand. The program builder and the language's
traced values are both such objects, so one rule serves both.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Result = Literal["source", "elementwise", "comparison", "logical", "select", "reduction", "broadcast", "product"]
Rule = Callable[..., tuple["Operand | None", ...]]


class Operand(ABC):
    """A value inside a program under construction; arithmetic on it adds operations to that program."""

    __slots__ = ()

    @abstractmethod
    def apply(self, name: str, args: tuple[Operand | float, ...], attr: Any = None) -> Any:
        """Add the operation `name` on `args` to the program that this operand belongs to."""

    def __add__(self, other: Any) -> Any:
        return self.apply("add", (self, other))

    def __radd__(self, other: Any) -> Any:
        return self.apply("add", (other, self))

    def __sub__(self, other: Any) -> Any:
        return self.apply("sub", (self, other))

    def __rsub__(self, other: Any) -> Any:
        return self.apply("sub", (other, self))

    def __mul__(self, other: Any) -> Any:
        return self.apply("mul", (self, other))

    def __rmul__(self, other: Any) -> Any:
        return self.apply("mul", (other, self))

    def __truediv__(self, other: Any) -> Any:
        return self.apply("div", (self, other))

    def __rtruediv__(self, other: Any) -> Any:
        return self.apply("div", (other, self))

    def __neg__(self) -> Any:
        return self.apply("neg", (self,))

    def __lt__(self, other: Any) -> Any:
        return self.apply("lt", (self, other))

    def __le__(self, other: Any) -> Any:
        return self.apply("le", (self, other))

    def __gt__(self, other: Any) -> Any:
        return self.apply("gt", (self, other))

    def __ge__(self, other: Any) -> Any:
        return self.apply("ge", (self, other))

    def __and__(self, other: Any) -> Any:
        return self.apply("and", (self, other))

    def __or__(self, other: Any) -> Any:
        return self.apply("or", (self, other))

    def __invert__(self) -> Any:
        return self.apply("not", (self,))


@dataclass(frozen=True)
class Op:
    """One row of the table.

    `derivative(g, y, *args, attr)` returns the gradient with respect to each argument, given the gradient `g` of the
    result `y`; `None` in its place means that no gradient flows there. An op without a rule cannot be differentiated.
    """

    name: str
    arity: int
    result: Result
    text: str
    latex: str
    derivative: Rule | None
    precedence: int = 9  # of Python, by which brackets are printed
    function: bool = False  # a named function of the language, whose operand is called the pre-activation


def call(name: str, *args: Operand | float, attr: Any = None) -> Any:
    """Apply the op `name`, inside whichever program its first traced argument belongs to."""
    for arg in args:
        if isinstance(arg, Operand):
            return arg.apply(name, args, attr)
    raise TypeError(f"{name} got no traced value among its arguments")


def _stops(g: Operand, y: Operand, *args: Any, attr: Any) -> tuple[None, ...]:
    return (None,) * len(args)


def _choose(condition: Any, yes: Any, no: Any) -> Any:
    return call("where", condition, yes, no)


def _larger(g: Any, y: Any, a: Any, b: Any, attr: Any) -> tuple[Any, Any]:
    # A tie shares the gradient equally, as torch.maximum and torch.minimum do.
    tie = call("eq", a, b)
    half = 0.5 * g
    # Where the other is the result there is nothing to get; a NaN is equal to neither, and goes on to both.
    of_a = _choose(tie, half, _choose(call("eq", y, b), 0.0, g))
    return of_a, _choose(tie, half, _choose(call("eq", y, a), 0.0, g))


def _largest(g: Any, y: Any, v: Any, attr: Any) -> tuple[Any]:
    # Units that tie for the maximum share the gradient equally, as torch.amax does.
    hit = _choose(call("eq", v, y), 1.0, 0.0)
    return (hit * (g / call("sum", hit)),)


def _sign(v: Any) -> Any:
    return _choose(v > 0.0, 1.0, _choose(v < 0.0, -1.0, 0.0))


_ROWS = (
    # What a program reads. The attribute names the input, parameter or width, or is the constant.
    Op("input", 0, "source", "{attr}", "{attr}", _stops),
    Op("const", 0, "source", "{attr}", "{attr}", _stops),
    Op("width", 0, "source", "width({attr})", r"\left|{attr}\right|", _stops),
    Op("bias", 0, "source", "bias({attr})", "b_{{{attr}}}", _stops),
    Op("vector", 0, "source", "weight({attr})", "{attr}", _stops),
    # Matrix products. The gradient of the matrix itself is an outer product that leaves the time loop.
    Op(
        "product",
        1,
        "product",
        "{attr} @ {0}",
        r"{attr}\,{0}",
        lambda g, y, v, attr: (call("product_t", g, attr=attr),),
        7,
    ),
    Op(
        "product_t",
        1,
        "product",
        "{attr}.T @ {0}",
        r"{attr}^\top {0}",
        lambda g, y, v, attr: (call("product", g, attr=attr),),
        7,
    ),
    # Arithmetic
    Op("add", 2, "elementwise", "{0} + {1}", "{0} + {1}", lambda g, y, a, b, attr: (g, g), 5),
    Op("sub", 2, "elementwise", "{0} - {1}", "{0} - {1}", lambda g, y, a, b, attr: (g, -g), 5),
    Op("mul", 2, "elementwise", "{0} * {1}", r"{0} \odot {1}", lambda g, y, a, b, attr: (g * b, g * a), 6),
    Op("div", 2, "elementwise", "{0} / {1}", r"\frac{{{0}}}{{{1}}}", lambda g, y, a, b, attr: (g / b, -(g * y / b)), 6),
    Op("neg", 1, "elementwise", "-{0}", "-{0}", lambda g, y, v, attr: (-g,), 6),
    # Functions of the language
    Op(
        "sigmoid",
        1,
        "elementwise",
        "sigmoid({0})",
        r"\sigma({0})",
        lambda g, y, v, attr: (g * (y * (1.0 - y)),),
        function=True,
    ),
    Op("tanh", 1, "elementwise", "tanh({0})", r"\tanh({0})", lambda g, y, v, attr: (g * (1.0 - y * y),), function=True),
    Op(
        "relu",
        1,
        "elementwise",
        "relu({0})",
        r"\mathrm{{relu}}({0})",
        lambda g, y, v, attr: (_choose(v <= 0.0, 0.0, g),),
        function=True,
    ),
    Op("exp", 1, "elementwise", "exp({0})", r"\exp({0})", lambda g, y, v, attr: (g * y,), function=True),
    Op("log", 1, "elementwise", "log({0})", r"\log({0})", lambda g, y, v, attr: (g / v,), function=True),
    Op(
        "log1p", 1, "elementwise", "log1p({0})", r"\log(1 + {0})", lambda g, y, v, attr: (g / (1.0 + v),), function=True
    ),
    Op(
        "softplus",
        1,
        "elementwise",
        "softplus({0})",
        r"\mathrm{{softplus}}({0})",
        lambda g, y, v, attr: (g * call("sigmoid", v),),
        function=True,
    ),
    Op("sin", 1, "elementwise", "sin({0})", r"\sin({0})", lambda g, y, v, attr: (g * call("cos", v),), function=True),
    Op(
        "cos", 1, "elementwise", "cos({0})", r"\cos({0})", lambda g, y, v, attr: (-(g * call("sin", v)),), function=True
    ),
    Op("sqrt", 1, "elementwise", "sqrt({0})", r"\sqrt{{{0}}}", lambda g, y, v, attr: (g / (2.0 * y),), function=True),
    Op("abs", 1, "elementwise", "abs({0})", r"\left|{0}\right|", lambda g, y, v, attr: (g * _sign(v),), function=True),
    Op(
        "square",
        1,
        "elementwise",
        "square({0})",
        r"\left({0}\right)^2",
        lambda g, y, v, attr: (g * (2.0 * v),),
        function=True,
    ),
    Op(
        "clip",
        1,
        "elementwise",
        "clip({0}, {attr[0]}, {attr[1]})",
        r"\mathrm{{clip}}_{{[{attr[0]}, {attr[1]}]}}({0})",
        lambda g, y, v, attr: (_choose((v >= attr[0]) & (v <= attr[1]), g, 0.0),),
        function=True,
    ),
    Op(
        "clip_gradient",
        1,
        "elementwise",
        "clip_gradient({0}, {attr[1]})",
        r"\mathrm{{clip\_gradient}}_{{{attr[1]}}}({0})",
        lambda g, y, v, attr: (call("clip", g, attr=attr),),
        function=True,
    ),
    Op("maximum", 2, "elementwise", "maximum({0}, {1})", r"\max({0}, {1})", _larger, function=True),
    Op("minimum", 2, "elementwise", "minimum({0}, {1})", r"\min({0}, {1})", _larger, function=True),
    Op("detach", 1, "elementwise", "detach({0})", r"\mathrm{{detach}}({0})", _stops, function=True),
    # Choices
    Op(
        "where",
        3,
        "select",
        "where({0}, {1}, {2})",
        r"\mathrm{{where}}({0}, {1}, {2})",
        lambda g, y, p, a, b, attr: (None, _choose(p, g, 0.0), _choose(p, 0.0, g)),
        function=True,
    ),
    Op("lt", 2, "comparison", "{0} < {1}", "{0} < {1}", _stops, 2),
    Op("le", 2, "comparison", "{0} <= {1}", r"{0} \le {1}", _stops, 2),
    Op("gt", 2, "comparison", "{0} > {1}", "{0} > {1}", _stops, 2),
    Op("ge", 2, "comparison", "{0} >= {1}", r"{0} \ge {1}", _stops, 2),
    Op("eq", 2, "comparison", "{0} == {1}", "{0} = {1}", _stops, 2),
    Op("ne", 2, "comparison", "{0} != {1}", r"{0} \ne {1}", _stops, 2),
    Op("and", 2, "logical", "{0} & {1}", r"{0} \land {1}", _stops, 4),
    Op("or", 2, "logical", "{0} | {1}", r"{0} \lor {1}", _stops, 3),
    Op("not", 1, "logical", "~{0}", r"\lnot {0}", _stops, 8),
    # Across the units of a row, and back
    Op("sum", 1, "reduction", "sum({0})", r"\mathrm{{sum}}({0})", lambda g, y, v, attr: (g,), function=True),
    Op("max", 1, "reduction", "max({0})", r"\max({0})", _largest, function=True),
    Op("broadcast", 1, "broadcast", "broadcast({0}, {attr})", "{0}", lambda g, y, v, attr: (g,)),
)

OPS: dict[str, Op] = {op.name: op for op in _ROWS}
