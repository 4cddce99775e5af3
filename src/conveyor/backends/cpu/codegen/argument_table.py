"""The argument table of compiled code: the base, offset and strides of each array, as integers in a fixed order.

Memory comes in a few *bases*: the workspace, the residuals of the backward pass, each tensor of the caller. A table
holds offsets within them, so that it is built once for a shape; a call only passes the addresses of the bases.

An array is one matrix per time step. Its row r at a step has the address

    bases[base] + offset + size · (indices[index] · step + r · stride)

with `offset` in bytes, `step` and `stride` in elements. `indices` gives the index of the step (`INDICES`), so that one
form serves for sequences, for the values of a chunk of steps, for double buffers, and, with `step` or `stride` 0, for
values that are the same at each step or in each row.
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
    """The layout of an argument table: the index of each entry, by its name."""

    widths: dict[str, int] = field(default_factory=dict)
    arrays: dict[str, int] = field(default_factory=dict)
    products: dict[str, int] = field(default_factory=dict)
    size: int = 0

    def width(self, symbol: str) -> int:
        """Return the index of a width."""
        if symbol not in self.widths:
            self.widths[symbol] = self._take(1)
        return self.widths[symbol]

    def array(self, name: str) -> int:
        """Return the first index of an array."""
        if name not in self.arrays:
            self.arrays[name] = self._take(len(FIELDS))
        return self.arrays[name]

    def product(self, name: str) -> int:
        """Return the first index of a product."""
        if name not in self.products:
            self.products[name] = self._take(len(PRODUCT_FIELDS))
        return self.products[name]

    def _take(self, count: int) -> int:
        place = self.size
        self.size += count
        return place


def product(work: str, first: int) -> str:
    """Return the name of a product, which is that of its first result."""
    return f"{work} {first}"
