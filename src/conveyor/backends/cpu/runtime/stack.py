"""Execution of the passes of a stack of layers and directions in one compiled call, that of `task_scheduler`."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conveyor.backends.cpu.codegen.scheduling import task_scheduler
from conveyor.backends.cpu.runtime import threads
from conveyor.errors import ConveyorError

if TYPE_CHECKING:
    from conveyor.backends.cpu.codegen.compile import Kernels

PIECES = 16  # that a pass is cut into, about: the next layer begins when the first is done
PIECE_STEPS = 64  # at most
ROWS = 6  # of the batch that a thread is worth: as many as a register block has


@dataclass(frozen=True)
class Entry:
    """A pass of a layer in one direction, or elementwise work between layers.

    Attributes:
        jobs: The address of the pass's job array; 0 for elementwise work, whose base address is that of five numbers:
            the addresses of two operands and of the result, numbers a step, and the kind of work.
        steps: T.
        layer: Entries of one layer do not read each other; they read those of the layer before it.
        descending: Whether time runs down; for elementwise work as in its sources.
        is_large: Whether its matrices are too large for one core to read at every step.
    """

    jobs: int
    steps: int
    layer: int
    descending: bool
    is_large: bool = False


class Stack:
    """The passes of a stack, in an order that satisfies their dependencies.

    Args:
        kernels: The compiled functions that run them.
        entries: The passes, those of one layer side by side.
        batch: B.
    """

    def __init__(self, kernels: Kernels, entries: Sequence[Entry], batch: int) -> None:
        self._kernels = kernels
        self._batch = batch
        self._passes = [e for e in entries if e.jobs]
        self._numbers = [len(entries), 0, 0, 0]
        self._bases: list[int] = []  # where their addresses go
        for k, entry in enumerate(entries):
            sources = _sources(entries, k)
            self._bases.append(len(self._numbers) + 1)
            row = (entry.jobs, 0, *sources, piece(entry.steps, batch), entry.steps, int(entry.descending))
            self._numbers += row
        self._states = len(self._numbers)
        self._shared = self._states + len(entries) * len(task_scheduler.STATE)
        self._numbers += [0] * (self._shared + len(task_scheduler.SHARED) - self._states)

    def run(self, bases: Sequence[int], team: int) -> None:
        """Run all passes.

        Args:
            bases: For each entry the address of its base array.
            team: The number of threads; OpenMP may use fewer.
        """
        numbers = self._numbers.copy()
        for place, address in zip(self._bases, bases, strict=True):
            numbers[place] = address
        array = (ctypes.c_int64 * len(numbers))(*numbers)
        start = ctypes.addressof(array)
        array[1] = self.is_at_once(team)
        array[2], array[3] = start + 8 * self._states, start + 8 * self._shared
        if team == 1:
            self._kernels.stack(start, 0, 1)
        else:
            threads.run_on(self._kernels.stack_part, array, team)

    def is_at_once(self, team: int) -> bool:
        """Tell whether passes run concurrently, rather than all threads together on one pass after the other."""
        return may_run_at_once(self._batch, min(team, len(self._passes)), team) and not any(
            e.is_large for e in self._passes
        )


def may_run_at_once(batch: int, passes: int, team: int | None = None) -> bool:
    """Tell whether a batch has too few rows to divide between a team's threads while `passes` passes run."""
    rows = math.ceil(batch / ROWS)
    return passes > (rows if team is None else min(team, rows))


def piece(steps: int, batch: int) -> int:
    """Return the time steps of a piece, such that its rows fill register blocks."""
    block = ROWS // math.gcd(ROWS, batch)
    wanted = min(max(math.ceil(steps / PIECES), 1), PIECE_STEPS)
    return math.ceil(wanted / block) * block


def _sources(entries: Sequence[Entry], k: int) -> tuple[int, int]:
    """Return the indices + 1 of the entries that an entry reads; 0 for none."""
    before = [j for j in range(k) if entries[j].layer != entries[k].layer]
    if not before:
        return 0, 0
    found = [j + 1 for j in before if entries[j].layer == entries[before[-1]].layer]
    if len(found) > 2:
        raise ConveyorError(f"entry {k} of a stack reads {len(found)} entries, at most 2 are possible")
    return found[0], found[1] if len(found) > 1 else 0
