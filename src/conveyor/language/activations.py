"""Activations by the names that Keras and ONNX give them, for cells whose activations are options."""

from __future__ import annotations

from collections.abc import Callable

from conveyor.language import functions as cv
from conveyor.language.tracer import Value, active

Activation = Callable[[Value], Value]


def _hard_sigmoid(slope: float) -> Activation:
    return lambda v: cv.clip(slope * v + 0.5, 0.0, 1.0)


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
    "leaky_relu": lambda v: cv.where(v > 0.0, v, 0.01 * v),
    # ONNX and Keras 2: 0.2·v + 0.5; Keras 3: v/6 + 0.5 (and torch.nn.Hardsigmoid).
    "hard_sigmoid": _hard_sigmoid(0.2),
    "hard_sigmoid_6": _hard_sigmoid(1.0 / 6.0),
}


def activation(name: str) -> Activation:
    """The activation of this name.

    Args:
        name: `sigmoid`, `tanh`, `relu`, `linear`, `softplus`, `exponential`, `softsign`, `silu`, `elu`, `leaky_relu`
            (slope 0.01), `hard_sigmoid` (slope 0.2: ONNX, Keras 2) or `hard_sigmoid_6` (slope 1/6: Keras 3, torch).

    Returns:
        A function from a traced value to a traced value.

    Raises:
        CellError: No activation has that name.
    """
    if name not in _ACTIVATIONS:
        active().fail(f"unknown activation {name!r}; known are {', '.join(_ACTIVATIONS)}")
    return _ACTIVATIONS[name]
