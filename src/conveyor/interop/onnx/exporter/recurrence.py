"""The exporter's view of a recurrent module."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import nn

from conveyor.interop.onnx.exporter.graph import Array
from conveyor.interop.onnx.exporter.reverse import Reverse
from conveyor.layers import Cell, GRUCell, LSTMCell, RNNCell
from conveyor.layers.core.layer_direction import LayerDirection
from conveyor.layers.core.stack import Stack


@dataclass(frozen=True)
class Field:
    """A state of the module, one tensor.

    Attributes:
        state: The state's name in the program.
        units: The layer directions whose state it holds.
        width: Its width.
        initial: The name of the graph's input for it.
        final: The name of the graph's output.
    """

    state: str
    units: tuple[int, ...]
    width: int
    initial: str
    final: str


@dataclass(frozen=True, eq=False)
class Recurrence:
    """A recurrent module.

    Attributes:
        name: The prefix of its states' names; empty if it is the only one of the model.
        module: The module that holds the parameters.
        units: The layer directions, layer by layer, forward direction first.
        directions: 1 or 2.
        backwards: Whether a single direction runs from the end.
        stacked: Whether states have an axis for layers and directions in front.
        batch_first: Whether sequences are (B, T, …); None for a single step.
    """

    name: str
    module: nn.Module
    units: tuple[LayerDirection, ...]
    directions: int
    backwards: bool
    stacked: bool
    batch_first: bool | None

    @property
    def input_size(self) -> int:
        """The width of the input."""
        return self.units[0].input_size

    @property
    def output_size(self) -> int:
        """The width of the output."""
        return self.units[-1].output_size * self.directions

    @property
    def aux_widths(self) -> dict[str, int]:
        """The width of each auxiliary input; 1, which is broadcast, if the layers' widths differ."""
        found: dict[str, set[int]] = {}
        for unit in self.units:
            for aux in unit.program.aux:
                found.setdefault(aux.name, set()).add(unit.widths[aux.width])
        return {name: widths.pop() if len(widths) == 1 else 1 for name, widths in found.items()}

    def fields(self) -> list[Field]:
        """Return the states as the module takes them; one per layer if the layers' widths differ."""
        prefix = f"{self.name}_" if self.name else ""
        found = []
        for state in dict.fromkeys(s.name for u in self.units for s in u.program.states):
            widths = [u.state_width(state) for u in self.units]
            first, every = widths[0], tuple(range(len(self.units)))
            if first is not None and len(set(widths)) == 1:
                found.append(Field(state, every, first, f"{prefix}{state}_0", f"{prefix}{state}_n"))
                continue
            for k in every[:: self.directions]:
                width, layer = widths[k], f"l{k // self.directions}"
                if width is not None:
                    names = f"{prefix}{state}_0_{layer}", f"{prefix}{state}_n_{layer}"
                    found.append(Field(state, every[k : k + self.directions], width, *names))
        return found

    def field(self, unit: int, state: str) -> Field:
        """Return the field that holds the state of a layer direction."""
        return next(f for f in self.fields() if f.state == state and unit in f.units)

    def learned(self, field: Field) -> Array | None:
        """Return the learned initial state, (count, 1, width); None if the module begins from zeros."""
        if not self.units[field.units[0]].learned:
            return None
        found = []
        for unit in (self.units[u] for u in field.units):
            names = [s.name for s in unit.program.states]
            found.append(unit.initial(self.module)[names.index(field.state)].detach().cpu().numpy())
        return np.stack(found)[:, None]

    def count(self, field: Field) -> int | None:
        """Return the size of a field's first axis; None if it has no axis for layers."""
        return len(field.units) if self.stacked else None


def as_recurrence(name: str, module: nn.Module) -> Recurrence | None:
    """Return a module as a recurrence; None if it is not a conveyor module."""
    if isinstance(module, Reverse):
        layer = module.layer
        return Recurrence(name, layer, layer.units, 1, True, True, layer.batch_first)
    if isinstance(module, Stack):
        return Recurrence(name, module, module.units, module.num_directions, False, True, module.batch_first)
    if isinstance(module, Cell | LSTMCell | GRUCell | RNNCell):
        return Recurrence(name, module, (module.unit,), 1, False, False, None)
    return None
