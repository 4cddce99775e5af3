"""`conveyor demo --task classify`: are departures late, by the day's weather."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from conveyor.cli.console.output import free_name, is_free, numbered, require_free
from conveyor.cli.console.shell import command, path_word
from conveyor.cli.sequences.inspect import write_inspection
from conveyor.cli.train import follow, make_console
from conveyor.errors import CheckpointError
from conveyor.tasks.files import SHIPPED
from conveyor.tasks.sequences.config import (
    Columns,
    DataConfig,
    ModelConfig,
    SequenceConfig,
    default_noise,
    training_config,
)
from conveyor.tasks.sequences.run import ClassifyRun, SequenceRun
from conveyor.tasks.training.checkpoint import read_checkpoint

FOLDER = Path("runs/departures")
REPORT = "report"
FILE = f"{SHIPPED}departures.csv.gz"
# The three airports share their weather, so the recordings of a day stay in one part.
CONFIG = SequenceConfig(
    "classify",
    DataConfig(FILE, columns=Columns("recording", "hour", "departures", (), "date")),
    ModelConfig(hidden_size=32, noise=default_noise("classify")),
    training_config(epochs=20, patience=6),
)


def run_demo(output: Path | None, *, force: bool, epochs: int | None) -> int:
    """Train on the departures, or go on where an earlier demo was stopped; return the exit code.

    Raises:
        ConveyorError: the output cannot be used.
    """
    training = CONFIG.training if epochs is None else replace(CONFIG.training, epochs=epochs)
    config = replace(CONFIG, training=training)
    console = make_console()
    folder = _folder(config, force=force) if output is None else output
    console.print(
        "A day's weather at Newark, JFK or LaGuardia in 2013, hour by hour: did more than a quarter of its departures "
        "leave over 15 minutes late, or not at all?"
    )
    if not force and _is_unfinished(folder, config):
        console.print(f"Going on with the unfinished run in {folder}.")
        run: SequenceRun = ClassifyRun.resume(folder)
    else:
        require_free(folder, force=force)
        run = SequenceRun.start(config, None, console.print)
    code = follow(run, folder, console, estimate=True)
    if code:
        return code
    page = write_inspection(folder, None, None, None, folder / REPORT, console)
    console.print(f"\nWhat decided the day it is surest of, to open in a browser: {page}\n")
    console.print("Try next:")
    snow = str(free_name(Path("report-snow")))
    console.print(f"  {command('inspect', path_word(folder), '--sequence', 'JFK 2013-02-08', '-o', snow)}")
    console.print(f"  {command('evaluate', path_word(folder), FILE)}")
    mine = str(free_name(Path("runs/mine")))
    console.print(f"  {command('train', 'YOUR.csv', '--task', 'classify', '-o', mine, '--id', 'recording')}")
    return 0


def _folder(config: SequenceConfig, *, force: bool) -> Path:
    """The first of runs/departures, runs/departures-2, … that is free or holds this demo, unfinished."""
    return next(folder for folder in numbered(FOLDER) if force or is_free(folder) or _is_unfinished(folder, config))


def _is_unfinished(folder: Path, config: SequenceConfig) -> bool:
    try:
        checkpoint = read_checkpoint(folder)
        found = SequenceConfig.from_json(checkpoint.get("config"))
        # A short run shortens its warm-up.
        alike = replace(found, training=replace(found.training, warmup=config.training.warmup)) == config
        return bool(checkpoint.get("results") is None and alike)
    except (CheckpointError, KeyError, TypeError):
        return False
