"""The options of `to_onnx`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from conveyor.errors import ArgumentError
from conveyor.layers import Cell, GRUCell, LSTMCell, RNNCell
from conveyor.layers.arguments.conversion import check_flags

_AXES = ("batch", "time")
_GIVEN = ("optional", "required", "none")


@dataclass(frozen=True)
class Options:
    """The checked options.

    Attributes:
        batch: The number of rows, or None if any number will do.
        time: The number of steps, likewise.
        step: Whether the graph is one step.
        lengths: Whether the lengths of the rows are an `optional` input, a `required` one, or `none`.
        states: The same for the initial states.
        static: The auxiliary inputs that are the same at each step.
        reset: Whether there is an input `reset`.
    """

    batch: int | None
    time: int | None
    step: bool
    lengths: str
    states: str
    static: tuple[str, ...]
    reset: bool


def read_options(
    model: Any,
    dynamic: Any,
    batch: Any,
    time: Any,
    step: Any,
    lengths: Any,
    states: Any,
    static: Iterable[str],
    reset: bool,
) -> Options:
    """Check the options and return them.

    Raises:
        ArgumentError: One of them has a wrong value, or two contradict each other.
    """
    check_flags(reset=reset, **({} if step is None else {"step": step}))
    if step is None:
        step = isinstance(model, Cell | LSTMCell | GRUCell | RNNCell)
    axes = _names(dynamic)
    if axes is None or any(a not in _AXES for a in axes):
        raise ArgumentError(f'dynamic names the axes of any size, of ("batch", "time"), got {dynamic!r}')
    sizes = {"batch": batch, "time": time}
    for axis, size in sizes.items():
        if axis in axes and size is not None:
            raise ArgumentError(f"{axis}={size!r} fixes an axis that dynamic={axes} leaves open; give one")
        if axis in axes or (axis == "time" and step):
            sizes[axis] = None
        elif not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise ArgumentError(
                f"{axis} is the size of an axis that is not dynamic, a whole number from 1, got {size!r}"
            )
    for name, value in (("lengths", lengths), ("states", states)):
        if not isinstance(value, str) or value not in _GIVEN:
            raise ArgumentError(f"{name} is {', '.join(_GIVEN[:-1])} or {_GIVEN[-1]}, got {value!r}")
    if step and states == "none":
        raise ArgumentError("states is 'none', but a step begins from a state; leave it out or pass states='required'")
    same = _names(static)
    if same is None:
        raise ArgumentError(f"static is a tuple of names of auxiliary inputs, got {static!r}")
    return Options(sizes["batch"], sizes["time"], step, lengths, states, same, reset)


def _names(given: Any) -> tuple[str, ...] | None:
    """Return several names as a tuple; None if they are something else."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        return None
    found = tuple(given)
    return found if all(isinstance(n, str) for n in found) else None
