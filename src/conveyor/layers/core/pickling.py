"""Layers as their class and their settings, the form in which a pickle, a copy or torch.save holds them.

Nothing internal stands in a pickle: numbers, names and the texts of programs beside torch's own parameters, so that
`torch.load` with its defaults needs one name a class, as for torch.nn's layers. What runs is made again from them.
Pickles of versions before this hold the units themselves; their settings are read from those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conveyor.cells import cells
from conveyor.frontend import CellDefinition
from conveyor.ir.types import HIDDEN, INPUT, ROW
from conveyor.layers.core.layer_direction import LayerDirection

SETTINGS = "conveyor"  # the entry of a pickled module that holds them
VERSION = 1


def settings_of(units: Sequence[LayerDirection], directions: int) -> dict[str, Any]:
    """Collect the settings that a module's units are built from, in Python's own types.

    Args:
        units: The units, layer by layer.
        directions: The number of directions of a layer.

    Returns:
        `cells`, for each layer the name and the program's text; `hidden_sizes`, one a layer; `sizes`, the widths that
        programs name; `version`.
    """
    layers = units[::directions]
    sizes = {
        width: unit.widths[width]
        for unit in layers
        for width in unit.cell.program.widths
        if width not in (ROW, INPUT, HIDDEN)
    }
    return {
        "version": VERSION,
        "cells": [[unit.cell.name, unit.cell.program.text] for unit in layers],
        "hidden_sizes": [unit.widths[HIDDEN] for unit in layers],
        "sizes": sizes,
    }


def cell_of(name: str, text: str) -> CellDefinition:
    """Find the built-in cell of a name and a program's text, or make a cell with this program."""
    known = cells.get(name)
    return known if known is not None and known.program.text == text else CellDefinition.from_text(name, text)


def plain_state(state: Mapping[str, Any], derived: Sequence[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Build a module's pickled state: its attributes, without those that its settings determine, and the settings."""
    kept = {name: value for name, value in state.items() if name not in derived}
    return kept | {SETTINGS: dict(settings)}
