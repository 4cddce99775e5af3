"""`conveyor bench`: a cell at the user's sizes, compared with a baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch

from conveyor.bench import baselines
from conveyor.bench.baselines import Pair, Setting, Size, square
from conveyor.bench.rows import Line, Row
from conveyor.bench.run import Run
from conveyor.bench.sequences import inference, training
from conveyor.errors import ArgumentError
from conveyor.frontend import CellDefinition

SIZES = tuple(square(*s) for s in ((100, 1, 128), (100, 8, 128), (100, 32, 128), (100, 32, 256)))
"""Those that are measured if none is named."""

AGAINST: dict[str, tuple[str, Callable[[Setting], Pair]]] = {
    "torch": ("torch.nn's layer", baselines.beside_torch),
    "loop": ("the plain loop in torch", baselines.beside_loop),
    "compile": ("the plain loop under torch.compile", baselines.beside_compiled_loop),
    "reference": ("the reference backend", baselines.beside_reference),
}
"""Baselines by name: their title, and how they are made."""


def default_against(cell: CellDefinition) -> str:
    """Return the default baseline: torch's layer if there is one, else the plain loop."""
    return "torch" if baselines.has_torch_layer(cell) else "loop"


def parse_size(text: str) -> Size:
    """Parse a size from T,B,H or T,B,I,H.

    Raises:
        ArgumentError: The text is not a size.
    """
    parts = text.replace("x", ",").replace("×", ",").split(",")
    numbers = [int(p) for p in parts if p.strip().isdecimal()]
    if len(numbers) != len(parts) or len(parts) not in (3, 4) or not all(0 < n < 10**7 for n in numbers):
        raise ArgumentError(f"size: expected T,B,H or T,B,I,H as positive numbers, such as 100,32,128; got {text!r}")
    return Size(*numbers) if len(numbers) == 4 else square(*numbers)


def rows(cells: Sequence[CellDefinition], sizes: Sequence[Size], against: str | None) -> list[Row]:
    """Make for each cell one row of training and one of inference.

    Raises:
        ArgumentError: A cell can't be set beside what is asked for.
    """
    found = []
    for cell in cells:
        chosen = against or default_against(cell)
        if chosen == "torch" and not baselines.has_torch_layer(cell):
            baselines.beside_torch(baselines.setting(cell, square(1, 1, 2)))  # says why
        called, make = AGAINST[chosen]
        for kind, measure in (("training", training), ("inference", inference)):
            title = f"{cell.name}, {'forward and backward' if kind == 'training' else 'inference'}, beside {called}"
            found.append(Row(f"{cell.name} {kind}", title, _measured(cell, sizes, make, measure)))
    return found


def _measured(
    cell: CellDefinition, sizes: Sequence[Size], make: Callable[[Setting], Pair], measure: Callable[..., Line]
) -> Callable[[Run], Iterator[Line]]:
    def lines(run: Run) -> Iterator[Line]:
        for size in sizes:
            torch.manual_seed(0)
            try:
                given = baselines.setting(cell, size, run.dtype)
                yield measure(run, given, make(given))
            except RuntimeError as error:
                if "allocate memory" not in str(error):
                    raise
                raise ArgumentError(
                    f"size: {size.label} needs more memory than there is; take a smaller one"
                ) from error

    return lines
