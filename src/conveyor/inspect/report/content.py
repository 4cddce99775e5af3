"""The contents of a report, before they are rendered as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from conveyor.inspect.draw.figure import Drawn
from conveyor.inspect.draw.walk import Walk
from conveyor.ir.program import Program

Values = NDArray[np.float32]


@dataclass(frozen=True)
class LayerValues:
    """The values of one direction of one layer.

    Attributes:
        label: Its label: `layer 1`, `layer 2, reverse`.
        program: Its program.
        values: Named values and states over time, (T, width) each.
        gates: Names of those that are gates.
        titles: A short title of each.
    """

    label: str
    program: Program
    values: Mapping[str, Values]
    gates: tuple[str, ...]
    titles: Mapping[str, str]


@dataclass(frozen=True)
class InformativeUnit:
    """A unit whose value predicts a property of the text.

    Attributes:
        layer: Index among the report's layers.
        value: The name of the value.
        unit: The unit's index.
        reason: The property, in a few words.
    """

    layer: int
    value: str
    unit: int
    reason: str


@dataclass(frozen=True)
class Cell:
    """A cell of the layer.

    Attributes:
        label: The layers with this cell.
        name: Its name.
        program: Its program.
    """

    label: str
    name: str
    program: Program


@dataclass(frozen=True)
class Report:
    """The contents of a report.

    Attributes:
        title: The page's title.
        facts: Facts about the model: label and value.
        cells: Its cells.
        diagnosis: Sentences.
        walk: One step of one layer.
        walk_at: The token that this step reads, and those before it.
        tokens: The T input tokens.
        layers: The recorded values.
        telling: The informative units, the most informative first.
        figures: By section: `gates`, `memory`, `flow`.
        tables: Data to write, by name: column by column.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    cells: Sequence[Cell]
    diagnosis: Sequence[str]
    walk: Walk
    walk_at: str
    tokens: Sequence[str]
    layers: Sequence[LayerValues]
    telling: Sequence[InformativeUnit]
    figures: Mapping[str, Sequence[Drawn]] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, NDArray[np.generic]]] = field(default_factory=dict)
