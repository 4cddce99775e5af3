"""Conversions of the arguments that layers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torch

from conveyor.errors import ArgumentError, ArgumentTypeError, TensorError, shown
from conveyor.frontend import CellDefinition
from conveyor.scalars import as_flag, as_whole, whole_number

T = TypeVar("T")


def as_cell(cell: Any) -> CellDefinition:
    """Return a cell, or the built-in one of that name."""
    if isinstance(cell, CellDefinition):
        return cell
    if isinstance(cell, str):
        from conveyor.cells import cells

        return cells[cell]
    fix = "; decorate the function with @cv.cell" if callable(cell) else ""
    raise ArgumentTypeError(
        f"cell is a @cv.cell function or the name of one in cv.cells, got {type(cell).__name__}{fix}"
    )


def as_cells(cell: Any) -> list[CellDefinition]:
    """Return one cell or a list of them as a list."""
    given = cell if isinstance(cell, Sequence) and not isinstance(cell, str) else [cell]
    if not given:
        raise ArgumentError("cell is an empty list; give one cell, or one a layer")
    return [as_cell(c) for c in given]


def per_layer(name: str, value: T | Sequence[T], num_layers: int) -> list[T]:
    """Return one value for each layer, from one for all or a list."""
    num_layers = as_whole("num_layers", num_layers, 1)
    if not isinstance(value, list | tuple):
        return [value] * num_layers  # type: ignore[list-item]
    if len(value) != num_layers:
        raise ArgumentError(f"{name} has {len(value)} entries for {num_layers} layers; give one a layer")
    return list(value)


def as_sizes(sizes: Mapping[str, int] | None, proj_size: int) -> dict[str, int]:
    """Return the named sizes, with torch's `proj_size` as that of "proj"."""
    if sizes is not None and not isinstance(sizes, Mapping):
        raise ArgumentTypeError(f"sizes is a dict of a width's name to its number, got {type(sizes).__name__}")
    number = whole_number(proj_size)
    if number is not None and number < 0:
        torchs = "proj_size should be a positive integer or zero to disable projections"
        raise ArgumentError(f"proj_size is a whole number, 0 for no projection, got {number} ({torchs})")
    proj_size = as_whole("proj_size", proj_size, 0, "a whole number, 0 for no projection")
    given = dict(sizes or {})
    if proj_size:
        if given.setdefault("proj", proj_size) != proj_size:
            raise ArgumentError(f"proj_size={proj_size} and sizes['proj']={given['proj']} differ; give one of them")
    return given


def check_flags(**flags: bool) -> None:
    """Check that each is True or False: a text such as "no" would count as true."""
    for name, flag in flags.items():
        as_flag(name, flag)


def check_place(device: Any, dtype: Any) -> None:
    """Check the device and the dtype of new parameters."""
    if dtype is not None and not isinstance(dtype, torch.dtype):
        raise ArgumentTypeError(f"dtype is a floating-point type, got {shown(dtype)}")
    if dtype is not None and not dtype.is_floating_point:
        raise ArgumentError(f"dtype is a floating-point type, got {dtype!r}")
    try:
        torch.device("cpu" if device is None else device)
    except (RuntimeError, TypeError) as error:
        kind = TensorError if isinstance(error, RuntimeError) else ArgumentTypeError
        raise kind(f"device is a torch.device or a name such as 'cpu' or 'cuda:0', got {shown(device)}") from None


def check_as_torch(input_size: Any, hidden_size: Any, num_layers: Any, **flags: Any) -> None:
    """Raises what torch.nn's layers raise for these arguments, with torch's message in ours.

    Raises:
        ArgumentTypeError: A size is not an integer, or a flag neither True nor False.
        ArgumentError: A number is too small.
    """
    widths = hidden_size if isinstance(hidden_size, list | tuple) else [hidden_size]
    for name, value in (("input_size", input_size), *(("hidden_size", w) for w in widths), ("num_layers", num_layers)):
        number = whole_number(value)
        if number is None and name != "num_layers":
            kind = type(value).__name__
            raise ArgumentTypeError(
                f"{name} is a whole number from 1, got {shown(value)} ({name} should be of type int, got: {kind})"
            )
        if number is not None and number < 1:
            raise ArgumentError(
                f"{name} is a whole number from 1, got {shown(value)} ({name} must be greater than zero)"
            )
    for name, flag in flags.items():
        as_flag(name, flag, f" ({name} should be of type bool, got: {type(flag).__name__})")
