"""The report of an export or an import: the report of all of interop, with a row for each layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conveyor.interop.common.report import Report


@dataclass(frozen=True)
class Row:
    """The result of one recurrent layer's conversion.

    Attributes:
        layer: Its place in the model, or the name of its node.
        source: The source: a cell, or an operator.
        result: The result; empty if it was left out.
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
    """The report of a model's conversion, layer by layer.

    Attributes:
        rows: One row per layer.
    """

    rows: tuple[Row, ...] = ()

    def table(self) -> list[tuple[str, ...]]:
        """Return the rows as text, headings first."""
        rows = self.rows
        return [HEADS, *((r.layer, r.source, r.result or "left out", r.sizes, r.directions, r.note) for r in rows)]

    def __str__(self) -> str:
        return f"{super().__str__()}\n{_text(self.table())}"


@dataclass(frozen=True)
class Exported(Converted):
    """The report of an exported model, with the graph's inputs and outputs.

    Attributes:
        inputs: The names of the graph's inputs.
        optional: The inputs that have a default, and may be left out.
        outputs: The names of its outputs.
    """

    inputs: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    def __str__(self) -> str:
        inputs = ", ".join(f"[{n}]" if n in self.optional else n for n in self.inputs)
        return f"{super().__str__()}\ninputs {inputs}; outputs {', '.join(self.outputs)}"


def _text(rows: Sequence[Sequence[str]]) -> str:
    """Format rows as text with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
