"""Lines about a cell that a user wrote, beside the best plain loop in torch, as it is and under torch.compile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from tempfile import TemporaryDirectory

import torch

from conveyor.bench import baselines
from conveyor.bench.baselines import Size, square
from conveyor.bench.rows import Line
from conveyor.bench.run import Run
from conveyor.bench.sequences import training
from release import process
from release.user_cell import define

SIZES = tuple(square(*size) for size in ((100, 1, 128), (100, 8, 128), (100, 32, 128), (100, 32, 256)))
COMPILED = (square(100, 32, 128),)


def plain(run: Run) -> Iterator[Line]:
    """Beside the loop as it is."""
    for size in SIZES:
        torch.manual_seed(0)
        given = baselines.setting(define(), size, run.dtype)
        yield training(run, given, baselines.beside_loop(given))


def compiled(run: Run) -> Iterator[Line]:
    """Beside the loop under torch.compile, with what each takes to compile."""
    for size in COMPILED:
        torch.manual_seed(0)
        yield _compiled(run, size)


def _compiled(run: Run, size: Size) -> Line:
    given = baselines.setting(define(), size, run.dtype)
    pair = baselines.beside_compiled_loop(given)
    step = pair.theirs.train(given.gradient())
    began = time.perf_counter()
    step()
    taken = time.perf_counter() - began
    line = training(run, given, pair)
    if line.state == "red":
        return line
    with TemporaryDirectory(prefix="conveyor-bench-") as folder:
        own = process.run("first_use", "training", run.threads, environment={"CONVEYOR_CACHE": folder})["first"]
    return replace(line, figures={**line.figures, "compiling": taken, "compiling_ratio": own / taken})
