"""The connections between stacked layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from conveyor.errors import ArgumentError, shown

KINDS = ("plain", "residual", "skip")


def check_connections(kind: Any) -> str:
    """Check the kind of connections and return it."""
    if kind not in KINDS or not isinstance(kind, str):
        raise ArgumentError(f"connections is one of {', '.join(KINDS)}, got {shown(kind)}")
    return kind


def width_read(kind: str, layer: int, below: int, input_size: int) -> int:
    """Return the width of a layer's input, from the width `below` of the layer below it."""
    return below + input_size if kind == "skip" and layer else below


def check_width(kind: str, layer: int, below: int, gives: int) -> None:
    """Check that a layer's output can be added to its input.

    Raises:
        ArgumentError: The widths differ.
    """
    if kind == "residual" and layer and below != gives:
        raise ArgumentError(
            f"connections='residual' adds what layer {layer} gives, of width {gives}, to the output of layer"
            f" {layer - 1}, of width {below}; give both one hidden_size, or take connections='skip'"
        )


def read(kind: str, layer: int, below: Tensor, x: Tensor) -> Tensor:
    """Return a layer's input: the output of the layer below, concatenated with x for skip connections."""
    return torch.cat((below, x), -1) if kind == "skip" and layer else below


def given(kind: str, layer: int, below: Tensor, output: Tensor) -> Tensor:
    """Return a layer's output to those above it, with its input added for residual connections."""
    return output + below if kind == "residual" and layer else output
