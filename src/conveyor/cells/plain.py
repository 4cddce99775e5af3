"""Recurrent cells without gates."""

import conveyor.frontend as cv


@cv.cell
def rnn(x, h, *, nonlinearity="tanh"):
    """The plain recurrent network.

    Elman 1990, "Finding Structure in Time"; with `nonlinearity="relu"` as in Le, Jaitly & Hinton 2015, "A Simple Way to
    Initialize Recurrent Networks of Rectified Linear Units".
    """
    h = cv.activation(nonlinearity)(cv.affine("h", x, h))
    return h


@cv.cell
def indrnn(x, h):
    """Independently recurrent network: each unit sees only its own past.

    Li et al. 2018, "Independently Recurrent Neural Network (IndRNN)", eq. 2, with ReLU.
    """
    h = cv.relu(cv.affine("h", x) + cv.weight("u") * h)
    return h
