"""Wrong calls of layers: one line with the argument, what was expected, what came, and the fix."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import conveyor as cv


def x(*shape: int, **kw: Any) -> torch.Tensor:
    return torch.randn(*(shape or (5, 2, 3)), **kw)


@cv.cell
def timed(x, h, *, dt):
    h = cv.tanh(cv.affine("h", x, h, dt))
    return h


@cv.cell
def sized(x, h):
    h = cv.affine("out", cv.tanh(cv.affine("h", x, h, size="wide")), blocks=2)
    return h


LSTM = cv.LSTM(3, 4)
GRU = cv.GRU(3, 4)
CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    "rank": (lambda: LSTM(x(2, 3, 4, 5)), r"input is \(T, B, input_size\) or \(T, input_size\), got 4 dimensions"),
    "width": (lambda: LSTM(x(5, 2, 7)), r"input's last size is input_size = 3, got 7"),
    "dtype": (lambda: LSTM(x(dtype=torch.float64)), r"input has dtype torch.float64.*parameters have torch.float32"),
    "device": (lambda: LSTM(x(device="meta")), r"input is on meta but the layer is on cpu"),
    "type": (lambda: LSTM([1, 2]), r"input is a tensor, got list"),
    "batch": (
        lambda: LSTM(x(5, 2, 3), (x(1, 8, 4), x(1, 8, 4))),
        r"state h has batch 8 but input has batch 2; for a smaller last batch pass hx=None or .*\[:, :2\]",
    ),
    "named batch": (
        lambda: cv.Recurrent("lstm", 3, 4)(x(5, 8, 3), (x(1, 32, 4), x(1, 32, 4))),
        r"state h has batch 32 but input has batch 8; for a smaller last batch pass state=None or state.narrow_batch\(8\)",
    ),
    "state width": (
        lambda: LSTM(x(), (x(1, 2, 4), x(1, 2, 5))),
        r"state c has shape \(1, 2, 5\), expected \(1, 2, 4\)",
    ),
    "state count": (lambda: LSTM(x(), (x(1, 2, 4),)), r"state is a tuple of \(h, c\), got 1 of them"),
    "state type": (lambda: LSTM(x(), x(1, 2, 4)), r"state is a tuple of \(h, c\), got Tensor"),
    "state entry": (lambda: LSTM(x(), (x(1, 2, 4), None)), r"state c is a tensor of shape \(1, 2, 4\), got NoneType"),
    "state dtype": (lambda: GRU(x(), x(1, 2, 4).double()), r"state h has dtype torch.float64"),
    "layers of a state": (
        lambda: cv.Recurrent("gru", 3, [4, 5], num_layers=2)(x(), (x(2, 2, 4),)),
        r"state h is a tuple of one tensor a layer",
    ),
    "num_layers": (lambda: cv.LSTM(3, 4, num_layers=0), r"num_layers is a whole number from 1, got 0"),
    "hidden_size": (lambda: cv.LSTM(3, -4), r"hidden_size is a whole number from 1, got -4"),
    "input_size": (lambda: cv.GRU(2.5, 4), r"input_size is a whole number from 1, got 2.5"),
    "dropout": (lambda: cv.LSTM(3, 4, dropout=2), r"dropout is a probability from 0 to 1, got 2"),
    "proj_size": (
        lambda: cv.LSTM(3, 4, proj_size=4),
        r"proj_size is from 0 \(none\) to less than hidden_size = 4, got 4",
    ),
    "nonlinearity": (lambda: cv.RNN(3, 4, nonlinearity="elu"), r"nonlinearity is 'tanh' or 'relu', got 'elu'"),
    "unknown argument": (lambda: cv.LSTM(3, 4, forget=1), r"LSTM has no argument 'forget'; beside torch.nn's it has"),
    "init": (lambda: cv.LSTM(3, 4, init="xavier"), r"init is one of torch, orthogonal, chrono, got 'xavier'"),
    "max_lag": (lambda: cv.LSTM(3, 4, init="chrono", max_lag=2), r"max_lag is the longest dependency.*got 2"),
    "dtype of a layer": (lambda: cv.LSTM(3, 4, dtype=torch.int64), r"dtype is a floating-point type, got torch.int64"),
    "backend": (lambda: cv.LSTM(3, 4, backend="cudnn"), r"backend 'cudnn' is unknown; expected auto, reference, cpu"),
    "cell name": (lambda: cv.Recurrent("lstmm", 3, 4), r"cell 'lstmm' is not built in; did you mean 'lstm'"),
    "cell type": (lambda: cv.Recurrent(7, 3, 4), r"cell is a @cv.cell function or the name of one.*got int"),
    "plain function": (
        lambda: cv.Recurrent(lambda x, h: h, 3, 4),
        r"got function; decorate the function with @cv.cell",
    ),
    "no cells": (lambda: cv.Recurrent([], 3, 4), r"cell is an empty list"),
    "cells and layers": (lambda: cv.Recurrent(["gru", "lstm"], 3, 4, num_layers=3), r"cell has 2 entries for 3 layers"),
    "sizes and layers": (lambda: cv.Recurrent("gru", 3, [4, 5, 6], 2), r"hidden_size has 3 entries for 2 layers"),
    "size missing": (lambda: cv.Recurrent(sized, 3, 4), r"sizes lacks 'wide'.*pass sizes=\{'wide': …\}"),
    "size unknown": (
        lambda: cv.Recurrent("gru", 3, 4, sizes={"wide": 2}),
        r"sizes has 'wide', which cell gru does not name",
    ),
    "size zero": (
        lambda: cv.Recurrent(sized, 3, 4, sizes={"wide": 0}),
        r"sizes\['wide'\] is a whole number from 1, got 0",
    ),
    "blocks": (
        lambda: cv.Recurrent(sized, 3, 4, sizes={"wide": 5}),
        r"is 4 x 5 and has 2 blocks; choose.*multiples of 2",
    ),
    "two proj sizes": (lambda: cv.Recurrent("lstm_projection", 3, 4, proj_size=2, sizes={"proj": 3}), r"differ"),
    "aux missing": (lambda: cv.Recurrent(timed, 3, 4)(x()), r"auxiliary input 'dt' is missing; pass dt="),
    "aux unknown": (lambda: cv.Recurrent("gru", 3, 4)(x(), dt=x(5, 2)), r"cell gru has no auxiliary input.*'dt'.*none"),
    "aux shape": (lambda: cv.Recurrent(timed, 3, 4)(x(), dt=x(4, 2)), r"'dt' has shape \(4, 2\), expected \(5, 2\)"),
    "aux type": (lambda: cv.Recurrent(timed, 3, 4)(x(), dt=1.0), r"auxiliary input 'dt' is a tensor, got float"),
    "cell state": (
        lambda: cv.LSTMCell(3, 4)(x(2, 3), (x(5, 4), x(5, 4))),
        r"state h has batch 5 but input has batch 2",
    ),
    "cell rank": (
        lambda: cv.GRUCell(3, 4)(x(5, 2, 3)),
        r"input is \(B, input_size\) or \(input_size,\), got 3 dimensions",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_one_line_that_names_cause_and_fix(name: str) -> None:
    call, message = CALLS[name]
    with pytest.raises(ValueError, match=message) as raised:
        call()
    assert isinstance(raised.value, cv.ArgumentError) and "\n" not in str(raised.value)


def test_an_auxiliary_input_that_may_be_two_things_is_refused() -> None:
    layer = cv.Recurrent(timed, 3, 4, sizes={"dt": 2})
    dt = x(2, 2)
    with pytest.raises(cv.ArgumentError, match=r"may be \(T, B\) or \(B, K\)"):
        layer(x(2, 2, 3), dt=dt)
    assert layer(x(2, 2, 3), dt=dt.unsqueeze(-1).expand(2, 2, 2))[0].shape == (2, 2, 4)


shapes = st.lists(st.integers(0, 6), min_size=0, max_size=5).map(tuple)
anything = st.one_of(
    st.none(),
    st.integers(-3, 5),
    st.floats(allow_nan=True),
    st.text(max_size=3),
    st.booleans(),
    st.lists(st.integers()),
)
tensors = st.builds(
    lambda s, d: torch.zeros(s, dtype=d), shapes, st.sampled_from([torch.float32, torch.float64, torch.int64])
)


@given(
    kind=st.sampled_from(["LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell"]),
    arguments=st.lists(anything, max_size=6),
)
def test_constructors_refuse_or_work(kind: str, arguments: list[Any]) -> None:
    try:
        layer = getattr(cv, kind)(*arguments)
    except (cv.ConveyorError, TypeError) as error:
        # A TypeError is Python's own: a missing argument.
        assert isinstance(error, cv.ConveyorError) or "argument" in str(error), error
        return
    assert isinstance(layer, torch.nn.Module)


@given(tensors | anything, st.one_of(st.none(), tensors, anything, st.lists(tensors, max_size=3).map(tuple)))
def test_calls_refuse_or_answer_rightly(given_x: Any, state: Any) -> None:
    for layer in (LSTM, GRU, cv.Recurrent(timed, 3, 4)):
        aux = (
            {"dt": torch.zeros(given_x.shape[:2])}
            if layer not in (LSTM, GRU) and isinstance(given_x, torch.Tensor)
            else {}
        )
        try:
            y, _ = layer(given_x, state, **aux)
        except cv.ConveyorError as error:
            assert "\n" not in str(error)
            continue
        assert y.shape == (*given_x.shape[:-1], 4)
