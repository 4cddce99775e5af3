"""Right weights in another library's float32 are taken however long the example; wrong ones never are."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import conveyor as cv
from conveyor.interop.common.report import Report
from conveyor.interop.common.rounding import compare, lost_by, measured
from conveyor.interop.common.weight_layouts import ORDERS

I, H, T = 5, 48, 400  # noqa: E741 - the field's letter for the input's width
Array = np.ndarray[Any, Any]


def sigmoid(v: Array) -> Array:
    return 1 / (1 + np.exp(-v))


def lstm(w: dict[str, Array], x: Array) -> Array:
    """Keras's LSTM in the precision of its arguments."""
    h = c = np.zeros((x.shape[1], H), x.dtype)
    ys = []
    for step in x:
        i, f, g, o = np.split(step @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"], 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        ys.append(h)
    return np.stack(ys)


def trained(seed: int, scale: float) -> tuple[dict[str, Array], Array]:
    """Weights as large as training makes them, and an input of hundreds of steps."""
    random = np.random.default_rng(seed)
    w = {
        "kernel": random.normal(size=(I, 4 * H)),
        "recurrent_kernel": scale * random.normal(size=(H, 4 * H)) / np.sqrt(H),
        "bias": random.normal(size=4 * H),
    }
    return {n: v.astype(np.float32) for n, v in w.items()}, random.normal(size=(T, 2, I)).astype(np.float32)


def double(w: dict[str, Array]) -> dict[str, Array]:
    return {n: v.astype(np.float64) for n, v in w.items()}


def costs(seed: int, scale: float) -> float:
    """What float32 costs them."""
    w, x = trained(seed, scale)
    return float(np.abs(lstm(w, x) - lstm(double(w), x.astype(np.float64))).max())


@pytest.mark.parametrize("scale", [4.8, 5.2, 8.0])
@pytest.mark.parametrize("seed", range(2))
def test_a_right_order_is_taken_where_float32_costs_more_than_the_floor(seed: int, scale: float) -> None:
    w, x = trained(seed, scale)
    y = lstm(w, x)
    told: list[Report] = []
    cv.from_order("keras_lstm", w, example=(x, y), report=told.append)
    assert told[0].ok and told[0].difference is not None and told[0].tolerance <= 1e-2
    if costs(seed, scale) > 0.1:
        assert "over its first" in told[0].note
    swapped = replace(ORDERS["keras_lstm"], gates="f i g o")
    with pytest.raises(cv.ArgumentError, match='it would with gates="i f g o"'):
        cv.from_order(swapped, w, example=(x, y))


def test_some_of_these_examples_cost_more_than_the_floor() -> None:
    found = [costs(seed, scale) for seed in range(3) for scale in (4.8, 5.2)]
    assert any(1e-5 < c < 1e-3 for c in found), "else the test above tests nothing"
    assert costs(0, 8.0) > 0.1


def test_what_rounding_makes_of_a_wild_net_is_no_excuse() -> None:
    """Where float32 costs as much as a wrong order would, no example that long can tell."""
    want, got = torch.tensor([1.0]), torch.tensor([1.5])
    assert measured([want], [got], lambda: 10.0, 1e-5, bounded=True)[1] <= 1e-2
    near = torch.tensor([1.005])
    assert measured([want], [near], lambda: 10.0, 1e-5, bounded=True) == pytest.approx((0.005, 1e-2), rel=1e-3)
    assert measured([want], [near], lambda: 1e-4, 1e-5, bounded=True)[1] == pytest.approx(4e-4)


def test_the_loss_is_that_of_float32() -> None:
    w, x = trained(0, 2.5)
    layer = cv.from_order("keras_lstm", w)
    given = torch.from_numpy(x)
    lost = lost_by(layer, lambda m, d: [m(given if d is None else given.to(d))[0].detach()])
    exact = lstm(double(w), x.astype(np.float64))
    own = np.abs(layer(given)[0].detach().numpy() - exact).max()
    assert own <= lost <= 20 * own
    assert compare([given], [given]) == (0.0, pytest.approx(1e-6 * given.abs().max().item()))


def test_export_of_such_a_net_does_not_warn(tmp_path: Path) -> None:
    """onnxruntime's error on large weights is float32's own, which is allowed for."""
    for seed in range(3):
        w, _ = trained(seed, 12.0)
        layer = cv.from_order("keras_lstm", {n: 4 * v for n, v in w.items()})
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert cv.to_onnx(layer, tmp_path / f"{seed}.onnx").ok
