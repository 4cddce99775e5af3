"""The recorder of named values inside calls of layers.

Without a listener it costs nothing. A listener supplies a recorder for each call of a layer in the same thread; the
compiled code stores the recorded values beside its results.
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
    from conveyor.layers.checkpointing import TimeDirection
    from conveyor.layers.core.layer_call import DirectionCall
    from conveyor.layers.core.layer_direction import LayerDirection
    from conveyor.layers.core.stack import Stack


@dataclass(frozen=True)
class DirectionRecord:
    """The recorded values of one direction of one layer.

    Attributes:
        program: The program that ran: the cell's equations, with resets and masks.
        values: The named values, (T, B, width) at the input's time index, zero past a sequence's end.
        initial: Each state before the first step, (B, width).
    """

    program: Program
    values: Mapping[str, Tensor]
    initial: Mapping[str, Tensor]


@dataclass
class Recorder:
    """A recorder of one call of a layer.

    Attributes:
        layer: The layer.
        wanted: The names of the values to record; None is all.
        units: The record of each direction, by the suffix of its parameters' names.
    """

    layer: Stack
    wanted: Collection[str] | None
    units: dict[str, DirectionRecord] = field(default_factory=dict)

    def nodes(self, program: Program) -> tuple[int, ...]:
        """Return the nodes whose values are recorded."""
        return tuple(sorted({n for name, n in program.names.items() if self._wants(name)}))

    def prepare(
        self, direction: DirectionCall, program: Program, x: Tensor, states: Sequence[Tensor]
    ) -> tuple[Program, Mapping[str, Tensor]]:
        """Return the program and the auxiliary inputs of a direction, before it runs on `x` and the states."""
        return program, direction.aux

    def save(
        self,
        unit: LayerDirection,
        program: Program,
        kept: Mapping[int, Tensor],
        states: Sequence[Tensor],
        order: TimeDirection,
    ) -> None:
        """Save the values of a direction, flipped from its order of time to the input's time index."""
        packing = order.packing
        batch = len(states[0])
        whole = {n: laid(order.flip(value), packing, batch) for n, value in kept.items()}
        initial = [s.detach() if packing is None else s.detach().index_select(0, packing.back) for s in states]
        self.units[unit.suffix] = DirectionRecord(
            program,
            {name: whole[n] for name, n in program.names.items() if self._wants(name)},
            {s.name: value for s, value in zip(program.states, initial, strict=True)},
        )

    def _wants(self, name: str) -> bool:
        return self.wanted is None or name in self.wanted


def laid(value: Tensor, packing: Packing | None, batch: int) -> Tensor:
    """Return values at each time step as (T, B, width), also from packed rows."""
    return value if packing is None else packing.unpack(value, batch)


class _Listeners(threading.local):
    def __init__(self) -> None:
        self.on_call: tuple[Callable[[Stack], Recorder | None], ...] = ()


listeners = _Listeners()


@contextmanager
def listening(on_call: Callable[[Stack], Recorder | None]) -> Iterator[None]:
    """Call `on_call` at each call of a layer in this thread, for a recorder or None."""
    before = listeners.on_call
    listeners.on_call = (*before, on_call)
    try:
        yield
    finally:
        listeners.on_call = before


def recorder_of(layer: Stack) -> Recorder | None:
    """Return the recorder of a call of a layer; None without a listener."""
    for on_call in reversed(listeners.on_call):
        recorder = on_call(layer)
        if recorder is not None:
            if torch.compiler.is_compiling():
                raise ArgumentError("a call that torch compiles can't be recorded; record the layer itself, uncompiled")
            return recorder
    return None


def check_names(wanted: Any, layers: Sequence[Stack]) -> tuple[str, ...] | None:
    """Check the names of values to record; returns them.

    Raises:
        ArgumentError: They are not names, or no layer has a value of that name.
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
