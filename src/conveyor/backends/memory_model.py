"""An estimate of the memory that a training pass takes, made without running the pass."""

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
    """The memory of a forward and backward pass, in bytes.

    Attributes:
        saved: The residuals from forward to backward, with the state history.
        working: The workspace while a pass runs.
    """

    saved: int
    working: int


def matrices(program: Program, widths: Mapping[str, int]) -> int:
    """Count the elements of a program's matrices."""
    return sum(widths[p.rows] * widths[p.cols] // p.blocks for p in program.params if isinstance(p, Matrix))


def memory_use_of_loop(program: Program, widths: Mapping[str, int], steps: int, batch: int, itemsize: int) -> MemoryUse:
    """Estimate the memory of a time loop in plain torch, which saves every value of every step.

    Args:
        program: A forward program.
        widths: The values of its symbolic widths.
        steps: T.
        batch: B.
        itemsize: The size of an element, in bytes.
    """
    planned = plan(program)
    made = [program.nodes[n] for n in (*planned.hoisted, *planned.stepped) if program.nodes[n].args]
    row = sum(widths.get(n.type.width, 1) for n in made)
    saved = steps * (batch * row * itemsize + len(made) * _OBJECTS)
    return MemoryUse(saved, 2 * matrices(program, widths) * itemsize)
