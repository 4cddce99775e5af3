"""Lines about every other built-in cell, beside our own LSTM of the same size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch

import conveyor as cv
from conveyor.bench import baselines
from conveyor.bench.baselines import Size, square
from conveyor.bench.roofline import roofline
from conveyor.bench.rows import Line
from conveyor.bench.run import Run
from conveyor.bench.sequences import agree
from conveyor.bench.timing import alternate
from conveyor.bench.work import has_recurrent_matrix, is_in_sequence, work
from conveyor.frontend import CellDefinition

SIZES = tuple(square(*size) for size in ((100, 1, 128), (100, 8, 128), (100, 32, 128), (100, 32, 256)))


def recurrent(run: Run) -> Iterator[Line]:
    """Those with a recurrent matrix."""
    for name in cv.cells:
        cell = cv.cells[name]
        if name != "lstm" and has_recurrent_matrix(cell.program):
            for size in SIZES:
                yield _beside_lstm(run, cell, size)


def free(run: Run) -> Iterator[Line]:
    """Those without one."""
    for name in cv.cells:
        if not has_recurrent_matrix(cv.cells[name].program):
            for size in SIZES:
                yield _beside_lstm(run, cv.cells[name], size)


def _beside_lstm(run: Run, cell: CellDefinition, size: Size) -> Line:
    """A cell beside our own LSTM of that size."""
    torch.manual_seed(0)
    given, other = (baselines.setting(c, size, run.dtype) for c in (cell, cv.cells["lstm"]))
    pair = baselines.beside_reference(given)
    gradient = given.gradient()
    lstm = baselines.layer(other).train(other.gradient())
    done, lstms = work(cell.program, given.widths), work(other.program, other.widths)

    def measure() -> Mapping[str, float]:
        mine, theirs = alternate([pair.ours.train(gradient), lstm], run.seconds / 2)
        least = roofline(done, given.rows, run.calibration, run.wide)
        return {
            "ours": mine.seconds,
            "rate": done.flops * given.rows / mine.seconds,
            "of_bound": least.seconds / mine.seconds,
            "to_lstm": mine.seconds / theirs.seconds,
            "per_flop": mine.seconds / done.flops / (theirs.seconds / lstms.flops),
            "to_bound": mine.seconds / (least.products + least.bytes),
        }

    facts = size.facts | {"in_sequence": float(is_in_sequence(cell.program))}
    return run.line(f"{cell.name} {size.label}", agree(given, pair), measure, facts)
