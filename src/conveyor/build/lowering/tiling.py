"""The one place that decides how a loop runs on a target: lanes, panels at once, steps per turn, order of the panels.

What was measured (docs/notes/devices.md says where): for a single row, an exact division takes less time than an
estimate of the reciprocal and a step of Newton's, since the row waits for each result; rational functions take less
than exponentials; a loop over the operand that is unrolled whole is scheduled into one long chain with spills, so it
keeps a few steps per turn; and panels of weights that don't fit the first cache are gone over forwards and backwards in
turn, so that half of them are still there.
"""

from __future__ import annotations

from dataclasses import dataclass

from conveyor.build.targets.table import Target

STEPS = 4  # of the operand per turn
WITHOUT_SUMS = 2  # panels at once where there is only pointwise work
SUMS_IN_BYTES = 8  # where products of bytes take registers of their own
MOST_TURNS = 2  # of a loop over panels that is written out


@dataclass(frozen=True)
class Tiling:
    """The tiling of a loop over units.

    Attributes:
        lanes: Numbers in a vector.
        panels: Vectors that the units make.
        together: Panels whose sums are made at once.
        steps: Numbers of the operand per turn of the inner loop.
        turns_round: Whether every other step goes over the panels backwards.
    """

    lanes: int
    panels: int
    together: int
    steps: int
    turns_round: bool

    @property
    def groups(self) -> int:
        """Turns of the loop over panels, a last smaller one included."""
        return -(-self.panels // self.together)

    @property
    def padded(self) -> int:
        """Units, with those that fill the last vector."""
        return self.lanes * self.panels


def choose(target: Target, width: int, sums: int, weight_bytes: int, in_bytes: bool = False) -> Tiling:
    """Chooses how a loop runs.

    Args:
        target: The target.
        width: How many units.
        sums: How many sums of products each unit has.
        weight_bytes: Bytes of the weights that the loop reads.
        in_bytes: Whether weights have 8 bits.
    """
    lanes = _lanes(target, width, in_bytes)
    panels = -(-width // lanes)
    room = min(target.sums, SUMS_IN_BYTES) if in_bytes and target.dot == "madd" else target.sums
    most = max(1, room // sums) if sums else WITHOUT_SUMS
    together = -(-panels // -(-panels // most))
    is_large = 0 < target.first_cache < weight_bytes
    whole = panels // together
    return Tiling(lanes, panels, together, STEPS, is_large and whole > MOST_TURNS and panels % together == 0)


def _lanes(target: Target, width: int, in_bytes: bool) -> int:
    """The vectors that take the fewest cycles; one of 16 numbers takes as many as two of 8 on many processors."""
    cost = {16: 1.9, 8: 1.0, 4: 1.0, 1: 1.0}
    # AVX-512 has no instruction that gives bytes another's signs.
    able = [n for n in target.lanes if n <= 8 or not in_bytes or target.dot != "madd"]
    return min(able, key=lambda lanes: (-(-width // lanes) * cost[lanes], lanes))


def divides_evenly(tiling: Tiling, blocks: int, width: int) -> bool:
    """Tell whether the panels whose sums are made at once lie in one block of a block-diagonal matrix."""
    return blocks > 1 and (width // blocks) % (tiling.lanes * tiling.together) == 0


def padded_width(target: Target, width: int, in_bytes: bool = False) -> int:
    """Units of a width, with those that fill the last vector."""
    lanes = _lanes(target, width, in_bytes)
    return -(-width // lanes) * lanes
