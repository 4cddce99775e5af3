"""What an export or an import tells about itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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


@dataclass(frozen=True)
class Report:
    """The rows of an export or import.

    Attributes:
        title: What was converted, and to what.
        rows: A row a layer.
        difference: The largest difference on random input; None if nothing was compared.
    """

    title: str
    rows: tuple[Row, ...]
    difference: float | None = None

    def summary(self) -> str:
        """One line: how many layers, and the largest difference."""
        count = sum(1 for r in self.rows if r.result)
        layers = "1 layer" if count == 1 else f"{count} layers"
        told = "" if self.difference is None else f", largest difference {self.difference:.1e}"
        return f"{self.title}: {layers}{told}"

    def table(self) -> list[tuple[str, ...]]:
        """The rows as text, headings first."""
        heads = ("layer", "from", "to", "sizes", "direction", "note")
        rows = self.rows
        return [heads, *((r.layer, r.source, r.result or "left out", r.sizes, r.directions, r.note) for r in rows)]

    def __str__(self) -> str:
        return f"{self.summary()}\n{text_table(self.table())}"


@dataclass(frozen=True)
class Exported(Report):
    """What became of a model, and how the graph is run.

    Attributes:
        inputs: The names of the graph's inputs.
        optional: Those of them that have a default, and need not be given.
        outputs: The names of its outputs.
    """

    inputs: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    def summary(self) -> str:
        """One line, with the inputs, those that may be left out in brackets, and the outputs."""
        inputs = ", ".join(f"[{n}]" if n in self.optional else n for n in self.inputs)
        return f"{super().summary()}; {inputs} -> {', '.join(self.outputs)}"


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as text with columns of even width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
