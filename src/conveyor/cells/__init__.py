"""The built-in cells: equations only, a family a file. `cells` finds them by name."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module
from types import ModuleType
from typing import cast

from conveyor.errors import ArgumentError
from conveyor.frontend import CellDefinition

# Cell to the file of its family; a family is read when one of its cells is asked for.
_FAMILIES = {
    "rnn": "plain",
    "indrnn": "plain",
    "lstm": "lstm",
    "lstm_peephole": "lstm",
    "lstm_coupled": "lstm",
    "lstm_layer_norm": "lstm",
    "lstm_projection": "lstm",
    "lstm_nig": "ablations",
    "lstm_nfg": "ablations",
    "lstm_nog": "ablations",
    "lstm_niaf": "ablations",
    "lstm_noaf": "ablations",
    "lstm_cifg": "ablations",
    "lstm_np": "ablations",
    "lstm_fgr": "ablations",
    "gru": "gru",
    "gru_reset_before": "gru",
    "gru_d": "gru",
    "min_gru": "minimal",
    "min_lstm": "minimal",
    "mgu": "minimal",
    "janet": "minimal",
    "ugrnn": "minimal",
    "slstm": "exponential",
}


class UnknownCell(ArgumentError, KeyError):
    """No built-in cell has that name."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would show the message in quotation marks


class Registry(ModuleType, Mapping[str, CellDefinition]):
    """The built-in cells by name; those of a family are traced when one of them is first asked for."""

    def __getitem__(self, name: str) -> CellDefinition:
        if name not in _FAMILIES:
            close = get_close_matches(str(name).lower(), _FAMILIES, 1)
            hint = f"did you mean {close[0]!r}" if close else "write your own with @cv.cell"
            raise UnknownCell(f"cell {name!r} is not built in; {hint}; built in: {', '.join(_FAMILIES)}")
        found = getattr(import_module(f"{__name__}.{_FAMILIES[name]}"), name)
        assert isinstance(found, CellDefinition)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(_FAMILIES)

    def __len__(self) -> int:
        return len(_FAMILIES)

    # A mapping compares by its items and can't be hashed; a module must.
    __eq__ = ModuleType.__eq__
    __hash__ = ModuleType.__hash__


# `cv.cells` is both this package and the registry: importing a file of the package binds the name to the package,
# whatever stood there, so the package itself is made a mapping.
cells = cast(Registry, sys.modules[__name__])
cells.__class__ = Registry

__all__ = ["Registry", "UnknownCell", "cells"]
