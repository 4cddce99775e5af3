"""The auxiliary inputs of a call of a layer, and the fields of a layer's state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class StateField:
    """One field of a layer's state, made of the states of its layers and directions.

    Attributes:
        name: Its name.
        layers: For each layer the directions that have it.
        even: Whether every layer has it, with one width, so that it is one tensor.
        places: For each layer direction, the index among its states; −1 if it lacks the state.
    """

    name: str
    layers: list[list[int]]
    even: bool
    places: list[int]


@dataclass(frozen=True, eq=False)
class AuxInputs:
    """The per-step inputs of a call beside x.

    Attributes:
        aux: The auxiliary inputs of each layer direction, by its suffix.
        starts: The resets of the forward direction, (T, B, 1) of 0 and 1; None without resets.
        ends: Those of the reverse direction.
    """

    aux: Mapping[str, Mapping[str, Tensor]]
    starts: Tensor | None
    ends: Tensor | None
