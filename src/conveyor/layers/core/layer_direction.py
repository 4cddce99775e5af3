"""One direction of one layer: its program, its widths, and the module's tensors that hold its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from conveyor.backends.interface import Parameters, ParamLayout, Part
from conveyor.errors import ArgumentError
from conveyor.frontend import CellDefinition
from conveyor.ir.program import Program
from conveyor.ir.transforms.param_layout import Layout, Slot
from conveyor.ir.transforms.regularisation import (
    with_clipped_gradients,
    with_expected_zoneout,
    with_recurrent_masks,
    with_zoneout,
)
from conveyor.ir.transforms.rewrite import initial_key, with_reset
from conveyor.layers.arguments.parameter_checks import check_held
from conveyor.layers.regularisation.dropout import Changes


@dataclass(frozen=True, eq=False)
class LayerDirection:
    """One direction of one layer: a program with its parameter layout.

    Attributes:
        cell: The cell whose equations it runs.
        plain: The cell's program, without its biases where the layer has none.
        layout: The parameter layout.
        suffix: The suffix of its tensors' names: `_l0`, `_l0_reverse`, or empty for a single step.
        learned: Whether its initial states are parameters, `initial_<state>`.
        changes: The regularisation of its time steps.
    """

    cell: CellDefinition
    plain: Program
    layout: Layout
    suffix: str
    learned: bool = False
    changes: Changes = Changes()
    _running: dict[tuple[bool, bool], Program] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        # torch.compile reads what has been worked out, but could not work it out.
        for training in (False, True):
            for resetting in (False, True):
                program = self.running(training, resetting)
                _ = program.text, program.states, program.aux
        _ = self.program, self.plain.states, self.names, self._initial_names
        _ = self._layout.text, self._resetting_layout.text, self._shapes, self._initial_shapes

    @cached_property
    def program(self) -> Program:
        """The program outside training: the cell's, with the expectation of zoneout."""
        return with_expected_zoneout(self.plain, self.changes.zoneout) if self.changes.zoneout else self.plain

    def running(self, training: bool, resetting: bool) -> Program:
        """Return the program that runs.

        Args:
            training: Whether masks are among its auxiliary inputs.
            resetting: Whether it has an auxiliary input that resets rows to the initial states.
        """
        key = training, resetting
        if key not in self._running:
            changes = self.changes
            program = self.program
            if training:
                program = with_recurrent_masks(self.plain) if changes.recurrent else self.plain
                program = with_zoneout(program, tuple(changes.zoneout)) if changes.zoneout else program
            program = with_clipped_gradients(program, changes.clip) if changes.clip else program
            self._running[key] = with_reset(program, self.learned) if resetting else program
        return self._running[key]

    @property
    def widths(self) -> Mapping[str, int]:
        """The values of the program's symbolic widths."""
        return self.layout.widths

    @property
    def input_size(self) -> int:
        """The width of x."""
        return self.widths["I"]

    def state_width(self, state: str) -> int | None:
        """Return the width of a state; None if the cell has no such state."""
        return next((self.widths[i.width] for i in self.program.states if i.name == state), None)

    @property
    def output_size(self) -> int:
        """The width of the first state, the output."""
        return self.widths[self.program.states[0].width]

    def register(self, module: nn.Module, device: torch.device | str | None, dtype: torch.dtype | None) -> None:
        """Register an uninitialised parameter in `module` for each slot."""
        shapes = {slot.name + self.suffix: slot.shape for slot in self.layout.slots}
        initial = zip(self._initial_names, self.program.states, strict=False)
        for name, shape in (shapes | {n: (self.widths[s.width],) for n, s in initial}).items():
            if hasattr(module, name):
                raise ArgumentError(
                    f"cell {self.cell.name} has a parameter '{name}', which {type(module).__name__} has already for"
                    " something else; give the cv.weight or affine map another name"
                )
            tensor = torch.empty(shape, device=device, dtype=dtype)
            module.register_parameter(name, nn.Parameter(tensor))

    def tensors(self, module: nn.Module) -> Iterator[tuple[Slot, Tensor]]:
        """Iterate over the slots and their current tensors in `module`."""
        for slot in self.layout.slots:
            yield slot, getattr(module, slot.name + self.suffix)

    def bind(self, module: nn.Module) -> Parameters:
        """Return the program's parameters, read anew from `module`; differentiable."""
        tensors = _read(module, self.names)
        check_held(self.names, tensors, self._shapes)
        return Parameters(tensors, self._layout)

    # Initial states

    def initial(self, module: nn.Module) -> list[Tensor]:
        """Return the learned initial states, (width,) each; empty if they are not learned."""
        tensors = _read(module, self._initial_names)
        check_held(self._initial_names, tensors, self._initial_shapes)
        return tensors

    @property
    def every_name(self) -> tuple[str, ...]:
        """The names of all its tensors, including learned initial states."""
        return self.names + self._initial_names

    @cached_property
    def _initial_names(self) -> tuple[str, ...]:
        return tuple(f"initial_{s.name}{self.suffix}" for s in self.program.states) if self.learned else ()

    @cached_property
    def resetting(self) -> Program:
        """`program` with an auxiliary input that resets rows to the initial states."""
        return with_reset(self.program, self.learned)

    def bind_resetting(self, module: nn.Module) -> Parameters:
        """Return the parameters of the program with resets."""
        tensors = _read(module, self.every_name)
        check_held(self.every_name, tensors, [*self._shapes, *self._initial_shapes])
        return Parameters(tensors, self._resetting_layout)

    @cached_property
    def _resetting_layout(self) -> ParamLayout:
        parts = dict(self._layout.parts)
        if self.learned:
            for k, s in enumerate(self.program.states):
                parts["vector", initial_key(s.name)] = (Part(len(self.names) + k, 0, self.widths[s.width]),)
        return ParamLayout(parts, self.widths)

    @cached_property
    def _shapes(self) -> list[torch.Size]:
        return [torch.Size(slot.shape) for slot in self.layout.slots]

    @cached_property
    def _initial_shapes(self) -> list[torch.Size]:
        return [
            torch.Size((self.widths[s.width],)) for _, s in zip(self._initial_names, self.program.states, strict=False)
        ]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the tensors of its slots."""
        return tuple(slot.name + self.suffix for slot in self.layout.slots)

    @cached_property
    def _layout(self) -> ParamLayout:
        index = {slot.name: k for k, slot in enumerate(self.layout.slots)}
        return ParamLayout(
            {key: tuple(Part(index[r.slot], r.start, r.stop) for r in rows) for key, rows in self.layout.rows.items()},
            self.widths,
        )

    def rows(self, module: nn.Module, key: tuple[str, str]) -> list[Tensor]:
        """Return the rows of `module`'s tensors that make up one parameter of the program: views; several are added."""
        held = {slot.name: tensor for slot, tensor in self.tensors(module)}
        return [held[p.slot][p.start : p.stop] for p in self.layout.rows[key]]


def _read(module: nn.Module, names: tuple[str, ...]) -> list[Any]:
    held = module._parameters
    try:
        return [held[name] for name in names]
    except KeyError:  # one that a parametrization computes
        return [getattr(module, name) for name in names]
