"""Reads a polynomial as a gate's pre-activation: matrices times operands, weights and biases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from conveyor.ir.canonical.polynomials import Forms, Polynomial
from conveyor.ir.types import Bias, Matrix, Vector

Key = tuple[str, str]  # of a parameter: the op that reads it, and its name


@dataclass(frozen=True)
class Term:
    """A summand: number · parameters, unit by unit · (matrix · operand, or an operand unit by unit, or 1).

    Attributes:
        number: The number.
        factors: The parameters, each one number per unit.
        operand: The operand's name; empty for a bias.
        matrix: The matrix that the operand is multiplied by, or None.
    """

    number: float
    factors: tuple[Key, ...]
    operand: str = ""
    matrix: Key | None = None


@dataclass(frozen=True)
class Linear:
    """A sum of terms."""

    terms: tuple[Term, ...] = ()

    def negated(self) -> Linear:
        """Return the negated sum."""
        return Linear(tuple(replace(t, number=-t.number) for t in self.terms))

    def reading(self, operand: str) -> tuple[Term, ...]:
        """Return the terms that read this operand; those of the empty one are biases."""
        return tuple(t for t in self.terms if t.operand == operand)


def read_linear(
    forms: Forms,
    value: Polynomial,
    width: str,
    multiplied: Mapping[Polynomial, str],
    elementwise: Mapping[int, str] | None = None,
) -> Linear | None:
    """Read a value as a linear form; None if it is not one.

    Args:
        forms: The polynomials of the program.
        value: The value.
        width: The width of the result.
        multiplied: The operands that matrices may multiply, with the names that terms give them.
        elementwise: Atoms that may be multiplied elementwise (peepholes), with the names that terms give them.
    """
    terms = []
    for monomial, number in sorted(value.terms):
        factors: list[Key] = []
        operands: list[tuple[str, Key | None]] = []
        for atom in monomial:
            op, attr, *args = forms.said(atom)
            if op in ("bias", "vector"):
                param = forms.program.param[op, attr]
                if not isinstance(param, Bias | Vector) or param.width != width:
                    return None
                factors.append((op, attr))
            elif op == "product":
                matrix = forms.program.param[op, attr]
                plain = isinstance(matrix, Matrix) and matrix.rows == width and matrix.blocks == 1
                if not plain or args[0] not in multiplied:
                    return None
                operands.append((multiplied[args[0]], (op, attr)))
            elif atom in (elementwise or {}):
                operands.append(((elementwise or {})[atom], None))
            else:
                return None
        if len(operands) > 1:
            return None
        operand, key = operands[0] if operands else ("", None)
        terms.append(Term(number, tuple(factors), operand, key))
    return Linear(tuple(terms))
