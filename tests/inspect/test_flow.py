"""The gradient along the states, and what the LSTM is for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import conveyor as cv
from conveyor.inspect import flow as flow_module

T, B, I, H = 200, 2, 3, 10  # noqa: E741


def kept(layer: Any, what: str, state: str) -> float:
    """What is left at the first step of a norm at the last."""
    torch.manual_seed(1)
    found = getattr(cv.gradient_flow(layer, torch.randn(T, B, I)).layer(0), what)[state]
    return float(found[0] / found[-1])


def test_a_plain_network_forgets() -> None:
    torch.manual_seed(0)
    layer = cv.RNN(I, H)
    assert kept(layer, "gradients", "h") < 1e-6 and kept(layer, "jacobians", "h") < 1e-6


def test_scaled_up_it_explodes() -> None:
    torch.manual_seed(0)
    layer = cv.RNN(I, H, nonlinearity="relu")
    with torch.no_grad():
        layer.weight_hh_l0.copy_(torch.eye(H) * 1.2)
    assert kept(layer, "gradients", "h") > 1e6 and kept(layer, "jacobians", "h") > 1e6


@pytest.mark.parametrize("options", [{"init": "chrono", "max_lag": 1000}, {"forget_bias": 5.0}], ids=["chrono", "bias"])
def test_an_lstm_made_for_such_lags_remembers(options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    layer = cv.LSTM(I, H, **options)
    assert kept(layer, "jacobians", "c") > 1e-2 and kept(layer, "gradients", "c") > 1e-2


def test_an_lstm_that_is_not_forgets() -> None:
    torch.manual_seed(0)
    layer = cv.LSTM(I, H, forget_bias=0.0)
    assert kept(layer, "jacobians", "c") < 1e-2 and kept(layer, "gradients", "c") < 1e-2


@pytest.mark.parametrize("name", list(cv.cells))
def test_gradients_are_those_of_autograd(name: str) -> None:
    """The gradient of the state before the first step of the rest is what a layer's own backward pass gives."""
    torch.manual_seed(0)
    sizes = {"proj": 4} if "proj" in cv.cells[name].program.widths else None
    layer = cv.Recurrent(name, I, 6, sizes=sizes, dtype=torch.float64)
    x = torch.randn(5, B, I, dtype=torch.float64)
    aux = {
        a.name: torch.rand(5, B, layer.units[0].widths[a.width], dtype=torch.float64)
        for a in layer.units[0].program.aux
    }
    flow = cv.gradient_flow(layer, x, lambda y: y[-1].square().sum(), **aux)
    _, middle = layer(x[:3], **{n: a[:3] for n, a in aux.items()})
    state = tuple(s.detach().requires_grad_() for s in middle)
    y, _ = layer(x[3:], state, **{n: a[3:] for n, a in aux.items()})
    grads = torch.autograd.grad(y[-1].square().sum(), state, allow_unused=True)
    nodes = [o.args[0] for o in layer.units[0].program.outputs]
    # Nothing else of the same step is computed from the output; another state may be the very same value.
    want = sum(torch.zeros(1) if g is None else g for g, n in zip(grads, nodes, strict=True) if n == nodes[0])
    assert isinstance(want, Tensor)
    assert flow[layer.state_fields[0]][2] == pytest.approx(want.norm().item(), rel=1e-9, abs=1e-12)
    assert all(np.isfinite(flow[field]).all() for field in middle._fields)


def test_the_gradient_of_the_memory_counts_what_the_output_reads_of_it() -> None:
    torch.manual_seed(0)
    layer = cv.LSTM(I, 4, dtype=torch.float64)
    x = torch.randn(1, B, I, dtype=torch.float64)
    trace = layer.record(x)
    want = trace["o"] * (1 - trace["c"].tanh().square())  # of h = o · tanh(c), summed
    assert cv.gradient_flow(layer, x)["c"] == pytest.approx([want.norm().item()], rel=1e-12)


def test_jacobians_are_exact() -> None:
    torch.manual_seed(0)
    layer = cv.LSTM(I, 4, dtype=torch.float64)
    x = torch.randn(6, 1, I, dtype=torch.float64)
    flow = cv.gradient_flow(layer, x)
    for t in range(5):
        _, state = layer(x[: t + 1])

        def last(c: Tensor, start: int = t + 1, h: Tensor = state.h.detach()) -> Tensor:  # noqa: B008
            out: Tensor = layer(x[start:], (h, c))[1].c
            return out

        jacobian = torch.autograd.functional.jacobian(last, state.c.detach()).reshape(4, 4)
        assert flow.layer(0).jacobians["c"][t] == pytest.approx(torch.linalg.matrix_norm(jacobian, 2).item(), rel=1e-9)
    assert flow.layer(0).jacobians["c"][-1] == 1.0


def test_power_iteration_gives_the_same_norms(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    layer, x = cv.LSTM(I, 12), torch.randn(8, 2, I)
    want = cv.gradient_flow(layer, x).layer(0).jacobians
    monkeypatch.setattr(flow_module, "_EXACT", 4)
    found = cv.gradient_flow(layer, x).layer(0).jacobians
    for state in want:
        assert found[state] == pytest.approx(want[state], rel=0.02)


def test_layers_directions_and_tables() -> None:
    torch.manual_seed(0)
    layer = cv.LSTM(I, 5, num_layers=2, bidirectional=True, batch_first=True)
    x = torch.randn(B, 7, I)
    flow = cv.gradient_flow(layer, x, lambda y: y[:, 0].sum())
    top = flow.layer(-1)
    assert top.reverse is not None
    assert top["c"][1:].max() == 0 and top.reverse["c"].min() > 0, "only the reverse direction reaches the first step"
    assert top.reverse.jacobians["c"][0] == 1.0 and flow.layer(0)["c"].min() > 0
    table = flow.to_pandas()
    assert len(table) == 2 * 2 * 2 * 7 and list(table) == [
        "layer",
        "direction",
        "state",
        "step",
        "gradient",
        "jacobian",
    ]
    with pytest.raises(cv.ArgumentError, match="2 layers; say which"):
        flow["c"]
    with pytest.raises(cv.ArgumentError, match="layers 0 to 1, got 5"):
        flow.layer(5)
    with pytest.raises(cv.ArgumentError, match="no state 'q'; it has h, c"):
        flow.layer(0)["q"]


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: cv.gradient_flow(torch.nn.LSTM(2, 3), torch.zeros(2, 1, 2)), "layer is a sequence layer"),
        (lambda: cv.gradient_flow(cv.LSTM(2, 3), torch.zeros(2, 1, 4)), "input"),
        (lambda: cv.gradient_flow(cv.LSTM(2, 3), torch.zeros(2, 1, 2), lambda y: y), "loss gives one number"),
        (lambda: cv.gradient_flow(cv.LSTM(2, 3), torch.zeros(2, 1, 2), lambda y: 3.0), "loss gives one number"),
        (lambda: cv.gradient_flow(cv.LSTM(2, 3), torch.zeros(2, 1, 2), gap=torch.zeros(2, 1)), "gap"),
    ],
)
def test_wrong_calls(call: Any, message: str) -> None:
    with pytest.raises(cv.ArgumentError, match=message) as raised:
        call()
    assert "\n" not in str(raised.value)
