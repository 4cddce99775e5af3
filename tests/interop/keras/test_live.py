"""Live layers and models of Keras in and out, each run by Keras itself."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch

import conveyor as cv
from conveyor.frontend.activations import NAMES
from conveyor.interop.keras.layer import KerasLayer
from interop.keras.kinds import KINDS
from interop.keras.library import I, L, built, keras, model, randomised, run, sequences

TOLERANCE = 1e-6


def ours(layer: Any, x: Any) -> list[Any]:
    with torch.no_grad():
        y, _ = layer.eval()(torch.from_numpy(x))
    return [v.numpy() for v in (y if isinstance(y, tuple) else [y])]


def assert_same(want: list[Any], got: list[Any]) -> None:
    assert len(want) == len(got)
    for a, b in zip(want, got, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(b, a, rtol=0, atol=TOLERANCE * max(1.0, float(np.abs(a).max())))


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_computes_what_keras_computes(kind: str) -> None:
    theirs = built(KINDS[kind]())
    told: list[cv.Report] = []
    layer = cv.from_keras(theirs, report=told.append)
    x = sequences()
    assert_same(run(theirs, x), ours(layer, x))
    (report,) = told
    assert report.ok and report.difference is not None and report.difference <= TOLERANCE * 10
    assert report.name == theirs.name


# A Recurrent has one bias for each of a GRU's r and z, the sum of Keras's two.
SUMMED = {"GRU-activations", "StackedRNNCells-mixed"}


@pytest.mark.parametrize("kind", KINDS)
def test_and_goes_back_with_every_weight_as_it_was(kind: str) -> None:
    theirs = built(KINDS[kind]())
    other = built(type(theirs).from_config(theirs.get_config()), seed=1)
    told: list[cv.Report] = []
    assert cv.to_keras(cv.from_keras(theirs), other, report=told.append) is other
    if kind not in SUMMED:
        for a, b in zip(theirs.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    x = sequences()
    assert_same(run(theirs, x), run(other, x))
    assert all(r.ok and r.difference is not None for r in told)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("hard_sigmoid_6", "leaky_relu_0.2")])
def test_activations_are_those_of_keras_of_that_name(name: str) -> None:
    x = sequences(time=3)  # gates that are not from 0 to 1 soon overflow
    for theirs in (
        built(L.LSTM(4, activation=name, recurrent_activation="sigmoid", return_sequences=True)),
        built(L.GRU(4, recurrent_activation=name, activation="tanh", return_sequences=True)),
    ):
        theirs.set_weights([w * 0.3 for w in theirs.get_weights()])
        assert_same(run(theirs, x), ours(cv.from_keras(theirs), x))


@pytest.mark.parametrize("name", ["gelu", "glu", "threshold", "log_softmax", "sparsemax"])
def test_other_activations_are_refused_by_name(name: str) -> None:
    with pytest.raises(
        cv.ArgumentError, match=rf"activation '{name}' has no like here; of Keras's there are sigmoid, "
    ):
        cv.from_keras(built(L.LSTM(4, activation=name)))


def test_which_layer_it_becomes() -> None:
    found = {kind: cv.from_keras(built(make())) for kind, make in KINDS.items()}
    assert repr(found["LSTM"]) == "LSTM(3, 4, batch_first=True)"
    assert repr(found["GRU"]) == "GRU(3, 4, batch_first=True)"
    assert repr(found["SimpleRNN"]) == "RNN(3, 4, batch_first=True)"
    assert repr(found["GRU-reset-before"]) == "Recurrent(gru_reset_before, 3, 4, batch_first=True)"
    stacked = found["StackedRNNCells-mixed"]
    assert [u.cell.name for u in stacked.layer.units] == ["lstm", "gru", "rnn", "lstm"]
    assert isinstance(found["LSTM-last"], KerasLayer) and isinstance(found["LSTM-last"].layer, cv.LSTM)
    assert "return_sequences=False" in repr(found["LSTM-last"])


def test_training_moves_the_biases_that_keras_has() -> None:
    lstm = cv.from_keras(built(KINDS["LSTM"]()))
    assert not lstm.bias_hh_l0.any() and not lstm.bias_hh_l0.requires_grad and lstm.bias_ih_l0.requires_grad
    gru = cv.from_keras(built(KINDS["GRU"]()))
    assert gru.bias_hh_l0.any() and gru.bias_hh_l0.requires_grad, "Keras's GRU has two"


def test_a_trained_layer_goes_back() -> None:
    theirs = built(KINDS["LSTM"]())
    layer = cv.from_keras(theirs)
    optimizer = torch.optim.Adam(layer.parameters(), 0.05)
    x = sequences()
    for _ in range(5):
        optimizer.zero_grad()
        layer(torch.from_numpy(x))[0].square().mean().backward()
        optimizer.step()
    before = run(theirs, x)
    cv.to_keras(layer, theirs)
    assert np.abs(before[0] - run(theirs, x)[0]).max() > 0.01
    assert_same(run(theirs, x), ours(layer, x))


def functional() -> Any:
    x = L.Input((None, I), name="x")
    y = L.LSTM(4, return_sequences=True, name="below")(x)
    within = keras.Sequential([L.Input((None, 4)), L.GRU(5, return_sequences=True, name="deep")], name="within")
    z = L.TimeDistributed(L.Dense(4))(within(y))
    z = L.Dropout(0.5)(z)
    last = L.Bidirectional(L.LSTM(2), name="above")(z)
    return randomised(keras.Model(x, [L.Dense(1)(last), y]))


def test_layers_of_a_model_by_name() -> None:
    theirs = functional()
    found = cv.from_keras(theirs)
    assert list(found) == ["below", "within/deep", "above"]
    x = sequences()
    assert_same([run(theirs, x)[1]], ours(found["below"], x))
    assert {r.name for r in found.reports} == {*found} and all(r.ok for r in found.reports)
    assert repr(cv.from_keras(theirs, "deep")) == "GRU(4, 5, batch_first=True)"
    with pytest.raises(cv.ArgumentError, match="layer: expected one of .* below, within/deep, above, got 'dense'"):
        cv.from_keras(theirs, "dense")
    with pytest.raises(KeyError, match="layer is one of below, within/deep, above, got 'x'"):
        found["x"]


def test_a_mapping_fills_the_layers_of_its_names() -> None:
    theirs, other = functional(), functional()
    randomised(other, 9)
    x = sequences()
    dense = other.layers[-1].get_weights()
    assert cv.to_keras(cv.from_keras(theirs), other) is other
    assert_same([run(theirs, x)[1]], [run(other, x)[1]])
    for layer in ("below", "within", "above"):
        for a, b in zip(theirs.get_layer(layer).get_weights(), other.get_layer(layer).get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    assert all(np.array_equal(a, b) for a, b in zip(dense, other.layers[-1].get_weights(), strict=True))


def test_a_deep_layer_fills_a_model_of_as_many() -> None:
    layer = cv.LSTM(I, 4, 2, bidirectional=True, dropout=0.5)
    theirs = model(L.Bidirectional(L.LSTM(4, return_sequences=True)), L.Bidirectional(L.LSTM(4, return_sequences=True)))
    cv.to_keras(layer, theirs)
    x = sequences()
    with torch.no_grad():
        y, _ = layer.eval()(torch.from_numpy(x).transpose(0, 1))
    assert_same(run(theirs, x), [y.transpose(0, 1).numpy()])


def test_two_directions_that_differ_become_two_layers() -> None:
    theirs = built(
        L.Bidirectional(
            L.LSTM(4, return_sequences=True), backward_layer=L.GRU(2, go_backwards=True, return_sequences=True)
        )
    )
    found = cv.from_keras(theirs)
    assert list(found) == [f"{theirs.name}/forward", f"{theirs.name}/backward"]
    forward, backward = found.values()
    x = sequences()
    y = np.concatenate([ours(forward, x)[0], ours(backward, x)[0][:, ::-1]], -1)
    assert_same(run(theirs, x), [y])
    assert "turn its outputs round in time" in found.notes[f"{theirs.name}/backward"]
    weights = theirs.get_weights()
    randomised(theirs, 8)
    cv.to_keras(found, theirs)
    assert all(np.array_equal(a, b) for a, b in zip(weights, theirs.get_weights(), strict=True))


def test_two_directions_of_stacked_cells_become_two_layers() -> None:
    theirs = built(L.Bidirectional(L.RNN([L.LSTMCell(4), L.GRUCell(2)])))
    forward, backward = cv.from_keras(theirs).values()
    x = sequences()
    assert_same(run(theirs, x), [np.concatenate([ours(forward, x)[0], ours(backward, x)[0]], -1)])


def test_what_does_not_come_along_is_said() -> None:
    theirs = model(
        L.LSTM(4, dropout=0.3, name="one", return_sequences=True), L.GRU(2, recurrent_dropout=0.1, name="two")
    )
    found = cv.from_keras(theirs)
    assert found.notes == {"one": ("without its dropout",), "two": ("without its dropout",)}
    stateful = keras.Sequential([L.Input((None, I), batch_size=3), L.LSTM(4, stateful=True, name="kept")])
    found = cv.from_keras(randomised(stateful))
    assert found.notes == {"kept": ("stateful there: pass the state yourself",)}
    state = [np.asarray(s.value.detach()) for s in stateful.layers[0].states]
    cv.from_keras(stateful.layers[0])
    for before, now in zip(state, stateful.layers[0].states, strict=True):
        np.testing.assert_array_equal(before, np.asarray(now.value.detach()))


def test_a_layer_that_computes_in_less_precision() -> None:
    theirs = built(L.LSTM(4, dtype="mixed_bfloat16", return_sequences=True))
    told: list[cv.Report] = []
    layer = cv.from_keras(theirs, report=told.append)
    assert layer.weight_ih_l0.dtype == torch.float32 and told[0].ok
    double = built(L.GRU(4, dtype="float64", return_sequences=True))
    assert cv.from_keras(double).weight_ih_l0.dtype == torch.float64


class OwnLSTM(L.LSTM):
    """Computes something else."""


def test_classes_of_the_users_are_not_taken_for_keras() -> None:
    OwnLSTM.__name__ = "LSTM"
    with pytest.raises(cv.ArgumentError, match="it is a class LSTM of interop.keras.test_live, not Keras's"):
        cv.from_keras(built(OwnLSTM(4)))


def test_a_model_with_one_that_can_not_be_read() -> None:
    theirs = model(L.LSTM(4, return_sequences=True, name="good"), L.GRU(2, activation="gelu", name="bad"))
    found = cv.from_keras(theirs)
    assert list(found) == ["good"] and "gelu" in found.unread["bad"]
    assert "bad: not read" in repr(found) and "good: LSTM(units=4)" in repr(found)
    with pytest.raises(cv.ArgumentError, match="layer 'bad' could not be read: GRU: its activation 'gelu'"):
        found["bad"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L.LSTM(4), "expected 3 arrays, got 0; a layer that was never built has none"),
        (lambda: L.ConvLSTM1D(4, 3), "its states are images, and ours are vectors"),
        (lambda: L.Dense(4), "the Dense 'dense.*' has no recurrent layer"),
        (lambda: 3, "source is the name of a .keras, .h5 or .weights.h5 file, or a layer or model of Keras; got int"),
        (lambda: "", "source is the name of a file, got ''"),
    ],
)
def test_sources_that_are_none(make: Any, message: str) -> None:
    with pytest.raises(cv.ArgumentError, match=message):
        cv.from_keras(make())


@pytest.mark.parametrize(
    ("layer", "target", "message"),
    [
        (lambda: cv.LSTM(I, 5), lambda: built(L.LSTM(4)), r"layer is LSTM\(units=5\) with 3 inputs, and the target's '.*' LSTM\(units=4\) with 3"),
        (lambda: cv.GRU(I, 4), lambda: built(L.LSTM(4)), r"layer is GRU\(units=4, reset_after=True\)"),
        (lambda: cv.GRU(I, 4), lambda: built(L.GRU(4, reset_after=False)), "reset_after=False"),
        (lambda: cv.LSTM(2, 4), lambda: built(L.LSTM(4)), "with 2 inputs, and .* with 3 inputs"),
        (lambda: cv.LSTM(I, 4, bidirectional=True), lambda: built(L.LSTM(4)), r"layer is Bidirectional\(LSTM"),
        (lambda: cv.LSTM(I, 4, 2), lambda: built(L.LSTM(4)), "layer has 2 layers, and the target 1"),
        (lambda: cv.LSTM(I, 4, bias=False), lambda: built(L.LSTM(4)), "use_bias=False"),
        (lambda: cv.LSTM(I, 4), lambda: L.LSTM(4), "can't be filled: .* build it first"),
        (lambda: cv.LSTM(I, 4), lambda: built(L.Dense(4)), "has no recurrent layer"),
        (lambda: cv.LSTM(I, 4), lambda: 3, "target is the name of a .keras, .h5 or .weights.h5 file, or"),
        (lambda: {"no": cv.LSTM(I, 4)}, lambda: built(L.LSTM(4, name="yes")), "the target has no layer 'no'; it has yes"),
        (lambda: cv.Recurrent("lstm_peephole", I, 4), lambda: built(L.LSTM(4)), "Keras has no layer with the equations of <cell lstm_peephole>"),
        (lambda: cv.Recurrent("lstm", I, 4, learn_initial_state=True), lambda: built(L.LSTM(4)), "learns its initial states"),
        (lambda: cv.LSTM(I, 4, device="meta"), lambda: built(L.LSTM(4)), "on the meta device"),
        (lambda: cv.LSTMCell(I, 4), lambda: built(L.LSTM(4)), "layer is a cv.Recurrent, LSTM, GRU or RNN"),
        (lambda: cv.LSTM(I, 4, proj_size=2), lambda: built(L.LSTM(4)), "Keras has no layer with the equations of"),
    ],
)  # fmt: skip
def test_targets_that_do_not_fit_stay_as_they_were(layer: Any, target: Any, message: str) -> None:
    theirs = target()
    before = theirs.get_weights() if hasattr(theirs, "get_weights") else []
    with pytest.raises(cv.ArgumentError, match=message) as caught:
        cv.to_keras(layer(), theirs)
    assert "\n" not in str(caught.value)
    for a, b in zip(before, theirs.get_weights() if before else [], strict=True):
        np.testing.assert_array_equal(a, b)


def test_settings_are_checked() -> None:
    plain, both = cv.LSTM(I, 4), cv.LSTM(I, 4, bidirectional=True)
    for arguments, message in (
        ((3,), "layer is a cv.Recurrent"),
        ((plain, {"go_backwards": 1}), "go_backwards is True or False"),
        ((plain, {"merge_mode": "sum"}), "for two directions, and this layer has one"),
        ((both, {"merge_mode": "max"}), "merge_mode is one of concat, sum, mul, ave, None, got 'max'"),
        ((both, {"go_backwards": True}), "go_backwards is for one direction"),
    ):
        layer, settings = arguments if len(arguments) == 2 else (arguments[0], {})
        with pytest.raises(cv.ArgumentError, match=message):
            KerasLayer(layer, **settings)
    turned = KerasLayer(plain, go_backwards=True)
    with pytest.raises(cv.ArgumentError, match="lengths is not for a layer with go_backwards"):
        turned(torch.zeros(2, 1, I), lengths=torch.tensor([1]))
    packed = torch.nn.utils.rnn.pack_sequence([torch.zeros(2, I)])
    with pytest.raises(cv.ArgumentError, match="PackedSequence"):
        turned(packed)


def test_last_steps_follow_lengths() -> None:
    layer = cv.from_keras(built(L.Bidirectional(L.LSTM(4), merge_mode="sum")))
    x = torch.from_numpy(sequences())
    y, state = layer(x, lengths=torch.tensor([4, 9]))
    torch.testing.assert_close(y[:1], layer(x[:1, :4])[0])
    torch.testing.assert_close(y, state.h[0] + state.h[1])


def test_randomness_stays_as_it_was() -> None:
    theirs = built(KINDS["LSTM"]())
    torch.manual_seed(3)
    want = torch.rand(4)
    torch.manual_seed(3)
    cv.from_keras(theirs)
    assert torch.equal(torch.rand(4), want)


def test_error_has_the_activations_in_one_line() -> None:
    with pytest.raises(cv.ArgumentError) as caught:
        cv.from_keras(built(L.LSTM(4, activation="gelu")))
    assert re.fullmatch(r"[^\n]+", str(caught.value))
