"""The weights of ONNX's recurrent operators, from the parameters of a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Generic, Protocol, TypeVar

import numpy as np
from torch import nn

from conveyor.interop.onnx.exporter.graph import Array
from conveyor.ir.canonical.linear import Key, Linear, Term
from conveyor.layers.core.layer_direction import LayerDirection
from conveyor.operators.recognise import Operator

V = TypeVar("V")


@dataclass(frozen=True)
class Weights(Generic[V]):
    """One direction's W, R, B and P as the operator reads them; B or P is None where there is none.

    Attributes:
        w: (gates x H, I).
        r: (gates x H, H).
        b: (2 x gates x H,), the biases of the products with x, then of those with h.
        p: (3 x H,), in the order i, o, f.
    """

    w: V
    r: V
    b: V | None
    p: V | None


class Values(Protocol[V]):
    """Arithmetic on parameters, as arrays or as values of a graph."""

    def parts(self, key: Key) -> list[V]:
        """Return the tensors that add up to a parameter."""
        ...

    def total(self, found: Sequence[V], shape: tuple[int, ...]) -> V:
        """Return the sum; zeros of this shape for none."""
        ...

    def scaled(self, value: V, number: float, factors: Sequence[V]) -> V:
        """Multiply the rows of a matrix by a number and by factors of one number per row."""
        ...

    def vector(self, number: float, factors: Sequence[V], width: int) -> V:
        """Return the product of a number and factors, one number per row."""
        ...

    def stacked(self, parts: Sequence[V]) -> V:
        """Stack values along their first axis."""
        ...


def weights_of(operator: Operator, values: Values[V], input_size: int, width: int) -> Weights[V]:
    """Return the weights of one direction.

    Args:
        operator: The operator.
        values: The program's parameters.
        input_size: I.
        width: H.
    """
    read = _Read(values, width)
    gates = [*operator.gates]
    inner = operator.after_reset
    if inner is not None:
        gates[-1] = Linear((*gates[-1].terms, *inner.reading("h")))
    biases = [read.biases(gate) for gate in operator.gates]
    if inner is not None:
        biases[-1] = (read.sum(biases[-1]), read.sum(read.biases(inner)))
    has_bias = any(gate.reading("") for gate in (*operator.gates, inner or Linear()))
    return Weights(
        values.stacked([read.matrix(gate, "x", input_size) for gate in gates]),
        values.stacked([read.matrix(gate, "h", width) for gate in gates]),
        values.stacked([b for side in zip(*biases, strict=True) for b in side]) if has_bias else None,
        values.stacked([read.peephole(gate) for gate in operator.gates[:3]]) if operator.peepholes else None,
    )


@dataclass(frozen=True)
class _Read(Generic[V]):
    values: Values[V]
    width: int

    def matrix(self, gate: Linear, operand: str, columns: int) -> V:
        """Return the matrix that multiplies an operand."""
        found = [self._scaled(t, self._parameter(t.matrix)) for t in gate.reading(operand) if t.matrix is not None]
        return self.values.total(found, (self.width, columns))

    def peephole(self, gate: Linear) -> V:
        """Return the elementwise weight of the memory."""
        return self.sum([self._vector(t) for t in gate.reading("c")])

    def biases(self, gate: Linear) -> tuple[V, V]:
        """Return the bias of the product with x, and that of the product with h: separate for torch's two biases."""
        beside_x, beside_h = [], []
        for term in gate.reading(""):
            parts = self.values.parts(term.factors[0]) if len(term.factors) == 1 else []
            if len(parts) == 2:
                beside_x.append(self.values.scaled(parts[0], term.number, ()))
                beside_h.append(self.values.scaled(parts[1], term.number, ()))
            else:
                beside_x.append(self._vector(term))
        return self.sum(beside_x), self.sum(beside_h)

    def sum(self, found: Sequence[V]) -> V:
        """Return the sum of values of one number per row."""
        return self.values.total(found, (self.width,))

    def _scaled(self, term: Term, value: V) -> V:
        return self.values.scaled(value, term.number, [self._parameter(f) for f in term.factors])

    def _vector(self, term: Term) -> V:
        return self.values.vector(term.number, [self._parameter(f) for f in term.factors], self.width)

    def _parameter(self, key: Key) -> V:
        parts = self.values.parts(key)
        return parts[0] if len(parts) == 1 else self.values.total(parts, ())


@dataclass(frozen=True)
class Arrays:
    """The parameters of one direction of a layer, as arrays."""

    unit: LayerDirection
    module: nn.Module

    def parts(self, key: Key) -> list[Array]:
        """Return the rows of the layer's tensors."""
        return [t.detach().cpu().numpy() for t in self.unit.rows(self.module, key)]

    def total(self, found: Sequence[Array], shape: tuple[int, ...]) -> Array:
        """Return the sum; zeros of this shape for none."""
        return np.asarray(reduce(np.add, found)) if found else np.zeros(shape)

    def scaled(self, value: Array, number: float, factors: Sequence[Array]) -> Array:
        """Multiply the rows of a matrix."""
        return np.asarray((value.T * reduce(np.multiply, factors, np.asarray(number))).T)

    def vector(self, number: float, factors: Sequence[Array], width: int) -> Array:
        """Return the product of a number and factors."""
        return np.asarray(reduce(np.multiply, factors, np.full(width, number)))

    def stacked(self, parts: Sequence[Array]) -> Array:
        """Stack arrays along their first axis."""
        return np.concatenate(list(parts))
