"""`conveyor train --task classify | regress | tag`: start a run on sequences."""

from __future__ import annotations

from pathlib import Path

from conveyor.cli.train import make_console, start_run
from conveyor.tasks.cell_source import find_cell
from conveyor.tasks.sequences.config import SequenceConfig
from conveyor.tasks.sequences.run import AUTO_CELL, SequenceRun
from conveyor.tasks.training.distributed import Distributed


def start_sequences(
    config: SequenceConfig, cell: str, output: Path, *, auto_epochs: bool, force: bool, dry_run: bool
) -> int:
    """Train from the beginning; return the exit code.

    Args:
        config: all but the cell.
        cell: of every layer; `auto` chooses one.
        output: folder of the checkpoint.
        auto_epochs: whether to choose the number of passes by the size of the data.
        force: whether to overwrite what is there.
        dry_run: whether to estimate time and memory instead.

    Raises:
        ConveyorError: something that the user gave cannot be used.
    """
    chosen = None if cell == AUTO_CELL else find_cell(cell)
    console = make_console(Distributed.of_environment())
    return start_run(
        lambda: SequenceRun.start(config, chosen, console.print, auto_epochs=auto_epochs),
        output,
        force=force,
        dry_run=dry_run,
    )
