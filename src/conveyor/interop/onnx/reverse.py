"""A layer that runs from the end to the start."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from conveyor.errors import ArgumentError
from conveyor.layers.stack import Stack


class Reverse(nn.Module):
    """A layer of one direction that runs from the last step to the first, as ONNX's `direction="reverse"`.

    Args:
        layer: The layer.

    Raises:
        ArgumentError: It has two directions.
    """

    def __init__(self, layer: Stack) -> None:
        super().__init__()
        if not isinstance(layer, Stack) or layer.bidirectional:
            raise ArgumentError("Reverse takes a layer of one direction, such as cv.LSTM; bidirectional=True has both")
        self.layer = layer

    def forward(self, x: Tensor, state: Any = None, **aux: Tensor) -> tuple[Tensor, Any]:
        """As the layer's, with output t at the input's time t; the final state is that after the first step."""
        axis = 1 if self.layer.batch_first and x.dim() == 3 else 0
        # (B, K) auxiliary inputs are the same at each step; those with a time axis have one axis more, or (T, B)
        turned = {n: a.flip(axis) if _has_time(a, x) else a for n, a in aux.items()}
        y, final = self.layer(x.flip(axis), state, **turned)
        return y.flip(axis), final


def _has_time(aux: Tensor, x: Tensor) -> bool:
    return aux.dim() == x.dim() or tuple(aux.shape) == tuple(x.shape[:-1])
