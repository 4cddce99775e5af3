"""Named tuples for the states of a layer: one field a state.

A class is made when it is first asked for, by its fields: `conveyor.states.State__h__c` is that of a cell with the
states h and c. Being attributes of this module, the classes can be pickled and found again in another process.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from conveyor.errors import ArgumentError
from conveyor.scalars import as_whole

_PREFIX = "State__"


def state_class(fields: tuple[str, ...]) -> Any:
    """The named tuple with these fields, which has `detach()` and `narrow_batch(size)` too.

    Raises:
        ArgumentError: A state has a name that can't be a field's.
    """
    for k, field in enumerate(fields):
        # The class's name, which is split at double underscores when a state is unpickled, must say each field.
        blurred = "__" in field or (field.endswith("_") and k < len(fields) - 1)
        if blurred or field.startswith("_") or field in ("detach", "narrow_batch"):
            raise ArgumentError(
                f"state '{field}' can't be a field of the named tuple of states ({', '.join(fields)}); rename it to"
                " letters and digits with single underscores between them, and neither detach nor narrow_batch"
            )
    name = _PREFIX + "__".join(fields)
    if name not in globals():
        globals()[name] = _make(name, fields)
    return globals()[name]


def __getattr__(name: str) -> Any:
    if not name.startswith(_PREFIX):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return state_class(tuple(name.removeprefix(_PREFIX).split("__")))


class _Names(dict[str, Any]):
    """torch's table of the types in saved programs, which makes classes of states when it is asked for them."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and name.startswith(f"{__name__}.{_PREFIX}"))

    def __missing__(self, name: str) -> Any:
        if name not in self:
            raise KeyError(name)
        return state_class(tuple(name.removeprefix(f"{__name__}.{_PREFIX}").split("__")))


def tell_torch() -> None:
    """Let torch.export.load find classes of states that this process has not made yet."""
    from torch.utils import _pytree as pytree

    if not isinstance(pytree.SERIALIZED_TYPE_TO_PYTHON_TYPE, _Names):
        pytree.SERIALIZED_TYPE_TO_PYTHON_TYPE = _Names(pytree.SERIALIZED_TYPE_TO_PYTHON_TYPE)


def _make(name: str, fields: tuple[str, ...]) -> Any:
    from torch.utils import _pytree as pytree

    make: Any = namedtuple  # the type checker wants names that are known before the program runs
    made = make(name, fields, module=__name__)
    made.__doc__ = (
        "States of a layer: " + ", ".join(fields) + ". Each is (num_layers x directions, B, width), or with unequal"
        " widths a tuple of one (directions, B, width) a layer."
    )
    made.detach = lambda self: _each(self, lambda s: s.detach())
    made.detach.__doc__ = "The same numbers, cut from the graph that made them."
    made.narrow_batch = lambda self, size: _each(self, lambda s: _narrow(s, size))
    made.narrow_batch.__doc__ = "The states of the first `size` rows of the batch."
    pytree._register_namedtuple(made, serialized_type_name=f"{__name__}.{name}")
    return made


def _narrow(state: Any, size: int) -> Any:
    batch = state.shape[-2]
    expected = f"a number of rows from 0 to the state's batch of {batch}"
    size = as_whole("size", size, 0, expected)
    if size > batch:
        raise ArgumentError(f"size is {expected}, got {size}")
    return state[..., :size, :]


def _each(state: Any, change: Any) -> Any:
    def apply(field: Any) -> Any:
        if isinstance(field, tuple):
            return tuple(None if s is None else change(s) for s in field)
        return change(field)

    return type(state)(*(apply(field) for field in state))
