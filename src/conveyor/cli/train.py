"""`conveyor train`: start or resume a run of any task, show it, and tell how it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console

from conveyor.cli.app import INTERRUPTED
from conveyor.cli.console.display import display
from conveyor.cli.console.interrupt import Interruption
from conveyor.cli.console.meter import Meter, duration
from conveyor.cli.console.output import claimed, require_free
from conveyor.cli.console.printing import OutputLost
from conveyor.cli.console.shell import command, path_word
from conveyor.cli.tasks.dry_run import print_estimate
from conveyor.cli.tasks.views import view_of
from conveyor.tasks.cell_source import find_cell
from conveyor.tasks.registry import resume_run
from conveyor.tasks.run import Run
from conveyor.tasks.text.config import TextConfig
from conveyor.tasks.text.run import TextRun
from conveyor.tasks.training.distributed import ALONE, Distributed


def make_console(share: Distributed = ALONE) -> Console:
    """Console of standard output; it neither wraps nor colours what we print. Of several processes one prints."""
    return Console(highlight=False, soft_wrap=True, markup=False, emoji=False, quiet=not share.is_rank_zero)


def start_training(config: TextConfig, cell: str, output: Path, *, force: bool, dry_run: bool = False) -> int:
    """Train a language model from the beginning; return the exit code.

    Raises:
        ConveyorError: something that the user gave cannot be used.
    """
    return start_run(lambda: TextRun.start(config, find_cell(cell)), output, force=force, dry_run=dry_run)


def start_run(start: Callable[[], Run[Any]], output: Path, *, force: bool, dry_run: bool = False) -> int:
    """Begin a run of any task and train it to its end; return the exit code.

    Args:
        start: builds the run.
        output: folder of its checkpoint.
        force: whether to overwrite what is there.
        dry_run: estimate its time and memory instead, and write nothing.

    Raises:
        ConveyorError: something that the user gave cannot be used.
    """
    share = Distributed.of_environment()
    if share.is_rank_zero and not dry_run:
        require_free(output, force=force)
    run = start()
    console = make_console(share)
    if dry_run:
        console.print(view_of(run).introduction())
        print_estimate(run, console)
        return 0
    code = follow(run, output, console)
    if code == 0:
        console.print(f"Try: {view_of(run).next_command(output)}")
    return code


def resume_training(folder: Path, texts: Sequence[Path] = (), task: str | None = None) -> int:
    """Continue the run in `folder`, whose checkpoint names its task; return the exit code.

    Args:
        folder: of the checkpoint.
        texts: files and folders in which the texts of a run on text are now.
        task: that the user named beside it; None takes any.

    Raises:
        ConveyorError: the checkpoint or its texts cannot be used.
    """
    run = resume_run(folder, task, texts)
    console = make_console(run.share)
    if run.tested:
        console.print(f"{folder}: this run is finished: {run.trainer.progress.finished}.")
        return 0
    code = follow(run, folder, console)
    if code == 0:
        console.print(f"Try: {view_of(run).next_command(folder)}")
    return code


def follow(run: Run[Any], folder: Path, console: Console, *, estimate: bool = False) -> int:
    """Train to the end, or to the user's Ctrl-C, showing progress; return the exit code.

    Args:
        run: what to train.
        folder: of its checkpoint.
        console: where to show it.
        estimate: whether to say after the first seconds how long it takes here.

    Raises:
        ConveyorError: the folder cannot be written, or a value is not finite.
    """
    view = view_of(run)
    mine = claimed(folder) if run.share.is_rank_zero else nullcontext()
    with mine, Interruption() as interruption:
        begun = f" Resuming after step {run.step:,}." if run.step else ""
        console.print(view.introduction() + begun)
        best = run.trainer.progress.best_loss
        meter = Meter(view.unit, run.step, run.total_steps, best, loss_unit=view.loss_unit)
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
                if run.share.any(interruption.requested) and run.has_steps_left:
                    run.save(folder)
                    break
    if run.has_steps_left:
        console.print(f"Stopped at step {run.step:,}; the checkpoint is in {folder}. Resume with:")
        console.print(f"  {_resume_command(folder)}")
        return INTERRUPTED
    console.print(f"Finished: {run.trainer.progress.finished}, in {duration(meter.elapsed)}.")
    for line in view.results():
        console.print(line)
    console.print(f"Checkpoint: {folder}")
    return 0


def _resume_command(folder: Path) -> str:
    return command("train", "--resume", path_word(folder))


def _leave(run: Run[Any], folder: Path, lost: OutputLost) -> None:
    """Save a run whose output nobody reads any more; processes that share one can't, as they save together."""
    if run.share.size == 1 and run.has_steps_left:
        run.save(folder)
        lost.note = f"stopped at step {run.step:,}; resume with: {_resume_command(folder)}"
