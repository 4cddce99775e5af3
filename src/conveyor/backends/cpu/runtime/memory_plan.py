"""The memory of a pass: bases, room within the workspace, and the arrays and jobs that use them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conveyor.backends.cpu.codegen import driver
from conveyor.backends.cpu.codegen.argument_table import INDICES
from conveyor.backends.cpu.codegen.isa import Width
from conveyor.backends.cpu.codegen.vector import Format
from conveyor.backends.lowering.passes import Pass
from conveyor.backends.lowering.schedule import Schedule
from conveyor.backends.param_layout import Places

ALIGN = 64  # bytes: a cache line, and the widest vector


@dataclass(frozen=True)
class Shape:
    """What a frame depends on beside the program.

    Attributes:
        steps: T.
        batch: B.
        widths: The numbers of the program's widths.
        ragged: Whether sequences of unequal length are packed; then there is no step of a fixed number of rows.
        strides: Of what the caller gives for each step, by name: numbers from step to step and from row to row.
    """

    steps: int
    batch: int
    widths: Mapping[str, int]
    strides: tuple[tuple[str, int, int], ...]
    ragged: bool = False


class Room:
    """What a frame is laid out in.

    Args:
        recipe: The pass.
        shape: Its shape.
        places: Where the parameters stand.
        form: The format of numbers.
        chosen: The instructions.
        resident: Whether packed weights lie in a base of their own.
    """

    def __init__(self, recipe: Pass, shape: Shape, places: Places, form: Format, chosen: Width, resident: bool) -> None:
        self.recipe = recipe
        self.program = recipe.program
        self.nodes = recipe.program.nodes
        self.shape = shape
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
        self._todo: dict[str, list[tuple[int, ...]]] = {kind: [] for kind in driver.JOBS}

    def _apart(self, row: int) -> int:
        """Numbers from one step to the next in memory of our own whose rows are so long.

        Of sequences of unequal length a step is told by its first row.
        """
        return row if self.shape.ragged else self.shape.batch * row

    def _base(self, name: str) -> int:
        return self.bases.setdefault(name, driver.WAITING + len(self.bases))

    def _take(self, numbers: int) -> int:
        """The offset of new room in the workspace."""
        start = self._used
        self._used += -(-numbers * self.size // ALIGN) * ALIGN
        return start

    def _take_weights(self, numbers: int) -> int:
        """The offset of new room for packed weights."""
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
        """Where each of several results begins when each is padded to whole vectors; last, where all end."""
        edges = [0]
        for width in widths:
            edges.append(edges[-1] + -(-width // self.lanes) * self.lanes)
        return edges

    def _copy(self, kind: str, source: str, to: tuple[int, int, int], width: int) -> None:
        self._todo[kind].append((self._base(source), 0, width, *to, self.shape.batch, width))

    def _finish(self, base: str, source: tuple[int, int, int], width: int) -> None:
        self._todo["finish"].append((*source, self._base(base), 0, width, self.shape.batch, width))
