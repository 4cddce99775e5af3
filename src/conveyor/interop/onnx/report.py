"""The report of an export or an import: that of all of interop, with a row for each layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conveyor.interop.common.report import Report


@dataclass(frozen=True)
class Row:
    """The row of one recurrent layer.

    Attributes:
        layer: Its place in the model, or the name of its node.
        source: Its cell or operator in the source.
        result: Its cell or operator in the result; empty if it was left out.
        sizes: Its widths, input first.
        directions: `forward`, `reverse` or `bidirectional`.
        note: A note for the user.
    """

    layer: str
    source: str
    result: str
    sizes: str
    directions: str
    note: str = ""


HEADS = ("layer", "from", "to", "sizes", "direction", "note")


@dataclass(frozen=True)
class Converted(Report):
    """The report on a model's layers.

    Attributes:
        rows: A row for each layer.
    """

    rows: tuple[Row, ...] = ()

    def table(self) -> list[tuple[str, ...]]:
        """List the rows as text, headings first."""
        rows = self.rows
        return [HEADS, *((r.layer, r.source, r.result or "left out", r.sizes, r.directions, r.note) for r in rows)]

    def __str__(self) -> str:
        return f"{super().__str__()}\n{_text(self.table())}"


@dataclass(frozen=True)
class Exported(Converted):
    """The report on an exported model, with the names of the graph's inputs and outputs.

    Attributes:
        inputs: The names of the graph's inputs.
        optional: Those of them that have a default, and need not be given.
        outputs: The names of its outputs.
    """

    inputs: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    def __str__(self) -> str:
        inputs = ", ".join(f"[{n}]" if n in self.optional else n for n in self.inputs)
        return f"{super().__str__()}\ninputs {inputs}; outputs {', '.join(self.outputs)}"


def _text(rows: Sequence[Sequence[str]]) -> str:
    """Join rows to text with columns of even width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
