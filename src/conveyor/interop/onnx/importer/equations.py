"""The cell of a recurrent node: the operators' equations in the language, with the node's attributes filled in.

The equations are written out in `conveyor.operators.recognise`. Their gates i, o, f, c and z, r, h are called i, o,
f, g and z, r, n here, as in the built-in cells.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import conveyor.frontend as cv
from conveyor.cells import cells
from conveyor.frontend import CellDefinition
from conveyor.frontend.tracer import Value
from conveyor.interop.onnx.importer.attributes import Attributes
from conveyor.operators.activations import Activation

# The operators' gates by the names of the cells' affine maps.
MAPS = {"LSTM": dict(zip("iofc", "iofg", strict=True)), "GRU": dict(zip("zrh", "zrn", strict=True)), "RNN": {"h": "h"}}


def cell_of(attributes: Attributes, peepholes: bool) -> CellDefinition:
    """Return the cell that a node computes; a built-in one if its equations are the same."""
    make = {"LSTM": _lstm, "GRU": _gru, "RNN": _rnn}[attributes.operator]
    made = make(attributes, peepholes)
    same = (cell for cell in cells.values() if cell.program == made.program)
    return next(same, made)


def _applied(activation: Activation, clip: float | None) -> Callable[[Value], Value]:
    return lambda v: activation.apply(v if clip is None else cv.clip(v, -clip, clip))


def _lstm(attributes: Attributes, peepholes: bool) -> CellDefinition:
    gate, candidate = (_applied(a, attributes.clip) for a in attributes.activations[:2])
    # The specification would have the memory clipped too before it is shown; onnxruntime does not, and its numbers are
    # those that users of such a model have seen.
    shown = attributes.activations[2].apply

    def seen(name: str, x: Value, h: Value, c: Value) -> Any:
        value = cv.affine(name, x, h)
        return gate(value + cv.weight(f"p_{name}") * c if peepholes else value)

    def onnx_lstm(x: Any, h: Any, c: Any) -> Any:
        i = seen("i", x, h, c)
        f = 1 - i if attributes.coupled else seen("f", x, h, c)
        g = candidate(cv.affine("g", x, h))
        c = f * c + i * g
        o = seen("o", x, h, c)
        h = o * shown(c)
        return h, c

    return CellDefinition(onnx_lstm)


def _gru(attributes: Attributes, peepholes: bool) -> CellDefinition:
    gate, candidate = (_applied(a, attributes.clip) for a in attributes.activations)

    def onnx_gru(x: Any, h: Any) -> Any:
        r = gate(cv.affine("r", x, h))
        z = gate(cv.affine("z", x, h))
        if attributes.after_reset:
            n = candidate(cv.affine("n", x) + r * cv.affine("n", h))
        else:
            n = candidate(cv.affine("n", x, r * h))
        h = z * h + (1 - z) * n
        return h

    return CellDefinition(onnx_gru)


def _rnn(attributes: Attributes, peepholes: bool) -> CellDefinition:
    activation = _applied(attributes.activations[0], attributes.clip)

    def onnx_rnn(x: Any, h: Any) -> Any:
        h = activation(cv.affine("h", x, h))
        return h

    return CellDefinition(onnx_rnn)
