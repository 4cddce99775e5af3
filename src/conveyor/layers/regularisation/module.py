"""The regularisation arguments of a layer, which may be changed later, and the masks of a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from conveyor.errors import ArgumentError
from conveyor.ir.transforms.regularisation import recurrent_states
from conveyor.layers.arguments.checks import describe
from conveyor.layers.arguments.lengths import Packing
from conveyor.layers.core.connections import width_read
from conveyor.layers.core.layer_direction import LayerDirection
from conveyor.layers.core.module import Module
from conveyor.layers.regularisation import masks as masking
from conveyor.layers.regularisation.dropout import PLACES, Changes, as_limit, as_rate, by_name
from conveyor.scalars import as_whole, plain_numbers


class RegularisedModule(Module):
    """A layer with dropout, zoneout and gradient clipping.

    Attributes:
        units: The layer directions, layer by layer, forward direction first.
        state_fields: The names of the states.
    """

    units: tuple[LayerDirection, ...]
    state_fields: tuple[str, ...]
    input_size: int
    num_layers: int
    num_directions: int
    _dropout: float
    connections: str
    _variational: float | Mapping[str, float] | None
    _zoneout: float | Mapping[str, float] | None
    _clip: float | Mapping[str, float] | None
    _every: int | None

    def _all_units(self) -> tuple[LayerDirection, ...]:
        return self.units

    @property
    def dropout(self) -> float:
        """The probability of dropout on the output of each layer but the last in training."""
        return self._dropout

    @dropout.setter
    def dropout(self, value: float) -> None:
        self._dropout = as_rate("dropout", value)

    @property
    def variational_dropout(self) -> float | Mapping[str, float] | None:
        """The probability of variational dropout, or a dict of probabilities by "input", "recurrent" and "output"."""
        return self._variational

    @variational_dropout.setter
    def variational_dropout(self, value: float | Mapping[str, float] | None) -> None:
        before, self._variational = self._variational, plain_numbers(value)
        try:
            self._change_units()
        except ArgumentError:
            self._variational = before
            raise

    @property
    def zoneout(self) -> float | Mapping[str, float] | None:
        """The probability of zoneout, or a dict of probabilities by state."""
        return self._zoneout

    @zoneout.setter
    def zoneout(self, value: float | Mapping[str, float] | None) -> None:
        before, self._zoneout = self._zoneout, plain_numbers(value)
        try:
            self._change_units()
        except ArgumentError:
            self._zoneout = before
            raise

    @property
    def gradient_clip(self) -> float | Mapping[str, float] | None:
        """The limit of the gradient that a time step passes back to the states, or a dict of limits by state."""
        return self._clip

    @gradient_clip.setter
    def gradient_clip(self, value: float | Mapping[str, float] | None) -> None:
        before, self._clip = self._clip, plain_numbers(value)
        try:
            self._change_units()
        except ArgumentError:
            self._clip = before
            raise

    @property
    def checkpoint_every(self) -> int | None:
        """The time steps between states that are saved for the gradient; None saves all residuals."""
        return self._every

    @checkpoint_every.setter
    def checkpoint_every(self, value: int | None) -> None:
        expected = "a number of steps from 1, or None"
        self._every = None if value is None else as_whole("checkpoint_every", value, 1, expected)

    def _change_units(self) -> None:
        rates = by_name("variational_dropout", self._variational, PLACES, "places", as_rate)
        zoneout = by_name("zoneout", self._zoneout, self.state_fields, "states", as_rate)
        clip = by_name("gradient_clip", self._clip, self.state_fields, "states", as_limit)
        connected = [bool(recurrent_states(u.plain)) for u in self.units]
        if isinstance(self._variational, Mapping) and "recurrent" in rates and not any(connected):
            raise ArgumentError(
                f"variational_dropout drops recurrent connections, and cell {describe(self.units)} has none: no matrix"
                " or weight multiplies a state; leave out 'recurrent'"
            )
        self._rates = rates
        self.units = tuple(
            replace(
                unit,
                changes=Changes(
                    "recurrent" in rates and has,
                    {s.name: zoneout[s.name] for s in unit.plain.states if s.name in zoneout},
                    {s.name: clip[s.name] for s in unit.plain.states if s.name in clip},
                ),
            )
            for unit, has in zip(self.units, connected, strict=True)
        )

    def _directions_of(self, layer: int) -> tuple[LayerDirection, ...]:
        """Return the layer directions of a layer."""
        return self.units[layer * self.num_directions : (layer + 1) * self.num_directions]

    def _draw(self, x: Tensor, steps: int, batch: int, packing: Packing | None) -> masking.Masks:
        """Draw the masks of a call."""
        if not (self.dropout or self._rates or any(u.changes.zoneout for u in self.units)):
            return masking.no_masks(self.num_layers)
        layers = [self._directions_of(k) for k in range(self.num_layers)]
        gives = [self.input_size, *(f[0].output_size * self.num_directions for f in layers)]
        widths = [(w, width_read(self.connections, k, w, self.input_size)) for k, w in enumerate(gives)]
        return masking.draw(layers, widths, self.dropout, self._rates, x, steps, batch, packing)
