"""What a call of a layer is given beside its input, and how the states of its units make up the state of the layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class StateField:
    """A state, and where it is found.

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
    """What comes beside the input.

    Attributes:
        aux: The auxiliary inputs of each unit, by its suffix.
        starts: Where a state that comes from the step before starts anew, as numbers; None if nowhere.
        ends: Where one that comes from the step after does.
    """

    aux: Mapping[str, Mapping[str, Tensor]]
    starts: Tensor | None
    ends: Tensor | None
