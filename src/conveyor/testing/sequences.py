"""Lengths, packed sequences, resets, both directions, initial states: each equals plain calls of the layer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from conveyor.layers import Recurrent
from conveyor.testing.compare import gradients, near, require, same
from conveyor.testing.trial import Trial, leaves, results


def _directions(trial: Trial) -> Sequence[Recurrent]:
    return [trial.layer(bidirectional=both, learn_initial_state=True) for both in (False, True)]


def _beside(parts: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Results of single rows as those of a batch."""
    return {n: torch.cat([p[n] for p in parts], -2) for n in parts[0]}


def lengths(trial: Trial) -> None:
    """Each sequence is what it is alone; padding may hold NaN, is never read, and gets no gradient."""
    at = trial.with_(batch=5)
    own = [3, at.steps, 0, 5, 3]
    for layer in _directions(at):
        aux = at.aux(layer)
        state = at.state(layer)
        late = torch.arange(at.steps).unsqueeze(1) >= torch.tensor(own)
        padded = at.x.detach().masked_fill(late.unsqueeze(-1), torch.nan).requires_grad_()
        found = results(layer, padded, state, lengths=torch.tensor(own, dtype=torch.int32), **aux)
        alone = []
        for row, length in enumerate(own):
            rows = slice(row, row + 1)
            given = {n: a[:length, rows] for n, a in aux.items()}
            one = results(layer, at.x[:length, rows], tuple(s[:, rows] for s in state), **given)
            rest = one["output"].new_zeros(at.steps - length, *one["output"].shape[1:])
            alone.append({**one, "output": torch.cat((one["output"], rest))})
        want = _beside(alone)
        near(found, want)
        near(
            gradients(found.values(), leaves(layer, x=padded)),
            gradients(want.values(), leaves(layer, x=at.x)),
        )


def packed(trial: Trial) -> None:
    """A `PackedSequence` gives one back, with the numbers that `lengths` gives."""
    at = trial.with_(batch=4)
    own = torch.tensor([2, at.steps, 1, 4])
    for layer in _directions(at):
        aux = at.aux(layer)
        want = results(layer, at.x, lengths=own, **aux)
        y, final = layer(pack_padded_sequence(at.x, own, enforce_sorted=False), **aux)
        output, found_lengths = pad_packed_sequence(y, total_length=at.steps)
        require(torch.equal(found_lengths, own), f"lengths: expected {own.tolist()}, got {found_lengths.tolist()}")
        near({"output": output, **{f"final {n}": getattr(final, n) for n in final._fields}}, want)


def resets(trial: Trial) -> None:
    """`reset` is running the pieces apart, each from the layer's own initial state; no gradient crosses."""
    starts = torch.zeros(trial.steps, trial.batch, dtype=torch.bool)
    starts[0, 0] = starts[2, 0] = starts[3, 1] = starts[4, 1] = starts[-1, 2] = True
    layer = trial.layer(learn_initial_state=True)
    aux, state = trial.aux(layer), trial.state(layer)
    found = results(layer, trial.x, state, reset=starts, **aux)
    rows = []
    for row in range(trial.batch):
        column = slice(row, row + 1)
        edges = [0, *(t for t in range(1, trial.steps) if starts[t, row]), trial.steps]
        held: tuple[Tensor, ...] | None = tuple(s[:, column] for s in state)
        pieces = []
        for a, b in zip(edges, edges[1:], strict=False):
            given = {n: v[a:b, column] for n, v in aux.items()}
            one = results(layer, trial.x[a:b, column], None if starts[a, row] else held, **given)
            held = tuple(one[f"final {n}"] for n in layer.state_fields)
            pieces.append(one)
        rows.append({**pieces[-1], "output": torch.cat([p["output"] for p in pieces])})
    want = _beside(rows)
    near(found, want)
    named = leaves(layer, x=trial.x, **{f"initial {n}": s for n, s in zip(layer.state_fields, state, strict=True)})
    near(gradients(found.values(), named), gradients(want.values(), named))
    (before,) = torch.autograd.grad(results(layer, trial.x, state, reset=starts, **aux)["output"][2:, 0].sum(), trial.x)
    require(not before[:2, 0].any(), "gradient of x: some crosses a reset")


def reverse(trial: Trial) -> None:
    """The second direction is a layer of its own on the reversed sequence."""
    both, one = trial.layer(bidirectional=True), trial.layer()
    backwards = {n: p for n, p in both.state_dict().items() if n.endswith("_reverse")}
    one.load_state_dict({n.removesuffix("_reverse"): p for n, p in backwards.items()})
    aux = trial.aux(both)
    y, _ = both(trial.x, **aux)
    want, _ = one(trial.x.flip(0), **{n: a.flip(0) for n, a in aux.items()})
    near({"output": y[..., want.shape[-1] :]}, {"output": want.flip(0)})


def initial_states(trial: Trial) -> None:
    """No state is zeros, a learned one is that one given, and the final state of one half begins the other."""
    layer, learned = trial.layer(), trial.layer(learn_initial_state=True)
    aux = trial.aux(layer)
    zeros = tuple(torch.zeros_like(s) for s in trial.state(layer))
    same(results(layer, trial.x, **aux), results(layer, trial.x, zeros, **aux))
    own = tuple(getattr(learned, f"initial_{n}_l0").expand(1, trial.batch, -1) for n in learned.state_fields)
    first, second = results(learned, trial.x, **aux), results(learned, trial.x, own, **aux)
    near(first, second)
    near(gradients(first.values(), leaves(learned)), gradients(second.values(), leaves(learned)))
    middle = trial.steps // 2
    whole = results(layer, trial.x, **aux)
    y, held = layer(trial.x[:middle], **{n: a[:middle] for n, a in aux.items()})
    rest = results(layer, trial.x[middle:], held, **{n: a[middle:] for n, a in aux.items()})
    near({**rest, "output": torch.cat((y, rest["output"]))}, whole)


def stacks(trial: Trial) -> None:
    """Two layers are one after the other."""
    deep = trial.layer(num_layers=trial.depth, bidirectional=True)
    aux = trial.aux(deep)
    want, x = {}, trial.x
    for k in range(trial.depth):
        one = trial.with_(input_size=x.shape[-1]).layer(bidirectional=True)
        one.load_state_dict({n.replace(f"_l{k}", "_l0"): p for n, p in deep.state_dict().items() if f"_l{k}" in n})
        want = results(one, x, **aux)
        x = want["output"]
    near({"output": results(deep, trial.x, **aux)["output"]}, {"output": want["output"]})
