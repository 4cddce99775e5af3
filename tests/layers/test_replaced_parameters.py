"""Parameters replaced by any route: layers, steps and streams go on with the new ones, or say what does not fit."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

import conveyor as cv
from conveyor.errors import TensorError
from layers.common import random


class Doubled(nn.Module):
    """A parametrisation."""

    def forward(self, weight: Tensor) -> Tensor:
        return 2 * weight


def assign(layer: nn.Module, dtype: torch.dtype) -> None:
    layer.load_state_dict({k: (v.to(dtype) * 2).clone() for k, v in layer.state_dict().items()}, assign=True)


def overwrite(layer: nn.Module, dtype: torch.dtype) -> None:
    before = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    try:
        layer._apply(lambda t: t.to(dtype) * 2)
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(before)


def swap(layer: nn.Module, dtype: torch.dtype) -> None:
    before = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        layer._apply(lambda t: t.to(dtype) * 2)
    finally:
        torch.__future__.set_swap_module_params_on_conversion(before)


def set_each(layer: nn.Module, dtype: torch.dtype) -> None:
    for name, p in list(layer.named_parameters()):
        setattr(layer, name, nn.Parameter((p.detach() * 2).to(dtype)))


def apply(layer: nn.Module, dtype: torch.dtype) -> None:
    layer._apply(lambda t: t.to(dtype) * 2)


def write_data(layer: nn.Module, dtype: torch.dtype) -> None:
    for p in layer.parameters():
        p.data = (p.data * 2).to(dtype)


def parametrise(layer: nn.Module, dtype: torch.dtype) -> None:
    layer.to(dtype)
    for name in [n for n, _ in layer.named_parameters()]:
        parametrize.register_parametrization(layer, name, Doubled())


ROUTES: dict[str, Callable[[nn.Module, torch.dtype], None]] = {
    "assign": assign,
    "overwrite": overwrite,
    "swap": swap,
    "setattr": set_each,
    "_apply": apply,
    ".data": write_data,
    "parametrisation": parametrise,
}
MAKES: dict[str, Callable[..., Any]] = {
    "LSTM": lambda **o: cv.LSTM(5, 66, 2, **o),
    "GRU": lambda **o: cv.GRU(5, 66, **o),
    "slstm": lambda **o: cv.Recurrent("slstm", 5, 8, **o),
    "reference": lambda **o: cv.RNN(5, 6, backend="reference", **o),
}
TYPES = [torch.float32, torch.float64, torch.bfloat16]


def steps_of(layer: Any, x: Tensor, state: Any) -> Tensor:
    """The layer's own steps, one call a step, by the reference of the same parameters in the layer's type."""
    with torch.no_grad():
        found = []
        for row in x:
            y, state = layer(row.unsqueeze(0), state)
            found.append(y[0])
        return torch.stack(found)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("before", TYPES, ids=str)
@pytest.mark.parametrize("after", TYPES, ids=str)
def test_streams_go_on_with_what_the_layer_has(route: str, make: str, before: torch.dtype, after: torch.dtype) -> None:
    layer = MAKES[make](dtype=before)
    stream = layer.stream(3)
    x = random(0, 4, 3, 5, dtype=torch.float32)
    for row in x[:2]:
        stream.step(row.to(before))
    state = tuple(s.float() if before is torch.bfloat16 else s for s in stream.state)
    ROUTES[route](layer, after)
    # float32 states of a layer of 16 bits stay so, as in the stream.
    kept = torch.float32 if after is torch.bfloat16 else after
    given = tuple(s.to(kept) for s in state)
    given = given if make in ("LSTM", "slstm") else given[0]
    wanted = steps_of(layer, x[2:].to(after), given)
    got = torch.stack([stream.step(row.to(after)) for row in x[2:]])
    assert got.dtype is after and torch.isfinite(got).all()
    if layer.backend_used == "cpu":
        assert torch.equal(got, wanted), f"off by {(got - wanted).abs().max():.3g}"
    else:  # BLAS sums a layer's rows and a step's in another order
        torch.testing.assert_close(got, wanted)


def test_a_layer_in_float64_by_torch() -> None:
    """The report's own case, against torch.nn with the same numbers."""
    layer = cv.LSTM(5, 6)
    stream, x = layer.stream(3), random(0, 2, 3, 5)
    layer.load_state_dict({k: v.double() for k, v in layer.state_dict().items()}, assign=True)
    theirs = nn.LSTM(5, 6, dtype=torch.float64)
    theirs.load_state_dict(layer.state_dict())
    with torch.no_grad():
        wanted, _ = theirs(x)
    got = torch.stack([stream.step(row) for row in x])
    torch.testing.assert_close(got, wanted, rtol=1e-13, atol=1e-14)
    with pytest.raises(
        TensorError, match="input has dtype torch.float32 but the layer's parameters have torch.float64"
    ):
        stream.step(x[0].float())


