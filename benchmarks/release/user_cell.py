"""A cell that a user might write: nothing like it is built in."""

from __future__ import annotations

import conveyor as cv
from conveyor.frontend import CellDefinition


def define() -> CellDefinition:
    """An LSTM whose new content is weighed against the old by a third gate, and whose output gate sees the memory."""

    @cv.cell
    def weighed_lstm(x, h, c):  # type: ignore[no-untyped-def]
        i = cv.sigmoid(cv.affine("i", x, h))
        f = cv.sigmoid(cv.affine("f", x, h))
        k = cv.sigmoid(cv.affine("k", x, h))
        g = cv.tanh(cv.affine("g", x, h))
        o = cv.sigmoid(cv.affine("o", x, h))
        c = f * c + (1 - k) * i * g
        h = o * cv.tanh(c + cv.weight("p") * h) + 0.1 * k * h
        return h, c

    assert isinstance(weighed_lstm, CellDefinition)
    return weighed_lstm
