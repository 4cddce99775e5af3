"""How much memory a pass for training takes, worked out without running it."""

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
    """Bytes of a pass forward and backward.

    Attributes:
        saved: What is kept from forward to backward, the states after each step among it.
        working: What is needed while a pass runs.
    """

    saved: int
    working: int


def matrices(program: Program, widths: Mapping[str, int]) -> int:
    """How many numbers the matrices of a program have."""
    return sum(widths[p.rows] * widths[p.cols] // p.blocks for p in program.params if isinstance(p, Matrix))


def memory_use_of_loop(program: Program, widths: Mapping[str, int], steps: int, batch: int, itemsize: int) -> MemoryUse:
    """What plain torch takes for a time loop, which keeps every value.

    Args:
        program: A forward program.
        widths: The numbers of its widths.
        steps: T.
        batch: B.
        itemsize: Bytes of a number.
    """
    planned = plan(program)
    made = [program.nodes[n] for n in (*planned.hoisted, *planned.stepped) if program.nodes[n].args]
    row = sum(widths.get(n.type.width, 1) for n in made)
    saved = steps * (batch * row * itemsize + len(made) * _OBJECTS)
    return MemoryUse(saved, 2 * matrices(program, widths) * itemsize)
