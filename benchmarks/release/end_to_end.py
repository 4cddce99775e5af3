"""Lines about what a run as a whole costs: first use, other processes on the cores, memory, very long sequences."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import torch

import conveyor as cv
from conveyor.bench import baselines
from conveyor.bench.baselines import Size, square
from conveyor.bench.rows import Line
from conveyor.bench.run import Run
from conveyor.bench.sequences import agree
from conveyor.bench.timing import alternate
from release import process

_FIRSTS = 3  # processes whose median is taken
_BASE = 1_000  # steps of the length that others are set beside
_COMPARED = 1_000  # steps that the check compares at most: the reference takes a while


def first_use(run: Run) -> Iterator[Line]:
    """The first call of a new cell in a new process, its imports left out: with an empty and a warm cache on disk."""
    for kind in ("inference", "training"):
        with tempfile.TemporaryDirectory(prefix="conveyor-bench-") as folder:
            yield _first_use(run, kind, folder, warm=False)
            yield _first_use(run, kind, folder, warm=True)


def _first_use(run: Run, kind: str, folder: str, *, warm: bool) -> Line:
    def once() -> float:
        cache = folder if warm else tempfile.mkdtemp(dir=folder)
        return process.run("first_use", kind, run.threads, environment={"CONVEYOR_CACHE": cache})["first"]

    def measure() -> Mapping[str, float]:
        if warm:
            once()
        return {"first": statistics.median(once() for _ in range(_FIRSTS))}

    facts = {"training": float(kind == "training"), "warm": float(warm)}
    return run.line(f"{kind}, {'warm' if warm else 'empty'} cache", lambda: None, measure, facts)


@contextmanager
def _busy(processes: int) -> Iterator[None]:
    """Other processes that keep cores busy."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for one in running:
            one.kill()
            one.wait()


def busy(run: Run) -> Iterator[Line]:
    """Beside two processes that never rest."""
    for size in (square(100, 1, 128), square(100, 32, 64), square(100, 32, 128), square(100, 32, 256)):
        for kind in ("training", "inference"):
            yield _beside_busy(run, size, kind)


def _beside_busy(run: Run, size: Size, kind: str) -> Line:
    torch.manual_seed(0)
    given = baselines.setting(cv.cells["lstm"], size, run.dtype)
    pair = baselines.beside_torch(given)
    gradient = given.gradient()
    both = [c.train(gradient) if kind == "training" else c.infer() for c in (pair.ours, pair.theirs)]

    def measure() -> Mapping[str, float]:
        idle, their_idle = alternate(both, run.seconds / 2)
        with _busy(2):
            # One after the other: in turns, one would wait for what the other's threads still do.
            (slow,), (their_slow,) = (alternate([one], run.seconds) for one in both)
        return {
            "idle": idle.seconds,
            "busy": slow.seconds,
            "slowdown": slow.seconds / idle.seconds,
            "their_idle": their_idle.seconds,
            "their_busy": their_slow.seconds,
            "their_slowdown": their_slow.seconds / their_idle.seconds,
        }

    return run.line(f"{size.label} {kind}", agree(given, pair), measure, size.facts)


def denormals(run: Run) -> Iterator[Line]:
    """Ordinary inputs and gradients, and ones below the smallest normal number, which processors may treat slowly."""
    for size in (square(100, 1, 128), square(100, 32, 128)):
        yield _denormals(run, size)


def _denormals(run: Run, size: Size) -> Line:
    torch.manual_seed(0)
    given = baselines.setting(cv.cells["lstm"], size, run.dtype)
    scale = torch.finfo(run.dtype).tiny / 100
    tiny = replace(given, x=(given.x.detach() * scale).requires_grad_())
    usual, small = (baselines.beside_torch(g) for g in (given, tiny))
    gradient = given.gradient()

    def measure() -> Mapping[str, float]:
        ours, ours_small, theirs, theirs_small = alternate(
            [
                usual.ours.train(gradient),
                small.ours.train(gradient * scale),
                usual.theirs.train(gradient),
                small.theirs.train(gradient * scale),
            ],
            run.seconds,
        )
        return {
            "ours": ours.seconds,
            "denormal": ours_small.seconds,
            "denormal_cost": ours_small.seconds / ours.seconds,
            "their_denormal_cost": theirs_small.seconds / theirs.seconds,
        }

    return run.line(size.label, agree(given, usual), measure, size.facts)


def memory(run: Run) -> Iterator[Line]:
    """The most memory that a process ever held which trains for two steps; time is no part of it."""
    for size in (square(100, 128, 256), square(500, 64, 512)):
        mine, other = (process.run("memory", who, run.threads, size.T, size.B, size.H) for who in ("ours", "theirs"))
        figures = {
            "peak": mine["peak"],
            "their_peak": other["peak"],
            "memory": mine["peak"] / other["peak"],
            "growth": mine["peak"] - mine["before"],
            "their_growth": other["peak"] - other["before"],
        }
        yield Line(size.label, figures, facts=size.facts)


def length(run: Run) -> Iterator[Line]:
    """Measures a step at ever greater lengths, forward and backward."""
    base: float | None = None
    for steps in (_BASE, 100, 10_000, 100_000):
        line = _length(run, square(steps, 4, 64), base)
        if steps == _BASE and line.state == "ok":
            base = line.figures["step"]
        yield line


def _length(run: Run, size: Size, base: float | None) -> Line:
    """A line about one length; `base` is what a step took at the length that others are set beside, where known."""
    torch.manual_seed(0)
    given, short = (
        baselines.setting(cv.cells["lstm"], square(steps, size.B, size.H), run.dtype)
        for steps in (size.T, min(size.T, _COMPARED))
    )
    step = baselines.layer(given).train(given.gradient())

    def measure() -> Mapping[str, float]:
        (taken,) = alternate([step], run.seconds)
        cost = taken.seconds / size.T
        return {"ours": taken.seconds, "step": cost, **({} if base is None else {"linear": cost / base})}

    return run.line(size.label, agree(short, baselines.beside_reference(short)), measure, size.facts)
