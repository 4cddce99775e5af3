"""How compiled code is told where its arrays are: one table of whole numbers, in a fixed order.

Memory comes in a few *bases*: the workspace, what is kept for the backward pass, each tensor of the caller. A table
holds places within them, so that it is made once for a shape; a call only brings the addresses of the bases.

An array is a matrix a step. Row r of it at a step stands at

    bases[base] + offset + size · (indices[index] · step + r · stride)

with `offset` in bytes, `step` and `stride` in numbers. `indices` tells where the step is (`INDICES`), so that one form
serves for sequences, for what a chunk of steps keeps, for two buffers that take turns, and, with `step` or `stride` 0,
for what is the same at each step or in each row.
"""

from __future__ import annotations

from dataclasses import dataclass, field

FIELDS = ("base", "offset", "index", "step", "stride")
PRODUCT_FIELDS = ("base", "offset", "inner", "columns", "k stride", "panel stride")

# Where a step is, counted in steps: in the sequence, the step before, in the chunk, and which of two buffers' turn it
# is at this step and at the next.
INDICES = ("step", "before", "chunk", "turn", "other turn")


@dataclass
class Table:
    """Names of what compiled code reads, each with its place."""

    widths: dict[str, int] = field(default_factory=dict)
    arrays: dict[str, int] = field(default_factory=dict)
    products: dict[str, int] = field(default_factory=dict)
    size: int = 0

    def width(self, symbol: str) -> int:
        """The place of a width's number."""
        if symbol not in self.widths:
            self.widths[symbol] = self._take(1)
        return self.widths[symbol]

    def array(self, name: str) -> int:
        """The first place of an array."""
        if name not in self.arrays:
            self.arrays[name] = self._take(len(FIELDS))
        return self.arrays[name]

    def product(self, name: str) -> int:
        """The first place of a product."""
        if name not in self.products:
            self.products[name] = self._take(len(PRODUCT_FIELDS))
        return self.products[name]

    def _take(self, count: int) -> int:
        place = self.size
        self.size += count
        return place


def node(n: int) -> str:
    """The name of the array that holds a node's value from one stretch of work to another."""
    return f"node {n}"


def step(n: int) -> str:
    """The name of the array that holds a node's value within a step of the loop."""
    return f"step {n}"


def carried(n: int) -> str:
    """The name of the array in which a node's value comes from the step that ran before."""
    return f"carried {n}"


def product(work: str, first: int) -> str:
    """The name of a product, known by its first result."""
    return f"{work} {first}"
