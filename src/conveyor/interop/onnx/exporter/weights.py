"""The weights of ONNX's recurrent operators, from those of a layer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
from torch import nn

from conveyor.interop.onnx.exporter.graph import Array
from conveyor.ir.canonical.linear import Key, Linear, Term
from conveyor.layers.core.layer_direction import Unit
from conveyor.operators.recognise import Operator


@dataclass(frozen=True)
class Weights:
    """One direction's W, R, B and P as the operator reads them; B or P is None where there is none.

    Attributes:
        w: (gates x H, I).
        r: (gates x H, H).
        b: (2 x gates x H,), what is added to the products with x before what is added to those with h.
        p: (3 x H,), in the order i, o, f.
    """

    w: Array
    r: Array
    b: Array | None
    p: Array | None


def weights_of(operator: Operator, unit: Unit, module: nn.Module) -> Weights:
    """The weights of one direction of a layer."""
    read = _Read(unit, module, unit.widths[unit.program.states[0].width])
    gates = [*operator.gates]
    inner = operator.after_reset
    if inner is not None:
        gates[-1] = Linear((*gates[-1].terms, *inner.reading("h")))
    biases = [read.biases(gate) for gate in operator.gates]
    if inner is not None:
        biases[-1] = (np.add(*biases[-1]), np.add(*read.biases(inner)))
    has_bias = any(gate.reading("") for gate in (*operator.gates, inner or Linear()))
    return Weights(
        np.concatenate([read.matrix(gate, "x", unit.input_size) for gate in gates]),
        np.concatenate([read.matrix(gate, "h", read.width) for gate in gates]),
        np.concatenate([b for side in zip(*biases, strict=True) for b in side]) if has_bias else None,
        np.concatenate([read.peephole(gate) for gate in operator.gates[:3]]) if operator.peepholes else None,
    )


@dataclass(frozen=True)
class _Read:
    unit: Unit
    module: nn.Module
    width: int

    def matrix(self, gate: Linear, operand: str, columns: int) -> Array:
        """What the operand is multiplied by."""
        found = [self._scaled(t, self._parameter(t.matrix)) for t in gate.reading(operand) if t.matrix is not None]
        return _sum(found, (self.width, columns))

    def peephole(self, gate: Linear) -> Array:
        """What the memory is multiplied by, unit by unit."""
        return _sum([self._scaled(t, np.ones(self.width)) for t in gate.reading("c")], (self.width,))

    def biases(self, gate: Linear) -> tuple[Array, Array]:
        """What is added to the product with x, and to that with h: apart where the layer has torch's two biases."""
        beside_x, beside_h = [], []
        for term in gate.reading(""):
            parts = self._parts(term.factors[0]) if len(term.factors) == 1 else []
            if len(parts) == 2:
                beside_x.append(term.number * parts[0])
                beside_h.append(term.number * parts[1])
            else:
                beside_x.append(self._scaled(term, np.ones(self.width)))
        return _sum(beside_x, (self.width,)), _sum(beside_h, (self.width,))

    def _scaled(self, term: Term, value: Array) -> Array:
        factors = reduce(np.multiply, (self._parameter(f) for f in term.factors), np.asarray(term.number))
        return np.asarray((value.T * factors).T)

    def _parameter(self, key: Key) -> Array:
        return reduce(np.add, self._parts(key))

    def _parts(self, key: Key) -> list[Array]:
        return [t.detach().cpu().numpy() for t in self.unit.rows(self.module, key)]


def _sum(found: list[Array], shape: tuple[int, ...]) -> Array:
    return np.asarray(reduce(np.add, found, np.zeros(shape)))
