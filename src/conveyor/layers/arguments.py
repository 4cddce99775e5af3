"""Readings of the arguments that layers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from conveyor.errors import ArgumentError
from conveyor.language import CellDefinition

T = TypeVar("T")


def as_cell(cell: Any) -> CellDefinition:
    """A cell, or the built-in one of that name."""
    if isinstance(cell, CellDefinition):
        return cell
    if isinstance(cell, str):
        from conveyor.cells import cells

        return cells[cell]
    fix = "; decorate the function with @cv.cell" if callable(cell) else ""
    raise ArgumentError(f"cell is a @cv.cell function or the name of one in cv.cells, got {type(cell).__name__}{fix}")


def as_cells(cell: Any) -> list[CellDefinition]:
    """One cell or a list of them, as a list."""
    given = cell if isinstance(cell, Sequence) and not isinstance(cell, str) else [cell]
    if not given:
        raise ArgumentError("cell is an empty list; give one cell, or one a layer")
    return [as_cell(c) for c in given]


def per_layer(name: str, value: T | Sequence[T], num_layers: int) -> list[T]:
    """One value for each layer, from one for all or a list."""
    if isinstance(num_layers, bool) or not isinstance(num_layers, int) or num_layers < 1:
        raise ArgumentError(f"num_layers is a whole number from 1, got {num_layers!r}")
    if not isinstance(value, list | tuple):
        return [value] * num_layers  # type: ignore[list-item]
    if len(value) != num_layers:
        raise ArgumentError(f"{name} has {len(value)} entries for {num_layers} layers; give one a layer")
    return list(value)


def as_sizes(sizes: Mapping[str, int] | None, proj_size: int) -> dict[str, int]:
    """The named sizes, with torch's `proj_size` as that of "proj"."""
    given = dict(sizes or {})
    if proj_size:
        if given.setdefault("proj", proj_size) != proj_size:
            raise ArgumentError(f"proj_size={proj_size} and sizes['proj']={given['proj']} differ; give one of them")
    return given
