"""Checks of configuration values: each raises one line naming the argument, what it expected and what it got."""

from __future__ import annotations

import math

from conveyor.errors import ArgumentError

LARGEST_SEED = 2**63 - 1
LARGEST_SIZE = 2**20


def at_least(name: str, value: float, least: float) -> None:
    """Raise ArgumentError unless `value` is finite and at least `least`."""
    if not math.isfinite(value) or value < least:
        raise ArgumentError(f"{name}: expected at least {least:g}, got {value:g}")


def between(name: str, value: int, least: int, most: int) -> None:
    """Raise ArgumentError unless `least` ≤ `value` ≤ `most`."""
    if not least <= value <= most:
        raise ArgumentError(f"{name}: expected {least} to {most}, got {value}")


def finite(name: str, value: float) -> None:
    """Raise ArgumentError unless `value` is finite."""
    if not math.isfinite(value):
        raise ArgumentError(f"{name}: expected a finite number, got {value:g}")


def above(name: str, value: float, bound: float) -> None:
    """Raise ArgumentError unless `value` is finite and greater than `bound`."""
    if not math.isfinite(value) or value <= bound:
        raise ArgumentError(f"{name}: expected a finite number above {bound:g}, got {value:g}")


def fraction(name: str, value: float) -> None:
    """Raise ArgumentError unless 0 ≤ `value` < 1."""
    if not 0.0 <= value < 1.0:
        raise ArgumentError(f"{name}: expected at least 0 and less than 1, got {value:g}")


def one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise ArgumentError unless `value` is one of `choices`."""
    if value not in choices:
        raise ArgumentError(f"{name}: expected one of {', '.join(choices)}, got {value!r}")
