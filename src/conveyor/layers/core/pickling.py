"""The pickled form of a layer: its class and its settings, for pickle, copy and torch.save.

A pickle has no internal objects: numbers, names and the texts of programs beside torch's own parameters. So
`torch.load` with its defaults needs one name per class, as for torch.nn's layers. The layer directions are rebuilt from
them. Pickles of earlier versions hold the layer directions themselves; their settings are read from those.
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
    """Collects the settings that a module's layer directions are built from, in Python's built-in types.

    Args:
        units: The layer directions, layer by layer.
        directions: The number of directions per layer.

    Returns:
        `cells`, for each layer the name and the program's text; `hidden_sizes`, one per layer; `sizes`, the widths that
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
    """Builds the pickled state of a module: its settings, and its attributes that are not derived from them."""
    kept = {name: value for name, value in state.items() if name not in derived}
    return kept | {SETTINGS: dict(settings)}
