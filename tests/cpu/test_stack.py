"""The passes of a stack in one compiled call: at the same time, in pieces, with the bits of one after the other."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

import conveyor as cv
from conveyor.backends.cpu.codegen.compile import kernels
from conveyor.backends.cpu.codegen.isa import width
from conveyor.backends.cpu.codegen.scheduling import task_scheduler
from conveyor.backends.cpu.codegen.vector import FLOAT32
from conveyor.backends.cpu.runtime import launch_plan, pass_group, stack, threads, workspace
from conveyor.errors import ConveyorError


@pytest.fixture
def in_team(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], list[int]]]:
    """Makes every pass run on so many threads; the list that it returns grows by the team of each stack at once."""
    ran: list[int] = []
    run = stack.Stack.run

    def note(self: stack.Stack, bases: Sequence[int], team: int) -> None:
        ran.append(team)
        run(self, bases, team)

    def force(team: int) -> list[int]:
        monkeypatch.setattr(threads, "usable", lambda *_: team)
        return ran

    monkeypatch.setattr(stack.Stack, "run", note)
    yield force


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
def test_layers_at_the_same_time_have_the_same_bits(cell: Any, batch: int, team: int, in_team: Any) -> None:
    call = layers(cell, 3, 40, batch, 67)
    want = wanted(call)
    ran = in_team(team)
    got = call()
    assert ran == ([team] * 2 if min(team, 3) > min(team, -(-batch // 6)) else [])
    for mine, theirs in zip(got, want, strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("team", [1, 2, 4])
def test_several_chunks(team: int, monkeypatch: pytest.MonkeyPatch, in_team: Any) -> None:
    monkeypatch.setattr(launch_plan, "CHUNK_ROWS", (40, 40))
    call = layers(cv.LSTM, 2, 24, 2, 90)
    want = wanted(call)
    ran = in_team(team)
    for mine, theirs in zip(call(), want, strict=True):
        assert torch.equal(mine, theirs)
    assert ran == ([team] * 2 if team > 1 else [])


@pytest.mark.parametrize("team", [2, 3])
def test_a_hundred_times(team: int, in_team: Any) -> None:
    """Threads that meet differently each time."""
    call = layers(cv.GRU, 3, 16, 1, 50)
    want = wanted(call)
    ran = in_team(team)
    for _ in range(100):
        for mine, theirs in zip(call(), want, strict=True):
            assert torch.equal(mine, theirs)
    assert len(ran) == 200


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("cell", [cv.LSTM, cv.GRU, cv.RNN])
def test_both_directions_at_the_same_time_have_the_same_bits(
    cell: Any, count: int, directions: int, in_team: Any
) -> None:
    torch.manual_seed(0)
    layer = cell(12, 20, num_layers=count, bidirectional=directions == 2, dropout=0.25 if count > 1 else 0.0)
    x = torch.randn(41, 2, 12, requires_grad=True)

    def call() -> list[Tensor]:
        torch.manual_seed(1)
        y, state = layer(x)
        finals = [state] if isinstance(state, Tensor) else list(state)
        return [y, *finals, *torch.autograd.grad(y.sin().sum() + finals[-1].sum(), [x, *layer.parameters()])]

    want = wanted(call)
    ran = in_team(2)
    for mine, theirs in zip(call(), want, strict=True):
        assert torch.equal(mine, theirs)
    # Layers between which something is dropped run one after the other.
    assert len(ran) == (2 * count if directions == 2 else 0)


@pytest.mark.parametrize("team", [1, 2, 3])
@pytest.mark.parametrize("batch", [1, 24])
def test_elementwise_work_between_passes(batch: int, team: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two passes, the sum and the product of their outputs, and a pass over the product."""
    torch.manual_seed(0)
    one, other, third = (cv.GRU(8, 8) for _ in range(3))
    x = torch.randn(37, batch, 8)

    held: list[Any] = []  # what the passes work on

    def output(layer: cv.GRU, x: Tensor) -> Tensor:
        held.append(layer(x))
        return held[-1][0]

    def call(middle: Tensor | None = None) -> list[Tensor]:
        with torch.no_grad():
            a, b = output(one, x), output(other, x)
            between = torch.empty_like(x) if middle is None else a + b
            product = torch.empty_like(x) if middle is None else between * middle
            return [a, b, between, product, output(third, product)]

    mask = torch.rand_like(x)
    want = wanted(lambda: call(mask))
    found: list[tuple[int, int]] = []  # for each pass its jobs and its bases, not run

    def note(group: pass_group.Group, table: Any, _: bool) -> None:
        (one,) = group.passes
        held.extend((group, table))
        found.append((one.jobs, table.buffer_info()[0] + one.at))

    def scratch(size: int) -> tuple[int, Any]:
        held.append(workspace.acquire(size))
        return ctypes.addressof(held[-1]), held[-1]

    with monkeypatch.context() as patch:
        patch.setattr(pass_group.Group, "run_on", note)
        patch.setattr(workspace, "scratch", scratch)
        got = call()
    a, b, between, product, _ = (t.data_ptr() for t in got)
    numbers = batch * 8
    add = (ctypes.c_int64 * 5)(a, b, between, numbers, task_scheduler.ADD)
    multiply = (ctypes.c_int64 * 5)(between, mask.data_ptr(), product, numbers, task_scheduler.MULTIPLY)
    first, second, last = found
    entries = [
        stack.Entry(first[0], 37, 0, False),
        stack.Entry(second[0], 37, 0, False),
        stack.Entry(0, 37, 1, False),
        stack.Entry(0, 37, 2, False),
        stack.Entry(last[0], 37, 3, False),
    ]
    bases = [first[1], second[1], ctypes.addressof(add), ctypes.addressof(multiply), last[1]]
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
