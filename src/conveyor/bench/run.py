"""What the rows of one run share: the calibration around each line, and the gate before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import torch

from conveyor.bench.calibration import Calibration
from conveyor.bench.correctness import RedGate
from conveyor.bench.rows import Line, Result, Row

TRIES = 3
"""How often a line is measured that came out void, before it is left so."""


@dataclass
class Run:
    """A run.

    Attributes:
        calibration: What the machine reaches.
        seconds: How long the functions of a line run in turns.
        dtype: Of the tensors.
        say: Called with each line when it is there, and with the row that it belongs to.
        finished: Whether all rows were measured.
    """

    calibration: Calibration
    seconds: float = 1.0
    dtype: torch.dtype = torch.float32
    say: Callable[[Row, Line], None] = lambda row, line: None
    finished: bool = False

    @property
    def threads(self) -> int:
        """How many threads work."""
        return self.calibration.threads

    @property
    def wide(self) -> int:
        """How many times as wide as float32 the numbers are, and so how much less of them a vector holds."""
        return self.dtype.itemsize // torch.float32.itemsize

    @property
    def peak(self) -> float:
        """FLOP a second of a product of such numbers."""
        return self.calibration.best / self.wide

    def line(
        self,
        label: str,
        gate: Callable[[], object],
        measure: Callable[[], Mapping[str, float]],
        facts: Mapping[str, float] | None = None,
        note: str = "",
    ) -> Line:
        """Measure a line: nothing is timed unless its numbers are right; what came out void is measured again.

        Args:
            label: Its name.
            gate: Raises `RedGate` if the numbers are wrong.
            measure: Gives the figures.
            facts: What bars choose lines by.
            note: What else there is to say.
        """
        facts = facts or {}
        try:
            gate()
        except RedGate as red:
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
        """The line as the whole run sees it: void if the machine did much better later."""
        if line.state == "ok" and line.product is not None and self.calibration.is_off(line.product):
            return replace(line, state="void")
        return line


def measure(rows: Iterable[Row], run: Run) -> list[Result]:
    """Measure rows, and hold them to their bars when all are there; Ctrl-C leaves it at what there is."""
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
        results.append(Result(row.name, row.title, settled, tuple(bar.judge(settled) for bar in row.bars)))
    return results
