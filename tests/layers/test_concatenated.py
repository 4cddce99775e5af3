"""Layers from the form W·[h, x] + b that textbooks print, against the textbook's step in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import conveyor as cv

Array = NDArray[np.float64]
Gates = dict[str, tuple[torch.Tensor, torch.Tensor | None]]
I, H, T, B = 3, 4, 6, 2  # noqa: E741 - the names of the axes


def sigmoid(v: Array) -> Array:
    return 1 / (1 + np.exp(-v))


def weights(names: str, bias: bool = True, seed: int = 0) -> Gates:
    rng = np.random.default_rng(seed)
    made = {}
    for name in names.split():
        w, b = rng.normal(size=(H, H + I)), rng.normal(size=H)
        made[name] = (torch.from_numpy(w), torch.from_numpy(b) if bias else None)
    return made


def textbook(gates: Gates) -> Callable[[str, Array, Array], Array]:
    """W·[h, x] + b by name."""

    def apply(name: str, h: Array, x: Array) -> Array:
        w, b = gates[name]
        return w.numpy() @ np.concatenate([h, x]) + (0.0 if b is None else b.numpy())

    return apply


def lstm(gates: Gates, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    """Gers, Schmidhuber & Cummins 2000, as every textbook prints it."""
    a = textbook(gates)
    c = sigmoid(a("f", h, x)) * c + sigmoid(a("i", h, x)) * np.tanh(a("g", h, x))
    return sigmoid(a("o", h, x)) * np.tanh(c), c


def gru_reset_before(gates: Gates, x: Array, h: Array) -> tuple[Array]:
    """Cho et al. 2014: z keeps, the reset gate acts on h before the product."""
    a = textbook(gates)
    r, z = sigmoid(a("r", h, x)), sigmoid(a("z", h, x))
    return (z * h + (1 - z) * np.tanh(a("n", r * h, x)),)


def rnn(gates: Gates, x: Array, h: Array) -> tuple[Array]:
    return (np.tanh(textbook(gates)("h", h, x)),)


def rnn_relu(gates: Gates, x: Array, h: Array) -> tuple[Array]:
    return (np.maximum(textbook(gates)("h", h, x), 0),)


def mgu(gates: Gates, x: Array, h: Array) -> tuple[Array]:
    a = textbook(gates)
    f = sigmoid(a("f", h, x))
    return ((1 - f) * h + f * np.tanh(a("n", f * h, x)),)


def gru(gates: Gates, x: Array, h: Array) -> tuple[Array]:
    """torch's GRU from one matrix and one bias a gate: its second bias of n is zero, so r scales R·h alone."""
    a, (w, b) = textbook(gates), gates["n"]
    r, z = sigmoid(a("r", h, x)), sigmoid(a("z", h, x))
    n = np.tanh(w.numpy()[:, H:] @ x + (0.0 if b is None else b.numpy()) + r * (w.numpy()[:, :H] @ h))
    return ((1 - z) * n + z * h,)


# id: names of the gates, how many states, the textbook's step, the layer made of them
CASES: dict[str, tuple[str, int, Callable[..., tuple[Array, ...]], Callable[..., Any]]] = {
    "LSTM": ("i f g o", 2, lstm, cv.LSTM.from_concatenated),
    "GRU": ("r z n", 1, gru, cv.GRU.from_concatenated),
    "RNN": ("h", 1, rnn, cv.RNN.from_concatenated),
    "RNN-relu": ("h", 1, rnn_relu, lambda g, **a: cv.RNN.from_concatenated(g, nonlinearity="relu", **a)),
    "lstm": ("o g f i", 2, lstm, lambda g, **a: cv.Recurrent.from_concatenated("lstm", g, **a)),
    "gru": ("n z r", 1, gru, lambda g, **a: cv.Recurrent.from_concatenated("gru", g, **a)),
    "gru_reset_before": (
        "r z n", 1, gru_reset_before, lambda g, **a: cv.Recurrent.from_concatenated("gru_reset_before", g, **a),
    ),
    "mgu": ("f n", 1, mgu, lambda g, **a: cv.Recurrent.from_concatenated(cv.cells["mgu"], g, **a)),
}  # fmt: skip


