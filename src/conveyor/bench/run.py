"""Measures rows in one run, with the calibration around each line and the check before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import torch

from conveyor.bench.calibration import Calibration
from conveyor.bench.correctness import WrongNumbers
from conveyor.bench.rows import Line, Result, Row

TRIES = 3
"""The number of times that a void line is measured."""


@dataclass
class Run:
    """A run of measurements.

    Attributes:
        calibration: The machine's rates.
        seconds: The time of each line's interleaved runs.
        dtype: The dtype of the tensors.
        say: Called with each measured line and its row.
        finished: Whether all rows were measured.
    """

    calibration: Calibration
    seconds: float = 1.0
    dtype: torch.dtype = torch.float32
    say: Callable[[Row, Line], None] = lambda row, line: None
    finished: bool = False

    @property
    def threads(self) -> int:
        """The number of threads."""
        return self.calibration.threads

    @property
    def wide(self) -> int:
        """The size of an element relative to float32."""
        return self.dtype.itemsize // torch.float32.itemsize

    @property
    def peak(self) -> float:
        """The peak FLOP per second of a product in this dtype."""
        return self.calibration.best / self.wide

    def line(
        self,
        label: str,
        check: Callable[[], object],
        measure: Callable[[], Mapping[str, float]],
        facts: Mapping[str, float] | None = None,
        note: str = "",
    ) -> Line:
        """Measure a line after its check; void lines are measured again.

        Args:
            label: Its name.
            check: Raises `WrongNumbers` if the results are wrong.
            measure: Returns the figures.
            facts: The values by which targets select lines.
            note: A note.
        """
        facts = facts or {}
        try:
            check()
        except WrongNumbers as red:
            return Line(label, state="red", note=str(red), facts=facts)
        for _ in range(TRIES):
            known = self.calibration.known()
            before = self.calibration.product()
            figures = dict(measure())
            product = min(before, self.calibration.product())
            if not self.calibration.is_off(product):
                return Line(label, figures, "ok", note, product, facts)
            self.calibration.forget(known)
        return Line(label, figures, "void", note, product, facts)

    def settled(self, line: Line) -> Line:
        """Return the line, void if the machine was much faster later in the run."""
        if line.state == "ok" and line.product is not None and self.calibration.is_off(line.product):
            return replace(line, state="void")
        return line


def measure(rows: Iterable[Row], run: Run) -> list[Result]:
    """Measure rows, and compare them with their targets at the end; Ctrl-C ends it with the rows so far."""
    found: list[tuple[Row, list[Line]]] = []
    with suppress(KeyboardInterrupt):
        run.calibration.settle()
        for row in rows:
            lines: list[Line] = []
            found.append((row, lines))
            for line in row.measure(run):
                lines.append(line)
                run.say(row, line)
        run.finished = True
    results = []
    for row, lines in found:
        settled = tuple(run.settled(line) for line in lines)
        results.append(Result(row.name, row.title, settled, tuple(target.judge(settled) for target in row.targets)))
    return results
