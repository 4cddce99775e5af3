"""What torch's tools do with modules: copies, pickles, replicas, parametrizations, hooks, meta device."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils import parametrizations, parametrize, skip_init
from torch.nn.utils.stateless import _reparametrize_module  # noqa: F401

import conveyor as cv

T, B, I, H = 5, 2, 3, 4  # noqa: E741
KINDS: dict[str, Callable[..., nn.Module]] = {
    "LSTM": lambda **o: cv.LSTM(I, H, 2, bidirectional=True, **o),
    "GRU": lambda **o: cv.GRU(I, H, learn_initial_state=True, **o),
    "Recurrent": lambda **o: cv.Recurrent(["lstm_peephole", "mgu"], I, [H, 6], **o),
    "LSTMCell": lambda **o: cv.LSTMCell(I, H, **o),
    "Cell": lambda **o: cv.Cell("rhn" if "rhn" in cv.cells else "mgu", I, H, **o),
}


def given(layer: nn.Module) -> Tensor:
    return torch.randn((B, I) if isinstance(layer, cv.Cell | cv.LSTMCell) else (T, B, I))


def flat(value: Any) -> list[Tensor]:
    return [] if value is None else [value] if isinstance(value, Tensor) else [t for v in value for t in flat(v)]


def assert_same(got: Any, want: Any) -> None:
    for a, b in zip(flat(got), flat(want), strict=True):
        assert torch.equal(a, b)


@pytest.fixture(params=KINDS)
def layer(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    return KINDS[request.param]()


def test_copies_pickles_and_files(layer: nn.Module) -> None:
    x = given(layer)
    want = layer(x)
    file = io.BytesIO()
    torch.save(layer, file)
    file.seek(0)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), torch.load(file, weights_only=False)):
        assert_same(other(x), want)
        assert not {p.data_ptr() for p in other.parameters()} & {p.data_ptr() for p in layer.parameters()}
        assert repr(other) == repr(layer)


def test_replicas_as_data_parallel_makes_them(layer: nn.Module) -> None:
    """`nn.parallel.replicate` wants GPUs; what it does to a module is this."""
    replica = layer._replicate_for_data_parallel()
    copies = {n: p.clone() for n, p in layer._parameters.items()}  # type: ignore[union-attr]
    for name, tensor in copies.items():
        setattr(replica, name, tensor)
    x = given(layer)
    found = replica(x)
    assert_same(found, layer(x))
    sum(t.sum() for t in flat(found)).backward()  # type: ignore[union-attr]
    assert all(p.grad is not None for p in layer.parameters())


def test_functional_call_and_assignment(layer: nn.Module) -> None:
    x = given(layer)
    other = {n: torch.randn_like(p) for n, p in layer.named_parameters()}
    before = layer(x)
    found = functional_call(layer, other, (x,))
    assert_same(layer(x), before)
    layer.load_state_dict(other, assign=True)
    assert all(p.data_ptr() == other[n].data_ptr() for n, p in layer.named_parameters())
    assert_same(layer(x), found)


def test_meta_device_and_skip_init() -> None:
    for make in KINDS.values():
        empty = make(device="meta")
        assert all(p.is_meta for p in empty.parameters())
        filled = make()
        empty.to_empty(device="cpu").load_state_dict(filled.state_dict())
        x = given(filled)
        assert_same(empty(x), filled(x))
        empty.reset_parameters()
    with torch.device("meta"):
        assert cv.LSTM(I, H).weight_ih_l0.is_meta
    for kind in (cv.LSTM, cv.GRU, cv.RNN, cv.LSTMCell, cv.GRUCell, cv.RNNCell):
        layer = skip_init(kind, I, H, bias=False)
        assert (
            type(layer) is kind
            and layer(given(layer) if kind is not cv.GRUCell and kind is not cv.RNNCell else torch.randn(B, I))
            is not None
        )
    assert len(list(skip_init(cv.Recurrent, "lstm", I, H).parameters())) == 3


@pytest.mark.parametrize("kind", ["parametrizations.weight_norm", "parametrize", "weight_norm", "spectral_norm"])
def test_computed_weights(kind: str) -> None:
    layer = cv.LSTM(I, H, dtype=torch.float64)
    x = torch.randn(T, B, I, dtype=torch.float64)
    name = "weight_hh_l0"
    want = layer(x)[0]
    if kind == "parametrizations.weight_norm":
        parametrizations.weight_norm(layer, name)
    elif kind == "parametrize":
        parametrize.register_parametrization(layer, name, nn.Identity())
    elif kind == "weight_norm":
        with pytest.warns(FutureWarning):
            nn.utils.weight_norm(layer, name)
    else:
        with torch.no_grad():
            layer.weight_hh_l0 /= torch.linalg.matrix_norm(layer.weight_hh_l0, 2)
        want = layer(x)[0]
        parametrizations.spectral_norm(layer, name, n_power_iterations=500)
        layer.eval()
    assert layer.backend_used == "cpu"
    torch.testing.assert_close(layer(x)[0], want, rtol=1e-9, atol=1e-12)
    layer(x)[0].sum().backward()
    assert all(p.grad is not None for p in layer.parameters())
    stream = layer.stream(B)
    torch.testing.assert_close(torch.stack([stream.step(s) for s in x]), want, rtol=1e-9, atol=1e-12)


def test_hooks(layer: nn.Module) -> None:
    seen: list[str] = []
    layer.register_forward_pre_hook(lambda m, args: seen.append("before"))
    layer.register_forward_hook(lambda m, args, found: seen.append("after"))
    layer.register_full_backward_hook(lambda m, gi, go: seen.append("backward"))
    layer.register_full_backward_pre_hook(lambda m, go: seen.append("backward-before"))
    x = given(layer).requires_grad_()
    flat(layer(x))[0].sum().backward()
    assert seen == ["before", "after", "backward-before", "backward"] and x.grad is not None
    doubled = copy.deepcopy(layer)
    doubled.register_forward_hook(lambda m, args, found: tuple(2 * t for t in flat(found)))
    assert torch.equal(doubled(x)[0], 2 * flat(layer(x))[0])


def test_layers_stand_in_sequential_and_lists() -> None:
    model = nn.ModuleList([cv.LSTM(I, H), nn.Linear(H, 2)])
    clone = copy.deepcopy(model)
    assert clone.load_state_dict(model.state_dict()).missing_keys == []
    assert model.half()[0].weight_ih_l0.dtype == torch.float16 and model.train(False)[0].training is False
