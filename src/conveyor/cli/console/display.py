"""Showing a run: a live bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from typing import Any, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from conveyor.cli.console.meter import Meter
from conveyor.tasks.training.trainer import StepReport

_SECONDS_BETWEEN_LINES = 10.0


class Display(Protocol):
    """Shows a meter while it is entered."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def update(self, report: StepReport) -> None:
        """Show the meter as it is after a step."""


def display(console: Console, meter: Meter) -> Display:
    """Choose how to show a run on `console`."""
    return _Bar(console, meter) if console.is_terminal else _Lines(console, meter)


class _Bar:
    def __init__(self, console: Console, meter: Meter) -> None:
        self._meter = meter
        self._progress = Progress(
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[losses]}"),
            TextColumn("{task.fields[left]}"),
            console=console,
            expand=True,
        )
        self._task = self._progress.add_task("", total=meter.total, completed=meter.step, **self._figures())

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def update(self, report: StepReport) -> None:
        self._progress.update(self._task, completed=report.step, **self._figures())

    def _figures(self) -> dict[str, Any]:
        meter = self._meter
        return {"rate": meter.rate(), "losses": meter.losses(), "left": meter.left()}


class _Lines:
    def __init__(self, console: Console, meter: Meter) -> None:
        self._console = console
        self._meter = meter
        self._due = _SECONDS_BETWEEN_LINES

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, report: StepReport) -> None:
        if report.validation is not None or self._meter.elapsed >= self._due:
            self._console.print(self._meter.line())
            self._due = self._meter.elapsed + _SECONDS_BETWEEN_LINES
