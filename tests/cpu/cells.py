"""Cells that meet what is easily got wrong in a compiled loop; together they use every operation of the language."""

from __future__ import annotations

import conveyor as cv
from support import Case


@cv.cell
def memory_of_conditions(x, h, c):
    """Conditions of one stage that are read in later ones, where they come back from memory."""
    a = cv.affine("a", x, h)
    high, low = a > 0.5, a <= -0.5
    near = ~(high | low)
    b = cv.affine("b", cv.where(high, a, 0.3 * c), bias=False)
    level = cv.max(cv.where(near, b, -1.0))
    few = cv.mean(cv.where(near & (b < 0.2), 1.0, 0.0)) < level
    c = cv.where(high & ~few, cv.tanh(b), cv.where(near, c * 0.5 + level, b * 0.1))
    h = cv.where(few, cv.sin(c), cv.tanh(c + a)) + cv.where(c >= b, 0.1, -0.1)
    return h, c


@cv.cell
def ties_of_two(x, h):
    """Largest and smallest of equal numbers, in vectors and between units."""
    a = cv.clip(cv.affine("a", x, h), -0.4, 0.4)
    b = cv.clip(cv.affine("b", x), -0.4, 0.4)
    top = cv.max(cv.minimum(a, b))
    h = cv.maximum(a, b) * 0.5 + cv.minimum(a, cv.weight("w")) + top + cv.relu(b - b) + cv.abs(a - a)
    return h


@cv.cell
def reductions_in_sequence(x, h, c):
    """Each reduction needs the one before it, within a step and from the step before."""
    a = cv.affine("a", x, h)
    centred = a - cv.mean(a)
    spread = cv.sqrt(cv.mean(cv.square(centred)) + 0.1)
    unit = centred / spread
    peak = cv.max(cv.abs(unit))
    share = cv.exp(unit - peak)
    share = share / cv.sum(share)
    c = 0.5 * c + share * peak
    h = cv.layer_norm("n", c + unit) * cv.sigmoid(cv.affine("o", share, bias=False))
    return h, c


@cv.cell
def products_in_sequence(x, h, c):
    """A product of a product of a product, and one matrix for two operands' roles."""
    a = cv.tanh(cv.affine("a", x, h))
    b = cv.softplus(cv.affine("b", a * h))
    d = cv.cos(cv.affine("d", b + c, bias=False))
    c = cv.log(1.2 + cv.square(d)) - cv.log1p(cv.square(cv.affine("d", b + c)))
    h = cv.affine("e", a * cv.sigmoid(d) + cv.affine("b", a * h, bias=False))
    h = cv.tanh(h)
    return h, c


@cv.cell
def wide_and_narrow(x, h, m):
    """Four widths: the units, a wider memory, a narrower code, and numbers a row."""
    code = cv.tanh(cv.affine("code", x, h, size="K"))
    gate = cv.sigmoid(cv.affine("gate", code, size=1))
    new = cv.affine("new", code, m, size="proj")
    m = gate * m + (1 - gate) * cv.tanh(new) * cv.exp(-cv.square(cv.affine("rate", h, size=1)))
    h = cv.tanh(cv.affine("out", m, code)) * gate
    return h, m


@cv.cell
def given_twice(x, h, *, gap, gate):
    """Auxiliary inputs element by element, through a matrix, in a reduction, and one that is no number of units."""
    decay = cv.exp(-cv.softplus(cv.affine("gap", gap)))
    u = cv.affine("u", x, h, gate)
    h = decay * h * gate + (1 - decay) * cv.tanh(u) + 0.1 * cv.max(gate)
    return h


@cv.cell
def counts(x, h, k, s):
    """A state that is one number a row, one that a reduction alone makes, and products with both."""
    g = cv.sigmoid(cv.affine("g", x, h, size=1, bias=False))
    k = 0.9 * k + g
    a = cv.affine("a", x, k) + cv.affine("b", h) / (1.0 + cv.abs(k))
    h = cv.tanh(a + s)
    s = cv.sum(h * h) / (1.0 + cv.sum(cv.abs(h)))
    return h, k, s