def test_data_at_an_address_that_was_used_before() -> None:
    """A parameter's old memory may be given to the next one: the same address, other numbers."""
    layer = cv.GRU(5, 64)
    stream, x = layer.stream(2), random(0, 2, 5, dtype=torch.float32)
    for k in range(20):
        layer.weight_hh_l0.data = random(k, 192, 64, dtype=torch.float32)
        gc.collect()
        layer.weight_hh_l0.data = random(100 + k, 192, 64, dtype=torch.float32)
        fresh = layer.stream(2)
        fresh.state = stream.state
        assert torch.equal(stream.step(x), fresh.step(x))


def test_equations_that_have_changed() -> None:
    layer = cv.LSTM(5, 6, zoneout=0.1, dtype=torch.float64).eval()
    stream, x = layer.stream(2), random(0, 3, 2, 5)
    stream.step(x[0])
    state = stream.state
    layer.zoneout = 0.6
    wanted, _ = layer(x[1:], state)
    got = torch.stack([stream.step(row) for row in x[1:]])
    torch.testing.assert_close(got, wanted.detach(), rtol=1e-13, atol=1e-14)


def test_one_parameter_of_another_type() -> None:
    """The layer's type is that of its first parameter; others are converted at each call."""
    layer = cv.LSTM(5, 6)
    stream, x = layer.stream(3), random(0, 3, 5, dtype=torch.float32)
    layer.weight_hh_l0 = nn.Parameter(layer.weight_hh_l0.detach().double() * 3)
    with torch.no_grad():
        wanted, _ = layer(x.unsqueeze(0))
    assert torch.equal(stream.step(x), wanted[0])


# Shapes and devices that do not fit

CALLS: dict[str, Callable[[Any, Tensor], Any]] = {
    "layer": lambda layer, x: layer(x),
    "layer without a graph": lambda layer, x: torch.no_grad()(layer)(x),
    "lengths": lambda layer, x: layer(x, lengths=[1, 2, 3]),
    "reset": lambda layer, x: layer(x, reset=torch.zeros(4, 3, dtype=torch.bool)),
    "record": lambda layer, x: layer.record(x),
}
PUTS: dict[str, Callable[[nn.Module, str, Tensor], None]] = {
    "setattr": lambda layer, name, t: setattr(layer, name, nn.Parameter(t)),
    ".data": lambda layer, name, t: setattr(getattr(layer, name), "data", t),
    "swap_tensors": lambda layer, name, t: torch.utils.swap_tensors(getattr(layer, name), nn.Parameter(t)),
}
SHAPES = {"weight_ih_l0": (5, 24), "weight_hh_l0": (24, 3), "bias_ih_l0": (1,), "bias_hh_l0": ()}


