"""The cell that a user names: one of the registry, or a function in a module file."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from conveyor.cells import UnknownCell, cells
from conveyor.errors import ArgumentError, CellError
from conveyor.frontend import CellDefinition


def find_cell(name: str) -> CellDefinition:
    """Return the cell called `name` in the registry, or `module.py:function` of a user.

    Raises:
        ArgumentError: there is none.
        CellError: its equations are ill-formed.
    """
    path, colon, function = name.rpartition(":")
    if colon and path.endswith(".py"):
        return _load(Path(path), function)
    try:
        return cells[name]
    except UnknownCell as error:
        raise ArgumentError(f"{error}; a cell of your own is module.py:function") from error


def _load(path: Path, function: str) -> CellDefinition:
    if not path.is_file():
        raise ArgumentError(f"cell: no such file as {path}; check the path before the colon")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None, "a path ending in .py always has a loader"
    module = importlib.util.module_from_spec(spec)
    # As with `python module.py`: the module can import its neighbours.
    sys.path.insert(0, str(path.parent.absolute()))
    try:
        spec.loader.exec_module(module)
    except CellError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ArgumentError(f"cell: {path} fails when it is imported: {type(error).__name__}: {reason}") from error
    finally:
        sys.path.pop(0)
    found = getattr(module, function, None)
    if not isinstance(found, CellDefinition):
        names = [key for key, value in vars(module).items() if isinstance(value, CellDefinition)]
        hint = f"it has {', '.join(names)}" if names else "decorate the function with @conveyor.cell"
        raise ArgumentError(f"cell: {path} has no cell called {function!r}; {hint}")
    return found
