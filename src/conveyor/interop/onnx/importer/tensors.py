"""The tensors that a recurrent node reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from conveyor.errors import ConversionError
from conveyor.interop.onnx.exporter.graph import Array
from conveyor.interop.onnx.importer.attributes import GATES, STATES, Attributes
from conveyor.interop.onnx.importer.nodes import Node, NotConstant
from conveyor.interop.onnx.importer.quantised import lstm_weight

_DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}
# Places of the inputs.
_W, _R, _B, _LENGTHS, _STATES, _P = 1, 2, 3, 4, (5, 6), 7
_QUANTISED = {_W: (8, 9), _R: (10, 11)}  # of DynamicQuantizeLSTM: where scale and zero point of a weight are


@dataclass(frozen=True)
class Tensors:
    """The tensors of a node beside its input.

    Attributes:
        w: (directions, gates x H, I).
        r: (directions, gates x H, H).
        b: (directions, 2 x gates x H), or None.
        p: (directions, 3 x H), or None.
        dtype: Their dtype.
        learned: The initial states that are the same for every row, (directions, H) each, by the state's name.
        initial: For each state the source of its initial value, or the value if rows differ.
        lengths: The rows' lengths, the source of them, or None.
    """

    w: Array
    r: Array
    b: Array | None
    p: Array | None
    dtype: torch.dtype
    learned: Mapping[str, Array]
    initial: Mapping[str, str | Array]
    lengths: str | Array | None


def read_tensors(node: Node, attributes: Attributes) -> Tensors:
    """Read the tensors of a node.

    Raises:
        ConversionError: A weight is computed when the model runs, or has another shape than the specification says.
    """
    w, r = _weight(node, _W, "W"), _weight(node, _R, "R")
    if w is None or r is None:
        raise ConversionError("it has no W or no R, which every recurrent node has")
    gates = len(GATES[attributes.operator])
    directions = 2 if attributes.direction == "bidirectional" else 1
    width = r.shape[-1] if r.ndim == 3 else 0
    stated = node.attribute("hidden_size", int, width)
    if stated != width:
        raise ConversionError(f"hidden_size is {stated}, but R has {width} columns")
    b = _weight(node, _B, "B")
    p = _weight(node, _P, "P") if attributes.operator == "LSTM" else None
    rows = gates * width
    _check("W", w, (directions, rows, w.shape[-1] if w.ndim == 3 else -1))
    _check("R", r, (directions, rows, width))
    _check("B", b, (directions, 2 * rows))
    _check("P", p, (directions, 3 * width))
    dtypes = {str(t.dtype) for t in (w, r, b, p) if t is not None}
    if len(dtypes) != 1 or not dtypes <= _DTYPES.keys():
        raise ConversionError(f"its weights are {', '.join(sorted(dtypes))}; expected one of {', '.join(_DTYPES)}")
    initial, learned = _initial(node, attributes, (directions, width))
    return Tensors(w, r, b, p, _DTYPES[dtypes.pop()], learned, initial, _lengths(node))


def _weight(node: Node, place: int, name: str) -> Array | None:
    given = node.input(place)
    if not given:
        return None
    try:
        value = node.scope.constant(given)
        return _dequantised(node, place, value) if node.is_quantised and place in _QUANTISED else value
    except NotConstant as error:
        raise ConversionError(f"its {name}, '{given}', {error}; only weights that are stored can be read") from None


def _dequantised(node: Node, place: int, value: Array) -> Array:
    scale, zero = (node.input(p) for p in _QUANTISED[place])
    if not scale:
        raise ConversionError("it has quantised weights without a scale")
    return lstm_weight(value, node.scope.constant(scale), node.scope.constant(zero) if zero else None)


def _check(name: str, tensor: Array | None, shape: tuple[int, ...]) -> None:
    if tensor is not None and tensor.shape != shape:
        raise ConversionError(f"{name} has shape {tensor.shape}, expected {shape}")


def _initial(
    node: Node, attributes: Attributes, shape: tuple[int, int]
) -> tuple[dict[str, str | Array], dict[str, Array]]:
    """Return the sources of the initial states, and those that a layer can learn: the same for all rows."""
    states = STATES[attributes.operator]
    initial: dict[str, str | Array] = {}
    found: dict[str, Array] = {}
    for state, place in zip(states, _STATES, strict=False):
        given = node.input(place)
        try:
            value = node.scope.constant(given, of_shapes=True) if given else np.zeros((shape[0], 1, shape[1]))
        except NotConstant as error:
            initial[state] = _from(error)
            continue
        if given and attributes.batch_first:
            value = value.swapaxes(0, 1)
        if value.ndim != 3 or (value.shape[0], value.shape[2]) != shape:
            raise ConversionError(f"the initial {state} has shape {value.shape}, expected {shape[0]}, rows, {shape[1]}")
        if (value == value[:, :1]).all():
            found[state] = value[:, 0] if value.shape[1] else np.zeros(shape)
            initial[state] = "the layer's own" if found[state].any() else "zeros"
        else:
            initial[state] = np.array(value)
    own = all(s in found for s in states) and any(v.any() for v in found.values())
    if not own:
        # A layer learns all of its initial states or none, so these are handed out instead.
        initial |= {s: np.array(v)[:, None] for s, v in found.items() if v.any()}
    return initial, found if own else {}


def _lengths(node: Node) -> str | Array | None:
    given = node.input(_LENGTHS)
    if not given:
        return None
    try:
        return np.array(node.scope.constant(given))
    except NotConstant as error:
        return _from(error)


def _from(error: NotConstant) -> str:
    return f"from {', '.join(error.sources)}" if error.sources else str(error)
