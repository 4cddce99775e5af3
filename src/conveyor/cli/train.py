"""`conveyor train`: start or resume a run, show it, and tell how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console

from conveyor.cli.app import INTERRUPTED
from conveyor.cli.display import display
from conveyor.cli.interrupt import Interruption
from conveyor.cli.meter import Meter, duration, score
from conveyor.cli.output import claimed, require_free
from conveyor.cli.printing import OutputLost
from conveyor.cli.shell import command, generate_command, path_word
from conveyor.tasks.cell_source import find_cell
from conveyor.tasks.distributed import ALONE, Distributed
from conveyor.tasks.text.config import UNITS, TextConfig
from conveyor.tasks.text.run import TextRun


def make_console(share: Distributed = ALONE) -> Console:
    """Console of standard output; it neither wraps nor colours what we print. Of several processes one prints."""
    return Console(highlight=False, soft_wrap=True, markup=False, emoji=False, quiet=not share.is_rank_zero)


def start_training(config: TextConfig, cell: str, output: Path, *, force: bool) -> int:
    """Train from the beginning; return the exit code.

    Raises:
        ConveyorError: something that the user gave cannot be used.
    """
    share = Distributed.of_environment()
    if share.is_rank_zero:
        require_free(output, force=force)
    run = TextRun.start(config, find_cell(cell))
    console = make_console(share)
    code = follow(run, output, console)
    if code == 0:
        console.print(f"Try: {_sample_command(run, output)}")
    return code


def resume_training(folder: Path, texts: Sequence[Path]) -> int:
    """Continue the run in `folder`, whose texts may be in `texts` now; return the exit code.

    Raises:
        ConveyorError: the checkpoint or its texts cannot be used.
    """
    run = TextRun.resume(folder, texts)
    console = make_console(run.share)
    if run.test_loss is not None:
        console.print(f"{folder}: this run is finished: {run.trainer.progress.finished}.")
        return 0
    code = follow(run, folder, console)
    if code == 0:
        console.print(f"Try: {_sample_command(run, folder)}")
    return code


def follow(run: TextRun, folder: Path, console: Console, *, estimate: bool = False) -> int:
    """Train to the end, or to the user's Ctrl-C, showing progress; return the exit code.

    Args:
        run: what to train.
        folder: of its checkpoint.
        console: where to show it.
        estimate: whether to say after the first seconds how long it takes here.

    Raises:
        ConveyorError: the folder cannot be written, or a value is not finite.
    """
    trainer = run.trainer
    progress = trainer.progress
    unit = UNITS[run.config.data.level]
    mine = claimed(folder) if run.share.is_rank_zero else nullcontext()
    with mine, Interruption() as interruption:
        console.print(_introduction(run, unit))
        meter = Meter(unit, progress.step, trainer.total_steps, progress.best_loss)
        with display(console, meter) as shown:
            for report in run.train(folder):
                meter.update(report)
                try:
                    shown.update(report)
                    if estimate and (seconds := meter.estimate()) is not None:
                        console.print(f"On this machine it takes about {duration(meter.elapsed + seconds)}.")
                        estimate = False
                except OutputLost as lost:
                    _leave(run, folder, lost)
                    raise
                if run.share.any(interruption.requested) and progress.finished is None:
                    run.save(folder)
                    break
    if progress.finished is None:
        console.print(f"Stopped at step {progress.step:,}; the checkpoint is in {folder}. Resume with:")
        console.print(f"  {_resume_command(folder)}")
        return INTERRUPTED
    assert progress.best_loss is not None and run.test_loss is not None, "a finished run is validated and tested"
    console.print(f"Finished: {progress.finished}, in {duration(meter.elapsed)}.")
    console.print(f"Validation: {score(progress.best_loss, unit)}, best at step {progress.best_step:,}.")
    console.print(f"Held-out test: {score(run.test_loss, unit)}.")
    console.print(f"Checkpoint: {folder}")
    return 0


def _resume_command(folder: Path) -> str:
    return command("train", "--resume", path_word(folder))


def _sample_command(run: TextRun, folder: Path) -> str:
    return generate_command(folder, run.dataset.start, "--temperature", "0.7")


def _leave(run: TextRun, folder: Path, lost: OutputLost) -> None:
    """Save a run whose output nobody reads any more; processes that share one can't, as they save together."""
    if run.share.size == 1 and run.trainer.progress.finished is None:
        run.save(folder)
        lost.note = f"stopped at step {run.trainer.progress.step:,}; resume with: {_resume_command(folder)}"


def _introduction(run: TextRun, unit: str) -> str:
    trainer, model = run.trainer, run.config.model
    parameters = sum(parameter.numel() for parameter in run.model.parameters())
    layers = f"{model.num_layers} layer{'s' if model.num_layers > 1 else ''} of {model.hidden_size}"
    line = (
        f"{run.cell.name}, {layers}, {parameters:,} parameters; {len(run.dataset.train):,} {unit}s to train on, "
        f"{len(run.dataset.vocabulary):,} in the vocabulary; {trainer.total_steps:,} steps."
    )
    return f"{line} Resuming after step {trainer.progress.step:,}." if trainer.progress.step else line
