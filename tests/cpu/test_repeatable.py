"""The same bits from run to run; inference's whatever the threads, the rest of the batch, and how time is cut."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import conveyor as cv
from conveyor.backends.cpu.runtime import launch_plan
from cpu.cells import CELLS
from cpu.common import SPLIT, Shape, Tensors, assert_same, forward, infer, python, shape, train
from support import BUILT_IN, HAND_WRITTEN, Case, Problem, assert_near

BY_ID = {c.id: c for c in (*BUILT_IN, *HAND_WRITTEN, *CELLS)}
CASES = [
    BY_ID[name]
    for name in (
        *("lstm", "gru", "lstm_layer_norm", "slstm-2heads-exp", "memory_of_conditions", "reductions_in_sequence"),
        *("given_twice", "counts", "prepared", "raw"),
    )
]
DTYPES = [pytest.param(d, id=str(d).removeprefix("torch.")) for d in (torch.float32, torch.float64)]


def part(given: Problem, rows: slice, steps: slice = slice(None)) -> Problem:
    """Some rows of the batch, and some steps."""
    states = tuple(s[rows] for s in given.states)
    aux = {n: a[steps, rows] for n, a in given.aux.items()}
    return Problem(given.program, given.widths, given.x[steps, rows], states, given.params, aux)


def rows_of(found: Tensors, rows: slice) -> Tensors:
    return {n: v[:, rows] if n == "output" else v[rows] for n, v in found.items()}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("given", CASES, ids=lambda c: c.id)
def test_a_row_alone_is_that_row_in_a_batch(given: Case, dtype: torch.dtype) -> None:
    problem = shape("B40-T3-I5-H17").problem(given).to(dtype)
    whole = infer("cpu", problem)
    for rows in (*(slice(b, b + 1) for b in range(40)), slice(3, 10), slice(20, 40)):
        assert_same(infer("cpu", part(problem, rows)), rows_of(whole, rows))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("given", CASES, ids=lambda c: c.id)
def test_steps_one_by_one_are_the_whole_sequence(given: Case, dtype: torch.dtype) -> None:
    problem = shape("B3-T6-I5-H17").problem(given).to(dtype)
    whole, outputs = infer("cpu", problem), []
    for pieces in ([slice(t, t + 1) for t in range(6)], [slice(0, 4), slice(4, 6)]):
        rest, outputs = problem, []
        for steps in pieces:
            now = part(problem, slice(None), steps)
            found = infer("cpu", Problem(now.program, now.widths, now.x, rest.states, now.params, now.aux))
            outputs.append(found.pop("output"))
            rest = Problem(now.program, now.widths, now.x, tuple(found.values()), now.params, now.aux)
        assert_same({"output": torch.cat(outputs), **found}, whole)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("given", CASES, ids=lambda c: c.id)
def test_threads_change_no_bit(given: Case, dtype: torch.dtype) -> None:
    problem = Shape(30, 25, 40, 40).problem(given).to(dtype)
    torch.set_num_threads(1)
    want = infer("cpu", problem)
    for number in (2, 3):
        torch.set_num_threads(number)
        assert_same(infer("cpu", problem), want)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("given", CASES, ids=lambda c: c.id)
def test_threads_that_share_units_change_no_bit(given: Case, batch: int) -> None:
    """With fewer rows than threads are worth, each step's units are shared."""
    problem = Shape(9, batch, 7, 70).problem(given).to(torch.float32)
    torch.set_num_threads(1)
    want, gradients = infer("cpu", problem), train("cpu", problem)
    for number in (2, 3):
        torch.set_num_threads(number)
        assert_same(infer("cpu", problem), want)
        assert_same(train("cpu", problem), gradients)


