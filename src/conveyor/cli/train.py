"""`conveyor train`: start or resume a run, show it, and tell how it ended."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console

from conveyor.cli.app import INTERRUPTED
from conveyor.cli.display import display
from conveyor.cli.interrupt import Interruption
from conveyor.cli.meter import Meter, duration, score
from conveyor.cli.output import claimed, require_free
from conveyor.tasks.cell_source import find_cell
from conveyor.tasks.distributed import ALONE, Share
from conveyor.tasks.text.config import UNITS, TextConfig
from conveyor.tasks.text.run import TextRun


def make_console(share: Share = ALONE) -> Console:
    """Console of standard output; it neither wraps nor colours what we print. Of several processes one prints."""
    return Console(highlight=False, soft_wrap=True, markup=False, quiet=not share.leads)


def start_training(config: TextConfig, cell: str, output: Path, *, force: bool) -> int:
    """Train from the beginning; return the exit code.

    Raises:
        ConveyorError: something that the user gave cannot be used.
    """
    share = Share.of_environment()
    if share.leads:
        require_free(output, force=force)
    run = TextRun.start(config, find_cell(cell))
    console = make_console(share)
    code = follow(run, output, console)
    if code == 0:
        console.print(f"Try: {generate_command(output)}")
    return code


def resume_training(folder: Path) -> int:
    """Continue the run in `folder`; return the exit code.

    Raises:
        ConveyorError: the checkpoint or its data cannot be used.
    """
    run = TextRun.resume(folder)
    console = make_console(run.share)
    if run.test_loss is not None:
        console.print(f"{folder}: this run is finished: {run.trainer.progress.finished}.")
        return 0
    code = follow(run, folder, console)
    if code == 0:
        console.print(f"Try: {generate_command(folder)}")
    return code


def follow(run: TextRun, folder: Path, console: Console) -> int:
    """Train to the end, or to the user's Ctrl-C, showing progress; return the exit code.

    Raises:
        ConveyorError: the folder cannot be written, or a value is not finite.
    """
    trainer = run.trainer
    progress = trainer.progress
    unit = UNITS[run.config.data.level]
    mine = claimed(folder) if run.share.leads else nullcontext()
    with mine, Interruption() as interruption:
        console.print(_introduction(run, unit))
        meter = Meter(unit, progress.step, trainer.total_steps, progress.best_loss)
        with display(console, meter) as shown:
            for report in run.train(folder):
                meter.update(report)
                shown.update(report)
                if run.share.any(interruption.requested) and progress.finished is None:
                    run.save(folder)
                    break
    if progress.finished is None:
        console.print(f"Stopped at step {progress.step:,}; the checkpoint is in {folder}. Resume with:")
        console.print(f"  {command('train', '--resume', str(folder))}")
        return INTERRUPTED
    assert progress.best_loss is not None and run.test_loss is not None, "a finished run is validated and tested"
    console.print(f"Finished: {progress.finished}, in {duration(meter.elapsed)}.")
    console.print(f"Validation: {score(progress.best_loss, unit)}, best at step {progress.best_step:,}.")
    console.print(f"Held-out test: {score(run.test_loss, unit)}.")
    console.print(f"Checkpoint: {folder}")
    return 0


def command(*words: str) -> str:
    """Write a conveyor command as a shell takes it, with the program's path where it is not on the search path."""
    here = Path(sys.executable).with_name("conveyor")
    program = os.path.relpath(here) if shutil.which("conveyor") is None and here.exists() else "conveyor"
    return shlex.join([program, *words])


def generate_command(folder: Path) -> str:
    """Write the command that samples from the model in `folder`."""
    return command("generate", str(folder), "--prompt", "The ", "--temperature", "0.7")


def _introduction(run: TextRun, unit: str) -> str:
    trainer, model = run.trainer, run.config.model
    parameters = sum(parameter.numel() for parameter in run.model.parameters())
    layers = f"{model.num_layers} layer{'s' if model.num_layers > 1 else ''} of {model.hidden_size}"
    line = (
        f"{run.cell.name}, {layers}, {parameters:,} parameters; {len(run.dataset.train):,} {unit}s to train on, "
        f"{len(run.dataset.vocabulary):,} in the vocabulary; {trainer.total_steps:,} steps."
    )
    return f"{line} Resuming after step {trainer.progress.step:,}." if trainer.progress.step else line
