"""Limits on what a step passes back to the states: an operation of programs, and an option of layers."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import conveyor as cv
from conveyor.backends import reference
from conveyor.backends.interface import RecurrenceArgs
from conveyor.ir.parser import parse
from conveyor.ir.transforms.autodiff import differentiate
from layers.features import (
    BACKENDS,
    F64,
    LENGTHS,
    SOME,
    STARTS,
    B,
    I,
    T,
    assert_same,
    aux_of,
    flat,
    gradients,
    layer_of,
    state_of,
)
from support import Case

LIMIT = 0.05


def hooked(layer: cv.Recurrent, x: Tensor, state: tuple[Tensor, ...], aux: dict[str, Tensor]) -> list[Tensor]:
    """A loop in plain torch, with a hook on each state that a step reads."""
    unit = layer.units[0]
    params = unit.bind(layer)
    held, outputs = [s[0] for s in state], []
    for t in range(len(x)):
        read = [h.clone() for h in held]
        for r in read:
            r.register_hook(lambda g: g.clamp(-LIMIT, LIMIT))
        given = {a.name: aux[a.name][t, :, None].expand(1, B, unit.widths[a.width]) for a in unit.plain.aux}
        args = RecurrenceArgs.of(unit.plain, x[t : t + 1], read, params, unit.widths, given)
        held = list(reference.forward(args).states)
        outputs.append(held[0])
    return [torch.stack(outputs), *(s.unsqueeze(0) for s in held)]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", SOME, ids=lambda c: c.id)
def test_each_steps_gradient_is_limited(case: Case, backend: str) -> None:
    layer = layer_of(case, backend, gradient_clip=LIMIT)
    x, state, aux = torch.randn(T, B, I, dtype=F64, requires_grad=True), state_of(layer), aux_of(layer)
    got, want = flat(layer(x, state, **aux)), hooked(layer, x, state, aux)
    assert_same(got, want, 1e-12, "result")
    leaves = [x, *state, *layer.parameters()]
    found = gradients(got, leaves)
    assert_same(found, gradients(want, leaves), 1e-10, "gradient")
    assert all(d.abs().max() <= LIMIT for d in found[1 : 1 + len(state)])
    free = layer_of(case, backend)
    assert not torch.equal(found[0], gradients(flat(free(x, state, **aux)), [x])[0]), "the limit was met"


@pytest.mark.parametrize("backend", BACKENDS)
def test_of_one_state_with_lengths_and_resets(backend: str) -> None:
    """What comes from outside, through an output, is not limited; sequences and pieces are as they are alone."""
    layer = layer_of("lstm", backend, gradient_clip={"c": 1e-9}, learn_initial_state=True)
    x = torch.randn(T, B, I, dtype=F64, requires_grad=True)
    y, final = layer(x, lengths=LENGTHS, reset=STARTS)
    leaves = [x, *layer.parameters()]
    got = gradients([y, *final], leaves)
    outputs, finals = [], []
    for row, length in enumerate(LENGTHS.tolist()):
        edges = [0, *(t for t in range(1, length) if STARTS[t, row]), length]
        pieces, state = [], None
        for a, b in zip(edges, edges[1:], strict=False):
            piece, state = layer(x[a:b, row : row + 1], None)
            pieces.append(piece)
        outputs.append(torch.cat([*pieces, y.new_zeros(T - length, 1, y.shape[-1])]))
        finals.append(state)
    want = [torch.cat(outputs, 1), torch.cat([s.h for s in finals], 1), torch.cat([s.c for s in finals], 1)]
    assert_same([y, *final], want, 1e-12, "result")
    assert_same(got, gradients(want, leaves), 1e-10, "gradient")
    assert got[0].abs().max() > 0.01


@pytest.mark.parametrize("backend", BACKENDS)
def test_in_equations(backend: str) -> None:
    @cv.cell
    def limited(x, h):
        h = cv.tanh(cv.affine("a", x, cv.clip_gradient(h, 0.05)))
        return h

    torch.manual_seed(0)
    mine = cv.Recurrent(limited, I, 4, dtype=F64, backend=backend)
    option = cv.Recurrent("rnn", I, 4, dtype=F64, backend=backend, gradient_clip=0.05)
    with torch.no_grad():
        for a, b in zip(mine.parameters(), option.parameters(), strict=True):
            a.copy_(b)
    x = torch.randn(T, B, I, dtype=F64, requires_grad=True)
    a, b = mine(x)[0], option(x)[0]
    assert_same([a], [b], 1e-12, "output")
    assert_same(gradients([a], [x]), gradients([b], [x]), 1e-10, "gradient")
    assert "clip_gradient" in limited.latex().replace("\\", "") and "clip_gradient(h[t-1], 0.05)" in limited.equations()
    assert parse(limited.program.text) == limited.program
    assert any(n.op == "clip" for n in differentiate(limited.program).nodes)


def test_the_gate_that_keeps_is_found_behind_it() -> None:
    layer = cv.LSTM(I, 4, forget_bias=1.5, gradient_clip=1.0)
    assert (layer.bias_ih_l0[4:8] == 1.5).all()

    @cv.cell
    def keeps(x, h, c):
        f = cv.sigmoid(cv.affine("f", x, h))
        c = f * cv.clip_gradient(c, 1.0) + (1 - f) * cv.tanh(cv.affine("g", x, h))
        return cv.tanh(c), c

    assert (cv.Recurrent(keeps, I, 4, forget_bias=2.0).bias_l0[:4] == 2.0).all()


def test_errors() -> None:
    for limit in (0, -1.0, math.nan, True, "1"):
        with pytest.raises(cv.CellError, match="limit of clip_gradient is a positive Python number, got"):
            cv.cell(lambda x, h, *, limit=limit: cv.clip_gradient(cv.affine("a", x, h), limit))
    with pytest.raises(cv.ArgumentError, match="gradient_clip is a positive number, got -1"):
        cv.LSTM(I, 5, gradient_clip=-1)
    with pytest.raises(cv.ArgumentError, match="gradient_clip has 'd'; states here are h, c"):
        cv.LSTM(I, 5, gradient_clip={"d": 1.0})
