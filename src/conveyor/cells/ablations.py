"""The eight variants of Greff et al. 2017, "LSTM: A Search Space Odyssey".

Each leaves out or changes one thing of their vanilla LSTM, `lstm_peephole` (their sec. II). Their z is g
here, their y is h.
"""

import conveyor.frontend as cv


def _gate(name, x, h, c):
    return cv.sigmoid(cv.affine(name, x, h) + cv.weight(f"p_{name}") * c)


@cv.cell
def lstm_nig(x, h, c):
    """No input gate: i = 1 (Greff et al. 2017, NIG)."""
    f = _gate("f", x, h, c)
    g = cv.tanh(cv.affine("g", x, h))
    c = f * c + g
    o = _gate("o", x, h, c)
    h = o * cv.tanh(c)
    return h, c


@cv.cell
def lstm_nfg(x, h, c):
    """No forget gate: f = 1, as in Hochreiter & Schmidhuber 1997 (Greff et al. 2017, NFG)."""
    i = _gate("i", x, h, c)
    g = cv.tanh(cv.affine("g", x, h))
    c = c + i * g
    o = _gate("o", x, h, c)
    h = o * cv.tanh(c)
    return h, c


@cv.cell
def lstm_nog(x, h, c):
    """No output gate: o = 1 (Greff et al. 2017, NOG)."""
    i = _gate("i", x, h, c)
    f = _gate("f", x, h, c)
    g = cv.tanh(cv.affine("g", x, h))
    c = f * c + i * g
    h = cv.tanh(c)
    return h, c


@cv.cell
def lstm_niaf(x, h, c):
    """No input activation function: the candidate is linear (Greff et al. 2017, NIAF)."""
    i = _gate("i", x, h, c)
    f = _gate("f", x, h, c)
    g = cv.affine("g", x, h)
    c = f * c + i * g
    o = _gate("o", x, h, c)
    h = o * cv.tanh(c)
    return h, c


@cv.cell
def lstm_noaf(x, h, c):
    """No output activation function: the memory goes out as it is (Greff et al. 2017, NOAF)."""
    i = _gate("i", x, h, c)
    f = _gate("f", x, h, c)
    g = cv.tanh(cv.affine("g", x, h))
    c = f * c + i * g
    o = _gate("o", x, h, c)
    h = o * c
    return h, c


@cv.cell
def lstm_cifg(x, h, c):
    """Coupled input and forget gate: f = 1 − i (Greff et al. 2017, CIFG); `lstm_coupled` has no peepholes."""
    i = _gate("i", x, h, c)
    f = 1 - i
    g = cv.tanh(cv.affine("g", x, h))
    c = f * c + i * g
    o = _gate("o", x, h, c)
    h = o * cv.tanh(c)
    return h, c


@cv.cell
def lstm_np(x, h, c):
    """No peepholes: the gates don't see the memory, so that this is `lstm` (Greff et al. 2017, NP)."""
    i = cv.sigmoid(cv.affine("i", x, h))
    f = cv.sigmoid(cv.affine("f", x, h))
    g = cv.tanh(cv.affine("g", x, h))
    c = f * c + i * g
    o = cv.sigmoid(cv.affine("o", x, h))
    h = o * cv.tanh(c)
    return h, c


@cv.cell
def lstm_fgr(x, h, c, i, f, o):
    """Full gate recurrence: every gate sees all gates of the last step (Greff et al. 2017, FGR)."""
    i_last, f_last, o_last = i, f, o
    i = cv.sigmoid(cv.affine("i", x, h, i_last, f_last, o_last) + cv.weight("p_i") * c)
    f = cv.sigmoid(cv.affine("f", x, h, i_last, f_last, o_last) + cv.weight("p_f") * c)
    g = cv.tanh(cv.affine("g", x, h))
    c = f * c + i * g
    o = cv.sigmoid(cv.affine("o", x, h, i_last, f_last, o_last) + cv.weight("p_o") * c)
    h = o * cv.tanh(c)
    return h, c, i, f, o
