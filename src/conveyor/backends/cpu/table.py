"""How compiled code is told where its arrays are: one table of whole numbers, in a fixed order.

An array is a matrix a step. Element (t, row, unit) of it stands at

    pointer + ((t + shift) & mask) · step + row · stride + unit

counted in numbers, so that one form serves for sequences (mask −1), for two alternating buffers (mask 1), for what is
the same at each step (mask 0), and, with stride 0, for what is the same in each row.
"""

from __future__ import annotations

from dataclasses import dataclass, field

FIELDS = ("pointer", "step", "stride", "mask", "shift")
PRODUCT_FIELDS = ("packed", "inner", "panels")


@dataclass
class Table:
    """Names of what compiled code reads, each with its place."""

    widths: dict[str, int] = field(default_factory=dict)
    arrays: dict[str, int] = field(default_factory=dict)
    products: dict[int, int] = field(default_factory=dict)
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

    def product(self, first: int) -> int:
        """The first place of a product, known by its first result."""
        if first not in self.products:
            self.products[first] = self._take(len(PRODUCT_FIELDS))
        return self.products[first]

    def _take(self, count: int) -> int:
        place = self.size
        self.size += count
        return place


# The names of arrays: what is given to the step, what it keeps for itself, what it stores for its caller.


def given(node: int) -> str:
    """A value that is in memory before the step."""
    return f"given {node}"


def scratch(node: int) -> str:
    """A value that the step keeps; that of a product lies among those of its pack."""
    return f"scratch {node}"


def wanted(label: str) -> str:
    """A value that the step stores for its caller."""
    return f"wanted {label}"
