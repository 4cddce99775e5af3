"""What the passes of every backend give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class Result:
    """What a forward pass gives.

    Attributes:
        output: The first state after each step, (T, B, width).
        states: Each state after the last step, (B, width).
        kept: Values that were asked for by their nodes, each (T, B, width), without a graph; conditions are 0 or 1.
    """

    output: Tensor
    states: tuple[Tensor, ...]
    kept: Mapping[int, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Gradients:
    """What a backward pass gives.

    Attributes:
        x: Gradient of the input, (T, B, I).
        states: Of the initial states, each (B, width).
        aux: Of the auxiliary inputs, each (T, B, width).
        params: Of the parameters, by (op, key).
    """

    x: Tensor
    states: tuple[Tensor, ...]
    aux: dict[str, Tensor]
    params: dict[tuple[str, str], Tensor]
