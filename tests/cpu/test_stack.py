"""The passes of a stack in one compiled call: at the same time, in pieces, with the bits of one after the other."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor

import conveyor as cv
from conveyor.backends.cpu.codegen import task_scheduler
from conveyor.backends.cpu.codegen.compile import kernels
from conveyor.backends.cpu.codegen.isa import width
from conveyor.backends.cpu.codegen.vector import FLOAT32
from conveyor.backends.cpu.runtime import launch_plan, sequence, stack, threads, workspace
from conveyor.errors import ConveyorError


@dataclass
class Passes:
    """Passes that were asked for and have not run; all that they work on stays where it is."""

    found: list[tuple[int, Any, bool, int]] = field(default_factory=list)
    held: list[Any] = field(default_factory=list)

    def entries(self) -> list[stack.Entry]:
        return [stack.Entry(jobs, steps, k, down) for k, (jobs, _, down, steps) in enumerate(self.found)]

    def bases(self) -> list[int]:
        return [ctypes.addressof(table) for _, table, _, _ in self.found]


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Passes]:
    """Instead of being run, passes are noted."""
    noted = Passes()
    lend, run = workspace.lend, sequence._run
    now: list[launch_plan.Frame] = []

    def lent(size: int) -> Any:
        noted.held.append(lend(size))
        return noted.held[-1]

    def asked(made: launch_plan.Frame, tensors: list[Tensor], *given: Any) -> None:
        noted.held += [made, tensors]
        now[:] = [made]
        run(made, tensors, *given)

    def note(_: Any, jobs: int, bases: int, team: int) -> None:
        (made,) = now
        size = len(made.bases) + sequence.driver.WAITING
        table = (ctypes.c_int64 * size).from_buffer_copy((ctypes.c_int64 * size).from_address(bases))
        noted.found.append((jobs, table, made.backwards, made.shape.steps))

    with monkeypatch.context() as patch:
        patch.setattr(workspace, "lend", lent)
        patch.setattr(threads, "run", note)
        patch.setattr(sequence, "_run", asked)
        yield noted


def wanted(call: Callable[[], list[Tensor]]) -> list[Tensor]:
    """What one thread gives, one pass after the other."""
    torch.set_num_threads(1)
    with torch.random.fork_rng():
        return [t.detach().clone() for t in call()]


def layers(cell: Any, layers: int, size: int, batch: int, steps: int) -> Callable[[], list[Tensor]]:
    """A call of a stack, forward and backward."""
    torch.manual_seed(0)
    layer, x = cell(size, size, num_layers=layers), torch.randn(steps, batch, size, requires_grad=True)
    g = torch.randn(steps, batch, size)

    def call() -> list[Tensor]:
        y, _ = layer(x)
        return [y, *torch.autograd.grad(y, [x, *layer.parameters()], g)]

    return call


@pytest.mark.parametrize("team", [1, 2, 3, 5])
@pytest.mark.parametrize("batch", [1, 3, 8])
@pytest.mark.parametrize("cell", [cv.LSTM, cv.GRU])
def test_layers_at_the_same_time_have_the_same_bits(cell: Any, batch: int, team: int, request: Any) -> None:
    call = layers(cell, 3, 40, batch, 67)
    want = wanted(call)
    noted: Passes = request.getfixturevalue("passes")
    got = call()
    assert len(noted.found) == 6
    run = stack.Stack(kernels(FLOAT32, width()), noted.entries(), batch)
    assert run.is_at_once(team) == (min(team, 6) > min(team, -(-batch // 6)))
    run.run(noted.bases(), team)
    for mine, theirs in zip(got, want, strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("team", [1, 2, 4])
def test_several_chunks(team: int, monkeypatch: pytest.MonkeyPatch, request: Any) -> None:
    monkeypatch.setattr(launch_plan, "CHUNK_ROWS", (40, 40))
    call = layers(cv.LSTM, 2, 24, 2, 90)
    want = wanted(call)
    noted: Passes = request.getfixturevalue("passes")
    got = call()
    stack.Stack(kernels(FLOAT32, width()), noted.entries(), 2).run(noted.bases(), team)
    for mine, theirs in zip(got, want, strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("team", [1, 2, 3])
def test_a_hundred_times(team: int, request: Any) -> None:
    """Threads that meet differently each time."""
    call = layers(cv.GRU, 3, 16, 1, 50)
    want = wanted(call)
    noted: Passes = request.getfixturevalue("passes")
    got = call()
    run = stack.Stack(kernels(FLOAT32, width()), noted.entries(), 1)
    for _ in range(100):
        for tensor in got:
            tensor.detach().fill_(float("nan"))
        run.run(noted.bases(), team)
        for mine, theirs in zip(got, want, strict=True):
            assert torch.equal(mine, theirs)


@pytest.mark.parametrize("team", [1, 2, 3])
@pytest.mark.parametrize("batch", [1, 24])
def test_elementwise_work_between_passes(batch: int, team: int, request: Any) -> None:
    """Two passes, the sum and the product of their outputs, and a pass over the product."""
    torch.manual_seed(0)
    one, other, third = (cv.GRU(8, 8) for _ in range(3))
    x = torch.randn(37, batch, 8)

    def call(middle: Tensor | None = None) -> list[Tensor]:
        with torch.no_grad():
            a, b = one(x)[0], other(x)[0]
            between = torch.empty_like(x) if middle is None else a + b
            product = torch.empty_like(x) if middle is None else between * middle
            return [a, b, between, product, third(product)[0]]

    mask = torch.rand_like(x)
    want = wanted(lambda: call(mask))
    noted: Passes = request.getfixturevalue("passes")
    got = call()
    a, b, between, product, _ = (t.data_ptr() for t in got)
    numbers = batch * 8
    add = (ctypes.c_int64 * 5)(a, b, between, numbers, task_scheduler.ADD)
    multiply = (ctypes.c_int64 * 5)(between, mask.data_ptr(), product, numbers, task_scheduler.MULTIPLY)
    first, second, last = noted.found
    entries = [
        stack.Entry(first[0], 37, 0, False),
        stack.Entry(second[0], 37, 0, False),
        stack.Entry(0, 37, 1, False),
        stack.Entry(0, 37, 2, False),
        stack.Entry(last[0], 37, 3, False),
    ]
    bases = [ctypes.addressof(t) for t in (first[1], second[1], add, multiply, last[1])]
    stack.Stack(kernels(FLOAT32, width()), entries, batch).run(bases, team)
    for mine, theirs in zip(got, want, strict=True):
        assert torch.equal(mine, theirs)


def test_pieces_are_whole_register_blocks() -> None:
    assert [stack.piece(100, b) for b in (1, 2, 3, 4, 6, 8)] == [12, 9, 8, 9, 7, 9]
    assert stack.piece(1, 6) == 1 and stack.piece(10**6, 6) == stack.PIECE_STEPS


def test_an_entry_reads_at_most_two() -> None:
    entries = [stack.Entry(1, 5, 0, False)] * 3 + [stack.Entry(1, 5, 1, False)]
    with pytest.raises(ConveyorError, match="entry 3 of a stack reads 3 entries"):
        stack.Stack(kernels(FLOAT32, width()), entries, 1)


def test_large_matrices_are_shared_by_all_threads() -> None:
    entries = [stack.Entry(1, 5, k, False, is_large=True) for k in range(2)]
    assert not stack.Stack(kernels(FLOAT32, width()), entries, 1).is_at_once(2)
