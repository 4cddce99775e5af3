"""Errors that conveyor raises: one line each, with the argument, what was expected, what came, and the likely fix."""

from __future__ import annotations


class ConveyorError(Exception):
    """Base of every error that conveyor raises on purpose."""


class ArgumentError(ConveyorError, ValueError):
    """An argument of a public function has a wrong value, shape, dtype or device."""


class TensorError(ArgumentError, RuntimeError):
    """A tensor's shape, dtype or device does not fit; a RuntimeError too, as torch raises for these."""


class ArgumentTypeError(ArgumentError, TypeError):
    """An argument is of another Python type than the function takes; a TypeError too, as Python and torch raise."""


class CellError(ConveyorError):
    """A cell's equations are ill-formed; the message names the line of the equation and the mend."""


class ProgramError(ConveyorError):
    """A program, or the text of one, breaks a rule of the intermediate representation."""


class BackendError(ConveyorError, RuntimeError):
    """A backend that was asked for cannot run this layer; the message says why."""


class CheckpointError(ConveyorError):
    """A checkpoint is missing, truncated, foreign, or written by a later version."""


class TextError(ConveyorError):
    """A text file or prompt cannot be used: empty, not UTF-8, too short, or with unknown characters."""


class DataError(ConveyorError, ValueError):
    """A table, array or file cannot be used: a column is missing, rows clash, values have no place or are too few."""


class NonFiniteError(ConveyorError):
    """Training met a loss that is not finite; the message names the step, the layer and the first bad value."""


class ConversionError(ConveyorError):
    """Weights brought in from elsewhere, or taken out, do not give the numbers that they gave there."""


def shown(value: object) -> str:
    """Return the repr of a value on one line, at most 80 characters."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}…"