@pytest.mark.parametrize("backend", ["auto", "reference"])
@pytest.mark.parametrize("put", PUTS)
@pytest.mark.parametrize("name", SHAPES)
def test_other_shapes(name: str, put: str, backend: str) -> None:
    layer = cv.LSTM(5, 6, backend=backend)
    stream = layer.stream(3)
    before = getattr(layer, name).detach().clone()
    x = torch.zeros(4, 3, 5)
    stream.step(x[0])
    layer(x)
    PUTS[put](layer, name, torch.zeros(SHAPES[name]))
    message = rf"parameter {name} has shape .*, but this layer was made for \({before.shape[0]},"
    for call in CALLS.values():
        with pytest.raises(TensorError, match=message):
            call(layer, x)
    with pytest.raises(TensorError, match=message):
        stream.step(x[0])
    PUTS[put](layer, name, before)
    torch.testing.assert_close(stream.step(x[0]), layer(x[:2])[0][1])


@pytest.mark.parametrize("put", ["setattr", "swap_tensors"])
@pytest.mark.parametrize("make", [cv.LSTMCell, cv.GRUCell, cv.RNNCell])
def test_other_shapes_of_steps(make: Any, put: str) -> None:
    step = make(5, 6)
    step(torch.zeros(3, 5))
    PUTS[put](step, "weight_hh", torch.zeros(6, 3))
    with pytest.raises(TensorError, match=r"parameter weight_hh has shape \(6, 3\), but this layer was made for"):
        step(torch.zeros(3, 5))


def test_one_parameter_on_another_device() -> None:
    layer = cv.LSTM(5, 6)
    stream = layer.stream(3)
    layer.weight_hh_l0 = nn.Parameter(torch.empty(24, 6, device="meta"))
    for call in (lambda: layer(torch.zeros(4, 3, 5)), lambda: stream.step(torch.zeros(3, 5))):
        with pytest.raises(TensorError, match="parameter weight_hh_l0 is on meta but weight_ih_l0 is on cpu"):
            call()


@pytest.mark.filterwarnings("ignore::conveyor.backends.BackendWarning")
def test_a_stream_moves_with_its_layer() -> None:
    layer = cv.LSTM(5, 6)
    stream = layer.stream(3)
    stream.step(torch.zeros(3, 5))
    layer.to("meta")
    assert stream.step(torch.zeros(3, 5, device="meta")).is_meta
    layer.to_empty(device="cpu")
    layer.reset_parameters()
    assert torch.equal(stream.step(torch.ones(3, 5)), layer.stream(3).step(torch.ones(3, 5)))


# Between forward and backward

TENSORS: dict[str, Callable[[nn.Module, Tensor], Tensor]] = {
    "input": lambda layer, x: x,
    "weight": lambda layer, x: layer.weight_hh_l0,
    "bias": lambda layer, x: layer.bias_ih_l0,
}


@pytest.mark.parametrize("which", TENSORS)
@pytest.mark.parametrize("make", [cv.LSTM, cv.GRU, cv.RNN])
@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("lengths", [None, [1, 0, 1]])
def test_other_memory_before_backward(which: str, make: Any, steps: int, lengths: Any) -> None:
    """torch takes no note of it, and compiled code would read what lies behind a smaller tensor."""
    layer, x = make(5, 6), torch.zeros(steps, 3, 5, requires_grad=True)
    if which == "input" and lengths is not None:
        return  # what is packed is a copy
    y, _ = layer(x, lengths=lengths)
    tensor = TENSORS[which](layer, x)
    tensor.data = torch.zeros([1] * tensor.dim())
    with pytest.raises(RuntimeError, match="shape|size"):
        y.sum().backward()


def test_another_type_before_backward() -> None:
    layer, x = cv.LSTM(5, 6), torch.zeros(4, 3, 5, requires_grad=True)
    y, _ = layer(x)
    x.data = x.data.double()
    with pytest.raises(RuntimeError, match=r"torch.float64, not those of the forward pass"):
        y.sum().backward()
