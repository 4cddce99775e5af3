"""The functions of the language. Each takes traced values (or Python numbers) and returns a traced value."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

from conveyor.frontend.tracer import Value, active
from conveyor.frontend.widths import Width
from conveyor.ir.types import HIDDEN, ROW, Call


def affine(name: str, *values: Value, size: str | int | None = None, bias: bool = True, blocks: int = 1) -> Value:
    """Compute W·x + R·h + … + b: a learned matrix for each value, and a learned bias.

    Args:
        name: Name of the map, say the gate's. A matrix belongs to (name, operand): using that pair again shares it.
            A bias belongs to each call.
        values: The operands: the input, states, auxiliary inputs, or values computed within the step.
        size: Name of the width of the result, given to the layer as `sizes={…}`; the hidden size without it, and one
            number a row with `size=1`.
        bias: Whether a bias is added.
        blocks: Number of diagonal blocks of each matrix; 1 is a full matrix.

    Returns:
        A vector of that width.

    Raises:
        CellError: No value, a value that is no vector, or a name that is used for something else.
    """
    tracer = active()
    if size is not None and not _names_a_width(size):
        tracer.fail(f"size is the name of a width such as 'proj', or 1, got {size!r}; its number is given to the layer")
    if not isinstance(blocks, int) or isinstance(blocks, bool) or blocks < 1:
        tracer.fail(f"blocks is a whole number from 1, got {blocks!r}")
    symbol = HIDDEN if size is None else ROW if size == 1 else str(size)
    tracer.claim(name, "affine", symbol)
    if not values:
        tracer.fail(f"affine '{name}' multiplies no value; write cv.affine('{name}', x, h)")
    rows = Width(symbol)
    labels: list[str] = []
    total: Any = None
    for value in values:
        operand = _vector(value, f"affine '{name}'")
        labels.append(tracer.label(name, operand))
        product = tracer.matrix(name, operand, rows, blocks)
        total = product if total is None else total + product
    result: Value = total + tracer.bias(name, rows, tuple(labels)) if bias else total
    return result


def weight(name: str) -> Value:
    """Return a learned vector, one number per unit; using the name again shares it."""
    tracer = active()
    tracer.claim(name, "weight")
    return tracer.vector(name, Width())


def layer_norm(name: str, v: Value, eps: float = 1e-5) -> Value:
    """Normalise over the units, with a learned gain and bias (Ba, Kiros & Hinton 2016, eq. 4).

    Args:
        name: Name of the gain and bias: `<name>_gain` (initially 1) and `<name>_bias` (initially 0).
        v: A vector.
        eps: Added to the variance.

    Returns:
        gain · (v − mean) / sqrt(variance + eps) + bias, the variance being the biased one.
    """
    tracer = active()
    value = _units(v, f"layer_norm '{name}'")
    # A gate and its normalisation usually share a name, so what is claimed are the names of the two parameters.
    tracer.claim(f"{name}_gain", "layer_norm", value.node)
    tracer.claim(f"{name}_bias", "layer_norm", value.node)
    centred = value - mean(value)
    normal = centred / sqrt(mean(square(centred)) + eps)
    gain = tracer.vector(f"{name}_gain", value.width, 1.0)
    result: Value = normal * gain + tracer.vector(f"{name}_bias", value.width, 0.0)
    tracer.calls[result.node] = Call("layer_norm", name, value.node)
    return result


def sum(v: Value) -> Value:
    """Sum over the units: one number per row."""
    return active().emit("sum", (v,))


def mean(v: Value) -> Value:
    """Average over the units: one number per row."""
    tracer = active()
    units = _units(v, "mean")
    result: Value = sum(units) / tracer.source("width", units.width, Width(ROW))
    tracer.calls[result.node] = Call("mean", "", v.node)
    return result


def max(v: Value) -> Value:
    """Return the maximum over the units: one number per row; tied units share the gradient."""
    return active().emit("max", (v,))


def sigmoid(v: Value | float) -> Value:
    """Compute 1 / (1 + exp(−v))."""
    return active().emit("sigmoid", (v,))


def tanh(v: Value | float) -> Value:
    """Compute the hyperbolic tangent."""
    return active().emit("tanh", (v,))


def relu(v: Value | float) -> Value:
    """Compute max(v, 0), with gradient 0 at 0."""
    return active().emit("relu", (v,))


def exp(v: Value | float) -> Value:
    """Compute the exponential."""
    return active().emit("exp", (v,))


def log(v: Value | float) -> Value:
    """Compute the natural logarithm."""
    return active().emit("log", (v,))


def log1p(v: Value | float) -> Value:
    """Compute log(1 + v), exact for small v."""
    return active().emit("log1p", (v,))


def softplus(v: Value | float) -> Value:
    """Compute log(1 + exp(v)), without overflow."""
    return active().emit("softplus", (v,))


def sin(v: Value | float) -> Value:
    """Compute the sine, of radians."""
    return active().emit("sin", (v,))


def cos(v: Value | float) -> Value:
    """Compute the cosine, of radians."""
    return active().emit("cos", (v,))


def sqrt(v: Value | float) -> Value:
    """Compute the square root."""
    return active().emit("sqrt", (v,))


def abs(v: Value | float) -> Value:
    """Compute the absolute value, with gradient 0 at 0."""
    return active().emit("abs", (v,))


def square(v: Value | float) -> Value:
    """Compute v · v."""
    return active().emit("square", (v,))


def clip(v: Value | float, low: float | None = None, high: float | None = None) -> Value:
    """Clip v to [low, high], Python numbers; the gradient passes inside and at the limits."""
    tracer = active()
    for name, limit in (("low", low), ("high", high)):
        if limit is not None and not isinstance(limit, Real):
            tracer.fail(f"{name} of clip is a Python number, got {type(limit).__name__}; use cv.maximum and cv.minimum")
    limits = (-math.inf if low is None else float(low), math.inf if high is None else float(high))
    if limits[0] > limits[1]:
        tracer.fail(f"clip to [{low}, {high}]: low lies above high")
    return tracer.emit("clip", (v,), limits)


def clip_gradient(v: Value, limit: float) -> Value:
    """Return the same value, whose gradient is clipped to [−limit, limit], elementwise.

    On a state it limits the gradient that a step passes back to the step before, at every step (Graves 2013,
    "Generating Sequences With Recurrent Neural Networks", sec. 2.1 clips gradients inside the network so), unlike
    `clip`, which limits the value.
    """
    tracer = active()
    if isinstance(limit, bool) or not isinstance(limit, Real) or not float(limit) > 0:
        tracer.fail(f"limit of clip_gradient is a positive Python number, got {limit!r}")
    return tracer.emit("clip_gradient", (v,), (-float(limit), float(limit)))


def maximum(a: Value | float, b: Value | float) -> Value:
    """Return the larger of two values, elementwise; a tie shares the gradient."""
    return active().emit("maximum", (a, b))


def minimum(a: Value | float, b: Value | float) -> Value:
    """Return the smaller of two values, elementwise; a tie shares the gradient."""
    return active().emit("minimum", (a, b))


def where(condition: Value, a: Value | float, b: Value | float) -> Value:
    """Select a where the condition holds, else b; a condition is a comparison such as `h > 0`, joined by & | ~."""
    return active().emit("where", (condition, a, b))


def detach(v: Value) -> Value:
    """Return the same value, through which no gradient flows."""
    return active().emit("detach", (v,))


def _vector(value: Any, what: str) -> Value:
    tracer = active()
    if not isinstance(value, Value):
        tracer.fail(f"{what} takes traced vectors, got {type(value).__name__}; plain numbers are added outside it")
    vector = tracer.operand(value, what)
    if vector.boolean:
        tracer.fail(f"{what} takes numbers, got a condition; turn it into numbers with cv.where(condition, 1, 0)")
    return vector


def _units(value: Any, what: str) -> Value:
    vector = _vector(value, what)
    if vector.width.is_row:
        active().fail(f"{what} goes over the units of a vector, got one number a row, which has none; leave it out")
    return vector


def _names_a_width(size: object) -> bool:
    return size.isidentifier() if isinstance(size, str) else type(size) is int and size == 1
