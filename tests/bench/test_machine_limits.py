"""The loops that show what the machine can do, and what is made of them. That they are fast is not tested here."""

from __future__ import annotations

import threading

import pytest
import torch

import conveyor as cv
from bench.conftest import Steady
from conveyor.backends.cpu.codegen import isa
from conveyor.bench import calibration as calibrating
from conveyor.bench.calibration import Calibration
from conveyor.bench.roofline import roofline
from conveyor.bench.roofline_kernels import FUNCTIONS, compile_kernels
from conveyor.bench.work import Work, forward_flops, has_recurrent_matrix, is_in_sequence, work
from conveyor.ir.transforms.param_layout import resolve_widths
from support import HAND_WRITTEN

WIDTHS = isa.widths()


@pytest.mark.parametrize("width", WIDTHS, ids=lambda w: w.name)
def test_the_product_is_one(width: isa.ISA) -> None:
    y = compile_kernels(width)
    inner = 37
    weights, left = torch.randn(inner, y.columns), torch.randn(inner, y.rows)
    sums = torch.full((y.rows, y.columns), torch.nan)
    y.product(weights.data_ptr(), left.data_ptr(), sums.data_ptr(), inner, 3)
    torch.testing.assert_close(sums, left.T @ weights, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("width", WIDTHS, ids=lambda w: w.name)
def test_reading_reads_all_of_it(width: isa.ISA) -> None:
    y = compile_kernels(width)
    numbers, sums = torch.randn(5, y.stretch), torch.full((y.stretch,), torch.nan)
    y.read(numbers.data_ptr(), sums.data_ptr(), 5, 2)
    torch.testing.assert_close(sums, numbers.sum(0), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_computed(name: str) -> None:
    y = compile_kernels(isa.width())
    numbers, sums = torch.rand(3, y.stretch) + 0.5, torch.full((y.stretch,), torch.nan)
    y.functions[name](numbers.data_ptr(), sums.data_ptr(), 3, 1)
    named = {"softplus": torch.nn.functional.softplus, "div": torch.reciprocal}
    expected = named.get(name) or getattr(torch, name)
    torch.testing.assert_close(sums, expected(numbers).sum(0), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("threads", [1, 2])
def test_all_threads_work(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrating, "_BURST", 1e-4)
    calibration = Calibration(threads)
    seen = set()
    original = Calibration._at_once

    def noted(self: Calibration, work, repeats: int) -> float:
        def noting(k: int, repeats: int) -> None:
            seen.add((k, threading.get_ident()))
            work(k, repeats)

        return original(self, noting, repeats)

    monkeypatch.setattr(Calibration, "_at_once", noted)
    found = calibration.product()
    assert 0 < found == calibration.best
    assert {k for k, _ in seen} == set(range(threads))


def test_the_best_is_kept_and_what_is_far_below_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    calibration = Steady(100.0, 120.0, 90.0)
    for _ in range(3):
        calibration.product()
    assert calibration.best == 120.0
    assert calibration.is_off(107.0) and not calibration.is_off(109.0)


def test_what_is_measured_once_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrating, "_BURST", 1e-4)
    calibration = Calibration(1)
    calibration.product()
    found = [calibration.reading(2**16), calibration.copying(2**20), calibration.function("tanh")]
    assert all(value > 0 for value in found)
    known = calibration.known()
    assert [calibration.reading(2**16), calibration.copying(2**20), calibration.function("tanh")] == found
    assert calibration.copying(2**20 - 5) == found[1]  # sizes are rounded up
    calibration.forget({})
    assert calibration.known() == {} and len(known) == 3
    assert calibration.function("add") == 2.0 / calibration.best  # one instruction where two operations are counted


def lstm_work(size: int, inputs: int) -> Work:
    program = cv.cells["lstm"].program
    return work(program, resolve_widths(program, inputs, size))


def test_operations_of_the_lstm() -> None:
    """6·T·B·G·H·(I + H) forward and backward, as is usual to count."""
    found = lstm_work(16, 5)
    assert found.flops == 6 * 4 * 16 * (5 + 16)
    assert (found.pointwise["sigmoid"], found.pointwise["tanh"]) == (3 * 16, 2 * 16)
    # Input and its gradient: 3 · 5; products of the input, twice 4 gates; saved gates and tanh(c), twice 5; the output
    # and its gradient: 3; the gradients before the products, twice 4 gates.
    assert found.bytes == 4 * (3 * 5 + 16 * (8 + 10 + 3 + 8))


@pytest.mark.parametrize(
    ("name", "matrices"), [("rnn", 2), ("gru", 6), ("indrnn", 1), ("min_gru", 2), ("lstm_fgr", 17), ("slstm", 8)]
)
def test_operations_of_other_cells(name: str, matrices: int) -> None:
    program = cv.cells[name].program
    widths = resolve_widths(program, 8, 8)
    assert work(program, widths).flops == 3 * forward_flops(program, widths) == 6 * matrices * 8 * 8


def test_blocks_count_once() -> None:
    program = cv.cells["slstm"].configure(heads=4).program
    widths = resolve_widths(program, 8, 8)
    assert forward_flops(program, widths) == 2 * (4 * 64 + 4 * 16)


def test_kinds_of_cells() -> None:
    free = {name for name in cv.cells if not has_recurrent_matrix(cv.cells[name].program)}
    assert free == {"indrnn", "min_gru", "min_lstm"}
    deep = {name for name in cv.cells if is_in_sequence(cv.cells[name].program)}
    assert deep == {"gru_d", "gru_reset_before", "lstm_layer_norm", "lstm_projection", "mgu"}


@pytest.mark.parametrize("case", HAND_WRITTEN, ids=lambda case: case.id)
def test_every_program_has_a_bound(case) -> None:
    program = case.program
    size = 6 * case.multiple
    found = work(program, resolve_widths(program, 5, size, case.sizes(size)))
    calibration = Steady(1e11)
    calibration.settle()
    parts = roofline(found, 10, calibration)
    assert parts.products == found.flops * 10 / 1e11 and parts.bytes == found.bytes * 10 / 1e11
    assert parts.seconds == parts.products + parts.pointwise + parts.bytes > 0
    wide = roofline(found, 10, calibration, wide=2)
    assert wide.seconds == pytest.approx(2 * parts.seconds)
