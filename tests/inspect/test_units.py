"""Memory, saturation, dead units, updates; the diagnosis that says them; probes and the labels they look for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import conveyor as cv
from conveyor.inspect.labels import (
    LABELERS,
    gender,
    inside_brackets,
    inside_quotes,
    label,
    line_position,
    sentence_position,
    word_length,
)
from conveyor.inspect.memory import dead_units, gates, memory_lengths, saturation, update_sizes

T, B, I, H = 60, 3, 4, 5  # noqa: E741


def with_forget_gates(*values: float) -> cv.LSTM:
    """An LSTM whose forget gates are constant."""
    layer = cv.LSTM(I, len(values))
    with torch.no_grad():
        for p in layer.parameters():
            p.mul_(0.5)
        size = len(values)
        for p in (layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0, layer.bias_hh_l0):
            p[size : 2 * size] = 0
        layer.bias_ih_l0[size : 2 * size] = torch.logit(torch.tensor(values))
    return layer


def test_memory_is_the_half_life_of_the_forget_gate() -> None:
    layer = with_forget_gates(0.5, 0.9, 0.99, 0.001)
    trace = layer.record(torch.randn(T, B, I))
    steps = memory_lengths(trace.layer(0))["c"]
    assert steps == pytest.approx(np.log(0.5) / np.log([0.5, 0.9, 0.99, 0.001]), rel=1e-3)
    shut, wide = saturation(trace.layer(0))["f"]
    assert (shut, wide) == (0.25, 0.25), "0.9 itself is not above 0.9 by more than rounding" if wide != 0.25 else ""
    assert set(gates(trace.layer(0))) == {"i", "f", "o"}


def test_memory_of_gates_that_replace_and_of_none() -> None:
    torch.manual_seed(0)
    trace = cv.Recurrent("gru", I, H).record(torch.randn(T, B, I))
    z = trace["z"].double().numpy()
    assert memory_lengths(trace.layer(0))["h"] == pytest.approx(np.log(0.5) / np.log(z).mean((0, 1)), rel=1e-5)
    assert memory_lengths(cv.RNN(I, H).record(torch.randn(T, B, I)).layer(0)) == {}
    for name in cv.cells:
        sizes = {"proj": 3} if "proj" in cv.cells[name].program.widths else None
        layer = cv.Recurrent(name, I, 6, sizes=sizes)
        aux = {a.name: torch.rand(T, B, layer.units[0].widths[a.width]) for a in layer.units[0].program.aux}
        trace = layer.record(torch.randn(T, B, I), **aux)
        found = memory_lengths(trace.layer(0))
        assert all((v > 0).all() for v in found.values()), name
        if name.startswith("lstm") and name not in ("lstm_nfg",):
            assert set(found) == {"c"}, name


def test_padding_does_not_count() -> None:
    torch.manual_seed(0)
    layer, x = cv.LSTM(I, H), torch.randn(T, 2, I)
    trace = layer.record(x, lengths=torch.tensor([T, 7]))
    alone = [layer.record(x[:T, :1]), layer.record(x[:7, 1:])]
    values = np.concatenate([t["f"].double().numpy().reshape(-1, H) for t in alone])
    want = np.log(0.5) / np.log(values).mean(0)
    assert memory_lengths(trace.layer(0), trace.lengths)["c"] == pytest.approx(want, rel=1e-9)
    assert saturation(trace.layer(0), trace.lengths)["f"][0] == (values < 0.1).mean()


def test_dead_units_and_updates() -> None:
    torch.manual_seed(0)
    layer = cv.RNN(I, H, nonlinearity="relu")
    with torch.no_grad():
        layer.bias_ih_l0[[1, 3]] = -100.0
    trace = layer.record(torch.randn(T, B, I))
    assert dead_units(trace.layer(0)).tolist() == [1, 3]
    steady = with_forget_gates(0.9999, 0.9999)
    with torch.no_grad():
        steady.weight_ih_l0[:2] = 0
        steady.bias_ih_l0[:2] = -12.0  # the input gate is shut
    state = (torch.zeros(1, B, 2), torch.ones(1, B, 2))
    trace = steady.record(torch.randn(T, B, I), state)
    assert 0 < update_sizes(trace.layer(0))["c"] < 1e-3


# Diagnosis


def test_a_healthy_layer() -> None:
    torch.manual_seed(0)
    found = cv.diagnose(cv.LSTM(I, 16, forget_bias=1.0), torch.randn(20, B, I))
    assert found.healthy and found.not_finite is None
    text = str(found)
    assert "of f are below 0.1" in text and "half of what c holds is left after" in text
    assert "gradient along c at step 1 is" in text and "of step 20's" in text
    assert found.figures["the layer: dead units"] == 0


def test_a_layer_that_forgets_vanishes() -> None:
    found = cv.diagnose(with_forget_gates(0.01, 0.02), torch.randn(50, B, I))
    assert not found.healthy
    assert "100% of f are below 0.1" in str(found) and "stuck shut" in str(found) and "it vanishes" in str(found)
    assert found.sentences[0] in str(found).splitlines()[0]


def test_a_layer_that_explodes() -> None:
    layer = cv.RNN(I, H, nonlinearity="relu")
    with torch.no_grad():
        layer.weight_hh_l0.copy_(torch.eye(H) * 1.5)
        layer.bias_ih_l0.fill_(1.0)
    assert "it explodes; clip gradients" in str(cv.diagnose(layer, torch.rand(40, B, I)))


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Linear(I, I)
        self.rnn = cv.LSTM(I, H, num_layers=2)
        self.unused = cv.GRU(I, H)

    def forward(self, x: Tensor, scale: float = 1.0) -> Tensor:
        y: Tensor = self.rnn(input=self.front(x) * scale)[0]
        return y


def test_a_model() -> None:
    torch.manual_seed(0)
    model = Model()
    found = cv.diagnose(model, (torch.randn(T, B, I), 2.0))
    assert "Rnn layer 0: " in str(found) and "Rnn layer 1: " in str(found) and "unused" not in str(found)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules()), "no hook is left behind"


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_the_first_value_that_is_not_finite(backend: str) -> None:
    layer = cv.LSTM(I, H, num_layers=2, backend=backend)
    x = torch.randn(T, B, I)
    x[7, 1, 2] = torch.inf
    with torch.no_grad():
        layer.weight_ih_l0[:, 2] = 0.0  # 0 · inf is NaN, in every gate: the first of the equations counts
    found = cv.diagnose(layer, x)
    bad = found.not_finite
    assert bad is not None and not found.healthy
    assert (bad.where, bad.step, bad.value, bad.row) == ("Layer 0", 7, "i.pre", 1)
    assert found.sentences[0] == str(bad) and "i.pre of unit 0 is nan at step 7, row 1" in str(bad)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: cv.diagnose(nn.Linear(2, 3), torch.zeros(2, 2)), "no layer of conveyor's"),
        (lambda: cv.diagnose(Model(), torch.zeros(3, 1, I), lambda y: y.sum()), "diagnose the layer itself"),
    ],
)
def test_wrong_diagnoses(call: Any, message: str) -> None:
    with pytest.raises(cv.ArgumentError, match=message):
        call()


# Probes


def recorded(steps: int = 400, units: int = 12, seed: int = 0) -> cv.Trace:
    torch.manual_seed(seed)
    return cv.GRU(I, units).record(torch.randn(steps, 2, I), values=["h"])


def slow_labels(steps: int, seed: int) -> np.ndarray[Any, Any]:
    """Labels that stay for a while, as properties of texts do."""
    random = np.random.default_rng(seed)
    return np.stack([np.repeat(random.random(steps // 8 + 1) < 0.5, 8)[:steps] for _ in range(2)], 1)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_planted_unit_is_found(binary: bool, sign: int) -> None:
    trace = recorded()
    labels = slow_labels(400, 1).astype(float)
    if not binary:
        labels += np.random.default_rng(5).normal(size=labels.shape) * 0.3
    with torch.no_grad():
        trace["h"][..., 7] = sign * torch.tensor(labels, dtype=torch.float32) + 0.3 * torch.randn(400, 2)
    found = cv.probe(trace, labels.astype(bool) if binary else labels)
    assert found.finds and (found.finds[0].unit, found.finds[0].sign, found.binary) == (7, sign, binary)
    assert found.finds[0].score > 0.6 > found.chance.max() - 0.3 and found.p_value < 0.05
    assert "H of unit 7 in layer 0 tells it" in str(found)


def test_noise_is_no_find() -> None:
    found = [cv.probe(recorded(seed=s), slow_labels(400, s + 50)) for s in range(20)]
    assert sum(bool(f.finds) for f in found) <= 3, "about one in twenty by chance"
    quiet = next(f for f in found if not f.finds)
    assert "No unit tells it better than chance" in str(quiet)


def test_steps_are_left_out_by_nan_and_by_lengths() -> None:
    torch.manual_seed(0)
    layer, x = cv.GRU(I, 6), torch.randn(100, 2, I)
    trace = layer.record(x, lengths=torch.tensor([100, 60]), values=["h"])
    labels = trace["h"][..., 2].numpy().astype(float).copy()
    labels[60:, 1] = 1e9
    found = cv.probe(trace, labels)
    assert found.best.unit == 2 and found.best.score == pytest.approx(1.0)


@pytest.mark.parametrize(
    "labels, options, message",
    [
        (np.zeros((5, 2)), {}, r"\(T, B\) = \(400, 2\), got \(5, 2\)"),
        (np.zeros((400, 2)), {}, "labels never change in the first part"),
        (np.array([["a", "b"]] * 400), {}, "labels are numbers or booleans"),
        (slow_labels(400, 0), {"train": 2.0}, "train is a part of the steps"),
        (slow_labels(400, 0), {"permutations": 0}, "permutations is a number of shifts"),
        (slow_labels(400, 0), {"values": ["q"]}, "the trace has none of q"),
    ],
)
def test_wrong_probes(labels: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(cv.ArgumentError, match=message):
        cv.probe(recorded(), labels, **options)


def test_a_sequence_too_short() -> None:
    with pytest.raises(cv.ArgumentError, match="too few"):
        cv.probe(cv.GRU(I, 3).record(torch.randn(3, 1, I)), np.array([0.0, 1.0, 0.0]))


# Labels


def marked(text: str, inside: Any) -> str:
    """The characters that a labeler marks."""
    return "".join(c for c, on in zip(text, inside, strict=True) if on)


@pytest.mark.parametrize(
    "text, want",
    [
        ('He said "go" now', '"go"'),
        ("“Yes,” he said, “no.”", "“Yes,”“no.”"),
        ("don't and Ahab's and dogs' bones", ""),
        ("“a ‘b c’ d” e", "“a ‘b c’ d”"),
        ("she «oui» it", "«oui»"),
        ("“open\n\nnext", "“open"),
        ("he said, 'Call me' once", "'Call me'"),
        ('"it\'s" x', '"it\'s"'),
        ("", ""),
    ],
)
def test_quotes(text: str, want: str) -> None:
    assert marked(text, inside_quotes(text)) == want


@pytest.mark.parametrize(
    "text, want",
    [("a (b [c] d) e", "(b [c] d)"), ("a) b (c", "(c"), ("[a(b]c", "[a(b]"), ("{x}y", "{x}"), ("(a)(b)", "(a)(b)")],
)
def test_brackets(text: str, want: str) -> None:
    assert marked(text, inside_brackets(text)) == want


def test_positions() -> None:
    assert line_position("ab\ncd").tolist() == [0, 1, 2, 0, 1]
    assert word_length("it's a2 'x").tolist() == [1, 2, 3, 4, 0, 1, 2, 0, 0, 1]
    text = "Mr. Fox ran. “He did!” J. R. saw 3.5 men?\n\nWell-known so"
    words = sentence_position(text)
    at = {
        word: int(words[text.index(word)])
        for word in ("Fox", "ran", "He", "did", "J", "saw", "3.5", "men", "Well", "so")
    }
    assert at == {"Fox": 2, "ran": 3, "He": 1, "did": 2, "J": 1, "saw": 3, "3.5": 4, "men": 6, "Well": 1, "so": 2}


def test_gender() -> None:
    text = "It. Mary saw him; her hat. Ishmael, shes"
    found = gender(text, {"ishmael": 0.0})
    assert np.isnan(found[:8]).all() and found[8] == 1.0 and found[text.index(";")] == 0.0
    assert found[text.index(" hat")] == 1.0 and found[text.index(",")] == 0.0 and found[-1] == 0.0


def test_labelers_by_name() -> None:
    text = "“Go (now),” he said.\n"
    for name, labeler in LABELERS.items():
        found = label(text, name)
        assert found.shape == (len(text),)
        np.testing.assert_array_equal(found, labeler(text))
    with pytest.raises(cv.ArgumentError, match="no labeler is called 'mood'; they are inside quotation marks"):
        label(text, "mood")
