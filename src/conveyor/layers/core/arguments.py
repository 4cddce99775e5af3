"""Readings of the arguments that layers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torch

from conveyor.errors import ArgumentError
from conveyor.frontend import CellDefinition

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
    if sizes is not None and not isinstance(sizes, Mapping):
        raise ArgumentError(f"sizes is a dict of a width's name to its number, got {type(sizes).__name__}")
    if isinstance(proj_size, bool) or not isinstance(proj_size, int) or proj_size < 0:
        raise ArgumentError(f"proj_size is a whole number, 0 for no projection, got {proj_size!r}")
    given = dict(sizes or {})
    if proj_size:
        if given.setdefault("proj", proj_size) != proj_size:
            raise ArgumentError(f"proj_size={proj_size} and sizes['proj']={given['proj']} differ; give one of them")
    return given


def check_flags(**flags: bool) -> None:
    """Check that each is True or False: a text such as "no" would count as true."""
    for name, flag in flags.items():
        if not isinstance(flag, bool):
            raise ArgumentError(f"{name} is True or False, got {flag!r}")


def check_place(device: Any, dtype: Any) -> None:
    """Check where and of what type parameters are to be made."""
    if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        raise ArgumentError(f"dtype is a floating-point type, got {dtype!r}")
    try:
        torch.device("cpu" if device is None else device)
    except (RuntimeError, TypeError):
        raise ArgumentError(f"device is a torch.device or a name such as 'cpu' or 'cuda:0', got {device!r}") from None