@cv.cell
def unchanged(x, h, c, e):
    """A state that is handed on as it is, and one that another state becomes."""
    new = cv.tanh(cv.affine("a", x, h) + c)
    return new, c, h


@cv.cell
def raw(x, h, last):
    """A state that is the input as it came."""
    h = cv.tanh(cv.affine("a", x - last, h) + cv.affine("b", last, bias=False))
    return h, x


@cv.cell
def twins(x, h, c, d):
    """Two states that are one value, and a third that is a product and nothing else."""
    new = cv.tanh(cv.affine("a", x, h) + cv.affine("a2", c - d, bias=False))
    p = cv.affine("p", new, bias=False)
    return new, new, p


@cv.cell
def cut(x, h, c, unread):
    """A state that no gradient reaches, one that nothing reads, a weight that is only read without gradient."""
    a = cv.affine("a", x) + cv.detach(cv.affine("r", h)) * cv.detach(cv.weight("w"))
    c = cv.detach(0.5 * c + cv.tanh(a))
    h = cv.tanh(a + c)
    return h, c, cv.sigmoid(a)


@cv.cell
def blind(x, h):
    """The input is not read."""
    h = cv.sin(cv.affine("r", h))
    return h


@cv.cell
def timeless(x, h):
    """No state is read: there is nothing to carry."""
    h = cv.tanh(cv.affine("a", x)) * cv.softplus(cv.affine("b", x))
    return h


@cv.cell
def prepared(x, h):
    """Pointwise work and reductions on the input before a product, all of which leaves the loop."""
    u = cv.layer_norm("n", x)
    h = cv.tanh(cv.affine("a", u, h) + cv.affine("b", cv.tanh(x) * cv.max(x)) + cv.mean(x))
    return h


@cv.cell
def leaky_blocks(x, h, c):
    """Block-diagonal matrices of the input's gates and of a computed value; a full one of the same operand."""
    v = cv.tanh(cv.affine("v", x, h))
    a = cv.affine("a", v, blocks=2) * cv.affine("b", v)
    c = cv.sigmoid(a) * c + cv.affine("c", c, blocks=2, bias=False) * cv.where(a != 0.0, 1.0, 0.0)
    h = cv.where(c == 0.0, v, cv.tanh(c))
    return h, c


@cv.cell
def corners(x, a, b, large, small, clipped, flat, size, low, same, root, top, total):
    """Operations on two states unit by unit, so that each meets every pair of special numbers."""
    low = cv.where(a < b, 1.0, 0.0) + cv.where(a >= b, 2.0, 0.0)
    same = cv.where(a == b, 1.0, 0.0) + cv.where(a != b, 2.0, 0.0) + cv.where(~(a <= b) | (b > a), 4.0, 0.0)
    flat = cv.relu(a) + cv.square(b)
    top, total = cv.max(a), cv.sum(a)
    clipped = cv.clip(a, -1.5, 0.5)
    kept = cv.where(cv.affine("zero", x, bias=False) == 0.0, a, 7.0)  # gives the states the hidden size
    return kept, b, cv.maximum(a, b), cv.minimum(a, b), clipped, flat, cv.abs(a), low, same, cv.sqrt(a), top, total


def _scaled(multiple: int, *cells: cv.CellDefinition) -> list[Case]:
    return [Case(c.name, c, multiple=multiple) for c in cells]


CELLS = [
    *_scaled(1, memory_of_conditions, ties_of_two, reductions_in_sequence, products_in_sequence, given_twice),
    *_scaled(1, wide_and_narrow, counts, unchanged, raw, twins, cut, blind, timeless, prepared),
    *_scaled(2, leaky_blocks),
]
