"""What a report measures, against what is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import conveyor as cv
from conveyor.inspect.report.content import LayerValues
from conveyor.inspect.report.diagnosis import sentences
from conveyor.inspect.report.measures import gradient_flow, half_lives, kept
from conveyor.inspect.report.telling import properties, telling_units


def values_of(name: str, values: dict[str, np.ndarray], gates: tuple[str, ...] = ()) -> LayerValues:
    return LayerValues("layer 1", cv.cells[name].program, values, gates, {"f": "Forget gate", "o": "Output gate"})


def test_half_lives() -> None:
    factor = np.array([[0.5, 0.9, 1.0, 0.0]] * 3)
    got = half_lives(factor)
    np.testing.assert_allclose(got[:2], [1.0, math.log(0.5) / math.log(0.9)])
    assert got[2] == np.inf and got[3] < 0.1


@pytest.mark.parametrize(
    ("name", "gate", "state", "keeps"),
    [
        ("lstm", "f", "c", lambda v: v),
        ("gru", "z", "h", lambda v: v),
        ("mgu", "f", "h", lambda v: 1 - v),
        ("min_gru", "z", "h", lambda v: 1 - v),
        ("lstm_coupled", "f", "c", lambda v: v),
    ],
)
def test_the_factor_that_keeps_a_state_is_found(name: str, gate: str, state: str, keeps) -> None:
    v = np.random.default_rng(0).uniform(size=(5, 3))
    found = kept(values_of(name, {gate: v}))
    assert list(found) == [state]
    np.testing.assert_allclose(found[state], keeps(v))


def test_cells_without_such_a_gate_have_none() -> None:
    assert kept(values_of("rnn", {"h": np.zeros((5, 3))})) == {}


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_gradient_flow_is_autograds(name: str) -> None:
    """Against a loop of single steps, whose every state is a tensor of its own."""
    torch.manual_seed(0)
    layer = cv.Recurrent(name, 3, 4, dtype=torch.float64)
    step = cv.Cell(name, 3, 4, dtype=torch.float64)
    with torch.no_grad():
        for ours, theirs in zip(step.parameters(), layer.parameters(), strict=True):
            ours.copy_(theirs)
    x = torch.randn(12, 2, 3, dtype=torch.float64)
    states = gradient_flow(layer, x, lambda y: y[-1].square().sum(), ["layer 1"])[0].states
    state, after = None, []
    for t in range(12):
        state = step(x[t], state)
        after.append(state)
    loss = after[-1].h.square().sum()
    trace = layer.record(x)
    for t in range(11):
        of_h, *of_c = torch.autograd.grad(loss, list(after[t]), retain_graph=True)
        np.testing.assert_allclose(states["h"][t], of_h.norm().item(), rtol=1e-9)
        for grad in of_c:
            # The step gives h and c apart; c's whole gradient also goes through its own step's h = o · tanh(c).
            whole = grad + of_h * trace["o"][t] * (1 - trace["c"][t].tanh() ** 2)
            np.testing.assert_allclose(states["c"][t], whole.detach().norm().item(), rtol=1e-9)


def test_gradients_along_a_kept_memory_stay_and_others_vanish() -> None:
    torch.manual_seed(0)
    x = torch.randn(60, 1, 4)

    def left(layer: cv.Recurrent, state: str) -> float:
        norms = gradient_flow(layer, x, lambda y: y[-1].sum(), [""])[0].states[state]
        return norms[0] / norms[-1]

    assert left(cv.Recurrent("lstm", 4, 16, forget_bias=6.0), "c") > 0.1
    assert left(cv.Recurrent("rnn", 4, 16), "h") < 1e-6


def test_both_directions_and_all_layers_are_followed() -> None:
    layer = cv.Recurrent("gru", 3, 4, num_layers=2, bidirectional=True)
    flows = gradient_flow(layer, torch.randn(7, 2, 3), lambda y: y.sum(), ["1", "1r", "2", "2r"])
    assert [f.layer for f in flows] == ["1", "1r", "2", "2r"]
    assert all(len(f.states["h"]) == 7 and (f.states["h"] > 0).all() for f in flows)


def a_text() -> list[str]:
    """Sentences of unequal length: of a text that repeats itself, shifted labels would be no chance."""
    maker = np.random.default_rng(0)
    words = ["whale", "sea", "he", "(slowly)", "a", "captain", "swam", "of", "the"]
    parts = []
    for _ in range(120):
        said = " ".join(maker.choice(words, maker.integers(2, 12)))
        parts.append(f"“{said}” " if maker.uniform() < 0.4 else f"{said}.\n")
    return list("".join(parts))


TEXT = a_text()


def test_a_planted_unit_is_found_and_noise_is_not() -> None:
    maker = np.random.default_rng(1)
    noise = maker.normal(size=(len(TEXT), 20))
    assert all("changes slowly" in t.reason for t in telling_units([values_of("gru", {"h": noise})], TEXT))
    planted = noise.copy()
    planted[:, 13] += 4 * properties(TEXT)["inside quotation marks"]
    found = telling_units([values_of("gru", {"h": planted})], TEXT)
    assert (found[0].unit, found[0].value) == (13, "h") and found[0].reason.startswith("inside quotation marks (r² 0.")


def test_properties_of_a_text() -> None:
    text = list("ab “c”\n(d).")
    found = properties(text)
    assert found["inside quotation marks"].tolist() == [0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0]
    assert found["inside brackets"].tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0]
    assert found["position in the line"].tolist() == [1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4]
    assert found["letters of the word so far"].tolist() == [1, 2, 0, 0, 1, 0, 0, 0, 1, 0, 0]
    assert "inside brackets" not in properties(list("none here"))


def test_the_diagnosis_says_what_is_wrong() -> None:
    steps = np.linspace(0, 1, 50)[:, None]
    h = np.sin(9 * steps + np.arange(4))
    h[:, 2] = 0.5
    c = np.array(h)
    c[30:, 1] = np.nan
    layer = values_of("lstm", {"h": h, "c": c, "f": np.full((50, 4), 0.999), "o": np.full((50, 4), 0.5)}, ("f", "o"))
    told = sentences([layer], {"layer 1": np.array([1.0, 2.0, 300.0, 400.0])}, [])
    assert told == [
        "Layer 1: c is not finite from step 31 on; everything after it is lost.",
        "Layer 1: 1 of 4 units are dead: their output does not change with the text.",
        "Layer 1: forget gate f is nearly shut (below 0.1) 0% of the time and nearly open (above 0.9) 100%; it works as a switch,"
        " and hardly any gradient passes through it.",
        "Layer 1: output gate o is nearly shut (below 0.1) 0% of the time and nearly open (above 0.9) 0%; it stays half open and"
        " decides little.",
        "Layer 1: half of the units forget half of what they hold within 151.0 steps; 50% hold on for more than 100.",
    ]
