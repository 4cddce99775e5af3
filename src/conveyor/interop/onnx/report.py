"""What an export or an import tells about itself: the report of all of interop, with a row for each layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conveyor.interop.common.report import Report

ALLOWED = 1e-5  # between a layer and a graph, for outputs up to 1


@dataclass(frozen=True)
class Row:
    """What became of one recurrent layer.

    Attributes:
        layer: Its place in the model, or the name of its node.
        source: What it was where it came from; a cell, or an operator.
        result: What it is where it went; empty if it was left out.
        sizes: Its widths, input first.
        directions: `forward`, `reverse` or `bidirectional`.
        note: What the user should know.
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
    """What became of a model's layers.

    Attributes:
        rows: A row a layer.
    """

    rows: tuple[Row, ...] = ()

    def table(self) -> list[tuple[str, ...]]:
        """The rows as text, headings first."""
        rows = self.rows
        return [HEADS, *((r.layer, r.source, r.result or "left out", r.sizes, r.directions, r.note) for r in rows)]

    def __str__(self) -> str:
        return f"{super().__str__()}\n{_text(self.table())}"


@dataclass(frozen=True)
class Exported(Converted):
    """What became of a model, and how the graph is run.

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
    """Rows as text with columns of even width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
