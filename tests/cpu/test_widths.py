"""Every width of instructions that this CPU has gives the same results; others are refused."""

from __future__ import annotations

import copy
import math

import pytest
import torch

import conveyor as cv
from conveyor.backends.cpu.codegen import isa
from cpu.cells import CELLS, corners
from cpu.common import assert_same, infer, shape, train
from support import BUILT_IN, HAND_WRITTEN, Case, Problem, assert_near

WIDTHS = [w.name for w in isa.widths()]
BY_ID = {c.id: c for c in (*BUILT_IN, *HAND_WRITTEN, *CELLS)}
CASES = [
    BY_ID[name]
    for name in (
        "lstm",
        "slstm-2heads-exp",
        "memory_of_conditions",
        "reductions_in_sequence",
        "wide_and_narrow",
        "smooth",
    )
]
SHAPES = [shape("B3-T3-I4-H7"), shape("B7-T2-I3-H33")]


@pytest.mark.parametrize("name", WIDTHS)
@pytest.mark.parametrize("given", CASES, ids=lambda c: c.id)
def test_float64(name: str, given: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(isa.ENVIRONMENT, name)
    assert isa.width().name == name
    for at in SHAPES:
        problem = at.problem(given)
        want = train("reference", problem)
        for tensor, value in (train("cpu", problem) | infer("cpu", problem)).items():
            assert_near(value, want[tensor], 1e-10 if tensor.startswith("gradient") else 1e-12, tensor)


@pytest.mark.parametrize("name", WIDTHS)
def test_float32(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(isa.ENVIRONMENT, name)
    for at in SHAPES:
        problem = at.problem(BY_ID["lstm_layer_norm"]).to(torch.float32)
        want, got = train("reference", problem.to(torch.float64)), train("cpu", problem)
        for tensor, value in want.items():
            assert_near(got[tensor].double(), value, 2e-5, tensor)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("name", WIDTHS)
def test_special_numbers_unit_by_unit(name: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(isa.ENVIRONMENT, name)
    special = torch.tensor([math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -2.0, 1e30, 1e-40], dtype=dtype)
    pairs = torch.cartesian_prod(special, special)
    # Pairs, each in a row of ordinary numbers at a place of its own, so that reductions over the row meet one of them.
    a, b = torch.ones(2, 81, 19, dtype=dtype)
    rows = torch.arange(81)
    a[rows, rows % 19], b[rows, rows % 19] = pairs[:, 0], pairs[:, 1]
    widths = {"1": 1, "I": 1, "H": 19}
    params = {("product", p.key): torch.zeros(19, 1, dtype=dtype) for p in corners.program.params}
    states = [torch.zeros(81, widths[s.width], dtype=dtype) for s in corners.program.states]
    given = Problem(corners.program, widths, torch.zeros(1, 81, 1, dtype=dtype), (a, b, *states[2:]), params, {})
    want, got = infer("reference", given), infer("cpu", given)
    assert_near(got.pop("final total").nan_to_num(), want.pop("final total").nan_to_num(), 1e-6, "sum")
    assert_same(got, want)


def test_the_widths_are_really_different_code(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = cv.LSTM(40, 40)
    x = torch.randn(3, 2, 40, generator=torch.Generator().manual_seed(0))
    found = {}
    for name in WIDTHS:
        monkeypatch.setenv(isa.ENVIRONMENT, name)
        with torch.no_grad():
            found[name] = copy.deepcopy(layer)(x)[0]  # a layer's plans are those of the width that they were made for
    if "sse" in found:  # without fused multiplication sums are rounded twice
        assert all(not torch.equal(found["sse"], y) for n, y in found.items() if n != "sse")
    assert {isa._X86[k].bytes for k in range(3)} == {64, 32, 16}


@pytest.mark.parametrize("name", ["avx1024", "AVX2", "neon sse", "0"])
def test_unknown_instructions_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(isa.ENVIRONMENT, name)
    layer = cv.GRU(2, 3)
    with pytest.raises(cv.ArgumentError) as caught:
        layer(torch.zeros(1, 1, 2))
    assert str(caught.value) == f"CONVEYOR_CPU is one of {', '.join(WIDTHS)} on this machine, got {name!r}"


def test_nothing_chosen_is_the_widest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(isa.ENVIRONMENT, "")
    assert isa.width() == isa.widths()[0]
    monkeypatch.delenv(isa.ENVIRONMENT)
    assert isa.width() == isa.widths()[0]
