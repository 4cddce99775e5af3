"""The memory use of a training pass, computed without running it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conveyor.ir.program import Program
from conveyor.ir.transforms.plan import plan
from conveyor.ir.types import Matrix

# Torch's own bytes for a tensor and its node in the autograd graph, of which plain torch makes some for each operation
# at each step: measured on loops over tensors of one number.
_OBJECTS = 900


@dataclass(frozen=True)
class MemoryUse:
    """The bytes of a forward and backward pass.

    Attributes:
        saved: The residuals, including the states after each time step.
        working: The workspace of a running pass.
    """

    saved: int
    working: int


def matrices(program: Program, widths: Mapping[str, int]) -> int:
    """Return the number of elements in the matrices of a program."""
    return sum(widths[p.rows] * widths[p.cols] // p.blocks for p in program.params if isinstance(p, Matrix))


def memory_use_of_loop(program: Program, widths: Mapping[str, int], steps: int, batch: int, itemsize: int) -> MemoryUse:
    """Estimate the memory of plain torch's time loop, which keeps every value.

    Args:
        program: A forward program.
        widths: The values of its symbolic widths.
        steps: T.
        batch: B.
        itemsize: Bytes of an element.
    """
    planned = plan(program)
    made = [program.nodes[n] for n in (*planned.hoisted, *planned.stepped) if program.nodes[n].args]
    row = sum(widths.get(n.type.width, 1) for n in made)
    saved = steps * (batch * row * itemsize + len(made) * _OBJECTS)
    return MemoryUse(saved, 2 * matrices(program, widths) * itemsize)
