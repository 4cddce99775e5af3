"""Programs as values: equal, hashable, unchangeable, the same in every process; and rules that only hand-made ones break."""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest

import conveyor as cv
from conveyor.errors import ProgramError
from conveyor.ir.printer import print_structure
from conveyor.ir.program import Builder, Program
from conveyor.ir.types import Bias, Call, Input, Matrix, Node, Output, Type, Vector

GOOD = cv.cells["lstm_layer_norm"].program
TYPED = """
import conveyor as cv
@cv.cell
def mine(x, h, c, *, dt):
    {a} = cv.sigmoid(cv.affine("a", x, h, dt))
    {b} = cv.where(cv.weight("w") * c > 0.5, {a}, cv.clip(c, -1, 1))
    return cv.affine("out", {b} * h, blocks=2), {b}
"""


def typed(a: str = "a", b: str = "b") -> Any:
    space: dict[str, Any] = {}
    exec(TYPED.format(a=a, b=b), space)
    return space["mine"]


def in_another_process(code: str, seed: str) -> str:
    environment = os.environ | {"PYTHONHASHSEED": seed}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_hash_and_text_are_the_same_in_every_process(tmp_path: Path) -> None:
    program = typed().program
    code = TYPED.format(a="a", b="b") + "print(mine.program.hash)\nprint(mine.program.text, end='')"
    for seed in ("0", "1", "4294967295"):
        assert in_another_process(code, seed) == f"{program.hash}\n{program.text}"
    saved = tmp_path / "cell.pickle"
    saved.write_bytes(pickle.dumps(typed()))
    load = (
        f"import pickle; c = pickle.load(open({str(saved)!r}, 'rb')); print(c.name, c.program.hash, *c.program.names)"
    )
    assert in_another_process(load, "3").split() == ["mine", program.hash, *program.names]


def test_names_of_values_are_not_in_the_structure() -> None:
    one, two = typed().program, typed("gate", "memory").program
    assert one == two and hash(one) == hash(two) and one.hash == two.hash
    assert print_structure(one) == print_structure(two)
    assert one.names != two.names and one.text != two.text
    assert {one: "found"}[two] == "found"


def test_what_is_in_the_structure() -> None:
    """Constants, parameter names, options: whatever changes a number changes the hash."""
    lstm = cv.cells["lstm"]
    hashes = {lstm.program.hash, lstm.configure(candidate_activation="sigmoid").program.hash}
    for number in (0.0, -0.0, 1.0, 1.0000000000000002):
        hashes.add(cv.cell(lambda x, h, *, k=number: cv.affine("a", x, h) + k).program.hash)
    hashes.add(cv.cell(lambda x, h: cv.affine("b", x, h) + 1.0).program.hash)
    hashes.add(cv.cell(lambda x, h: cv.affine("a", h, x) + 1.0).program.hash)
    hashes.add(cv.cell(lambda x, h: cv.affine("a", x, h, blocks=2) + 1.0).program.hash)
    assert len(hashes) == 9


def test_nothing_of_a_program_can_be_changed() -> None:
    for item in (GOOD, GOOD.nodes[0], GOOD.inputs[0], GOOD.params[0], GOOD.outputs[0], GOOD.nodes[0].type):
        field = next(iter(vars(item)))
        with pytest.raises(FrozenInstanceError):
            setattr(item, field, None)
        assert isinstance(hash(item), int)
    for mapping in (GOOD.names, GOOD.calls, GOOD.param):
        with pytest.raises(TypeError, match="does not support item assignment"):
            mapping["new"] = 0  # type: ignore[index]
    given = {"a": 0}
    program = replace(GOOD, names=given)
    given["b"] = 1
    assert dict(program.names) == {"a": 0}, "the program has a mapping of its own"


def test_equal_operations_are_one_node_and_unequal_constants_are_not() -> None:
    builder = Builder([Input("input", "x", "I"), Input("state", "h", "H")], [])
    h = builder.operand(builder.add("input", (), "h"))
    assert (h * 2).node == (h * 2.0).node != (2 * h).node
    assert (h * 0.0).node != (h * -0.0).node
    nan = float("nan")
    assert (h * nan).node == (h * float("nan")).node
    assert len(builder.nodes) == 1 + 2 + 1 + 4 + 2


def extended(program: Program, *nodes: Node) -> Program:
    return replace(program, nodes=(*program.nodes, *nodes), lines=())


