"""Each error is ours and the one that torch or Python raises for the same mistake, and holds torch's words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence

import conveyor as cv
from conveyor.errors import ArgumentTypeError, TensorError

I, H, T, B = 3, 4, 5, 2  # noqa: E741 - the names of the axes


def zeros(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.zeros(shape, dtype=dtype)


X = zeros(T, B, I)
STREAM = cv.LSTM(I, H).stream(B)
OF_TENSORS: dict[str, Callable[[], Any]] = {
    "rank": lambda: cv.LSTM(I, H)(zeros(I)),
    "width": lambda: cv.GRU(I, H)(zeros(T, B, 7)),
    "dtype": lambda: cv.RNN(I, H)(X.double()),
    "device": lambda: cv.RNN(I, H)(X.to("meta")),
    "sparse": lambda: cv.RNN(I, H)(X.to_sparse()),
    "state's batch": lambda: cv.GRU(I, H)(X, zeros(1, 7, H)),
    "state's width": lambda: cv.GRU(I, H)(X, zeros(1, B, 7)),
    "state's rank": lambda: cv.LSTM(I, H)(X, (zeros(B, H), zeros(B, H))),
    "state's dtype": lambda: cv.GRU(I, H)(X, zeros(1, B, H).double()),
    "sparse state": lambda: cv.GRU(I, H)(X, zeros(1, B, H).to_sparse()),
    "reset's shape": lambda: cv.GRU(I, H)(X, reset=zeros(B, T, dtype=torch.bool)),
    "reset's dtype": lambda: cv.GRU(I, H)(X, reset=zeros(T, B)),
    "sparse reset": lambda: cv.GRU(I, H)(X, reset=zeros(T, B).bool().to_sparse()),
    "lengths' shape": lambda: cv.GRU(I, H)(X, lengths=torch.tensor([1, 2, 3])),
    "lengths' dtype": lambda: cv.GRU(I, H)(X, lengths=zeros(B)),
    "list of lengths": lambda: cv.GRU(I, H)(X, lengths=[1, 2, 3]),
    "auxiliary input": lambda: cv.Recurrent("gru_d", I, H)(X, mask=X, delta=zeros(T, 7)),
    "step's width": lambda: cv.GRUCell(I, H)(zeros(B, 7)),
    "step's state": lambda: cv.LSTMCell(I, H)(zeros(B, I), (zeros(B, H), zeros(B, 7))),
    "stream's input": lambda: STREAM.step(zeros(B + 1, I)),
    "stream's out": lambda: STREAM.step(zeros(B, I), out=zeros(B, 7)),
    "stream's mask": lambda: STREAM.reset(zeros(B)),
}
OF_KINDS: dict[str, Callable[[], Any]] = {
    "input": lambda: cv.LSTM(I, H)([1.0]),
    "state": lambda: cv.GRU(I, H)(X, "zeros"),
    "one state for two": lambda: cv.LSTM(I, H)(X, zeros(1, B, H)),
    "reset": lambda: cv.GRU(I, H)(X, reset=[[True, False]] * T),
    "lengths": lambda: cv.GRU(I, H)(X, lengths="5"),
    "lengths with a half": lambda: cv.GRU(I, H)(X, lengths=[1, 2.5]),
    "array of lengths": lambda: cv.GRU(I, H)(X, lengths=np.array([1.0, 2.0])),
    "size": lambda: cv.LSTM(I, 4.0),
    "size of a step": lambda: cv.LSTMCell("3", H),
    "layers": lambda: cv.GRU(I, H, num_layers="2"),
    "flag": lambda: cv.GRU(I, H, bias=1),
    "rate": lambda: cv.GRU(I, H, dropout="0.5"),
    "dtype": lambda: cv.GRU(I, H, dtype="float32"),
    "keyword": lambda: cv.GRU(I, H, hidden=5),
    "auxiliary input": lambda: cv.Recurrent("gru", I, H)(X, gap=X),
    "out": lambda: STREAM.step(zeros(B, I), out=[0.0]),
}


@pytest.mark.parametrize("name", OF_TENSORS)
def test_tensors_that_do_not_fit(name: str) -> None:
    with pytest.raises(TensorError) as raised:
        OF_TENSORS[name]()
    assert isinstance(raised.value, cv.ArgumentError) and isinstance(raised.value, ValueError)
    assert isinstance(raised.value, RuntimeError) and "\n" not in str(raised.value)


@pytest.mark.parametrize("name", OF_KINDS)
def test_arguments_of_another_kind(name: str) -> None:
    with pytest.raises(ArgumentTypeError) as raised:
        OF_KINDS[name]()
    assert isinstance(raised.value, cv.ArgumentError) and isinstance(raised.value, ValueError)
    assert isinstance(raised.value, TypeError) and "\n" not in str(raised.value)


def test_a_reset_of_wrong_shape_is_told_as_such() -> None:
    layer, starts = cv.LSTM(I, H), zeros(B, T, dtype=torch.bool)
    with pytest.raises(TensorError) as raised:
        layer(X, reset=starts)
    assert str(raised.value) == (
        "reset is a tensor of booleans (T, B) = (5, 2), got one of shape (2, 5); reset.t() exchanges its axes"
    )
    with pytest.raises(TensorError, match=r"got torch.int64; .bool\(\) makes booleans"):
        layer(X, reset=torch.ones(T, B, dtype=torch.int64))
    layer(X, reset=starts.t())


# The words of torch.nn's own errors, asked of torch.nn here rather than written down.


def state_of(make: Any, shape: tuple[int, ...]) -> Any:
    """An initial state of zeros, of one shape."""
    return (zeros(*shape), zeros(*shape)) if make in (nn.LSTM, cv.LSTM) else zeros(*shape)


MISTAKES: list[tuple[str, str, Callable[[Any], Any]]] = [
    *((kind, "no width", lambda make: make(I, 0)) for kind in ("LSTM", "GRU", "RNN")),
    *((kind, "no input", lambda make: make(0, H)) for kind in ("LSTM", "GRU", "RNN")),
    *((kind, "a negative input", lambda make: make(-1, H)) for kind in ("LSTM", "GRU", "RNN")),
    *((kind, "no layers", lambda make: make(I, H, 0)) for kind in ("LSTM", "GRU", "RNN")),
    *((kind, "float input", lambda make: make(3.0, H)) for kind in ("LSTM", "GRU", "RNN")),
    *((kind, "text input", lambda make: make("3", H)) for kind in ("LSTM", "GRU", "RNN")),
    *((kind, "float width", lambda make: make(I, 4.0)) for kind in ("LSTM", "GRU", "RNN")),
    *((kind, "bias", lambda make: make(I, H, bias=1)) for kind in ("LSTM", "GRU", "RNN")),
    *((kind, "batch_first", lambda make: make(I, H, batch_first="no")) for kind in ("LSTM", "GRU", "RNN")),
    *((kind, "dtype", lambda make: make(I, H)(X.double())) for kind in ("LSTM", "GRU", "RNN")),
    *((kind, "proj_size", lambda make: make(I, H, proj_size=2)) for kind in ("GRU", "RNN")),
    *((kind, "width", lambda make: make(I, H)(zeros(T, B, 7))) for kind in ("LSTM", "GRU", "RNN")),
    *((kind, "width without a batch", lambda make: make(I, H)(zeros(T, 7))) for kind in ("LSTM", "GRU", "RNN")),
    *((kind, "packed width", lambda make: make(I, H)(pack_sequence([zeros(T, 7)]))) for kind in ("GRU", "RNN")),
    *((kind, "rank", lambda make: make(I, H)(zeros(I))) for kind in ("LSTM", "GRU", "RNN")),
    *((kind, "high rank", lambda make: make(I, H)(zeros(1, T, B, I))) for kind in ("LSTM", "GRU", "RNN")),
    *((kind, "rank of a step", lambda make: make(I, H)(X)) for kind in ("LSTMCell", "GRUCell", "RNNCell")),
    *(
        (kind, f"state {shape} of {rows}D", lambda make, x=x, shape=shape: make(I, H, 2)(x, state_of(make, shape)))
        for kind in ("LSTM", "GRU", "RNN")
        for rows, x, shapes in (
            (3, X, ((2, B, 7), (2, 7, H), (3, B, H), (2, 1, H), (2, H), (2, B, 1, H))),
            (2, X[:, 0], ((2, 7), (3, H), (2, 1, H), (H,))),
        )
        for shape in shapes
    ),
    ("LSTM", "second state", lambda make: make(I, H)(X, (zeros(1, B, H), zeros(1, B, 7)))),
    ("LSTM", "second state's rank", lambda make: make(I, H)(X, (zeros(1, B, H), zeros(B, H)))),
    ("LSTM", "projected state", lambda make: make(I, H, proj_size=2)(X, (zeros(1, B, H), zeros(1, B, H)))),
    ("LSTM", "projected state's cell", lambda make: make(I, H, proj_size=2)(X, (zeros(1, B, 2), zeros(1, B, 2)))),
    *((kind, "both ways", lambda make: make(I, H, bidirectional=True)(X, state_of(make, (1, B, H)))) for kind in ("LSTM", "GRU", "RNN")),
    ("LSTM", "negative proj_size", lambda make: make(I, H, proj_size=-1)),
    ("LSTM", "large proj_size", lambda make: make(I, H, proj_size=H)),
    ("RNN", "nonlinearity", lambda make: make(I, H, nonlinearity="sin")),
    *((kind, "width", lambda make: make(I, H)(zeros(B, 7))) for kind in ("LSTMCell", "GRUCell", "RNNCell")),
    *((kind, "state's width", lambda make: make(I, H)(zeros(B, I), zeros(B, 7))) for kind in ("GRUCell", "RNNCell")),
    *((kind, "state's batch", lambda make: make(I, H)(zeros(B, I), zeros(7, H))) for kind in ("GRUCell", "RNNCell")),
    *((kind, "state's rank", lambda make: make(I, H)(zeros(B, I), zeros(B, 1, 1, H))) for kind in ("GRUCell", "RNNCell")),
    ("LSTMCell", "state's width", lambda make: make(I, H)(zeros(B, I), (zeros(B, 7), zeros(B, 7)))),
    ("LSTMCell", "state's batch", lambda make: make(I, H)(zeros(B, I), (zeros(7, H), zeros(7, H)))),
    ("LSTMCell", "state's rank", lambda make: make(I, H)(zeros(B, I), (zeros(B, 1, 1, H), zeros(B, H)))),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "call"), [(k, c) for k, _, c in MISTAKES], ids=[f"{k}-{n}" for k, n, _ in MISTAKES])
def test_torchs_words_stand_beside_ours(kind: str, call: Callable[[Any], Any]) -> None:
    with pytest.raises((ValueError, TypeError, RuntimeError)) as theirs:
        call(getattr(nn, kind))
    with pytest.raises(cv.ArgumentError) as ours:
        call(getattr(cv, kind))
    assert isinstance(ours.value, theirs.type), f"torch raises {theirs.type.__name__}"
    # Some errors begin with the layer's name in torch.
    words = (
        re.sub(r"^(\w+Cell|LSTM|GRU|RNN): ", "", str(theirs.value))
        .rstrip(". ")
        .replace("D tensor instead", "D instead")
    )
    assert words in str(ours.value)
