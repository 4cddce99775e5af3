"""What units do over time, from traces whose numbers are known."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import conveyor as cv
from support import BUILT_IN, Case, assert_near

T, B, I = 6, 3, 4  # noqa: E741
LENGTHS = torch.tensor([4, 6, 1])


def forgetting(bias: float, **options: Any) -> cv.LSTM:
    """A layer whose forget gates are σ(bias), whatever it reads."""
    layer = cv.LSTM(I, 5, **options)
    with torch.no_grad():
        for tensor in layer.parameters():
            tensor.zero_()
        layer.bias_ih_l0[5:10] = bias
        layer.bias_ih_l0[10:15] = 0.3
    return layer


def test_memory_length_is_the_half_life_of_the_forget_gate() -> None:
    x = torch.randn(T, B, I)
    for f in (0.5, 0.9, 0.999):
        trace = forgetting(math.log(f / (1 - f))).record(x, lengths=LENGTHS)
        found = cv.memory_length(trace)
        assert list(found) == ["c"]
        assert_near(found["c"], torch.full((5,), math.log(0.5) / math.log(f)).double(), 1e-3, str(f))
    assert cv.memory_length(forgetting(100.0).record(x))["c"].tolist() == [math.inf] * 5


def test_a_gate_that_replaces_keeps_what_it_leaves() -> None:
    layer = cv.GRU(I, 5, bidirectional=True)
    trace = layer.record(torch.randn(T, B, I), reset=torch.rand(T, B) < 0.3)
    z = trace.layer(0).reverse["z"]
    want = math.log(0.5) / z.double().log().flatten(0, 1).mean(0)
    assert_near(cv.memory_length(trace, reverse=True)["h"], want, 1e-6, "h")
    with pytest.raises(cv.ArgumentError, match="trace has no reverse direction"):
        cv.memory_length(cv.GRU(I, 5).record(torch.randn(T, B, I)), reverse=True)


GATELESS = {"rnn", "indrnn"}  # all that they keep goes through a learned weight and an activation


@pytest.mark.parametrize("case", BUILT_IN, ids=lambda c: c.id)
def test_every_measure_of_every_cell(case: Case) -> None:
    hidden = 6 * case.multiple
    torch.manual_seed(0)
    layer = cv.Recurrent(case.cell, I, hidden, sizes=case.sizes(hidden))
    aux = {a.name: torch.rand(T, B, layer.units[0].widths[a.width]) for a in layer.units[0].program.aux}
    trace = layer.record(torch.randn(T, B, I), lengths=LENGTHS, **aux)
    lengths = cv.memory_length(trace)
    for state, steps in lengths.items():
        assert len(steps) == trace[state].shape[-1] and not steps.isnan().any()
    assert bool(lengths) != (case.cell.name in GATELESS)
    if case.cell.name == "lstm_nfg":
        assert lengths["c"].tolist() == [math.inf] * hidden, "nothing is ever forgotten"
    for shares in cv.saturation(trace).values():
        assert ((shares.shut + shares.open) <= 1).all()
    assert cv.dead_units(trace).shape == trace[layer.state_fields[0]].shape[-1:]
    for state, sizes in cv.update_size(trace).items():
        assert sizes.shape == (T,) and sizes.isfinite().all(), state


def test_a_users_cell_without_names_for_its_gate() -> None:
    @cv.cell
    def leaky(x, h):
        rate = cv.affine("rate", x)
        h = h * (1 - cv.sigmoid(rate)) + cv.tanh(cv.affine("n", x, h))
        return h

    trace = cv.Recurrent(leaky, I, 5).record(torch.randn(T, B, I))
    kept = 1 - trace["rate"].double().sigmoid()
    assert_near(cv.memory_length(trace)["h"], math.log(0.5) / kept.log().flatten(0, 1).mean(0), 1e-6, "h")


def test_saturation_counts_steps_and_rows_inside_sequences() -> None:
    shares = cv.saturation(forgetting(5.0).record(torch.randn(T, B, I), lengths=LENGTHS))
    assert set(shares) == {"i", "f", "o"} and repr(shares["f"]) == "Saturation(shut 0%, open 100%)"
    assert shares["f"].open.tolist() == [1.0] * 5 and not shares["i"].open.any() and not shares["i"].shut.any()


def test_dead_units() -> None:
    layer = cv.RNN(I, 5, nonlinearity="relu")
    with torch.no_grad():
        layer.bias_ih_l0[2] = -1e3
    assert cv.dead_units(layer.record(torch.randn(T, B, I))).tolist() == [k == 2 for k in range(5)]


@pytest.mark.parametrize("reverse", [False, True])
def test_update_size(reverse: bool) -> None:
    layer = cv.RNN(I, 5, bidirectional=True)
    trace = layer.record(torch.randn(T, B, I), lengths=LENGTHS)
    one: Any = trace.layer(0).reverse if reverse else trace.layer(0)
    h = one["h"].double()
    found = cv.update_size(trace, reverse=reverse)["h"]
    for t in range(T):
        before = []
        for b, end in enumerate(LENGTHS.tolist()):
            neighbour = t + 1 if reverse else t - 1
            before.append(h[neighbour, b] if 0 <= neighbour < end else torch.zeros(5))
        rows = LENGTHS > t
        change = (h[t] - torch.stack(before))[rows].norm()
        assert found[t].item() == pytest.approx(float(change / h[t].norm()))


# Diagnosis


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(9, I)
        self.rnn = cv.LSTM(I, 5, num_layers=2, batch_first=True)
        self.top = cv.Recurrent("gru", 5, 4, batch_first=True)
        self.head = nn.Linear(4, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        made: Tensor = self.head(self.top(self.rnn(self.embedding(tokens))[0])[0])
        return made


def test_a_model_in_sentences() -> None:
    torch.manual_seed(0)
    model, tokens = Model(), torch.randint(0, 9, (3, 60))
    found = cv.diagnose(model, tokens, lambda y: y[:, -1].square().mean())
    assert found.not_finite is None and set(found.traces) == set(found.flows) == {"rnn", "top"}
    flow = found.flows["rnn"].layer(0)["h"]
    assert any(
        s.startswith(f"rnn, layer 1: gradient at step 1, as a share of step 60's: by h {flow[0] / flow[-1]:.0e}")
        and "vanishes" in s and "forget_bias" in s
        for s in found.sentences
    )  # fmt: skip
    f = found.traces["rnn"].layer(1)["f"]
    told = f"f {(f < 0.1).float().mean():.0%} and {(f > 0.9).float().mean():.0%}"
    assert any(
        s.startswith("rnn, layer 2: share of the gates' values below 0.1") and told in s for s in found.sentences
    )
    assert "top, layer 1: the median unit loses half of h within" in str(found)
    assert all(p.grad is None for p in model.parameters())
    without = cv.diagnose(model, tokens)
    assert len(without.sentences) == len(found.sentences)


def test_sentences_tell_stuck_gates_dead_units_and_explosions() -> None:
    torch.manual_seed(0)
    said = str(cv.diagnose(forgetting(9.0), torch.randn(T, B, I)))
    assert "f 0% and 100%" in said and "f is a switch" in said and "i and o are half open throughout" in said
    layer = cv.RNN(I, 8, nonlinearity="relu")
    with torch.no_grad():
        layer.weight_hh_l0.mul_(9)
        layer.bias_ih_l0[2] = -1e9
    said = str(cv.diagnose(layer, torch.randn(30, B, I)))
    assert "1 of 8 units are dead" in said and "it explodes" in said
    said = str(cv.diagnose(cv.RNN(I, 8), torch.randn(60, B, I)))
    assert "it vanishes" in said and "take a cell with a gate" in said


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_the_first_value_that_is_not_finite(backend: str) -> None:
    @cv.cell
    def rooted(x, h):
        z = cv.affine("z", x, h)
        r = cv.sqrt(z + 50.0)
        h = cv.tanh(r) + 0 * z
        return h

    torch.manual_seed(0)
    layer = cv.Recurrent(rooted, I, 5, num_layers=2, bidirectional=True, backend=backend)
    x = torch.randn(T, B, I)
    with torch.no_grad():
        layer.bias_l1_reverse[3] = -100.0
        x[4, 1] = 0
    found = cv.diagnose(layer, x)
    bad = found.not_finite
    assert bad is not None
    assert (bad.name, bad.step, bad.row, bad.unit, bad.layer) == ("r", T - 1, 0, 3, 1)
    assert found.sentences == (
        "Recurrent, layer 2, reverse: r[5, 0, 3] is nan (step 6), the first value that is not finite.",
    )
    with torch.no_grad():
        layer.weight_ih_l1[1, 2] = torch.inf
    assert str(cv.diagnose(layer, x)).startswith("parameter weight_ih_l1.flatten()[")
    layer.reset_parameters()
    x[2, 1, 3] = torch.nan
    assert str(cv.diagnose(layer, x)).startswith("the input of Recurrent[2][1][3] is nan")


def test_wrong_calls() -> None:
    layer, x = cv.LSTM(I, 5), torch.randn(T, B, I)
    wrong: list[tuple[Any, str]] = [
        (lambda: cv.diagnose("model", x), "model is a torch.nn.Module, got str"),
        (lambda: cv.diagnose(nn.LSTM(I, 5), x), "no layer of conveyor's; swap torch.nn's"),
        (lambda: cv.diagnose(layer, x, loss=3), "loss is a function of what the model returns, got int"),
        (lambda: cv.diagnose(layer, x, loss=lambda y: y), "one number"),
        (lambda: cv.diagnose(layer, x[..., :2]), "input"),
        (lambda: cv.memory_length(x), "trace is what layer.record gives, got Tensor"),
        (lambda: cv.saturation(layer.record(x), 1), "trace has layers 0 to 0, got 1"),
    ]
    for call, message in wrong:
        with pytest.raises(cv.ArgumentError, match=message):
            call()


def test_updates_behind_every_end_do_not_count() -> None:
    torch.manual_seed(0)
    layer, x, lengths = cv.LSTM(3, 4), torch.randn(10, 3, 3), torch.tensor([1, 2, 3])
    sizes = cv.update_size(layer.record(x, lengths=lengths))
    assert all(v[:3].isfinite().all() and v[3:].isnan().all() for v in sizes.values())
    assert "changes h by 0%" not in str(cv.diagnose(layer, x, loss=lambda y: y[0].sum(), lengths=lengths))
