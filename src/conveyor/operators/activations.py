"""The activations that ONNX's recurrent operators know: found in equations, and written as equations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import conveyor.frontend as cv
from conveyor.frontend.tracer import Value
from conveyor.ir.canonical.polynomials import ONE, ZERO, Forms, Polynomial


@dataclass(frozen=True)
class Activation:
    """An activation by the operators' name for it, with its numbers where it has any."""

    name: str
    alpha: float | None = None
    beta: float | None = None

    def __str__(self) -> str:
        numbers = ", ".join(f"{n:g}" for n in (self.alpha, self.beta) if n is not None)
        return f"{self.name}({numbers})" if numbers else self.name

    def turns_over(self) -> bool:
        """Tells whether 1 − f(v) = f(−v)."""
        return self.name == "Sigmoid" or (self.name == "HardSigmoid" and self.beta == 0.5)

    def apply(self, v: Value) -> Value:
        """Apply the activation in the language of cells; equations as in the specification of the operators."""
        made: Value = _EQUATIONS[self.name](v, *(n for n in (self.alpha, self.beta) if n is not None))
        return made


@dataclass(frozen=True)
class Match:
    """A value as an activation of another one, `clip` being the bound of ±clip that this one is held to first."""

    activation: Activation
    operand: Polynomial
    clip: float | None = None


def match_activation(forms: Forms, value: Polynomial) -> Iterator[Match]:
    """List the ways to read a value as an activation, the most specific first; the last is the identity."""
    yield from (clipped for found in _matches(forms, value) for clipped in _unclip(forms, found))


def _unclip(forms: Forms, found: Match) -> Iterator[Match]:
    single = found.operand.single
    if single is not None and single[0] == 1.0:
        op, attr, *args = forms.said(single[1])
        if op == "clip" and attr[0] == -attr[1]:
            yield Match(found.activation, args[0], attr[1])
    yield found


def _matches(forms: Forms, value: Polynomial) -> Iterator[Match]:
    single = value.single
    if single is not None:
        yield from _function(forms, *single)
    softsign = _softsign(forms, value)
    if softsign is not None:
        yield Match(Activation("Softsign"), softsign)
    yield Match(Activation("Affine", 1.0, 0.0), value)
    yield Match(Activation("Affine", value.content, value.constant), _without_scale(value))


def _function(forms: Forms, scale: float, atom: int) -> Iterator[Match]:
    op, attr, *args = forms.said(atom)
    operand = args[0] if args else ZERO
    if op == "tanh" and scale == 1.0:
        yield Match(Activation("Tanh"), operand)
    if op == "tanh" and operand.constant == 0.0 and (scale, operand.content) != (1.0, 1.0):
        yield Match(Activation("ScaledTanh", scale, operand.content), _without_scale(operand))
    if op == "relu" and scale > 0.0:
        yield Match(Activation("Relu"), operand.scaled(scale))
    if scale != 1.0:
        return
    if op in ("sigmoid", "softplus"):
        yield Match(Activation(op.capitalize()), operand)
    elif op == "clip" and attr == (0.0, 1.0):
        yield Match(Activation("HardSigmoid", operand.content, operand.constant), _without_scale(operand))
        yield Match(Activation("HardSigmoid", 1.0, 0.0), operand)
    elif op == "where":
        yield from _piecewise(forms, *args)


def _piecewise(forms: Forms, condition: Polynomial, yes: Polynomial, no: Polynomial) -> Iterator[Match]:
    """`where(v > 0, v, …)`, with > or ≥ or the other way round, and `where(v >= alpha, v, 0)`."""
    single = condition.single
    op, _, *sides = forms.said(single[1]) if single is not None else ("", None)
    if op not in ("lt", "le"):
        return
    reaches = op == "le"
    if sides[0] == no:
        bound, yes, no, reaches = sides[1], no, yes, not reaches
    elif sides[1] == yes:
        bound = sides[0]
    else:
        return
    if bound == ZERO:
        slopes = {k / n for (m, n) in yes.terms for (o, k) in no.terms if m == o}
        if len(slopes) == 1 and yes.scaled(slope := slopes.pop()) == no:
            yield Match(Activation("LeakyRelu", slope), yes)
        alpha = -no.constant
        below = Polynomial.atom(forms.atom("exp", None, _minimum(forms, yes)))
        for exponential in (below, Polynomial.atom(forms.atom("exp", None, yes))):
            if alpha and no == (exponential - ONE).scaled(alpha):
                yield Match(Activation("Elu", alpha), yes)
    if not bound.atoms and no == ZERO and reaches:
        yield Match(Activation("ThresholdedRelu", bound.constant), yes)


def _minimum(forms: Forms, value: Polynomial) -> Polynomial:
    return forms.apply("minimum", None, value, ZERO)


def _softsign(forms: Forms, value: Polynomial) -> Polynomial | None:
    """V from v / (1 + |v|)."""
    for atom in value.atoms:
        op, _, *args = forms.said(atom)
        parts = value.split(atom) if op == "reciprocal" else None
        if parts is not None and parts[0] == ZERO:
            sizes = (forms.apply("abs", None, v) for v in (parts[1], parts[1].scaled(-1.0)))
            if any(args[0] == ONE + size for size in sizes):
                return parts[1]
    return None


def _without_scale(value: Polynomial) -> Polynomial:
    return (value - Polynomial.number(value.constant)).divided(value.content)


# The operators' equations; alpha and beta by position. Numbers that a node leaves out are filled in by the reader.
_EQUATIONS: dict[str, Callable[..., Value]] = {
    "Sigmoid": cv.sigmoid,
    "Tanh": cv.tanh,
    "Relu": cv.relu,
    "Affine": lambda v, alpha, beta: _shift(_scale(v, alpha), beta),
    "LeakyRelu": lambda v, alpha: cv.where(v >= 0.0, v, alpha * v),
    "ThresholdedRelu": lambda v, alpha: cv.where(v >= alpha, v, 0.0),
    "ScaledTanh": lambda v, alpha, beta: alpha * cv.tanh(_scale(v, beta)),
    "HardSigmoid": lambda v, alpha, beta: cv.clip(alpha * v + beta, 0.0, 1.0),
    # exp of what is not positive: where(v >= 0, …) alone would overflow on the side that is not chosen
    "Elu": lambda v, alpha: cv.where(v >= 0.0, v, alpha * (cv.exp(cv.minimum(v, 0.0)) - 1.0)),
    "Softsign": lambda v: v / (1.0 + cv.abs(v)),
    "Softplus": cv.softplus,
}
ACTIVATIONS = tuple(_EQUATIONS)


def _scale(v: Value, factor: float) -> Value:
    return v if factor == 1.0 else factor * v


def _shift(v: Value, amount: float) -> Value:
    return v if amount == 0.0 else v + amount
