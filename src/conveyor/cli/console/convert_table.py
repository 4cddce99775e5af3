"""Tables of what was brought in or taken out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from torch import nn

from conveyor.cells import cells
from conveyor.frontend import CellDefinition
from conveyor.interop.keras.layer import KerasLayer
from conveyor.ir.types import HIDDEN

ALONE = "layer"  # what one that stands in no model is called
_WIDE = 200  # characters, where no terminal sets a limit


@dataclass(frozen=True)
class Row:
    """One recurrent layer.

    Attributes:
        layer: Its name.
        was: What it was.
        became: What it became; empty if it was left out.
        cell: The cell, with the options that are not the defaults.
        sizes: Of the input and the hidden states.
        directions: `forward`, `backward` or `both`.
        difference: The largest, on random input; None if none was measured.
        note: What does not come along, or why it was left out.
    """

    layer: str
    was: str
    became: str = ""
    cell: str = ""
    sizes: str = ""
    directions: str = ""
    difference: float | None = None
    note: str = ""


def row_of(name: str, was: str, module: nn.Module, became: str, difference: float | None = None, note: str = "") -> Row:
    """The row of one of our layers."""
    layer: Any = getattr(module, "layer", module)  # of one that turns time round
    units = layer.units if hasattr(layer, "units") else (layer.unit,)
    forward = [u for u in units if not u.suffix.endswith("_reverse")]
    hidden = [u.widths[HIDDEN] for u in forward]
    sizes = f"{hidden[0]} x {len(hidden)} layers" if len({*hidden}) == 1 < len(hidden) else " → ".join(map(str, hidden))
    turned = layer is not module and getattr(module, "go_backwards", not isinstance(module, KerasLayer))
    directions = "both" if len(units) > len(forward) else "backward" if turned else "forward"
    said = ", ".join(dict.fromkeys(_said(u.cell) for u in forward))
    return Row(name or ALONE, was, became, said, f"{layer.input_size} → {sizes}", directions, difference, note)


def _said(cell: CellDefinition) -> str:
    usual = cells[cell.name].options if cell.name in cells else {}
    options = ", ".join(f"{k}={v}" for k, v in cell.options.items() if usual.get(k) != v)
    return f"{cell.name} ({options})" if options else cell.name


def print_table(console: Console, rows: Sequence[Row]) -> None:
    """Print the rows, what became of each, and the largest of their differences."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("layer", "cell", "sizes", "direction", "difference"):
        table.add_column(heading, overflow="fold")
    for r in rows:
        told = "left out" if not r.became else "" if r.difference is None else f"{r.difference:.1e}"
        table.add_row(r.layer, r.cell, r.sizes, r.directions, told)
    if not console.is_terminal:
        console.width = _WIDE
    console.print(table)
    for r in rows:
        became = f" → {r.became}" if r.became else ""
        console.print(f"{r.layer}: {r.was}{became}{f'; {r.note}' if r.note else ''}")
    measured = [r.difference for r in rows if r.difference is not None]
    if measured:
        console.print(f"Largest difference on random input: {max(measured):.1e}")
