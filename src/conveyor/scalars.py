"""Reads arguments that are one number or one flag, of whichever kind it comes: Python's, NumPy's, a tensor's."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

from conveyor.errors import ArgumentError, ArgumentTypeError, shown


def is_flag(value: Any) -> bool:
    """Tests whether a value is True or False, NumPy's included."""
    kind = type(value)
    return kind is bool or (kind.__module__ == "numpy" and kind.__name__ in ("bool", "bool_"))


def as_flag(name: str, value: Any, words: str = "") -> bool:
    """Reads True or False.

    Args:
        name: The argument.
        value: What came; a text such as "no" is none, since it would count as true.
        words: What else the error is to say.

    Raises:
        ArgumentTypeError: It is neither.
    """
    if not is_flag(value):
        raise ArgumentTypeError(f"{name} is True or False, got {shown(value)}{words}")
    return bool(value)


def whole_number(value: Any) -> int | None:
    """Reads a whole number by its `__index__`; None if the value is none, as True and False are."""
    if is_flag(value):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def as_whole(name: str, value: Any, lowest: int, expected: str = "") -> int:
    """Reads a whole number that is at least `lowest`.

    Args:
        name: The argument.
        value: What came.
        lowest: The least that it may be.
        expected: What the error says that the argument is; a whole number from `lowest` otherwise.

    Raises:
        ArgumentTypeError: It is no whole number.
        ArgumentError: It is less.
    """
    number = whole_number(value)
    if number is None or number < lowest:
        kind = ArgumentTypeError if number is None else ArgumentError
        raise kind(f"{name} is {expected or f'a whole number from {lowest}'}, got {shown(value)}")
    return number


def real_number(value: Any) -> float | None:
    """Reads a number by its `__float__` or `__index__`; None if the value is none, as texts and flags are."""
    if is_flag(value) or not (hasattr(value, "__float__") or hasattr(value, "__index__")):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None


def plain_number(value: Any) -> Any:
    """Turns a number of another kind into Python's own; what is none is left for the checks to find."""
    if type(value) in (int, float, bool):
        return value
    whole = whole_number(value)
    return whole if whole is not None else real_number(value) if real_number(value) is not None else value


def plain_numbers(value: Any) -> Any:
    """Turns a number, or those of a list, a tuple or a mapping, into Python's own."""
    if isinstance(value, Mapping):
        return {name: plain_number(v) for name, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(plain_number(v) for v in value)
    return plain_number(value)
