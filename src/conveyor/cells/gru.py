"""Gated recurrent units: r is the reset gate, z the update gate, n the new content."""

import conveyor.frontend as cv
from conveyor.errors import ArgumentError


def _new(update):
    """Tell whether z weighs the new content; by default it weighs the old state."""
    if update not in ("old", "new"):
        raise ArgumentError(f"update is 'old' or 'new', what the gate z weighs, got {update!r}")
    return update == "new"


@cv.cell
def gru(x, h, *, gate_activation="sigmoid", candidate_activation="tanh", update="old"):
    """Gated recurrent unit in torch's and cuDNN's form: the reset gate acts after the recurrent product.

    Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder", eqs. 5-8, with r applied to R_n·h and
    two biases for n, as in version 1 of Chung et al. 2014's code and torch.nn.GRU. The activations are options, as in
    Keras and ONNX, and so is what z weighs: `update="new"` is Chung et al. 2014's h = (1 − z)·h + z·n, eq. 5.
    """
    gate = cv.activation(gate_activation)
    r = gate(cv.affine("r", x, h))
    z = gate(cv.affine("z", x, h))
    n = cv.activation(candidate_activation)(cv.affine("n", x) + r * cv.affine("n", h))
    h = (1 - z) * h + z * n if _new(update) else (1 - z) * n + z * h
    return h


@cv.cell
def gru_reset_before(x, h, *, gate_activation="sigmoid", candidate_activation="tanh", update="old"):
    """Gated recurrent unit as published: the reset gate acts on h, before the recurrent product.

    Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder", eqs. 5-8, to which biases
    are added; z keeps the old state. The activations are options, as in Keras and ONNX, and so is what z weighs:
    `update="new"` is h = (1 − z)·h + z·n, as in Chung et al. 2014, eq. 5.
    """
    gate = cv.activation(gate_activation)
    r = gate(cv.affine("r", x, h))
    z = gate(cv.affine("z", x, h))
    n = cv.activation(candidate_activation)(cv.affine("n", x, r * h))
    h = (1 - z) * h + z * n if _new(update) else z * h + (1 - z) * n
    return h


@cv.cell
def gru_d(x, h, x_last, *, mask, delta):
    """Gated recurrent unit for series with missing values: the input and the state decay with the time since.

    Che et al. 2018, "Recurrent Neural Networks for Multivariate Time Series with Missing Values", eqs. 3-10. `mask` is
    1 where a value of x was observed, `delta` the time since that variable was last observed; both have x's width.
    `x_last` carries each variable's last observation, and the weight `x_mean` is what it decays to. In the paper that
    is the empirical mean and fixed: copy it in and freeze it (`layer.x_mean_l0.requires_grad_(False)`) for the same.
    """
    decay_x = cv.exp(-cv.relu(cv.weight("decay_x") * delta + cv.weight("decay_x_bias")))
    decay_h = cv.exp(-cv.relu(cv.affine("decay_h", delta)))
    x_mean = cv.weight("x_mean")
    x_last = cv.where(mask > 0, x, x_last)
    x_hat = cv.where(mask > 0, x, decay_x * x_last + (1 - decay_x) * x_mean)
    h = decay_h * h
    r = cv.sigmoid(cv.affine("r", x_hat, h, mask))
    z = cv.sigmoid(cv.affine("z", x_hat, h, mask))
    n = cv.tanh(cv.affine("n", x_hat, r * h, mask))
    h = (1 - z) * h + z * n
    return h, x_last
