"""Cells that do with fewer gates."""

import conveyor.frontend as cv


@cv.cell
def mgu(x, h):
    """Minimal gated unit: one gate forgets, resets and updates.

    Zhou et al. 2016, "Minimal Gated Unit for Recurrent Neural Networks", eqs. 6a-6c.
    """
    f = cv.sigmoid(cv.affine("f", x, h))
    n = cv.tanh(cv.affine("n", x, f * h))
    h = (1 - f) * h + f * n
    return h


@cv.cell
def janet(x, h, c, *, beta=1.0):
    """Just another network: an LSTM with nothing but the forget gate.

    van der Westhuizen & Lasenby 2018, "The unreasonable effectiveness of the forget gate", eqs. 7-10. The new
    content is admitted by 1 − σ(s − β), s being the forget gate's pre-activation, so that β > 0 lets memory accumulate.
    """
    s = cv.affine("f", x, h)
    g = cv.tanh(cv.affine("g", x, h))
    c = cv.sigmoid(s) * c + (1 - cv.sigmoid(s - beta)) * g
    h = c
    return h, c


@cv.cell
def ugrnn(x, h):
    """Update gate network: a plain network with one gate that keeps the state.

    Collins, Sohl-Dickstein & Sussillo 2017, "Capacity and Trainability in Recurrent Neural Networks", eqs. 6-8.
    """
    n = cv.tanh(cv.affine("n", x, h))
    z = cv.sigmoid(cv.affine("z", x, h))
    h = z * h + (1 - z) * n
    return h


@cv.cell
def min_gru(x, h):
    """GRU whose gates see only the input, so that the state's update is affine in it.

    Feng et al. 2024, "Were RNNs All We Needed?", sec. 3.1.
    """
    z = cv.sigmoid(cv.affine("z", x))
    n = cv.affine("n", x)
    h = (1 - z) * h + z * n
    return h


@cv.cell
def min_lstm(x, h):
    """LSTM whose gates see only the input, with gates that add up to one.

    Feng et al. 2024, "Were RNNs All We Needed?", sec. 3.2, with the gates scaled to a sum of one, so that the state
    does not grow with the length.
    """
    f = cv.sigmoid(cv.affine("f", x))
    i = cv.sigmoid(cv.affine("i", x))
    n = cv.affine("n", x)
    total = f + i
    h = f / total * h + i / total * n
    return h
