from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from conveyor.cells import cells
from conveyor.errors import ArgumentError
from conveyor.tasks.forecast.config import ModelConfig
from conveyor.tasks.forecast.data.windows import Shape
from conveyor.tasks.forecast.model import Forecaster, QuantileObjective, Variant, pinball
from conveyor.tasks.training.batch import Batch

SHAPE = Shape(context=6, horizon=3, past=2, lags=2, width=3 + 2 + 4 + 2)
CONFIG = ModelConfig(hidden_size=4, quantiles=(0.1, 0.3, 0.5, 0.8))
VARIANTS = [
    Variant("window", "seasonal"),
    Variant("series", "none", linear=True),
    Variant("series", "seasonal"),
    Variant("window", "none", linear=True),
]


def make(variant: Variant = VARIANTS[0], cell: str = "gru", static: int = 0, layers: int = 1) -> Forecaster:
    torch.manual_seed(1)
    config = ModelConfig(hidden_size=4, num_layers=layers, quantiles=CONFIG.quantiles)
    model = Forecaster(cells[cell], SHAPE, static, config, variant, 1).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return model


def window(seed: int = 0, batch: int = 5) -> Tensor:
    """A window as the reader makes them: nothing of the target is known after the origin."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(9, batch, SHAPE.width, generator=generator, dtype=torch.float64)
    x[:, :, 1] = (torch.rand(9, batch, generator=generator) < 0.7).double()
    x[:, :, 0] *= x[:, :, 1]
    x[7:, :, :2] = 0
    x[7:, :, 3:5] = 0
    x[:, :, 7:9] = (x[:, :, 7:9] > 0).double()
    return x


def sigmoid(v: Any) -> Any:
    return 1 / (1 + np.exp(-v))


def by_numpy(model: Forecaster, x: Any) -> Any:
    """The same forecast from the formulas: scale, GRU (r, z, n), head, quantiles, linear path, base."""
    w = {name: p.detach().numpy() for name, p in model.named_parameters()}
    variant = model.variant
    batch = x.shape[1]
    location, scale = np.zeros(batch), np.ones(batch)
    features = x
    if variant.scale == "window":
        past, flags = x[1:7, :, 0], x[1:7, :, 1]
        count = np.maximum(flags.sum(0), 1)
        location = (past * flags).sum(0) / count
        scale = np.maximum(np.sqrt(((past - location) ** 2 * flags).sum(0) / count), 0.1)
        features = x.copy()
        features[:, :, 0] = (x[:, :, 0] - location) / scale * x[:, :, 1]
        for k in (5, 6):
            features[:, :, k] = (x[:, :, k] - location) / scale * x[:, :, k + 2]
        stats = np.broadcast_to(np.stack([location, np.log(scale)], 1), (9, batch, 2))
        features = np.concatenate([features, stats], 2)
    h = np.zeros((batch, 4))
    outputs = []
    for row in features:
        a = row @ w["recurrent.weight_ih_l0"].T
        b = h @ w["recurrent.weight_hh_l0"].T
        bias = w["recurrent.bias_l0"]
        r = sigmoid(a[:, :4] + b[:, :4] + bias[:4])
        z = sigmoid(a[:, 4:8] + b[:, 4:8] + bias[4:8])
        n = np.tanh(a[:, 8:] + bias[8:12] + r * (b[:, 8:] + bias[12:]))
        h = (1 - z) * n + z * h
        outputs.append(h)
    out = np.stack(outputs[6:]) @ w["head.weight"].T + w["head.bias"]
    steps = np.log1p(np.exp(out))
    median = out[..., 2]
    q = np.stack([median - steps[..., 0] - steps[..., 1], median - steps[..., 1], median, median + steps[..., 3]], -1)
    if variant.linear:
        q += (w["linear.weight"] @ features[1:7, :, 0])[..., None]
    q *= scale[None, :, None]
    base = np.broadcast_to(location, (3, batch))
    if variant.base == "seasonal":
        base = np.where(x[6:, :, 8] > 0, x[6:, :, 6], base)
    return q + base[..., None]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: v.words())
def test_forecasts_are_those_of_the_formulas(variant: Variant) -> None:
    model, x = make(variant), window()
    names = {name for name, _ in model.named_parameters()}
    assert "recurrent.bias_l0" in names, "the layout that the formulas below read"
    got = model(x, torch.zeros(5, 0, dtype=torch.float64))
    np.testing.assert_allclose(got.detach().numpy(), by_numpy(model, x.numpy()), rtol=1e-10, atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.1, 100))
def test_quantiles_never_cross(seed: int, size: float) -> None:
    model = make(VARIANTS[seed % 4])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(size)
        q = model(window(seed), torch.zeros(5, 0, dtype=torch.float64))
    assert (q.diff(dim=-1) >= 0).all()


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "mgu", "gru_d", "slstm", "indrnn"])
def test_every_cell_forecasts_and_learns_from_static_columns(cell: str) -> None:
    if cell not in cells:
        cell = "lstm"
    model = make(cell=cell, static=3)
    x = window()
    static = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    q = model(x, static)
    assert q.shape == (3, 5, 4)
    q.sum().backward()
    assert static.grad is not None
    # A rectified unit that is shut lets nothing through.
    moved = (static.grad != 0).any(1)
    assert moved.any() if cell == "indrnn" else moved.all()
    other = model(x, static.detach() + 1)
    assert not torch.equal(q, other)


def test_static_columns_reach_every_layer() -> None:
    model = make(cell="lstm", static=2, layers=2)
    assert model.initial is not None and model.initial.out_features == 2 * 2 * 4
    assert model(window(), torch.randn(5, 2, dtype=torch.float64)).shape == (3, 5, 4)


def test_cells_with_a_mask_are_told_what_is_missing() -> None:
    model = make(cell="gru_d")
    heard: list[dict[str, Tensor]] = []
    model.recurrent.register_forward_pre_hook(lambda m, a, k: heard.append(k), with_kwargs=True)
    x = window()
    model(x, torch.zeros(5, 0, dtype=torch.float64))
    mask, delta = heard[0]["mask"], heard[0]["delta"]
    assert torch.equal(mask[:, :, 0], x[:, :, 1]) and (mask[:, :, 1:] == 1).all()
    assert torch.equal(delta[:, :, 0], x[:, :, 2]) and (delta[:, :, 1:] == 0).all()


def test_cells_that_read_something_else_are_refused() -> None:
    import conveyor.frontend as cv

    @cv.cell
    def odd(x: Any, h: Any, *, weather: Any) -> Any:
        h = cv.tanh(cv.affine("a", x, h, weather))
        return h

    with pytest.raises(ArgumentError, match="a mask and a delta beside it, got odd, which reads weather"):
        Forecaster(odd, SHAPE, 0, CONFIG, VARIANTS[0], 1)


def test_pinball_is_its_definition() -> None:
    generator = np.random.default_rng(0)
    q, y = generator.normal(size=(4, 3)), generator.normal(size=4)
    levels = [0.1, 0.5, 0.9]
    found = pinball(torch.tensor(q), torch.tensor(y), torch.tensor(levels, dtype=torch.float64)).numpy()
    for i in range(4):
        for k, level in enumerate(levels):
            error = y[i] - q[i, k]
            assert found[i, k] == pytest.approx(level * error if error > 0 else (level - 1) * error, rel=1e-12)


def objective_of(known: Tensor, change: Callable[[Tensor], Tensor] = lambda y: y) -> tuple[float, int]:
    model = make().float()
    y = torch.randn(3, 5, generator=torch.Generator().manual_seed(3))
    batch = Batch({"x": window().float(), "static": torch.zeros(5, 0)}, {"y": change(y), "known": known})
    outcome = QuantileObjective(CONFIG.quantiles)(model, batch, None)
    return outcome.loss.item(), outcome.scored


def test_missing_targets_are_not_scored() -> None:
    known = torch.ones(3, 5)
    assert objective_of(known)[1] == 15
    known[1, 2:] = 0
    loss, scored = objective_of(known)
    assert scored == 12
    assert objective_of(known, lambda y: torch.where(known > 0, y, 1e9)) == (loss, scored)
    assert objective_of(torch.zeros(3, 5)) == (0.0, 0)
