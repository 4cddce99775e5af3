"""What listens to the values inside calls of layers.

Nothing is spent while nobody listens. Whoever does gets notes of each call of a layer in the same thread, which the
compiled code writes beside what it computes anyway.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from conveyor.errors import ArgumentError
from conveyor.ir.program import Program

if TYPE_CHECKING:
    from conveyor.backends.packing import Packing
    from conveyor.layers.checkpointing import Order
    from conveyor.layers.core.layer_call import Track
    from conveyor.layers.core.layer_direction import Unit
    from conveyor.layers.core.stack import Stack


@dataclass(frozen=True)
class UnitNotes:
    """What one direction of one layer computed.

    Attributes:
        program: What ran: the cell's equations, with what resets and masks add.
        values: The named values, (T, B, width) at the input's time index, zero behind a sequence's end.
        initial: Each state before the first step, (B, width).
    """

    program: Program
    values: Mapping[str, Tensor]
    initial: Mapping[str, Tensor]


@dataclass
class Notes:
    """What one call of a layer computed.

    Attributes:
        layer: The layer.
        wanted: The names of the values that are asked for; None is all.
        units: What each unit computed, by the suffix of its parameters' names.
    """

    layer: Stack
    wanted: Collection[str] | None
    units: dict[str, UnitNotes] = field(default_factory=dict)

    def nodes(self, program: Program) -> tuple[int, ...]:
        """The nodes whose values are asked for."""
        return tuple(sorted({n for name, n in program.names.items() if self._wants(name)}))

    def prepare(
        self, track: Track, program: Program, x: Tensor, states: Sequence[Tensor]
    ) -> tuple[Program, Mapping[str, Tensor]]:
        """What a unit is to run, and its auxiliary inputs; `x` and the states are those that it is about to run on."""
        return program, track.aux

    def take(
        self, unit: Unit, program: Program, kept: Mapping[int, Tensor], states: Sequence[Tensor], order: Order
    ) -> None:
        """Write down what a unit computed, which lies in the order in which it went through time."""
        packing = order.packing
        batch = len(states[0])
        whole = {n: laid(order.turn(value), packing, batch) for n, value in kept.items()}
        initial = [s.detach() if packing is None else s.detach().index_select(0, packing.back) for s in states]
        self.units[unit.suffix] = UnitNotes(
            program,
            {name: whole[n] for name, n in program.names.items() if self._wants(name)},
            {s.name: value for s, value in zip(program.states, initial, strict=True)},
        )

    def _wants(self, name: str) -> bool:
        return self.wanted is None or name in self.wanted


def laid(value: Tensor, packing: Packing | None, batch: int) -> Tensor:
    """Values at each step as (T, B, width), also if they are of packed rows."""
    return value if packing is None else packing.unpack(value, batch)


class _Listeners(threading.local):
    def __init__(self) -> None:
        self.hear: tuple[Callable[[Stack], Notes | None], ...] = ()


_listeners = _Listeners()


@contextmanager
def listening(hear: Callable[[Stack], Notes | None]) -> Iterator[None]:
    """Let `hear` be asked at each call of a layer in this thread for notes that are to be filled, or None."""
    before = _listeners.hear
    _listeners.hear = (*before, hear)
    try:
        yield
    finally:
        _listeners.hear = before


def notes_of(layer: Stack) -> Notes | None:
    """The notes that a call of a layer is to fill; None, and at once, if nobody listens."""
    for hear in reversed(_listeners.hear):
        notes = hear(layer)
        if notes is not None:
            if torch.compiler.is_compiling():
                raise ArgumentError("a call that torch compiles can't be recorded; record the layer itself, uncompiled")
            return notes
    return None


def check_names(wanted: Any, layers: Sequence[Stack]) -> tuple[str, ...] | None:
    """The names of values that are asked for, checked.

    Raises:
        ArgumentError: They are no names, or no layer has a value of that name.
    """
    if wanted is None:
        return None
    names = (wanted,) if isinstance(wanted, str) else wanted
    if not isinstance(names, list | tuple | set | frozenset) or not all(isinstance(n, str) for n in names):
        raise ArgumentError(f"values is a list of names such as ['f', 'c'], got {wanted!r}")
    known = {name: None for layer in layers for unit in layer.units for name in unit.program.names}
    for name in names:
        if name not in known:
            raise ArgumentError(f"values: the equations have no {name!r}; they name {', '.join(known)}")
    return tuple(names)
