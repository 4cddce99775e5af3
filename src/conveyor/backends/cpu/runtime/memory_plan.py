"""The memory plan of a pass: bases, offsets within the workspace, and the arrays and jobs that use them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conveyor.backends.cpu.codegen.argument_table import INDICES
from conveyor.backends.cpu.codegen.isa import ISA
from conveyor.backends.cpu.codegen.scheduling import driver
from conveyor.backends.cpu.codegen.vector import Format
from conveyor.backends.lowering import array_names
from conveyor.backends.lowering.passes import LoweredPass
from conveyor.backends.lowering.schedule import Schedule
from conveyor.backends.param_layout import ParamLayout

ALIGN = 64  # bytes: a cache line, and the widest vector
Number = int | Callable[[int], int]  # of a job; or what it is for a number of steps


@dataclass(frozen=True)
class Shape:
    """The shape that a launch plan depends on beside the program, without the number of time steps.

    Attributes:
        capacity: The maximum number of time steps of a chunk; 1 is a single step, which has another layout.
        batch: B.
        widths: The numbers of the program's widths.
        ragged: Whether sequences of unequal length are packed, so that the number of rows varies per step.
        reverse: Whether the recurrence runs from the last step to the first.
        stride: The row stride of the first state's history, in elements, which may include another direction's;
            0 is its width.
        zeros: The bases of states and their gradients that are one row of zeros, broadcast to all rows.
        emits: Whether a single step writes its output to the base `output`, with that row stride.
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
        """The fields that identify the shape among those with the same widths."""
        return self.capacity, self.batch, self.ragged, self.reverse, self.stride, self.zeros, self.emits

    @staticmethod
    def capacity_for(steps: int) -> int:
        """Return the capacity for a number of time steps: the next power of two."""
        return 1 << max(steps - 1, 0).bit_length()


class MemoryPlan:
    """The memory plan of a pass, the base of its launch plan.

    Args:
        recipe: The lowered pass.
        shape: Its shape.
        places: The parameter layout.
        form: The floating-point format.
        chosen: The instruction set.
        resident: Whether packed weights are persistent, in a separate base.
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
        """Return the step stride of a workspace array with a given row stride, in elements.

        With packed sequences a step is indexed by its first row, so the step stride is the row stride.
        """
        return row if self.shape.ragged else self.shape.batch * row

    def _base(self, name: str) -> int:
        return self.bases.setdefault(name, driver.WAITING + len(self.bases))

    def _take(self, numbers: int) -> int:
        """Allocate elements in the workspace; returns their offset in bytes."""
        start = self._used
        self._used += -(-numbers * self.size // ALIGN) * ALIGN
        return start

    def _take_weights(self, numbers: int) -> int:
        """Allocate elements for packed weights; returns their offset in bytes."""
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
        """Return the first column of each of several results when each is padded to full vectors; last, their end."""
        edges = [0]
        for width in widths:
            edges.append(edges[-1] + -(-width // self.lanes) * self.lanes)
        return edges

    def _stride(self, base: str, width: int) -> int:
        """Return the row stride of a caller's state, in elements: 0 for a broadcast row of zeros."""
        return 0 if base in self.shape.zeros else width

    def _copy(self, source: str, to: tuple[int, Number, int], width: int) -> None:
        """Add a job before the first step that copies a state from the caller's memory to where it is first read."""
        self._todo["copy"].append((self._base(source), 0, self._stride(source, width), *to, self.shape.batch, width))

    def _finish(self, base: str, source: tuple[int, Number, int], width: int, stride: int = 0) -> None:
        """Add a job after the last step that copies a state to the caller, with a row stride."""
        self._todo["finish"].append((*source, self._base(base), 0, stride or width, self.shape.batch, width))

    # States, or their gradients

    def _only_step(self, reads: Mapping[str, int], name: str, width: int) -> None:
        """Add the arrays of a single time step, which reads and writes the caller's states in place."""
        base = f"trail {name}" if self.backwards else f"start {name}"
        self._place(reads, name, base, 0, "step", 0, self._stride(base, width))
        if self.backwards and f"grad.{name}" in reads:
            start = f"start {name}"
            self._put(array_names.carried(reads[f"grad.{name}"]), start, 0, "step", 0, self._stride(start, width))
        result = (f"grad {name}", f"d state {name}") if self.backwards else (f"state {name}", f"final {name}")
        self._put(*result, 0, "step", 0, width)

    def _history(self, reads: Mapping[str, int], name: str, width: int, stride: int) -> None:
        """Add the arrays of a state's history of T + 1 entries, the initial state first.

        In reverse the initial state comes last; then the history begins one time step later, at its second entry.
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
        """Add the double buffer of a state or of its gradient, indexed by the parity of the time step."""
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
            """Return the offset of the double buffer's half for the first or last executed step."""

            def at(steps: int) -> int:
                number = 0 if of_last == descends else steps - 1
                return place + ((number + other) & 1) * step * self.size

            return at

        base = self._base("workspace")
        # A sequence of its own length may begin at either.
        for other in (0, 1) if self.shape.ragged else (backwards,):
            self._copy(f"start {name}", (base, turn(False, other), width), width)
        self._finish(final, (base, turn(True, 1 - backwards), width), width)
