"""Single steps, streams, and torch's functional calls."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor
from torch.func import functional_call, grad, jvp, vmap

from conveyor.layers import Cell
from conveyor.testing.compare import gradients, near, require, same
from conveyor.testing.trial import Trial, leaves, results


def steps(trial: Trial) -> None:
    """`cv.Cell` step by step is the sequence, forward and backward."""
    layer = trial.layer()
    one = Cell(
        trial.cell, trial.input_size, trial.hidden_size, sizes=trial.sizes or None, dtype=trial.dtype,
        backend=trial.backend, strict_backend=True,
    )  # fmt: skip
    one.load_state_dict({n.removesuffix("_l0"): p for n, p in layer.state_dict().items()})
    aux = trial.aux(layer)
    want = results(layer, trial.x, **aux)
    state, outputs = None, []
    for t in range(trial.steps):
        state = one(trial.x[t], state, **{n: a[t] for n, a in aux.items()})
        outputs.append(state[0])
    assert state is not None
    found = {"output": torch.stack(outputs), **{f"final {n}": getattr(state, n).unsqueeze(0) for n in state._fields}}
    near(found, want)
    expected = gradients(want.values(), leaves(layer, x=trial.x))
    named = {f"{n}_l0": p for n, p in one.named_parameters()}
    near(gradients(found.values(), {"x": trial.x, **named}), expected)


def stream(trial: Trial) -> None:
    """A stream's steps are the whole sequence: the same bits on a compiled backend; rows reset and reorder."""
    layer = trial.layer(num_layers=trial.depth)
    aux, x = trial.aux(layer), trial.x.detach()
    with torch.no_grad():
        want = results(layer, x, **aux)
    fed = layer.stream(trial.batch)
    outputs = [fed.step(x[t], **{n: a[t] for n, a in aux.items()}) for t in range(trial.steps)]
    found = {"output": torch.stack(outputs), **{f"final {n}": getattr(fed.state, n) for n in layer.state_fields}}
    (near if trial.backend == "reference" else same)(found, want)
    order = torch.arange(trial.batch - 1, -1, -1)
    before = fed.state
    fed.reorder(order)
    same({"state": fed.state[0]}, {"state": before[0][:, order]})
    fed.reset(torch.arange(trial.batch) == 0)
    one = {n: a[0] for n, a in aux.items()}
    fresh = layer.stream(trial.batch).step(x[0], **one)
    near({"output": fed.step(x[0], **one)[:1]}, {"output": fresh[:1]})


def functional(trial: Trial) -> None:
    """`torch.func`: per-sample gradients, and forward mode, by value."""
    small = trial.with_(steps=4)
    layer = small.layer()
    aux = small.aux(layer)
    params = {n: p.detach() for n, p in layer.named_parameters()}
    x = small.x.detach()

    def loss(p: dict[str, Tensor], row: Tensor, given: dict[str, Tensor]) -> Tensor:
        y: Tensor = functional_call(layer, p, (row.unsqueeze(1),), {n: a.unsqueeze(1) for n, a in given.items()})[0]
        return y.square().sum()

    each = (
        vmap(grad(loss), in_dims=(None, 1, 1))(params, x, aux)
        if aux
        else vmap(grad(lambda p, row: loss(p, row, {})), in_dims=(None, 1))(params, x)
    )
    y = layer(x, **aux)[0]
    whole = torch.autograd.grad(y.square().sum(), list(layer.parameters()), allow_unused=True)
    for name, total in zip(params, whole, strict=True):
        expected = torch.zeros_like(params[name]) if total is None else total
        near({"gradient": each[name].sum(0)}, {"gradient": expected})
    along = torch.randn(x.shape, generator=torch.Generator().manual_seed(5), dtype=x.dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch's own, of its first forward-mode derivative
        value, slope, *_ = jvp(lambda given: layer(given, **aux)[0], (x,), (along,))
    near({"output": value}, {"output": y.detach()})
    given = x.clone().requires_grad_()
    weights = torch.randn(y.shape, generator=torch.Generator().manual_seed(6), dtype=x.dtype)
    (back,) = torch.autograd.grad(layer(given, **aux)[0], given, weights, allow_unused=True)
    both = 0.0 if back is None else (back * along).sum().item()
    require(
        abs((slope * weights).sum().item() - both) <= 1e-9 * max(1.0, abs(both)),
        f"forward mode: its slope gives {(slope * weights).sum().item():.12g} where the gradient gives {both:.12g}",
    )
