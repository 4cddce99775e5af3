"""What is made of programs: the plan, programs without biases, the gate that keeps a state."""

import pytest

import conveyor as cv
from conveyor.ir.transforms.gate_analysis import keep_gates
from conveyor.ir.transforms.plan import plan
from conveyor.ir.transforms.rewrite import without_bias


@pytest.mark.parametrize("name", list(cv.cells))
def test_leaving_out_the_biases(name: str) -> None:
    program = without_bias(cv.cells[name].program)
    program.verify()
    assert not any(n.op == "bias" for n in program.nodes) and without_bias(program) == program
    assert set(program.names) == set(cv.cells[name].program.names)


def test_plan_hoists_products_of_the_input_and_packs_them() -> None:
    program = cv.cells["lstm"].program
    planned = plan(program)
    packs = {tuple(program.nodes[m].attr for m in p.members): p for p in planned.packs.values()}
    assert set(packs) == {("i.x", "f.x", "g.x", "o.x"), ("i.h", "f.h", "g.h", "o.h")}
    assert set(packs["i.x", "f.x", "g.x", "o.x"].members) <= set(planned.hoisted)
    assert set(packs["i.h", "f.h", "g.h", "o.h"].members) <= set(planned.stepped)


def test_keep_gate_through_rewritten_equations() -> None:
    @cv.cell
    def other_words(x, h):
        n = cv.tanh(cv.affine("new", x, h))
        u = cv.sigmoid(cv.affine("take", x, h))
        h = h + u * (n - h)
        return h

    (gate,) = keep_gates(other_words.program)
    assert gate.state == "h" and gate.keep.bias == ("bias", "take") and gate.keep.sign == -1
