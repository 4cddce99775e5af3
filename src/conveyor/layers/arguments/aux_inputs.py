"""The per-step inputs of a call beside x, and the fields of a layer's state with the units that they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class StateField:
    """A field of a layer's state, and the units that it belongs to.

    Attributes:
        name: Its name.
        layers: For each layer the units that have it.
        even: Whether every layer has it, with one width, so that it is one tensor.
        places: For each unit, which of its states it is; −1 if none.
    """

    name: str
    layers: list[list[int]]
    even: bool
    places: list[int]


@dataclass(frozen=True, eq=False)
class AuxInputs:
    """The auxiliary inputs and resets of a call.

    Attributes:
        aux: The auxiliary inputs of each unit, by its suffix.
        starts: The resets of states of the forward direction, a mask (T, B, 1); None if there are none.
        ends: The resets of states of the reverse direction, likewise.
    """

    aux: Mapping[str, Mapping[str, Tensor]]
    starts: Tensor | None
    ends: Tensor | None
