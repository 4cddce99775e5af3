"""Named tuples for the states of a layer: one field a state.

A class is made when it is first asked for, by its fields: `conveyor.states.State__h__c` is that of a cell with the
states h and c. Being attributes of this module, the classes can be pickled and found again in another process.
"""

from __future__ import annotations

import sys
from collections import namedtuple
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from typing import Any

from conveyor.errors import ArgumentError, ArgumentTypeError
from conveyor.scalars import as_whole

_PREFIX = "State__"


def state_class(fields: tuple[str, ...]) -> Any:
    """Make the named tuple with these fields, which has `detach()` and `narrow_batch(size)` too.

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
    made.__new__ = _new
    made.__new__.__doc__ = f"Makes states of {len(fields)} fields, or of one iterable of them, as a tuple is made."
    made.detach = lambda self: _each(self, lambda s: s.detach())
    made.detach.__doc__ = "The same numbers, cut from the graph that made them."
    made.narrow_batch = lambda self, size: _each(self, lambda s: _narrow(s, size))
    made.narrow_batch.__doc__ = "The states of the first `size` rows of the batch."
    pytree._register_namedtuple(made, serialized_type_name=f"{__name__}.{name}")
    _register_as_safe(made)
    return made


def _new(cls: Any, *given: Any, **named: Any) -> Any:
    """Makes states of their fields, or of one iterable of them."""
    count = len(cls._fields)
    if len(given) == 1 and not named and _is_of_fields(given[0], count):
        given = tuple(given[0])
    if len(given) + len(named) != count or set(named) != set(cls._fields[len(given) :]):
        raise ArgumentTypeError(
            f"states are ({', '.join(cls._fields)}), got {len(given)} of them"
            + (f" and {', '.join(named)} by name" if named else "")
        )
    return tuple.__new__(cls, (*given, *(named[n] for n in cls._fields[len(given) :])))


def _is_of_fields(value: Any, count: int) -> bool:
    """Tests whether a lone argument holds the fields, rather than being the only one."""
    if hasattr(value, "__next__"):
        return True
    # The only field of a state may be a tuple of one tensor a layer, but not of a single one.
    return hasattr(value, "__iter__") and (count > 1 or (isinstance(value, tuple | list) and len(value) == 1))


def _register_as_safe(made: Any) -> None:
    """Lets `torch.load` take a class by its defaults: one of these holds nothing but what it is given."""
    from torch.serialization import add_safe_globals

    add_safe_globals([made])


# The states of the built-in cells; those of others are known to torch from when a layer of theirs is made.
BUILT_IN: tuple[tuple[str, ...], ...] = (
    ("h",),
    ("h", "c"),
    ("h", "x_last"),
    ("h", "c", "n", "m"),
    ("h", "c", "i", "f", "o"),
)


def register_built_in() -> None:
    """Lets `torch.load` take the states of the built-in cells, in a process that has made no layer yet."""
    for fields in BUILT_IN:
        state_class(fields)


def register_when_torch_comes() -> None:
    """Registers the built-in states now if torch is loaded, else once it is: torch is not loaded for it."""
    if sys.modules.get("torch") is not None:  # None where its import is forbidden
        register_built_in()
    elif not any(isinstance(finder, _WaitsForTorch) for finder in sys.meta_path):
        sys.meta_path.insert(0, _WaitsForTorch())


class _WaitsForTorch(MetaPathFinder):
    """Sees torch being imported, and lets it go on."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """Finds torch as others find it, and registers the built-in states when it has been loaded."""
        if name != "torch":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            run = loader.exec_module

            def exec_module(module: Any) -> None:
                run(module)
                register_built_in()

            loader.exec_module = exec_module
        return spec


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
