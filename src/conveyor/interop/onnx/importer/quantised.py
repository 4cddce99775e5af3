"""The dequantisation of weights: DequantizeLinear and onnxruntime's DynamicQuantizeLSTM.

onnx's reference evaluates DequantizeLinear from operator set 19 on, and quantisers write older sets. The equations are
those of the specification: (x − zero point)·scale, the two per tensor, per slice of an axis, or per block of one.
"""

from __future__ import annotations

import numpy as np

from conveyor.errors import ConversionError
from conveyor.interop.onnx.exporter.graph import Array

MICROSOFT = "com.microsoft"  # the domain of onnxruntime's own operators
QUANTISED_LSTM = "DynamicQuantizeLSTM"


def dequantise(x: Array, scale: Array, zero_point: Array | None, axis: int, block_size: int) -> Array:
    """Dequantise values, in the dtype of the scale.

    Args:
        x: Whole numbers, or 8-bit floats.
        scale: One number, one for each slice along `axis`, or one for each block of an axis.
        zero_point: Shaped as the scale; None for zeros.
        axis: The axis.
        block_size: The number of entries along the axis that share a scale, or 0.

    Raises:
        ConversionError: The shapes do not fit.
    """
    if zero_point is not None and zero_point.shape != scale.shape and zero_point.size > 1:
        raise ConversionError(f"its zero point has shape {zero_point.shape}, its scale {scale.shape}")
    zeros = np.zeros(1, np.float32) if zero_point is None else zero_point.astype(np.float32)
    wide = x.astype(np.float32) - _spread(zeros, x.shape, axis, block_size)
    return np.asarray(wide * _spread(scale.astype(np.float32), x.shape, axis, block_size), scale.dtype)


def _spread(value: Array, shape: tuple[int, ...], axis: int, block_size: int) -> Array:
    """Broadcast a scale or zero point to the shape of its values."""
    if value.size == 1:
        return value.reshape(())
    axis = axis + len(shape) if axis < 0 else axis
    if value.ndim == 1 and axis < len(shape) and value.shape[0] == shape[axis]:
        return value.reshape([-1 if k == axis else 1 for k in range(len(shape))])
    if block_size and value.ndim == len(shape) and axis < len(shape):
        spread = np.repeat(value, block_size, axis)[(slice(None),) * axis + (slice(0, shape[axis]),)]
        if spread.shape == shape:
            return spread
    raise ConversionError(f"its scale has shape {value.shape}, which does not fit {shape} along axis {axis}")


def lstm_weight(x: Array, scale: Array, zero_point: Array | None) -> Array:
    """Convert a weight of DynamicQuantizeLSTM to that of LSTM, (directions, 4 x H, columns).

    Args:
        x: (directions, columns, 4 x H).
        scale: (directions,) or (directions, 4 x H).
        zero_point: Likewise.

    Raises:
        ConversionError: The shapes do not fit.
    """
    if x.ndim != 3 or scale.shape not in ((1,), (), x.shape[:1], (x.shape[0], x.shape[2])):
        raise ConversionError(f"its quantised weight has shape {x.shape}, its scale {scale.shape}")

    def each(value: Array) -> Array:
        return value.reshape(-1, 1, 1) if value.ndim < 2 else value[:, None, :]

    zeros = np.zeros_like(scale) if zero_point is None else zero_point.astype(np.float32)
    wide = (x.astype(np.float32) - each(zeros)) * each(scale.astype(np.float32))
    return np.asarray(wide.transpose(0, 2, 1), scale.dtype)
