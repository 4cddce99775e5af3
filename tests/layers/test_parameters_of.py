"""Optimizer groups by gate: each rate and decay reaches just the rows that it is meant for."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import conveyor as cv

T, B, I, H = 5, 2, 3, 4  # noqa: E741
Make = Callable[..., torch.optim.Optimizer]


def lstm() -> cv.LSTM:
    torch.manual_seed(0)
    return cv.LSTM(I, H, 2, bidirectional=True, dtype=torch.float64)


def forget_rows(layer: nn.Module) -> dict[str, Tensor]:
    """For each parameter, which of its numbers belong to the forget gate: torch packs i f g o."""
    masks = {}
    for name, p in layer.named_parameters():
        masks[name] = torch.zeros_like(p, dtype=torch.bool)
        masks[name][H : 2 * H] = True
    return masks


def backward(layer: nn.Module, seed: int) -> None:
    x = torch.randn(T, B, I, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    layer(x)[0].square().sum().backward()


def groups(layer: cv.LSTM, own: dict[str, float], rest: dict[str, float]) -> list[dict[str, Any]]:
    return [{"params": layer.parameters_of("f"), **own}, {"params": layer.parameters_except("f"), **rest}]


OPTIMIZERS: dict[str, tuple[Make, dict[str, float], dict[str, float]]] = {
    "sgd": (torch.optim.SGD, {"lr": 0.3}, {"lr": 0.01}),
    "sgd-momentum-decay": (
        torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.5}, {"lr": 0.01, "momentum": 0.5},
    ),
    "adamw": (torch.optim.AdamW, {"lr": 0.1, "weight_decay": 0.0}, {"lr": 0.01, "weight_decay": 0.3}),
    "frozen": (torch.optim.AdamW, {"lr": 0.0, "weight_decay": 0.3}, {"lr": 0.01}),
    "adamw-fused": (lambda g: torch.optim.AdamW(g, fused=True), {"lr": 0.1, "weight_decay": 0.5}, {"lr": 0.01}),
    "adam-foreach": (lambda g: torch.optim.Adam(g, foreach=True), {"lr": 0.1}, {"lr": 0.01}),
}  # fmt: skip


@pytest.mark.parametrize("set_to_none", [True, False], ids=["none", "zeros"])
@pytest.mark.parametrize(("make", "own", "rest"), OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_as_two_whole_optimizers_would(
    make: Make, own: dict[str, float], rest: dict[str, float], set_to_none: bool
) -> None:
    layer = lstm()
    # Both rates in turn on the whole layer, and from each what belongs to it.
    ours, masks = make(groups(layer, own, rest)), forget_rows(layer)
    wholes = [copy.deepcopy(layer) for _ in range(2)]
    theirs = [make([{"params": list(w.parameters()), **kw}]) for w, kw in zip(wholes, (own, rest), strict=True)]
    for step in range(4):
        ours.zero_grad(set_to_none)
        backward(layer, step)
        backward(layer, step + 10)  # gradients add up
        grads = {n: p.grad.clone() for n, p in layer.named_parameters()}  # type: ignore[union-attr]
        for whole, other in zip(wholes, theirs, strict=True):
            other.zero_grad()
            for name, p in whole.named_parameters():
                p.grad = grads[name].clone()
            other.step()
        ours.step()
        for name, p in layer.named_parameters():
            parts = [dict(w.named_parameters())[name] for w in wholes]
            torch.testing.assert_close(p, torch.where(masks[name], *parts), rtol=1e-12, atol=1e-15)
            for part in parts:  # they go on from the same numbers
                part.data.copy_(p.data)


def test_every_number_is_in_one_group() -> None:
    layer = lstm()
    own, rest = layer.parameters_of("f"), layer.parameters_except("f")
    masks = forget_rows(layer)
    with torch.no_grad():
        for p in own:
            p.fill_(1)
        for p in rest:
            p.fill_(2)
    for name, p in layer.named_parameters():
        assert torch.equal(p == 1, masks[name]) and torch.equal(p == 2, ~masks[name])
    assert {p.dim() for p in own} == {1, 2}


def test_layers_that_learn_more_than_gates() -> None:
    layer = cv.Recurrent("lstm_peephole", I, H, learn_initial_state=True)
    assert [p is layer.p_f_l0 for p in layer.parameters_of("p_f")] == [True]
    rest = layer.parameters_except("f")
    assert any(p is layer.initial_h_l0 for p in rest) and any(p is layer.p_f_l0 for p in rest)
    both = [*rest, *layer.parameters_of("f")]
    assert sum(p.numel() for p in both) == sum(p.numel() for p in layer.parameters())
    assert len(layer.parameters_of("f", "p_f")) == len(layer.parameters_of("f")) + 1
    cell = cv.GRUCell(I, H)
    assert sum(p.numel() for p in cell.parameters_of("z")) == H * (I + H + 2)


def test_torchs_two_biases_of_one_gate() -> None:
    layer = cv.GRU(I, H)  # the candidate's biases are two, in two tensors
    assert sorted(tuple(p.shape) for p in layer.parameters_of("n")) == [(H,), (H,), (H, I), (H, H)]


def test_gradients_of_rows_are_those_of_the_layer() -> None:
    layer = lstm()
    rows = layer.parameters_of("f")[0]
    assert rows.grad is None and rows.is_leaf and rows.requires_grad and isinstance(rows, nn.Parameter)
    backward(layer, 0)
    whole = layer.weight_ih_l0.grad
    assert whole is not None and rows.grad is not None
    assert torch.equal(rows.grad, whole[H : 2 * H]) and rows.grad.data_ptr() == whole[H].data_ptr()
    nn.utils.clip_grad_norm_(layer.parameters(), 1e-3)
    assert torch.equal(rows.grad, whole[H : 2 * H]) and rows.grad.norm() < 1e-3
    others = whole[:H].clone()
    rows.grad = None
    assert rows.grad is None and torch.equal(whole[:H], others) and not whole[H : 2 * H].any()
    backward(layer, 1)
    assert rows.grad is not None
    rows.grad = torch.ones_like(rows)
    assert whole[H : 2 * H].eq(1).all()
    layer.zero_grad()
    assert rows.grad is None


def test_a_step_without_a_new_gradient_changes_nothing() -> None:
    layer = lstm()
    optimizer = torch.optim.AdamW(groups(layer, {"weight_decay": 1.0}, {"weight_decay": 1.0}), lr=0.1)
    backward(layer, 0)
    optimizer.step()
    before = {n: p.detach().clone() for n, p in layer.named_parameters()}
    optimizer.zero_grad()
    optimizer.step()
    for name, p in layer.named_parameters():
        assert torch.equal(p, before[name])


def test_streams_and_autograd_take_note_of_steps() -> None:
    layer = cv.LSTM(I, H)
    optimizer = torch.optim.SGD(layer.parameters_of("f"), lr=1.0)
    stream, x = layer.stream(B), torch.randn(B, I)
    first = [stream.step(x) for _ in range(2)]  # at the first step there is nothing to forget
    stream.reset()
    y, _ = layer(torch.randn(T, B, I))
    layer(torch.randn(T, B, I))[0].sum().backward()
    optimizer.step()
    assert torch.equal(stream.step(x), first[0]) and not torch.equal(stream.step(x), first[1])
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_states_of_optimizers_are_saved_and_loaded() -> None:
    layers = [lstm(), lstm()]
    found = []
    for k, layer in enumerate(layers):
        optimizer = torch.optim.AdamW(groups(layer, {"lr": 0.1}, {"lr": 0.01}))
        for step in range(4):
            if k and step == 2:
                state = copy.deepcopy(optimizer.state_dict())
                optimizer = torch.optim.AdamW(groups(layer, {"lr": 0.5}, {"lr": 0.5}))
                optimizer.load_state_dict(state)
            optimizer.zero_grad()
            backward(layer, step)
            optimizer.step()
        found.append(layer.weight_hh_l1.detach())
    assert torch.equal(*found)


def test_wrong_requests() -> None:
    layer = lstm()
    for ask in (layer.parameters_of, layer.parameters_except):
        with pytest.raises(cv.ArgumentError, match="gate 'forget' is none of this layer's, which are i, f, g, o"):
            ask("forget")
        with pytest.raises(cv.ArgumentError, match="names of gates are missing; this layer has i, f, g, o"):
            ask()
    rows = layer.parameters_of("f")[0]
    with pytest.raises(cv.ArgumentError, match="copy the layer"):
        copy.deepcopy(rows)
    with pytest.raises(cv.ArgumentError, match="pickle the layer"):
        pickle.dumps(rows)
    nn.utils.parametrizations.weight_norm(layer, "weight_hh_l0")
    with pytest.raises(cv.ArgumentError, match="weight_hh_l0 is no parameter now but computed from others"):
        layer.parameters_of("f")


@pytest.mark.parametrize("move", ["to", "assign"])
def test_rows_of_a_layer_that_was_moved(move: str) -> None:
    layer = lstm()
    optimizer = torch.optim.SGD(layer.parameters_of("f"), lr=0.1)
    if move == "to":
        layer.to(torch.float32)
    else:
        layer.load_state_dict(lstm().state_dict(), assign=True)
    with pytest.raises(cv.ArgumentError, match="moved or replaced since; ask for parameters_of again"):
        optimizer.step()
