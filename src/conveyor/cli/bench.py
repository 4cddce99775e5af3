"""`conveyor bench`: how fast a cell is here, at the sizes that matter to the user."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console

from conveyor.bench import compare
from conveyor.bench.session import Options, carry_out
from conveyor.errors import ArgumentError
from conveyor.tasks.cell_source import find_cell


def run_bench(cells: Sequence[str], sizes: Sequence[str], against: str | None, options: Options) -> int:
    """Measure cells and print tables; return the exit code.

    Raises:
        ConveyorError: Something that the user gave cannot be used.
    """
    if against is not None and against not in compare.AGAINST:
        raise ArgumentError(f"against: expected {', '.join(compare.AGAINST)}, got {against!r}")
    options.check()
    found = [find_cell(name) for name in dict.fromkeys(cells)]
    wanted = [compare.parse_size(text) for text in dict.fromkeys(sizes)] or compare.SIZES
    rows = compare.rows(found, wanted, against)
    return carry_out(rows, options, Console(emoji=False), Console(file=sys.stderr, soft_wrap=True, emoji=False))
