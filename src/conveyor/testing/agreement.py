"""A backend against the reference, which is the definition: values, gradients, edges of shapes and of numbers."""

from __future__ import annotations

import statistics
from typing import Any

import torch
from torch import Tensor

from conveyor.testing.compare import gradients, near, require, same
from conveyor.testing.trial import Trial, leaves, results

_SHAPES = ((7, 3, 4), (1, 1, 1), (0, 2, 3), (2, 7, 5), (5, 0, 4))  # T, B, I


def _all(trial: Trial, x: Tensor | None = None, **options: Any) -> dict[str, Tensor]:
    layer = trial.layer(**options)
    x = trial.x if x is None else x
    state = trial.state(layer)
    aux = {n: a.requires_grad_() for n, a in trial.aux(layer).items()}
    found = results(layer, x, state, **aux)
    named = {f"initial {n}": s for n, s in zip(layer.state_fields, state, strict=True)}
    return {**found, **gradients(found.values(), leaves(layer, x=x, **named, **aux))}


def agrees(trial: Trial) -> None:
    """Outputs, final states and all gradients are the reference's, in float64, at ordinary and degenerate shapes."""
    for steps, batch, width in _SHAPES:
        at = trial.with_(steps=steps, batch=batch, input_size=width)
        near(_all(at), _all(at.with_(backend="reference")))


def is_exact(trial: Trial) -> None:
    """In float32 the largest error, median of 5 seeds, is twice the reference's, and 2 units in the last place."""
    ours: dict[str, list[float]] = {}
    allowed: dict[str, list[float]] = {}
    for seed in range(5):
        single = trial.with_(dtype=torch.float32, seed=seed)
        exact = _truth(single)
        for backend, kept in ((trial.backend, ours), ("reference", allowed)):
            for name, value in _all(single.with_(backend=backend)).items():
                kept.setdefault(name, []).append((value.double() - exact[name]).abs().max().item())
        for name, value in exact.items():
            largest = value.abs().max().item()
            allowed[name][-1] = 2 * allowed[name][-1] + 2 * torch.finfo(torch.float32).eps * largest
    for name, errors in ours.items():
        found, limit = statistics.median(errors), statistics.median(allowed[name])
        require(found <= limit, f"{name}: off by {found:.3g} in float32, allowed {limit:.3g}")


def _truth(single: Trial) -> dict[str, Tensor]:
    """The reference in float64 on the numbers that a trial has in float32."""
    rounded = single.with_(backend="reference")
    layer, twin = rounded.layer(), rounded.with_(dtype=torch.float64).layer()
    twin.load_state_dict({n: p.double() for n, p in layer.state_dict().items()})
    x = rounded.x.detach().double().requires_grad_()
    state = tuple(s.detach().double().requires_grad_() for s in rounded.state(layer))
    aux = {n: a.double().requires_grad_() for n, a in rounded.aux(layer).items()}
    found = results(twin, x, state, **aux)
    named = {f"initial {n}": s for n, s in zip(layer.state_fields, state, strict=True)}
    return {**found, **gradients(found.values(), leaves(twin, x=x, **named, **aux))}


def inference_is_training(trial: Trial) -> None:
    """Without gradients, and in eval mode, outputs have the bits that they have in training."""
    layer = trial.layer()
    aux, state = trial.aux(layer), trial.state(layer)
    want = results(layer, trial.x, state, **aux)
    layer.eval()
    found = results(layer, trial.x, state, **aux)
    same(found, want)
    require(found["output"].requires_grad, "output: eval() must leave the graph as it is")
    for context in (torch.no_grad(), torch.inference_mode()):
        with context:
            same(results(layer, trial.x, state, **aux), want)


def lies_anywhere(trial: Trial) -> None:
    """The input may be a column of a larger tensor, batch first, expanded or misaligned: values are the same."""
    layer = trial.layer()
    aux = trial.aux(layer)
    x = trial.x.detach()
    want = results(layer, x, **aux)
    wide = x.new_full((*x.shape[:2], 2 * x.shape[2] + 3), torch.nan)
    wide[..., 1 : 2 * x.shape[2] : 2] = x
    for laid in (wide[..., 1 : 2 * x.shape[2] : 2], x.transpose(0, 1).contiguous().transpose(0, 1)):
        near(results(layer, laid, **aux), want)
    one = x[:, :1].expand(-1, trial.batch, -1)
    near(results(layer, one, **aux), results(layer, one.contiguous(), **aux))
    turned = trial.layer(batch_first=True)
    found = results(turned, x.transpose(0, 1), **{n: a.transpose(0, 1) for n, a in aux.items()})
    near({**found, "output": found["output"].transpose(0, 1)}, want)


def does_not_mix_rows(trial: Trial) -> None:
    """A row's numbers do not depend on what else the batch holds: not a bit on compiled backends, and never by NaN."""
    layer = trial.layer()
    aux = trial.aux(layer)
    x = trial.x.detach()
    with torch.no_grad():
        want = results(layer, x, **aux)
        dirty = x.clone()
        dirty[:, 1:] = torch.nan
        found = results(layer, dirty, **aux)
    keep = {n: v.narrow(-2, 0, 1) for n, v in want.items()}
    clean = {n: v.narrow(-2, 0, 1) for n, v in found.items()}
    (near if trial.backend == "reference" else same)(clean, keep)


def repeats(trial: Trial) -> None:
    """Twice the same call gives the same bits, gradients too."""
    same(_all(trial), _all(trial))


def has_second_derivatives(trial: Trial) -> None:
    """The gradient of a gradient is the reference's."""
    small = trial.with_(steps=3, batch=2)

    def second(at: Trial) -> dict[str, Tensor]:
        layer = at.layer()
        found = results(layer, at.x, **at.aux(layer))
        (first,) = torch.autograd.grad(found["output"].square().sum(), at.x, create_graph=True)
        return gradients([first], leaves(layer, x=at.x)) if first.requires_grad else {}

    near(second(small), second(small.with_(backend="reference")))
