"""Lists on the command line: `--future temp,promo`, or the option again."""

from __future__ import annotations

from collections.abc import Sequence

from conveyor.errors import ArgumentError


def column_list(values: Sequence[str] | None) -> tuple[str, ...]:
    """Split names at commas, in the order given."""
    return tuple(name for value in values or () for part in value.split(",") if (name := part.strip()))


def number_list(option: str, values: Sequence[str] | None) -> tuple[float, ...]:
    """Read numbers separated by commas.

    Raises:
        ArgumentError: one is no number.
    """
    numbers = []
    for text in column_list(values):
        try:
            numbers.append(float(text))
        except ValueError as error:
            raise ArgumentError(f"{option}: expected numbers with commas between them, got {text!r}") from error
    return tuple(numbers)
