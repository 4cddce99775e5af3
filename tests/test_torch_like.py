"""LSTM, GRU and RNN, and their cells, are torch.nn's: numbers, shapes, types, state_dict, first weights."""

import copy
import pickle
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import conveyor as cv

PAIRS = {"lstm": (cv.LSTM, nn.LSTM), "gru": (cv.GRU, nn.GRU), "rnn": (cv.RNN, nn.RNN)}
CELLS = {"lstm": (cv.LSTMCell, nn.LSTMCell), "gru": (cv.GRUCell, nn.GRUCell), "rnn": (cv.RNNCell, nn.RNNCell)}
small = st.integers(1, 6)


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(PAIRS)))
    arguments: dict[str, Any] = {
        "input_size": draw(small),
        "hidden_size": draw(st.integers(1, 9)),
        "num_layers": draw(st.integers(1, 3)),
        "bias": draw(st.booleans()),
        "batch_first": draw(st.booleans()),
        "bidirectional": draw(st.booleans()),
        "dtype": torch.float64,
    }
    if kind == "rnn":
        arguments["nonlinearity"] = draw(st.sampled_from(["tanh", "relu"]))
    if kind == "lstm" and arguments["hidden_size"] > 1 and draw(st.booleans()):
        arguments["proj_size"] = draw(st.integers(1, arguments["hidden_size"] - 1))
    return {
        "kind": kind,
        "arguments": arguments,
        "steps": draw(st.integers(1, 6)),
        "batch": draw(st.integers(0, 4)),  # 0: a sequence without a batch
        "given_state": draw(st.booleans()),
        "seed": draw(st.integers(0, 1000)),
        "backend": draw(st.sampled_from(["reference", "cpu"])),
    }


def both(c: dict[str, Any]) -> tuple[nn.Module, nn.Module]:
    """Ours and torch's, each made after the same seed."""
    ours, theirs = PAIRS[c["kind"]]
    torch.manual_seed(c["seed"])
    mine = ours(**c["arguments"], backend=c["backend"], strict_backend=True)
    torch.manual_seed(c["seed"])
    return mine, theirs(**c["arguments"])


def leaves(value: Any) -> list[Tensor]:
    return [value] if isinstance(value, Tensor) else [t for v in value for t in leaves(v)]


def random_state(c: dict[str, Any]) -> Any:
    a = c["arguments"]
    rows = a["num_layers"] * (2 if a["bidirectional"] else 1)
    batch = [c["batch"]] if c["batch"] else []
    hidden = a["hidden_size"]
    h = torch.randn(rows, *batch, a.get("proj_size") or hidden, dtype=torch.float64)
    if c["kind"] != "lstm":
        return h
    return h, torch.randn(rows, *batch, hidden, dtype=torch.float64)


def run(module: nn.Module, x: Tensor, state: Any, cotangents: list[Tensor] | None) -> tuple[list[Tensor], list[Tensor]]:
    """Outputs, and the gradients of input, state and parameters under random cotangents."""
    x = x.clone().requires_grad_()
    given = [] if state is None else [s.clone().requires_grad_() for s in leaves(state)]
    argument = None if state is None else given[0] if isinstance(state, Tensor) else tuple(given)
    outputs = leaves(module(x, argument))
    assert cotangents is not None
    while len(cotangents) < len(outputs):
        cotangents.append(torch.randn_like(outputs[len(cotangents)]))
    grads = torch.autograd.grad(outputs, [x, *given, *module.parameters()], cotangents)
    return outputs, list(grads)


@given(configurations())
def test_numbers_gradients_and_shapes(c: dict[str, Any]) -> None:
    ours, theirs = both(c)
    a = c["arguments"]
    shape = [c["steps"], *([c["batch"]] if c["batch"] else []), a["input_size"]]
    if a["batch_first"] and c["batch"]:
        shape[0], shape[1] = shape[1], shape[0]
    torch.manual_seed(c["seed"])
    x = torch.randn(*shape, dtype=torch.float64)
    state = random_state(c) if c["given_state"] else None
    cotangents: list[Tensor] = []
    want, want_grads = run(theirs, x, state, cotangents)
    got, got_grads = run(ours, x, state, cotangents)
    for found, wanted in zip(got + got_grads, want + want_grads, strict=True):
        assert found.shape == wanted.shape
        torch.testing.assert_close(found, wanted, rtol=1e-11, atol=1e-13)


@given(configurations())
def test_state_dict_goes_both_ways_and_seeds_agree(c: dict[str, Any]) -> None:
    ours, theirs = both(c)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name, tensor in ours.state_dict().items():
        assert torch.equal(tensor, theirs.state_dict()[name]), "the same seed gives the same first weights"
    with torch.no_grad():
        for p in theirs.parameters():
            p.normal_()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    theirs.load_state_dict(ours.state_dict(), strict=True)
    for name, tensor in ours.state_dict().items():
        assert torch.equal(tensor, theirs.state_dict()[name])


