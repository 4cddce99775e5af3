"""How layers on top of each other are connected."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from conveyor.errors import ArgumentError, shown

KINDS = ("plain", "residual", "skip")


def check_connections(kind: Any) -> str:
    """The kind of connections, checked."""
    if kind not in KINDS or not isinstance(kind, str):
        raise ArgumentError(f"connections is one of {', '.join(KINDS)}, got {shown(kind)}")
    return kind


def width_read(kind: str, layer: int, below: int, input_size: int) -> int:
    """The width of what a layer reads: `below` is that of what stands below it."""
    return below + input_size if kind == "skip" and layer else below


def check_width(kind: str, layer: int, below: int, gives: int) -> None:
    """Check that what a layer gives can be added to what stands below it.

    Raises:
        ArgumentError: The widths differ.
    """
    if kind == "residual" and layer and below != gives:
        raise ArgumentError(
            f"connections='residual' adds what layer {layer} gives, of width {gives}, to the output of layer"
            f" {layer - 1}, of width {below}; give both one hidden_size, or take connections='skip'"
        )


def read(kind: str, layer: int, below: Tensor, x: Tensor) -> Tensor:
    """What a layer reads: the output of the layer below, and beside it, with skip connections, the input."""
    return torch.cat((below, x), -1) if kind == "skip" and layer else below


def given(kind: str, layer: int, below: Tensor, output: Tensor) -> Tensor:
    """What a layer gives to those above it: its output, and with residual connections what stands below added."""
    return output + below if kind == "residual" and layer else output
