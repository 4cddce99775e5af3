"""The values of a program as polynomials, a canonical form of equations.

`f * c + i * g`, `i * g + c * f` and `g * i + f * c` are one polynomial in the atoms c, f, i and g; so are
`(1 - z) * n + z * h` and `n + z * (h - n)`. An atom is indivisible for arithmetic: an input of the
step, a parameter, a product with a matrix, or a function of polynomials.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from conveyor.ir.program import Program

Monomial = tuple[int, ...]  # the atoms that are multiplied, sorted

_MOST_TERMS = 64  # a product of sums may be of any size; what is longer stays one atom
_COMMUTATIVE = ("maximum", "minimum", "eq", "ne", "and", "or")


class _TooLong(Exception):
    pass


@dataclass(frozen=True)
class Polynomial:
    """A sum of products of atoms, each with its coefficient; equal ones are equal objects."""

    terms: frozenset[tuple[Monomial, float]]

    @classmethod
    def of(cls, terms: Mapping[Monomial, float]) -> Polynomial:
        """Make the sum of these terms."""
        return cls(frozenset((m, k) for m, k in terms.items() if k != 0.0))

    @classmethod
    def number(cls, value: float) -> Polynomial:
        """Make a constant."""
        return cls.of({(): value})

    @classmethod
    def atom(cls, atom: int) -> Polynomial:
        """Make the polynomial of one atom."""
        return cls.of({(atom,): 1.0})

    def __add__(self, other: Polynomial) -> Polynomial:
        total = dict(self.terms)
        for monomial, k in other.terms:
            total[monomial] = total.get(monomial, 0.0) + k
        return Polynomial.of(total)

    def __sub__(self, other: Polynomial) -> Polynomial:
        return self + other.scaled(-1.0)

    def __mul__(self, other: Polynomial) -> Polynomial:
        if len(self.terms) * len(other.terms) > _MOST_TERMS:
            raise _TooLong
        total: dict[Monomial, float] = {}
        for a, k in self.terms:
            for b, n in other.terms:
                monomial = tuple(sorted(a + b))
                total[monomial] = total.get(monomial, 0.0) + k * n
        return Polynomial.of(total)

    def scaled(self, factor: float) -> Polynomial:
        """Multiply each term by a number."""
        return Polynomial.of({m: k * factor for m, k in self.terms})

    def divided(self, divisor: float) -> Polynomial:
        """Divide each term by a number."""
        return Polynomial.of({m: k / divisor for m, k in self.terms})

    @property
    def constant(self) -> float:
        """The term without atoms."""
        return dict(self.terms).get((), 0.0)

    @property
    def content(self) -> float:
        """The coefficient shared by all terms but the constant; 1 if they differ."""
        found = {k for m, k in self.terms if m}
        return found.pop() if len(found) == 1 else 1.0

    @property
    def single(self) -> tuple[float, int] | None:
        """The coefficient and the atom, if it is one atom times a number."""
        if len(self.terms) != 1:
            return None
        ((monomial, k),) = self.terms
        return (k, monomial[0]) if len(monomial) == 1 else None

    @property
    def atoms(self) -> tuple[int, ...]:
        """The atoms in it, sorted."""
        return tuple(sorted({a for m, _ in self.terms for a in m}))

    def split(self, atom: int) -> tuple[Polynomial, Polynomial] | None:
        """Return (p, q) such that this is p + atom · q and neither has the atom; None if it occurs squared."""
        rest: dict[Monomial, float] = {}
        quotient: dict[Monomial, float] = {}
        for monomial, k in self.terms:
            if monomial.count(atom) > 1:
                return None
            if atom in monomial:
                quotient[tuple(a for a in monomial if a != atom)] = k
            else:
                rest[monomial] = k
        return Polynomial.of(rest), Polynomial.of(quotient)


ZERO = Polynomial.number(0.0)
ONE = Polynomial.number(1.0)


class Forms:
    """The polynomials of a program's values."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._atoms: dict[Hashable, int] = {}
        self._said: list[tuple[Any, ...]] = []
        self._known: dict[int, Polynomial] = {}
        self._renamed: dict[Polynomial, Polynomial] = {}

    def of(self, node: int) -> Polynomial:
        """Return the polynomial of a node."""
        for index in self.program.live([node]):
            if index not in self._known:
                found = self._form(index)
                self._known[index] = self._renamed.get(found, found)
        return self._known[node]

    def rename(self, value: Polynomial, name: str) -> int:
        """Make a value an atom in all polynomials from now on; returns the atom."""
        self._known.clear()
        atom = self.atom("value", name)
        self._renamed = {value: Polynomial.atom(atom)}
        return atom

    def atom(self, *said: Any) -> int:
        """Return the atom of this definition."""
        if said not in self._atoms:
            self._atoms[said] = len(self._said)
            self._said.append(said)
        return self._atoms[said]

    def said(self, atom: int) -> tuple[Any, ...]:
        """Give an atom's definition: (op, attribute, *operands)."""
        return self._said[atom]

    def _form(self, index: int) -> Polynomial:
        node = self.program.nodes[index]
        args = [self._known[a] for a in node.args]
        try:
            return self._arithmetic(node.op, node.attr, args)
        except _TooLong:
            return Polynomial.atom(self.atom("value", index))

    def _arithmetic(self, op: str, attr: Any, args: list[Polynomial]) -> Polynomial:
        if op == "const":
            return Polynomial.number(attr) if math.isfinite(attr) else self._function(op, repr(attr), ())
        if op == "add":
            return args[0] + args[1]
        if op == "sub":
            return args[0] - args[1]
        if op == "neg":
            return args[0].scaled(-1.0)
        if op == "mul":
            return args[0] * args[1]
        if op == "square":
            return args[0] * args[0]
        if op == "div":
            if args[1].terms and not args[1].atoms:
                return args[0].divided(args[1].constant)
            return args[0] * self._function("reciprocal", None, (args[1],))
        if op in ("detach", "clip_gradient"):
            return args[0]
        return self.apply(op, attr, *args)

    def apply(self, op: str, attr: Any, *given: Polynomial) -> Polynomial:
        """Return a function of values as a polynomial, in one canonical form."""
        args = list(given)
        if op in ("gt", "ge"):
            return self._function({"gt": "lt", "ge": "le"}[op], None, (args[1], args[0]))
        if op in _COMMUTATIVE:
            args.sort(key=self._place)
        if op == "maximum" and ZERO in args:
            return self._function("relu", None, (args[args.index(ZERO) - 1],))
        if op == "clip" and attr == (0.0, math.inf):
            return self._function("relu", None, args)
        if op == "clip" and attr == (-math.inf, math.inf):
            return args[0]
        return self._function(op, attr, args)

    def _function(self, op: str, attr: Any, args: Iterable[Polynomial]) -> Polynomial:
        return Polynomial.atom(self.atom(op, attr, *args))

    def _place(self, value: Polynomial) -> int:
        """Return the sort index of a polynomial, in an arbitrary but fixed order."""
        return self.atom("place", value)
