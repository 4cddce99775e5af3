"""Activations by their names in Keras and ONNX, for cells whose activations are options."""

from __future__ import annotations

from collections.abc import Callable

from conveyor.frontend import functions as cv
from conveyor.frontend.tracer import Value, active

Activation = Callable[[Value], Value]


def _hard_sigmoid(slope: float) -> Activation:
    return lambda v: cv.clip(slope * v + 0.5, 0.0, 1.0)


def _leaky_relu(slope: float) -> Activation:
    return lambda v: cv.where(v > 0.0, v, slope * v)


def _softmax(v: Value) -> Value:
    weights = cv.exp(v - cv.max(v))
    shares: Value = weights / cv.sum(weights)
    return shares


def _shrunk(v: Value) -> Value:
    return cv.where(v > 0.5, v - 0.5, cv.where(v < -0.5, v + 0.5, 0.0))


# Klambauer et al. 2017, "Self-Normalizing Neural Networks": the fixed point's numbers.
_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772

_ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": cv.sigmoid,
    "tanh": cv.tanh,
    "relu": cv.relu,
    "linear": lambda v: v,
    "softplus": cv.softplus,
    "exponential": cv.exp,
    "softsign": lambda v: v / (1.0 + cv.abs(v)),
    "silu": lambda v: v * cv.sigmoid(v),
    "elu": lambda v: cv.where(v > 0.0, v, cv.exp(cv.minimum(v, 0.0)) - 1.0),
    # torch and ONNX: 0.01·v below zero; Keras: 0.2·v.
    "leaky_relu": _leaky_relu(0.01),
    "leaky_relu_0.2": _leaky_relu(0.2),
    # ONNX and Keras 2: 0.2·v + 0.5; Keras 3: v/6 + 0.5 (and torch.nn.Hardsigmoid).
    "hard_sigmoid": _hard_sigmoid(0.2),
    "hard_sigmoid_6": _hard_sigmoid(1.0 / 6.0),
    "sparse_sigmoid": _hard_sigmoid(0.5),
    "relu6": lambda v: cv.clip(v, 0.0, 6.0),
    "selu": lambda v: _SELU_SCALE * cv.where(v > 0.0, v, _SELU_ALPHA * (cv.exp(cv.minimum(v, 0.0)) - 1.0)),
    "mish": lambda v: v * cv.tanh(cv.softplus(v)),
    "hard_silu": lambda v: v * cv.clip(v * (1.0 / 6.0) + 0.5, 0.0, 1.0),
    "hard_tanh": lambda v: cv.clip(v, -1.0, 1.0),
    "hard_shrink": lambda v: cv.where(cv.abs(v) > 0.5, v, 0.0),
    "soft_shrink": _shrunk,
    "tanh_shrink": lambda v: v - cv.tanh(v),
    "log_sigmoid": lambda v: -cv.softplus(-v),
    "squareplus": lambda v: 0.5 * (v + cv.sqrt(cv.square(v) + 4.0)),
    "sparse_plus": lambda v: cv.where(v < 1.0, 0.25 * cv.square(cv.maximum(v + 1.0, 0.0)), v),
    # Over the units, where the others go unit by unit.
    "softmax": _softmax,
}

NAMES = tuple(_ACTIVATIONS)


def activation(name: str) -> Activation:
    """Return the activation of this name.

    Args:
        name: `sigmoid`, `tanh`, `relu`, `linear`, `softplus`, `exponential`, `softsign`, `silu`, `elu`, `leaky_relu`
            (slope 0.01), `leaky_relu_0.2` (Keras's slope), `hard_sigmoid` (slope 0.2: ONNX, Keras 2), `hard_sigmoid_6`
            (slope 1/6: Keras 3, torch), or as Keras 3 has them: `sparse_sigmoid`, `relu6`, `selu`, `mish`, `hard_silu`,
            `hard_tanh`, `hard_shrink`, `soft_shrink`, `tanh_shrink`, `log_sigmoid`, `squareplus`, `sparse_plus`,
            `softmax`.

    Returns:
        A function from a traced value to a traced value.

    Raises:
        CellError: No activation has that name.
    """
    if name not in _ACTIVATIONS:
        active().fail(f"unknown activation {name!r}; known are {', '.join(_ACTIVATIONS)}")
    return _ACTIVATIONS[name]
