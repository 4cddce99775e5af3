"""The memory plan of a pass: bases, offsets in the workspace, and the arrays and jobs that use them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conveyor.backends.cpu.codegen.argument_table import INDICES
from conveyor.backends.cpu.codegen.isa import ISA
from conveyor.backends.cpu.codegen.scheduling import driver
from conveyor.backends.cpu.codegen.vector import Format
from conveyor.backends.interface import ParamLayout
from conveyor.backends.lowering import array_names
from conveyor.backends.lowering.passes import LoweredPass
from conveyor.backends.lowering.schedule import Schedule

ALIGN = 64  # bytes: a cache line, and the widest vector
Number = int | Callable[[int], int]  # of a job; or what it is for a number of steps


@dataclass(frozen=True)
class Shape:
    """The shape that a launch plan is made for, without the number of steps, which `LaunchPlan.fit` fills in.

    Attributes:
        capacity: The maximal number of steps of a chunk; 1 is a single step, which has another layout.
        batch: B.
        widths: The values of the program's symbolic widths.
        ragged: Whether sequences of unequal length are packed; then there is no step of a fixed number of rows.
        reverse: Whether the recurrence runs from the last step to the first.
        stride: The row stride of the first state's history, which may interleave two directions, in elements; 0 is
            its width.
        zeros: The bases of states and their gradients of which one row of zeros serves all batch rows.
        emits: Whether a single step writes its output to a base of its own, `output`, with that row stride.
    """

    capacity: int
    batch: int
    widths: Mapping[str, int]
    ragged: bool = False
    reverse: bool = False
    stride: int = 0
    zeros: frozenset[str] = frozenset()
    emits: bool = False

    @property
    def key(self) -> tuple[Any, ...]:
        """The fields that tell the shape from others with the same widths."""
        return self.capacity, self.batch, self.ragged, self.reverse, self.stride, self.zeros, self.emits

    @staticmethod
    def capacity_for(steps: int) -> int:
        """Round a number of steps up to a power of two."""
        return 1 << max(steps - 1, 0).bit_length()


class MemoryPlan:
    """The memory plan of a pass.

    Args:
        lowered: The pass.
        shape: Its shape.
        places: The parameter layout.
        form: The floating-point format.
        chosen: The instruction set.
        resident: Whether packed weights have a base of their own.
    """

    def __init__(
        self, lowered: LoweredPass, shape: Shape, places: ParamLayout, form: Format, chosen: ISA, resident: bool
    ) -> None:
        self.lowered = lowered
        self.program = lowered.program
        self.nodes = lowered.program.nodes
        self.shape = shape
        self.backwards = any(i.role == "grad" for i in self.program.inputs)
        self.places = places
        self.size = form.integer.width // 8
        self.lanes = chosen.lanes(form)
        self.panel = self.lanes * chosen.panel
        self.widths = shape.widths
        self.bases: dict[str, int] = {}
        self.resident = 0
        self._used = 0
        self._weights = "resident" if resident else "workspace"
        self._arrays: dict[str, tuple[int, int, int, int, int]] = {}
        self._todo: dict[str, list[tuple[Number, ...]]] = {kind: [] for kind in driver.JOBS}

    def _apart(self, row: int) -> int:
        """Compute the step stride of a workspace array from its row stride, in elements.

        With sequences of unequal length it is the row stride: a step is then addressed by its first packed row.
        """
        return row if self.shape.ragged else self.shape.batch * row

    def _base(self, name: str) -> int:
        return self.bases.setdefault(name, driver.WAITING + len(self.bases))

    def _take(self, numbers: int) -> int:
        """Allocate elements in the workspace and return their offset in bytes."""
        start = self._used
        self._used += -(-numbers * self.size // ALIGN) * ALIGN
        return start

    def _take_weights(self, numbers: int) -> int:
        """Allocate elements for packed weights and return their offset in bytes."""
        if self._weights == "workspace":
            return self._take(numbers)
        start = self.resident
        self.resident += -(-numbers * self.size // ALIGN) * ALIGN
        return start

    def _put(self, name: str, base: str, offset: int, index: str, step: int, stride: int) -> None:
        self._arrays[name] = (self._base(base), offset, INDICES.index(index), step, stride)

    def _width(self, n: int) -> int:
        return self.widths.get(self.nodes[n].type.width, 1)

    def _width_of(self, schedule: Schedule, n: int) -> int:
        return self.widths.get(schedule.nodes[n].type.width, 1)

    def _edges(self, widths: Sequence[int]) -> list[int]:
        """Compute the first column of each of several results padded to full vectors, and last the end of all."""
        edges = [0]
        for width in widths:
            edges.append(edges[-1] + -(-width // self.lanes) * self.lanes)
        return edges

    def _stride(self, base: str, width: int) -> int:
        """Give the row stride of one of the caller's states: its width, or 0 where one row of zeros serves all rows."""
        return 0 if base in self.shape.zeros else width

    def _copy(self, source: str, to: tuple[int, Number, int], width: int) -> None:
        """Add a job at the start that copies a state from the caller's memory to the array that is read first."""
        self._todo["copy"].append((self._base(source), 0, self._stride(source, width), *to, self.shape.batch, width))

    def _finish(self, base: str, source: tuple[int, Number, int], width: int, stride: int = 0) -> None:
        """Add a job at the end that copies a state to the caller, with a row stride of its width or of `stride`."""
        self._todo["finish"].append((*source, self._base(base), 0, stride or width, self.shape.batch, width))

    # States, or their gradients

    def _only_step(self, reads: Mapping[str, int], name: str, width: int) -> None:
        """Lay out the state of a single step: it is read and written in the caller's memory, without copies."""
        base = f"trail {name}" if self.backwards else f"start {name}"
        self._place(reads, name, base, 0, "step", 0, self._stride(base, width))
        if self.backwards and f"grad.{name}" in reads:
            start = f"start {name}"
            self._put(array_names.carried(reads[f"grad.{name}"]), start, 0, "step", 0, self._stride(start, width))
        result = (f"grad {name}", f"d state {name}") if self.backwards else (f"state {name}", f"final {name}")
        self._put(*result, 0, "step", 0, width)

    def _history(self, reads: Mapping[str, int], name: str, width: int, stride: int) -> None:
        """Lay out a state history, (T + 1) entries: the state before the first step precedes it.

        In reverse it follows the last step; then the history begins a step later, at its second entry.
        """
        reverse, row = self.shape.reverse, stride or width
        step = self.shape.batch * row
        base, apart, entry = f"trail {name}", self._apart(row), step * self.size
        self._place(reads, name, base, (3 if reverse else 1) * entry, "before", apart, row)
        if self.backwards:
            return
        self._put(f"state {name}", base, entry, "step", apart, row)
        first: Number = (lambda steps: (steps + 1) * entry) if reverse else 0
        self._copy(f"start {name}", (self._base(base), first, row), width)
        if not self.shape.ragged:
            last: Number = entry if reverse else (lambda steps: steps * entry)
            self._finish(f"final {name}", (self._base(base), last, row), width)

    def _place(self, reads: Mapping[str, int], key: str, base: str, offset: int, index: str, step: int, w: int) -> None:
        if key in reads:
            self._put(array_names.node(reads[key]), base, offset, index, step, w)

    def _turns(self, reads: Mapping[str, int], name: str, result: str, final: str, width: int) -> None:
        """Lay out a state, or its gradient, in two buffers that alternate from step to step."""
        step = self.shape.batch * width
        place = self._take(2 * step)
        backwards = int(self.backwards)
        descends = self.backwards != self.shape.reverse
        read, written = ("other turn", "turn") if backwards else ("turn", "other turn")
        key = f"grad.{name}" if backwards else name
        if key in reads:
            label = array_names.carried(reads[key]) if backwards else array_names.node(reads[key])
            self._put(label, "workspace", place, read, step, width)
        self._put(result, "workspace", place, written, step, width)

        def turn(of_last: bool, other: int) -> Number:
            """Give the offset of the buffer of the first or the last step to run."""

            def at(steps: int) -> int:
                number = 0 if of_last == descends else steps - 1
                return place + ((number + other) & 1) * step * self.size

            return at

        base = self._base("workspace")
        # A sequence of its own length may begin at either.
        for other in (0, 1) if self.shape.ragged else (backwards,):
            self._copy(f"start {name}", (base, turn(False, other), width), width)
        self._finish(final, (base, turn(True, 1 - backwards), width), width)
