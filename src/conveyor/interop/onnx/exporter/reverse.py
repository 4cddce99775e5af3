"""A layer whose single direction is the reverse one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from conveyor.errors import ArgumentError
from conveyor.layers.core.stack import Stack


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

    def forward(self, x: Tensor, state: Any = None, *, lengths: Tensor | None = None, **aux: Tensor) -> tuple[Any, Any]:
        """Run over a sequence.

        Args:
            x: As the layer's.
            state: The state before the first executed step, which is that at each sequence's end.
            lengths: As the layer's.
            aux: As the layer's.

        Returns:
            The output, at the input's time index, and the state after the last executed step.

        Raises:
            ArgumentError: `reset` is given, or what the layer raises.
        """
        if "reset" in aux:
            raise ArgumentError("reset is not for a layer that runs backwards; run the pieces one by one")

        def turn(v: Tensor) -> Tensor:
            time = 1 if self.layer.batch_first and x.dim() == 3 else 0
            return v.flip(time) if lengths is None else _turn(v, lengths, time)

        # An auxiliary input without an axis for time is the same at each step.
        timed = {n: a.dim() == x.dim() or tuple(a.shape) == tuple(x.shape[:-1]) for n, a in aux.items()}
        given = {n: turn(a) if timed[n] else a for n, a in aux.items()}
        given |= {} if lengths is None else {"lengths": lengths}
        y, final = self.layer(turn(x), state, **given)
        return turn(y), final


def _turn(v: Tensor, lengths: Tensor, time: int) -> Tensor:
    """Reverse each sequence within its length."""
    steps = torch.arange(v.shape[time], device=v.device)
    rows = lengths.to(v.device)
    steps, rows = (steps, rows.unsqueeze(1)) if time else (steps.unsqueeze(1), rows)
    source = torch.where(steps < rows, rows - 1 - steps, steps)
    if v.dim() > 2:
        source = source.unsqueeze(-1).expand(v.shape)
    return v.gather(time, source)
