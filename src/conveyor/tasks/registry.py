"""The tasks by name, each imported when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conveyor.errors import ArgumentError, CheckpointError
from conveyor.tasks.run import Run
from conveyor.tasks.training.checkpoint import read_checkpoint

TASKS = ("text", "forecast", "classify", "regress", "tag")


def run_class(task: str, folder: Path) -> type[Run[Any]]:
    """Return the class of a task's runs.

    Args:
        task: named in a checkpoint.
        folder: of that checkpoint.

    Raises:
        CheckpointError: no such task is known.
    """
    if task == "text":
        from conveyor.tasks.text.run import TextRun

        return TextRun
    if task == "forecast":
        from conveyor.tasks.forecast.run import ForecastRun

        return ForecastRun
    if task in ("classify", "regress", "tag"):
        from conveyor.tasks.sequences.run import RUNS

        return RUNS[task]
    raise CheckpointError(
        f"{folder}: expected one of the tasks {', '.join(TASKS)}, got {task!r}: upgrade with pip install -U conveyor"
    )


def resume_run(folder: Path, expected: str | None = None, texts: Sequence[Path] = ()) -> Run[Any]:
    """Continue a run of any task from its checkpoint.

    Args:
        folder: of the checkpoint.
        expected: the task that the user takes it for; None accepts any.
        texts: files and folders in which the texts of a run on text are now.

    Raises:
        ConveyorError: the checkpoint or its data cannot be used, or is of another task.
    """
    task = read_checkpoint(folder).get("task")
    if expected is not None and task != expected:
        raise CheckpointError(f"{folder}: expected a run of task {expected}, got {task}; leave out --task")
    run = run_class(task, folder)
    if not texts:
        return run.resume(folder)
    from conveyor.tasks.text.run import TextRun

    if not issubclass(run, TextRun):
        raise ArgumentError(
            f"data: expected a run on text, whose files may have moved, got one of task {task}; leave it out"
        )
    return run.resume(folder, texts)
