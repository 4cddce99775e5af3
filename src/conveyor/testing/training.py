"""Checks of training and long sequences: dropout, zoneout, connections, limits, chunks, parts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from conveyor.layers import Recurrent
from conveyor.sequences.tbptt import tbptt
from conveyor.testing.compare import gradients, near, require
from conveyor.testing.trial import Trial, leaves, results

_RATES = {"dropout": 0.3, "variational_dropout": 0.3, "zoneout": 0.25}
_LIMIT = 0.01


def _seeded(layer: Recurrent, *args: Any, **given: Any) -> dict[str, Tensor]:
    torch.manual_seed(3)
    found = results(layer, *args, **given)
    # With unequal widths a state is a tuple, one tensor a layer.
    return {n: v for n, v in found.items() if isinstance(v, Tensor)}


def _compared(layer: Recurrent, x: Tensor, **given: Any) -> dict[str, Tensor]:
    found = _seeded(layer, x, **given)
    return {**found, **gradients(found.values(), leaves(layer, x=x))}


def dropout(trial: Trial) -> None:
    """With a seed, masks are the reference's, padded and by lengths alike; in evaluation nothing is dropped."""
    options = {**_RATES, "bidirectional": True, "num_layers": trial.depth}
    options |= {} if trial.depth > 1 else {"dropout": 0.0}  # which acts between layers
    layer = trial.layer(**options)
    other = trial.with_(backend="reference").layer(**options)
    aux = trial.aux(layer)
    found = _compared(layer, trial.x, **aux)
    near(found, _compared(other, trial.x, **aux))
    near(found, _seeded(layer, trial.x, lengths=torch.full((trial.batch,), trial.steps), **aux))
    plain = trial.layer(bidirectional=True, num_layers=trial.depth, zoneout=_RATES["zoneout"])
    near(_seeded(layer.eval(), trial.x, **aux), _seeded(plain.eval(), trial.x, **aux))
    require(not torch.equal(found["output"], plain(trial.x, **aux)[0]), "output: nothing was dropped")


def zoneout(trial: Trial) -> None:
    """In evaluation a state is the mean of what it was and what it becomes; kept for sure, it stays as it was."""
    plain, layer = trial.layer(), trial.layer(zoneout=0.4).eval()
    aux, state = trial.aux(plain), trial.state(plain)
    held, outputs = state, []
    for t in range(trial.steps):
        new = plain(trial.x[t : t + 1], held, **{n: a[t : t + 1] for n, a in aux.items()})[1]
        held = tuple(0.4 * a + 0.6 * b for a, b in zip(held, new, strict=True))
        outputs.append(held[0])
    want = {"output": torch.cat(outputs), **{f"final {n}": s for n, s in zip(layer.state_fields, held, strict=True)}}
    found = results(layer, trial.x, state, **aux)
    near(found, want)
    near(gradients(found.values(), leaves(layer, x=trial.x)), gradients(want.values(), leaves(plain, x=trial.x)))
    layer.zoneout = 1.0
    for mode in (True, False):
        kept = results(layer.train(mode), trial.x, state, **aux)
        near(kept, {f"final {n}": s for n, s in zip(layer.state_fields, state, strict=True)})


def connections(trial: Trial) -> None:
    """Residual and skip connections are two layers by hand; every layer's output is given on request."""
    for kind in ("residual", "skip") if trial.depth > 1 else ():
        deep = trial.layer(num_layers=2, connections=kind)
        aux = trial.aux(deep)
        (first, second), _ = deep(trial.x, every_layer=True, **aux)
        below = trial.layer()
        below.load_state_dict({n: p for n, p in deep.state_dict().items() if "_l0" in n})
        read = torch.cat((first, trial.x), -1) if kind == "skip" else first
        above = trial.with_(input_size=read.shape[-1]).layer()
        above.load_state_dict({n.replace("_l1", "_l0"): p for n, p in deep.state_dict().items() if "_l1" in n})
        near({"output of layer 0": first}, {"output of layer 0": below(trial.x, **aux)[0]})
        want = above(read, **aux)[0] + (first if kind == "residual" else 0)
        near({"output": second}, {"output": want})


def gradient_limits(trial: Trial) -> None:
    """Limits change no value; the gradient that reaches a state from the steps behind it keeps to them."""
    layer = trial.layer(gradient_clip=_LIMIT)
    aux, state = trial.aux(layer), trial.state(layer)
    found = results(layer, trial.x, state, **aux)
    near(found, results(trial.layer(), trial.x, state, **aux))
    names = {f"initial {n}": s for n, s in zip(layer.state_fields, state, strict=True)}
    got = gradients(found.values(), leaves(layer, x=trial.x, **names))
    for name, gradient in got.items():
        most = gradient.abs().max().item()
        require("initial" not in name or most <= _LIMIT, f"{name}: expected at most {_LIMIT}, got {most:.3g}")
    other = trial.with_(backend="reference").layer(gradient_clip=_LIMIT)
    theirs = results(other, trial.x, state, **aux)
    near(got, gradients(theirs.values(), leaves(other, x=trial.x, **names)))


def chunks(trial: Trial) -> None:
    """`checkpoint_every` changes nothing but memory."""
    for options in ({}, {"bidirectional": True, "zoneout": 0.2, "num_layers": trial.depth}):
        layer = trial.layer(**options)
        given: dict[str, Any] = {**trial.aux(layer), "lengths": torch.arange(trial.batch) + trial.steps - 2}
        want = _compared(layer, trial.x, **given)
        layer.checkpoint_every = 2
        near(_compared(layer, trial.x, **given), want)


def parts(trial: Trial) -> None:
    """Truncated backpropagation computes what one call does, part by part, and its gradient ends at each border."""
    layer = trial.layer()
    aux = trial.aux(layer)
    given: dict[str, Any] = dict(aux)
    pieces = tbptt(trial.x, 3, **given)
    outputs, starts = [], []
    for part in pieces:
        y, pieces.state = layer(part.x, pieces.state, **{n: getattr(part, n) for n in aux})
        outputs.append(y)
        starts.append(part.start)
    near({"output": torch.cat(outputs)}, {"output": layer(trial.x, **aux)[0]})
    for start, y in zip(starts, outputs, strict=True):
        (reached,) = torch.autograd.grad(y.sum(), trial.x, retain_graph=True, allow_unused=True)
        require(reached is None or not reached[:start].any(), "gradient of x: some crosses a border of parts")
