"""The plain loop is a fair peer: right for every cell, and written as well as plain torch allows."""

from __future__ import annotations

import re

import pytest
import torch

import conveyor as cv
from conveyor.bench.loop import Loop, plain_loop
from conveyor.ir.transforms.param_layout import resolve_widths
from release.user_cell import define
from support import BUILT_IN, HAND_WRITTEN, Case, assert_near, problem

CASES = [*BUILT_IN, *HAND_WRITTEN, Case("user", define())]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_it_computes_what_the_reference_computes(case: Case) -> None:
    given = problem(case, 4, 3, 5, 6).require_grad()
    loop = plain_loop(given.program, given.widths)
    output, finals = loop.run(given.x, given.states, loop.pack(given.params), given.aux)
    want = given.forward()
    assert_near(output.detach(), want.output.detach(), 1e-12, "output")
    cotangents = [torch.randn_like(t) for t in (want.output, *want.states)]
    found = []
    for results in ((output, *finals), (want.output, *want.states)):
        reached = [(r, c) for r, c in zip(results, cotangents, strict=True) if r.requires_grad]
        grads = torch.autograd.grad([r for r, _ in reached], given.tensors, [c for _, c in reached], allow_unused=True)
        found.append([torch.zeros_like(t) if g is None else g for g, t in zip(grads, given.tensors, strict=True)])
    for a, b in zip(*found, strict=True):
        assert_near(a, b, 1e-10, "gradient")


def loop_of(name: str) -> Loop:
    program = define().program if name == "user" else cv.cells[name].program
    return plain_loop(program, resolve_widths(program, 5, 6))


def inside(loop: Loop) -> str:
    return loop.source.split("for t in")[1]


@pytest.mark.parametrize("name", ["lstm", "user", "lstm_np", "rnn", "ugrnn", "lstm_peephole"])
def test_one_addmm_a_step_and_one_product_before(name: str) -> None:
    loop = loop_of(name)
    assert loop.source.count("linear(") == 1 and "linear(" not in inside(loop)
    assert inside(loop).count("addmm(") == 1 and "mm(" not in inside(loop).replace("addmm(", "")


def test_gates_are_activated_together() -> None:
    text = inside(loop_of("lstm"))
    assert text.count("torch.sigmoid(") == 1 and text.count("torch.tanh(") == 2
    assert inside(loop_of("user")).count("torch.sigmoid(") == 1


def test_what_only_the_input_reaches_is_computed_before() -> None:
    loop = loop_of("min_gru")
    assert "torch.sigmoid(" in loop.source and "torch.sigmoid(" not in inside(loop)
    assert len(re.findall(r"\[t\]", inside(loop))) == 2


def test_weights_are_packed_outside() -> None:
    loop = loop_of("gru")
    assert "cat(" not in loop.source and {kind for kind, _ in loop.packs} >= {"transposed", "matrices", "biases"}