@pytest.mark.parametrize("backend", ["auto", "reference"])
@pytest.mark.parametrize("bias", ["bias", "no-bias", "None-for-bias"])
@pytest.mark.parametrize("case", CASES)
def test_textbook(case: str, bias: str, backend: str) -> None:
    names, states, step, make = CASES[case]
    gates = weights(names, bias == "bias")
    layer = make(gates, dtype=torch.float64, bias=bias != "no-bias", backend=backend)
    rng = np.random.default_rng(1)
    x, start = rng.normal(size=(T, B, I)), rng.normal(size=(states, 1, B, H))
    given = tuple(torch.from_numpy(s) for s in start)
    y, final = layer(torch.from_numpy(x), given if states == 2 or isinstance(layer, cv.Recurrent) else given[0])
    finals = final if isinstance(final, tuple) else (final,)
    for b in range(B):
        row = tuple(start[k, 0, b] for k in range(states))
        for t in range(T):
            row = step(gates, x[t, b], *row)
            np.testing.assert_allclose(y[t, b].detach(), row[0], rtol=1e-12, atol=1e-12)
        for got, want in zip(finals, row, strict=True):
            np.testing.assert_allclose(got[0, b].detach(), want, rtol=1e-12, atol=1e-12)


def test_arguments_pass_through_and_parameters_are_trainable_copies() -> None:
    gates = weights("i f g o")
    layer = cv.LSTM.from_concatenated(gates, dtype=torch.float64, batch_first=True, num_layers=1, bidirectional=False)
    before = gates["f"][0].clone()
    assert layer.batch_first and all(p.requires_grad and p.is_leaf for p in layer.parameters())
    with torch.no_grad():
        for p in layer.parameters():
            p.zero_()
    assert torch.equal(gates["f"][0], before)
    learned = {n: (w.requires_grad_(), b) for n, (w, b) in weights("i f g o").items()}
    assert all(p.is_leaf for p in cv.LSTM.from_concatenated(learned).parameters())
    same = cv.Recurrent.from_concatenated("lstm", gates, num_layers=1)
    assert same.num_layers == 1 and same.weight_hh_l0.dtype == torch.float32


def changed(**changes: Any) -> Gates:
    return weights("i f g o") | changes


W, V = torch.zeros(H, H + I), torch.zeros(H)
WRONG: dict[str, tuple[Any, dict[str, Any], str]] = {
    "empty": ({}, {}, r"gates is a dict of \(W, b\) for each affine map of the cell, got an empty one"),
    "no dict": ([W], {}, "gates is a dict .* got list"),
    "missing": ({k: (W, V) for k in "ifg"}, {}, "gates lacks 'o'; the affine maps of cell lstm are i, f, g, o"),
    "unknown": (changed(q=(W, V)), {}, "gates has 'q', but the affine maps of cell lstm are i, f, g, o"),
    "no pair": (changed(f=W), {}, r"gates\['f'\] is a pair \(W, b\), b a tensor or None; got Tensor"),
    "three": (changed(f=(W, V, V)), {}, r"gates\['f'\] is a pair \(W, b\), b a tensor or None; got tuple"),
    "array": (changed(f=(W.numpy(), V)), {}, r"gates\['f'\].*W a tensor \(H, H \+ I\).*got ndarray"),
    "columns": (changed(f=(W[:, :H], V)), {}, r"gates\['f'\].*columns of h first; got \(4, 4\)"),
    "rank": (changed(f=(V, V)), {}, r"gates\['f'\].*got \(4,\)"),
    "sizes": (changed(f=(torch.zeros(5, 8), V)), {}, r"different sizes \(I, H\): \[\(3, 4\), \(3, 5\)\]"),
    "bias shape": (changed(f=(W, torch.zeros(5))), {}, r"gates\['f'\] has a bias of shape \(5,\), expected \(4,\)"),
    "bias list": (changed(f=(W, [0.0] * 4)), {}, r"gates\['f'\].*b a tensor or None; got list"),
    "bias of none": (changed(), {"bias": False}, r"gates\['i'\] has a bias but the layer has none"),
    "layers": (changed(), {"num_layers": 2}, "makes one layer of one direction"),
    "directions": (changed(), {"bidirectional": True}, "makes one layer of one direction"),
    "unknown keyword": (changed(), {"forget": 1}, "LSTM has no argument 'forget'"),
    "projection": (changed(), {"proj_size": 2}, r"states of one width, but the matrix of \('i', h\) is \(4, 2\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_calls(name: str) -> None:
    gates, arguments, message = WRONG[name]
    with pytest.raises(cv.ArgumentError, match=message) as raised:
        cv.LSTM.from_concatenated(gates, **arguments)
    assert "\n" not in str(raised.value)


def test_cells_that_have_no_such_form() -> None:
    with pytest.raises(cv.ArgumentError, match=r"needs a map of x and one other vector, but 'h' reads x"):
        cv.Recurrent.from_concatenated("indrnn", {"h": (W, V)})
    with pytest.raises(cv.ArgumentError, match="makes one layer of one direction"):
        cv.Recurrent.from_concatenated(["lstm", "lstm"], changed())
    with pytest.raises(cv.ArgumentError, match=r"states of one width, but the matrix of \('i', h\) is \(4, 2\)"):
        cv.Recurrent.from_concatenated("lstm_projection", changed(proj=(W, None)), sizes={"proj": 2})
