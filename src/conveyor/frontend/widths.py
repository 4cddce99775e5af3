"""Symbolic widths, inferred by unification while a cell is traced."""

from __future__ import annotations

from conveyor.ir.types import ROW


class WidthMismatch(Exception):
    """The error for two widths that must be equal and are not."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")
        self.first = first
        self.second = second


class Width:
    """The width of a traced value: a symbol, or still unknown."""

    __slots__ = ("_parent", "_symbol")

    def __init__(self, symbol: str | None = None) -> None:
        self._symbol = symbol
        self._parent: Width | None = None

    def _root(self) -> Width:
        root = self
        while root._parent is not None:
            root = root._parent
        return root

    @property
    def symbol(self) -> str | None:
        """The symbol, or None while it is unknown."""
        return self._root()._symbol

    @property
    def is_row(self) -> bool:
        """True if the value is one number per row."""
        return self.symbol == ROW

    def same(self, other: Width) -> bool:
        """Tell whether both are known and are the same width."""
        return self._root() is other._root()

    def unify(self, other: Width) -> None:
        """Unify two widths; raise `WidthMismatch` if both are known and differ."""
        a, b = self._root(), other._root()
        if a is b:
            return
        if a._symbol is not None and b._symbol is not None:
            if a._symbol != b._symbol:
                raise WidthMismatch(a._symbol, b._symbol)
            return
        if a._symbol is None:
            a, b = b, a
        b._parent = a

    def settle(self, symbol: str) -> str:
        """Return the symbol; an unknown width becomes `symbol`."""
        root = self._root()
        if root._symbol is None:
            root._symbol = symbol
        return root._symbol