@pytest.mark.parametrize("rows", [1, 7, 60])
@pytest.mark.parametrize("given", CASES, ids=lambda c: c.id)
def test_chunks_change_nothing(given: Case, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the steps are cut into chunks, states and outputs have the same bits, and gradients are the same sums."""
    problem = Shape(11, 5, 7, 18).problem(given).to(torch.float64)
    batch_first = problem.like((problem.x.transpose(0, 1).contiguous().transpose(0, 1), *problem.tensors[1:]))
    want, gradients = infer("cpu", problem), train("cpu", problem)
    monkeypatch.setattr(launch_plan, "CHUNK_ROWS", (rows, rows))
    for number in (1, 2):
        torch.set_num_threads(number)
        for laid in (problem, batch_first):
            assert_same(infer("cpu", laid), want)
            for name, value in train("cpu", laid).items():
                assert_near(value, gradients[name], 1e-13, name)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("given", CASES, ids=lambda c: c.id)
def test_training_twice_gives_the_same_bits(given: Case, threads: int) -> None:
    torch.set_num_threads(threads)
    problem = Shape(30, 25, 24, 40).problem(given).to(torch.float32)
    first = train("cpu", problem)
    assert_same(train("cpu", problem), first)
    inferred = infer("cpu", problem)
    assert_same({n: first[n] for n in inferred}, inferred)


def test_rows_lie_anywhere_in_memory() -> None:
    """An input that is batch first, or a column of a larger tensor, gives the same bits."""
    for name in ("lstm", "prepared"):
        problem = shape("B6-T5-I7-H9").problem(BY_ID[name]).to(torch.float32)
        want = infer("cpu", problem)
        wide = torch.full((5, 6, 21), math.nan)
        wide[..., 5:12] = problem.x
        spread = torch.full((5, 6, 14), math.nan)
        spread[..., ::2] = problem.x
        for x in (
            problem.x.transpose(0, 1).contiguous().transpose(0, 1),
            wide[..., 5:12],
            spread[..., ::2],
            problem.x.mT.contiguous().mT,
        ):
            assert torch.equal(x, problem.x)
            assert_same(infer("cpu", problem.like((x, *problem.tensors[1:]))), want)


OPENMP = f"""
    import torch, conveyor as cv
    {SPLIT}
    torch.manual_seed(0)
    layer, x = cv.LSTM(48, 48), torch.randn(60, 12, 48)
    found = []
    for number in (1, 2):
        torch.set_num_threads(number)
        layer.zero_grad()
        y = layer(x)[0]
        y.backward(torch.ones_like(y))
        found.append([y.detach().clone(), *(p.grad.clone() for p in layer.parameters())])
    for a, b in zip(*found):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    print(torch.equal(found[0][0], found[1][0]))
"""


@pytest.mark.parametrize(
    "environment",
    [{"OMP_THREAD_LIMIT": "1"}, {"OMP_DYNAMIC": "true"}, {"OMP_MAX_ACTIVE_LEVELS": "0"}, {"OMP_NUM_THREADS": "5"}],
    ids=lambda e: next(iter(e)),
)
def test_fewer_threads_than_asked_for_do_all_the_work(environment: dict[str, str]) -> None:
    assert python(OPENMP, **environment).strip() == "True"


# What must not spread

# Conditions on large numbers depend on how sums are rounded.
EXTREME = [
    *(c for c in CASES if c.id != "memory_of_conditions"),
    *(BY_ID[n] for n in ("smooth", "kinks", "gru_d", "min_gru")),
]


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e30])
@pytest.mark.parametrize("given", CASES, ids=lambda c: c.id)
def test_a_bad_row_reaches_no_other(given: Case, value: float) -> None:
    problem = shape("B7-T4-I5-H17").problem(given).to(torch.float32)
    want, x = train("cpu", problem), problem.x.clone()
    x[1:, 3] = value
    states = tuple(s.clone() for s in problem.states)
    for s in states:
        s[3] = value
    got = train("cpu", problem.like((x, *states, *problem.tensors[1 + len(states) :])))
    rest = [0, 1, 2, 4, 5, 6]
    by_row = ["output", "gradient of x", *(f"gradient of {n}" for n in problem.aux)]
    by_row = {n: 1 for n in by_row} | {
        f"{w} {s.name}": 0 for w in ("final", "gradient of") for s in problem.program.states
    }
    assert_same(
        {n: got[n].index_select(d, torch.tensor(rest)) for n, d in by_row.items()},
        {n: want[n].index_select(d, torch.tensor(rest)) for n, d in by_row.items()},
    )


@pytest.mark.parametrize("value", [1e30, -1e30, 1e-40, -1e-45, 0.0, -0.0, math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("given", EXTREME, ids=lambda c: c.id)
def test_extreme_values_go_the_way_of_the_reference(given: Case, value: float) -> None:
    problem = shape("B2-T3-I3-H5").problem(given).to(torch.float32)
    x = problem.x.clone()
    x[1, 0, 1] = value
    problem = problem.like((x, *problem.tensors[1:]))
    want, got = forward("reference", problem), infer("cpu", problem)
    for name, wanted in want.items():
        assert torch.equal(got[name].isnan(), wanted.isnan()), name
        assert torch.equal(got[name].isinf(), wanted.isinf()), name
        rows = wanted.isfinite()
        assert_near(torch.where(rows, got[name], 0.0), torch.where(rows, wanted, 0.0), 1e-4, name)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("given", [*EXTREME, BY_ID["rnn-relu"]], ids=lambda c: c.id)
def test_what_is_not_finite_reaches_the_same_gradients(given: Case, value: float) -> None:
    problem = shape("B2-T3-I3-H5").problem(given)
    x = problem.x.clone()
    x[1, 0, 1] = value
    problem = problem.like((x, *problem.tensors[1:]))
    want, got = train("reference", problem), train("cpu", problem)
    for name, wanted in want.items():
        assert torch.equal(got[name].isfinite(), wanted.isfinite()), name


def test_denormal_numbers_are_kept() -> None:
    @cv.cell
    def halved(x, h):
        h = 0.5 * h + cv.affine("a", x, bias=False)
        return h

    tiny = torch.tensor([[1e-40, -3e-42, 1.4e-45]])
    params = {("product", p.key): torch.zeros(3, 2) for p in halved.program.params}
    found = infer("cpu", Problem(halved.program, {"1": 1, "I": 2, "H": 3}, torch.zeros(4, 1, 2), (tiny,), params, {}))
    assert torch.equal(found["final h"], tiny * 0.0625)
    assert (found["final h"][0, :1] != 0).all()


def states_of(layer: cv.LSTM, x: Tensor) -> Tensor:
    with torch.no_grad():
        y: Tensor = layer(x)[0]
    return y


def test_the_number_of_calls_before_changes_nothing() -> None:
    layer, x = cv.LSTM(6, 9), torch.randn(4, 3, 6)
    want = states_of(layer, x)
    for length in (1, 9, 2):
        states_of(layer, torch.randn(length, 5, 6))
        assert torch.equal(states_of(layer, x), want)
