"""Numbers and flags of whatever kind: NumPy's, a tensor's, a fraction; a layer holds Python's own."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

import conveyor as cv

WHOLE = [np.int64, np.int32, np.uint8, torch.tensor]
REAL = [np.float64, np.float32, torch.tensor, Fraction]


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("make", [cv.LSTM, cv.GRU, cv.RNN, lambda *a, **o: cv.Recurrent("lstm", *a, **o)])
def test_whole_numbers(kind: Any, make: Any) -> None:
    layer = make(kind(4), kind(6), num_layers=kind(2), bidirectional=np.bool_(True), checkpoint_every=kind(3))
    assert layer(torch.zeros(5, 2, 4))[0].shape == (5, 2, 12)
    for name in ("input_size", "hidden_size", "num_layers", "checkpoint_every"):
        assert type(getattr(layer, name)) is int
    assert layer.bidirectional is True
    assert layer.memory_estimate(kind(5), kind(2)).total > 0
    assert "hidden" not in repr(layer) and "array" not in repr(layer) and "int64" not in repr(layer)


@pytest.mark.parametrize("kind", WHOLE)
def test_whole_numbers_of_other_things(kind: Any) -> None:
    assert cv.LSTM(4, kind(6), proj_size=kind(3))(torch.zeros(5, 2, 4))[0].shape == (5, 2, 3)
    assert cv.LSTM(4, [kind(6), kind(3)], 2)(torch.zeros(5, 2, 4))[0].shape == (5, 2, 3)
    assert cv.GRUCell(kind(4), kind(6))(torch.zeros(2, 4)).shape == (2, 6)
    assert cv.Recurrent("lstm_projection", 4, 6, sizes={"proj": kind(3)})(torch.zeros(5, 2, 4))[0].shape == (5, 2, 3)
    stream = cv.LSTM(4, 6).stream(kind(2))
    assert stream.step(torch.zeros(2, 4)).shape == (2, 6) and type(stream.batch_size) is int
    assert cv.LSTM(4, 6)(torch.zeros(5, 3, 4))[1].narrow_batch(kind(2)).h.shape == (1, 2, 6)
    assert len(cv.tbptt(torch.zeros(6, 2, 4), kind(4))) == 2
    assert len(cv.StreamSampler(kind(12), kind(3), kind(2))) == 2


@pytest.mark.parametrize("kind", REAL)
def test_real_numbers(kind: Any) -> None:
    half = kind(1, 2) if kind is Fraction else kind(0.5)
    layer = cv.LSTM(4, 6, 2, dropout=half, zoneout=half, variational_dropout={"input": half}, gradient_clip={"c": half})
    assert layer.dropout == 0.5 and type(layer.dropout) is float
    assert layer(torch.zeros(5, 2, 4))[0].shape == (5, 2, 6)
    biased = cv.LSTM(4, 6, forget_bias=half)
    assert biased.forget_bias == 0.5 and (biased.bias_ih_l0[6:12] == 0.5).all()
    assert cv.LSTM(4, 6, init="chrono", max_lag=kind(200)).max_lag == 200


@pytest.mark.parametrize("wrong", ["2", 2.0, None, [2], torch.zeros(2), 2 + 0j, np.ones(2)])
def test_what_is_no_whole_number(wrong: Any) -> None:
    for make in (lambda n: cv.LSTM(n, 6), lambda n: cv.LSTM(4, 6, num_layers=n), lambda n: cv.LSTM(4, 6).stream(n)):
        with pytest.raises(TypeError) as raised:
            make(wrong)
        assert isinstance(raised.value, cv.ArgumentError) and "\n" not in str(raised.value)


@pytest.mark.parametrize("wrong", ["0.5", True, [0.5], torch.zeros(2), 1j])
def test_what_is_no_rate(wrong: Any) -> None:
    with pytest.raises(cv.ArgumentError, match="dropout is a probability from 0 to 1"):
        cv.LSTM(4, 6, 2, dropout=wrong)
