"""The views of each task's runs on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from conveyor.cli.console.meter import LossUnit
from conveyor.tasks.run import Run


class RunView(Protocol):
    """The view of a run.

    Attributes:
        unit: What is counted a second, such as `character`; an s makes its plural.
        loss_unit: What the trainer's losses are told in.
    """

    unit: str
    loss_unit: LossUnit

    def introduction(self) -> str:
        """Say in a line, or a few, what will be trained on what."""
        ...

    def results(self) -> list[str]:
        """Say how well the finished run does, a line each."""
        ...

    def next_command(self, folder: Path) -> str:
        """Write a conveyor command to try next on the run in `folder`."""
        ...


def view_of(run: Run[Any]) -> RunView:
    """Choose how to tell a run."""
    from conveyor.tasks.text.run import TextRun

    if isinstance(run, TextRun):
        from conveyor.cli.tasks.text_view import TextView

        return TextView(run)
    if run.TASK == "forecast":
        from conveyor.cli.forecast.view import ForecastView
        from conveyor.tasks.forecast.run import ForecastRun

        assert isinstance(run, ForecastRun), "the only class of this task"
        return ForecastView(run)
    from conveyor.tasks.sequences.run import SequenceRun

    if isinstance(run, SequenceRun):
        from conveyor.cli.sequences.view import SequenceView

        return SequenceView(run)
    raise AssertionError(f"no view of {type(run).__name__}")


def count_parameters(run: Run[Any]) -> int:
    """Number of the model's parameters."""
    return sum(parameter.numel() for parameter in run.model.parameters())
