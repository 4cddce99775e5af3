"""How much memory a pass for training takes, worked out without running it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conveyor.plan import plan
from conveyor.program import Matrix, Program

# Torch's own bytes for a tensor and its node in the autograd graph, of which plain torch makes some for each operation
# at each step: measured on loops over tensors of one number.
_OBJECTS = 900


@dataclass(frozen=True)
class Use:
    """Bytes of a pass forward and backward.

    Attributes:
        saved: What is kept from forward to backward, the states after each step among it.
        working: What is needed while a pass runs.
    """

    saved: int
    working: int


def estimate(
    backend: str, program: Program, widths: Mapping[str, int], steps: int, batch: int, itemsize: int, wants_x: bool
) -> Use:
    """Estimate what a program takes for training over so many steps.

    Args:
        backend: What runs it.
        program: A forward program.
        widths: The numbers of its widths.
        steps: T.
        batch: B.
        itemsize: Bytes of a number.
        wants_x: Whether the gradient of the input is asked for.
    """
    matrices = sum(widths[p.rows] * widths[p.cols] // p.blocks for p in program.params if isinstance(p, Matrix))
    if backend != "cpu":
        planned = plan(program)
        made = [program.nodes[n] for n in (*planned.hoisted, *planned.stepped) if program.nodes[n].args]
        row = sum(widths.get(n.type.width, 1) for n in made)
        return Use(steps * (batch * row * itemsize + len(made) * _OBJECTS), 2 * matrices * itemsize)
    from conveyor.backends.cpu.frame import CHUNK_BYTES, CHUNK_ROWS
    from conveyor.backends.cpu.recipe import backward_recipe

    recipe = backward_recipe(program, wants_x)
    nodes = recipe.program.nodes

    def total(chosen: tuple[int, ...]) -> int:
        return sum(widths.get(nodes[n].type.width, 1) for n in chosen)

    states = sum(widths[s.width] for s in program.states)
    saved = (steps * total(recipe.saved) + (steps + 1) * states) * batch * itemsize
    left = max(1, total(recipe.left))
    operands = total(tuple({o.operand for o in recipe.outers}))
    rows = min(max(CHUNK_BYTES // (left * itemsize), CHUNK_ROWS[0]), CHUNK_ROWS[1], steps * batch)
    # Weights are packed for each of the two passes, and their gradients are made.
    return Use(saved, (rows * (left + operands) + 3 * matrices) * itemsize)