@pytest.mark.parametrize("kind", PAIRS)
def test_return_types(kind: str) -> None:
    y, state = PAIRS[kind][0](3, 4)(torch.randn(2, 1, 3))
    assert isinstance(y, Tensor)
    if kind == "lstm":
        h, c = state
        assert state._fields == ("h", "c") and h is state.h and c is state.c
    else:
        assert isinstance(state, Tensor)


@pytest.mark.parametrize("kind", PAIRS)
def test_float32_is_as_exact_as_torch(kind: str) -> None:
    ours, theirs = PAIRS[kind]
    worst = []
    for seed in range(5):
        torch.manual_seed(seed)
        plain = theirs(17, 33, num_layers=2)
        exact, mine = copy.deepcopy(plain).double(), ours(17, 33, num_layers=2)
        mine.load_state_dict(plain.state_dict())
        x = torch.randn(20, 5, 17)
        truth = exact(x.double())[0]
        worst.append([(layer(x)[0] - truth).abs().max().item() for layer in (mine, plain)])
    mine_worst, plain_worst = (sorted(column)[2] for column in zip(*worst, strict=True))
    assert mine_worst <= 2 * plain_worst + 2 * torch.finfo(torch.float32).eps


@pytest.mark.parametrize("kind", PAIRS)
def test_dropout_draws_torchs_masks_and_rests_in_eval(kind: str) -> None:
    ours, theirs = (make(4, 5, num_layers=3, dropout=0.5) for make in PAIRS[kind])
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(6, 3, 4)
    torch.manual_seed(3)
    got = ours(x)[0]
    torch.manual_seed(3)
    torch.testing.assert_close(got, theirs(x)[0])
    assert not torch.equal(got, ours(x)[0])
    ours.eval(), theirs.eval()
    assert torch.equal(ours(x)[0], ours(x)[0])
    torch.testing.assert_close(ours(x)[0], theirs(x)[0])


@pytest.mark.parametrize("batched", [True, False], ids=["batch", "no-batch"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("kind", CELLS)
def test_cells(kind: str, bias: bool, batched: bool) -> None:
    make, make_theirs = CELLS[kind]
    torch.manual_seed(0)
    ours = make(3, 5, bias=bias, dtype=torch.float64)
    torch.manual_seed(0)
    theirs = make_theirs(3, 5, bias=bias, dtype=torch.float64)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name, tensor in ours.state_dict().items():
        assert torch.equal(tensor, theirs.state_dict()[name])
    lead = [4] if batched else []
    x, h, c = torch.randn(*lead, 3).double(), torch.randn(*lead, 5).double(), torch.randn(*lead, 5).double()
    state = (h, c) if kind == "lstm" else h
    for given_state in (None, state):
        cotangents: list[Tensor] = []
        want, want_grads = run(theirs, x, given_state, cotangents)
        got, got_grads = run(ours, x, given_state, cotangents)
        for found, wanted in zip(got + got_grads, want + want_grads, strict=True):
            assert found.shape == wanted.shape
            torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", PAIRS)
def test_modules_are_copied_pickled_converted_and_called_functionally(kind: str) -> None:
    layer = PAIRS[kind][0](3, 4, num_layers=2)
    x = torch.randn(5, 2, 3)
    want = layer(x)[0]
    assert torch.equal(copy.deepcopy(layer)(x)[0], want)
    assert torch.equal(pickle.loads(pickle.dumps(layer))(x)[0], want)
    assert layer.double()(x.double())[0].dtype == torch.float64
    layer.float()
    other = {name: torch.randn_like(p) for name, p in layer.named_parameters()}
    got = torch.func.functional_call(layer, other, (x,))[0]
    layer.load_state_dict(other)
    assert torch.equal(got, layer(x)[0])


def test_parametrized_weights_are_read_afresh() -> None:
    layer = cv.LSTM(3, 4)
    nn.utils.parametrizations.weight_norm(layer, "weight_hh_l0")
    x = torch.randn(5, 2, 3)
    before = layer(x)[0]
    with torch.no_grad():
        layer.parametrizations.weight_hh_l0.original0.mul_(2)
    assert not torch.equal(layer(x)[0], before)
    layer(x)[0].sum().backward()
    assert layer.parametrizations.weight_hh_l0.original0.grad.abs().sum() > 0


def test_backward_in_eval_mode() -> None:
    layer = cv.LSTM(3, 4).eval()
    x = torch.randn(5, 2, 3, requires_grad=True)
    layer(x)[0].sum().backward()
    assert x.grad is not None and x.grad.abs().sum() > 0


@pytest.mark.parametrize("make", [cv.LSTM, cv.GRU, cv.RNN], ids=lambda m: m.__name__)
def test_flatten_parameters_is_there_for_code_that_calls_it(make: Any) -> None:
    layer = make(3, 4)
    before = {n: p.clone() for n, p in layer.named_parameters()}
    layer.flatten_parameters()
    assert all(torch.equal(p, before[n]) for n, p in layer.named_parameters())