HIDDEN = Type("H")
BROKEN: dict[str, tuple[Callable[[Program], Program], str]] = {
    "unknown op": (lambda p: extended(p, Node("swish", (1,), None, HIDDEN)), "unknown operation 'swish'; known are"),
    "reads itself": (lambda p: extended(p, Node("tanh", (len(p.nodes),), None, HIDDEN)), "not computed before it"),
    "reads before the first": (lambda p: extended(p, Node("tanh", (-1,), None, HIDDEN)), "not computed before it"),
    "whole number as constant": (lambda p: extended(p, Node("const", (), 1, Type("1"))), "const has an attribute"),
    "no constant": (lambda p: extended(p, Node("const", (), None, Type("1"))), "const has an attribute"),
    "wide constant": (lambda p: extended(p, Node("const", (), 1.0, HIDDEN)), "declared H, but its operands make it 1"),
    "clip without limits": (lambda p: extended(p, Node("clip", (1,), None, HIDDEN)), "clip has an attribute"),
    "clip of words": (lambda p: extended(p, Node("clip", (1,), ("a", "b"), HIDDEN)), "clip has an attribute"),
    "clip upside down": (lambda p: extended(p, Node("clip", (1,), (1.0, 0.0), HIDDEN)), "clip has an attribute"),
    "attribute of tanh": (lambda p: extended(p, Node("tanh", (1,), "fast", HIDDEN)), "tanh has an attribute"),
    "width of nothing": (lambda p: extended(p, Node("width", (), "k", Type("1"))), "width has an attribute"),
    "broadcast to nothing": (lambda p: extended(p, Node("broadcast", (0,), "k", Type("k"))), "broadcast"),
    "broadcast of a vector": (lambda p: extended(p, Node("broadcast", (0,), "H", HIDDEN)), "takes one number a row"),
    "unknown bias": (lambda p: extended(p, Node("bias", (), "nobody", HIDDEN)), "unknown bias 'nobody'"),
    "matrix read as a weight": (lambda p: extended(p, Node("vector", (), "i.x", HIDDEN)), "unknown vector 'i.x'"),
    "comparison that is a number": (lambda p: extended(p, Node("lt", (1, 1), None, HIDDEN)), "make it bool H"),
    "sum of a condition": (
        lambda p: extended(p, Node("lt", (1, 1), None, Type("H", True)), Node("sum", (len(p.nodes),), None, Type("1"))),
        r"sum takes \(real\) operands, got \(boolean\)",
    ),
    "product of a condition": (
        lambda p: extended(
            p, Node("lt", (1, 1), None, Type("H", True)), Node("product", (len(p.nodes),), "i.h", HIDDEN)
        ),
        "product by i.h takes a vector of width H, got bool H",
    ),
    "a line too few": (lambda p: replace(p, lines=p.lines[:-1]), "but lines for"),
    "bias of nothing": (lambda p: replace(p, params=(*p.params, Bias("q", 0, "H", ()))), "'q' belongs to no operand"),
    "bias before the first": (lambda p: replace(p, params=(*p.params, Bias("q", -1, "H", ("x",)))), "index -1"),
    "blocks": (lambda p: replace(p, params=(*p.params, Matrix("q", "x", "H", "I", 0))), "has 0 blocks"),
    "two biases of one key": (
        lambda p: replace(p, params=(*p.params, Bias("q#2", 0, "H", ("x",)), Bias("q", 1, "H", ("x",)))),
        "parameter 'q#2' is declared twice",
    ),
    "two weights": (
        lambda p: replace(p, params=(*p.params, Vector("q", "H"), Vector("q", "I"))),
        "'q' is declared twice",
    ),
    "two states of one name": (
        lambda p: replace(p, inputs=(*p.inputs, Input("aux", p.states[0].name, "H"))),
        "input 'h' is declared twice",
    ),
    "no state": (lambda p: replace(p, inputs=p.inputs[:1], outputs=()), "reads no state"),
    "no input": (lambda p: replace(p, inputs=p.inputs[1:]), "reads one input, x; this one reads none"),
    "states in another order": (lambda p: replace(p, outputs=p.outputs[::-1]), "the program returns c, h"),
    "a state twice": (lambda p: replace(p, outputs=(*p.outputs, p.outputs[0])), "the program returns h, c, h"),
    "a pair as a state": (
        lambda p: replace(p, outputs=(replace(p.outputs[0], args=(1, 1)), p.outputs[1])),
        "output state h is made of 1 values, got 2",
    ),
    "half a matrix's gradient": (
        lambda p: replace(p, outputs=(*p.outputs, Output("grad_matrix", "i.x", (1,)))),
        "is made of 2 values, got 1",
    ),
    "a result of no kind": (
        lambda p: replace(p, outputs=(*p.outputs, Output("loss", "l", (1,)))),
        "output loss l: expected",
    ),
    "a result before the first": (lambda p: replace(p, outputs=(Output("state", "h", (-1,)),)), "does not exist"),
    "a name of nothing": (lambda p: replace(p, names={"z": -1}), "name 'z' refers to value %-1"),
    "a call of nothing": (lambda p: replace(p, calls={0: Call("mean", "", 999)}), "call %0 of mean refers to"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_each_rule_is_checked(rule: str) -> None:
    change, message = BROKEN[rule]
    GOOD.verify()
    extended(GOOD, Node("exp", (1,), None, GOOD.nodes[1].type)).verify()
    with pytest.raises(ProgramError, match=message) as raised:
        change(GOOD).verify()
    assert "\n" not in str(raised.value)


def test_each_rule_is_checked_where_a_cell_is_made_of_a_program() -> None:
    with pytest.raises(ProgramError, match="reads one input"):
        cv.CellDefinition.from_program("broken", replace(GOOD, inputs=GOOD.inputs[1:]))
