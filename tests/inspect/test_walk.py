"""The walk: its steps come from the program, and its numbers are those of the layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import conveyor as cv
from conveyor.inspect.draw.walk import Walk, walk
from frontend.random_cells import Cell, cells

SIZES = {"lstm_projection": {"proj_size": 3}}


def one_step(layer: cv.Recurrent, seed: int = 0) -> tuple[Walk, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """A walk, the states before it, and those that the layer itself gives after it."""
    unit = layer.units[0]
    maker = torch.Generator().manual_seed(seed)

    def make(width: int) -> torch.Tensor:
        return torch.randn(width, generator=maker, dtype=torch.float64)

    x = make(unit.input_size)
    states = {s.name: make(unit.widths[s.width]) for s in unit.program.states}
    aux = {a.name: make(unit.widths[a.width]).abs() for a in unit.program.aux}
    fields = tuple(s.reshape(1, 1, -1) for s in states.values())
    _, after = layer(x.reshape(1, 1, -1), fields, **{n: a.reshape(1, 1, -1) for n, a in aux.items()})
    new = {n: getattr(after, n).detach().reshape(-1) for n in states}
    return walk(layer, x, states, aux=aux), states, new


def test_the_lstms_walk_has_its_eleven_steps() -> None:
    torch.manual_seed(0)
    walked, _, _ = one_step(cv.Recurrent("lstm", 3, 5, dtype=torch.float64))
    assert [(s.number, s.title, s.text) for s in walked.steps] == [
        (1, "Inputs joined", ""),
        (2, "Forget gate", "f[t] = sigmoid(W_f @ x[t] + R_f @ h[t-1] + b_f)"),
        (3, "Old memory scaled", "f[t] * c[t-1]"),
        (4, "Input gate", "i[t] = sigmoid(W_i @ x[t] + R_i @ h[t-1] + b_i)"),
        (5, "Candidate", "g[t] = tanh(W_g @ x[t] + R_g @ h[t-1] + b_g)"),
        (6, "Input gate × candidate", "i[t] * g[t]"),
        (7, "New memory", "c[t] = f[t] * c[t-1] + i[t] * g[t]"),
        (8, "Output gate", "o[t] = sigmoid(W_o @ x[t] + R_o @ h[t-1] + b_o)"),
        (9, "Activation of the memory", "tanh(c[t])"),
        (10, "Output", "h[t] = o[t] * tanh(c[t])"),
        (11, "What goes where", ""),
    ]


def test_titles_come_from_the_equations_and_not_from_names() -> None:
    @cv.cell
    def other(x, out, belt):
        show = cv.sigmoid(cv.affine("show", x, out))
        new = cv.tanh(cv.affine("new", x, out))
        let = cv.sigmoid(cv.affine("let", x, out))
        keep = cv.sigmoid(cv.affine("keep", x, out))
        belt = keep * belt + let * new
        out = show * cv.tanh(belt)
        return out, belt

    torch.manual_seed(0)
    walked, _, _ = one_step(cv.Recurrent(other, 3, 5, dtype=torch.float64))
    plain, _, _ = one_step(cv.Recurrent("lstm", 3, 5, dtype=torch.float64))
    assert [s.title for s in walked.steps] == [s.title for s in plain.steps]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gru", {"z": "Update gate", "r": "Reset gate", "n": "Candidate", "h": "New state"}),
        ("gru_reset_before", {"z": "Update gate", "r": "Reset gate", "n": "Candidate"}),
        ("lstm_coupled", {"f": "Forget gate", "g": "Candidate", "o": "Output gate", "c": "New memory"}),
        ("lstm_peephole", {"f": "Forget gate", "i": "Input gate", "g": "Candidate", "o": "Output gate", "h": "Output"}),
        ("slstm", {"f": "Forget gate", "i": "Input gate", "z": "Candidate", "o": "Output gate", "c": "New c"}),
        ("rnn", {"h": "New state, the output"}),
        ("min_gru", {"z": "Update gate", "n": "Candidate"}),
    ],
)
def test_roles_of_other_cells(name: str, expected: dict[str, str]) -> None:
    walked, _, _ = one_step(cv.Recurrent(name, 3, 5, dtype=torch.float64))
    assert {s.name: s.title for s in walked.steps if s.name in expected} == expected


@pytest.mark.parametrize("name", [*cv.cells])
def test_its_numbers_are_those_of_the_layer(name: str) -> None:
    torch.manual_seed(1)
    layer = cv.Recurrent(name, 3, 6, dtype=torch.float64, **SIZES.get(name, {}))
    walked, _, new = one_step(layer)
    assert [s.number for s in walked.steps] == list(range(1, len(walked.steps) + 1))
    last = {c.name: c.numbers for c in walked.steps[-1].columns}
    assert set(last) == set(new)
    for state, numbers in new.items():
        np.testing.assert_allclose(last[state], numbers.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["lstm", "gru", "lstm_peephole"])
def test_the_terms_of_a_map_add_up(name: str) -> None:
    walked, _, _ = one_step(cv.Recurrent(name, 3, 6, dtype=torch.float64))
    sums = [s for s in walked.steps if any(c.text.endswith(".pre") for c in s.columns)]
    assert len(sums) >= 3
    for step in sums:
        *terms, total, _ = step.columns
        np.testing.assert_allclose(sum(t.numbers for t in terms), total.numbers, rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(cells(), st.integers(0, 3))
def test_walks_of_cells_that_nobody_wrote(cell: Cell, seed: int) -> None:
    space: dict[str, object] = {"cv": cv}
    exec(compile(cell.text, "<random cell>", "exec"), space)
    made = cv.cell(space["f"])  # type: ignore[arg-type]
    sizes = {w: 2 for w in made.program.widths if w not in ("I", "H")}
    layer = cv.Recurrent(made, 2, 3, sizes=sizes, dtype=torch.float64)
    walked, _, new = one_step(layer, seed)
    last = {c.name: c.numbers for c in walked.steps[-1].columns}
    for state, numbers in new.items():
        assert np.allclose(last[state], numbers.numpy(), rtol=1e-9, atol=1e-12, equal_nan=True)
    assert str(walked).count("\n") > len(walked.steps)


def test_units_are_those_asked_for_or_those_that_change_most() -> None:
    layer = cv.Recurrent("lstm", 3, 6, dtype=torch.float64)
    x = torch.ones(3, dtype=torch.float64)
    assert walk(layer, x, units=[4, 1]).units == (4, 1)
    chosen = walk(layer, x, units=2).units
    new = next(c.numbers for c in walk(layer, x).steps[-1].columns if c.name == "c")
    assert set(chosen) == set(np.argsort(-np.abs(new))[:2])
    text = str(walk(layer, x, units=[4, 1]))
    assert text.startswith("   units 4, 1\n1. Inputs joined.") and "\n11. What goes where." in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": torch.zeros(4)}, r"^x: expected shape \(3,\), got \(4,\); give one step of one row$"),
        ({"state": {"q": torch.zeros(5)}}, r"^walk: the cell reads x, h, c, got q; leave it out$"),
        ({"index": 1}, r"^index: expected 0 to 0, got 1; the layer has no such unit$"),
        ({"units": [7]}, r"^units: expected 0 to 4, got 7; the layer has no such unit$"),
        ({"units": 0}, r"^units: expected at least 1, got 0; 4 are easily read$"),
        ({"layer": torch.nn.LSTM(3, 5)}, r"^layer: expected a conveyor layer, got LSTM; cv.from_torch makes one$"),
    ],
)
def test_wrong_calls(arguments: dict, message: str) -> None:
    good = {"layer": cv.Recurrent("lstm", 3, 5), "x": torch.zeros(3)} | arguments
    with pytest.raises(cv.ArgumentError, match=message):
        walk(good.pop("layer"), good.pop("x"), good.pop("state", None), **good)


def test_a_cell_with_auxiliary_inputs_asks_for_them() -> None:
    layer = cv.Recurrent("gru_d", 3, 5)
    with pytest.raises(cv.ArgumentError, match=r"^aux: expected mask, \(3,\), got none; pass aux=\{'mask': …\}$"):
        walk(layer, torch.zeros(3))
