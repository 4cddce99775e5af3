"""`conveyor train --dry-run`: how long a run would take and how much memory, measured on its first steps."""

from __future__ import annotations

import sys
import time
from typing import Any

from rich.console import Console

from conveyor.cli.console.meter import duration
from conveyor.tasks.run import Run

_WARM_UP = 2  # steps that compile the cell and fill caches
_MOST_STEPS = 20
_SECONDS = 2.0


def print_estimate(run: Run[Any], console: Console) -> None:
    """Train a few steps in memory and print what the whole run would take; nothing is written.

    Raises:
        ConveyorError: a value is not finite.
    """
    seconds, steps = _seconds_per_step(run)
    validations = _validations(run)
    began = time.perf_counter()
    run.trainer.validate()
    validation = time.perf_counter() - began
    total = seconds * run.total_steps + validation * validations
    console.print(
        f"Dry run: {1000 * seconds:,.1f} ms a step (of {steps} tried), {run.total_steps:,} steps and {validations:,} "
        f"validations of {duration(validation)}: about {duration(total)} here, with the machine as busy as now."
    )
    if (peak := peak_memory()) is not None:
        console.print(f"Memory: at its peak {peak / 2**20:,.0f} MiB so far, the data included.")
    console.print("Nothing was written; leave out --dry-run to train.")


def _seconds_per_step(run: Run[Any]) -> tuple[float, int]:
    trainer = run.trainer
    took = []
    for _ in range(min(_WARM_UP + _MOST_STEPS, trainer.total_steps)):
        began = time.perf_counter()
        trainer.step()
        took.append(time.perf_counter() - began)
        if trainer.progress.finished is not None or sum(took[_WARM_UP:]) > _SECONDS:
            break
    timed = sorted(took[_WARM_UP:] or took)
    return timed[len(timed) // 2], len(timed)


def _validations(run: Run[Any]) -> int:
    every = run.training.evaluate_every or len(run.trainer.windows)
    return -(-run.total_steps // every)


def peak_memory() -> int | None:
    """Largest resident memory of this process so far, in bytes; None where the system doesn't tell."""
    if sys.platform == "win32":
        return None
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used * 1024
