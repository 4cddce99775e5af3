"""What an export or an import tells about itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """What became of one recurrent layer.

    Attributes:
        layer: Its place in the model.
        cell: The name of its cell.
        input_size: Width of its input.
        output_size: Width of its output, both directions side by side.
        directions: `forward`, `reverse` or `bidirectional`.
        operator: The ONNX operator; `nodes` for a step, which is made of plain nodes.
        reason: Why it is that one.
    """

    layer: str
    cell: str
    input_size: int
    output_size: int
    directions: str
    operator: str
    reason: str


@dataclass(frozen=True)
class Exported:
    """An exported model.

    Attributes:
        path: Where it was written.
        rows: What became of each recurrent layer.
        inputs: The names of the inputs; those with a default need not be given.
        outputs: The names of the outputs.
        difference: The largest difference between the model's numbers and the graph's, on random input at two sizes;
            None if it was not run.
    """

    path: Path
    rows: tuple[Row, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    difference: float | None = field(default=None)

    def __str__(self) -> str:
        head = ("layer", "cell", "sizes", "direction", "operator", "because")
        lines = [
            (r.layer, r.cell, f"{r.input_size} -> {r.output_size}", r.directions, r.operator, r.reason)
            for r in self.rows
        ]
        told = "not compared" if self.difference is None else f"largest difference {self.difference:.1e}"
        return (
            f"{self.path}: {', '.join(self.inputs)} -> {', '.join(self.outputs)}; {told}\n{text_table([head, *lines])}"
        )


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as text with columns of even width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
