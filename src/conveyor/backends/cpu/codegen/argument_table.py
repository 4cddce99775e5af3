"""The argument table of compiled code: the offsets and strides of its arrays as int64, in a fixed order.

Memory is addressed from a few *bases*: the workspace, the residuals, and each tensor of the caller. A table holds
offsets from them, so that one table serves all calls of a shape; a call passes only the addresses of the bases.

An array is a matrix for each step. Row r of it at a step is at

    bases[base] + offset + size · (indices[index] · step + r · stride)

with `offset` in bytes, `step` and `stride` in elements. `indices` holds the index of the step (`INDICES`), so that one
form serves for sequences, for values kept for a chunk of steps, for double buffers, and, with `step` or `stride` 0, for
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
    """The names of the arrays, products and widths that compiled code reads, each with its index in the table."""

    widths: dict[str, int] = field(default_factory=dict)
    arrays: dict[str, int] = field(default_factory=dict)
    products: dict[str, int] = field(default_factory=dict)
    size: int = 0

    def width(self, symbol: str) -> int:
        """Give the index of a width's entry."""
        if symbol not in self.widths:
            self.widths[symbol] = self._take(1)
        return self.widths[symbol]

    def array(self, name: str) -> int:
        """Give the index of an array's first entry."""
        if name not in self.arrays:
            self.arrays[name] = self._take(len(FIELDS))
        return self.arrays[name]

    def product(self, name: str) -> int:
        """Give the index of a product's first entry."""
        if name not in self.products:
            self.products[name] = self._take(len(PRODUCT_FIELDS))
        return self.products[name]

    def _take(self, count: int) -> int:
        place = self.size
        self.size += count
        return place


def product(work: str, first: int) -> str:
    """Name a product by its first result."""
    return f"{work} {first}"
