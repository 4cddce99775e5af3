"""Programs: text and back, the verifier, hashes, transformations."""

import pickle
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import conveyor as cv
from conveyor.autodiff import differentiate
from conveyor.errors import ProgramError
from conveyor.gates import keep_gates
from conveyor.plan import plan
from conveyor.program import Builder, Input, Matrix, Node, Output, Program, Type, Vector
from conveyor.rewrite import without_bias
from conveyor.text import parse

UNARY = "sigmoid tanh relu exp log log1p softplus sin cos sqrt abs square detach neg".split()
BINARY = "add sub mul div maximum minimum".split()


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """A random step over x, a state and one number a row."""
    inputs = [Input("input", "x", "I"), Input("state", "h", "H"), Input("state", "s", "1")]
    builder = Builder(
        inputs,
        [Matrix("a", "x", "H", "I"), Matrix("a", "h", "H", "H"), Vector("w", "H", draw(st.none() | st.floats(-2, 2)))],
    )
    x, h, s = (builder.add("input", (), n) for n in "xhs")
    wide = [h, builder.add("product", (x,), "a.x"), builder.add("product", (h,), "a.h"), builder.add("vector", (), "w")]
    rows = [s, builder.add("width", (), "H")]
    for _ in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(["unary", "binary", "const", "row", "where", "clip"]))
        pick = lambda: draw(st.sampled_from(wide + rows))  # noqa: E731
        if kind == "const":
            rows.append(builder.add("const", (), draw(st.floats(allow_nan=False))))
        elif kind == "unary":
            wide.append(builder.add(draw(st.sampled_from(UNARY)), (draw(st.sampled_from(wide)),)))
        elif kind == "binary":
            a, b = pick(), pick()
            made = builder.add(draw(st.sampled_from(BINARY)), (a, b))
            (rows if builder.nodes[made].type.width == "1" else wide).append(made)
        elif kind == "row":
            rows.append(builder.add(draw(st.sampled_from(["sum", "max"])), (draw(st.sampled_from(wide)),)))
        elif kind == "clip":
            low = draw(st.floats(-3, 0))
            wide.append(
                builder.add("clip", (draw(st.sampled_from(wide)),), (low, draw(st.sampled_from([0.5, float("inf")]))))
            )
        else:
            condition = builder.add("lt", (draw(st.sampled_from(wide)), pick()))
            wide.append(builder.add("where", (condition, pick(), pick())))
    outputs = (Output("state", "h", (wide[-1],)), Output("state", "s", (rows[-1],)))
    names = {f"v{k}": n for k, n in enumerate(wide)}
    return Program(builder.inputs, builder.params, tuple(builder.nodes), outputs, names)


@given(programs())
def test_text_and_back(program: Program) -> None:
    program.verify()
    again = parse(program.text)
    assert again == program and again.text == program.text and dict(again.names) == dict(program.names)
    assert again.hash == program.hash


@given(programs())
def test_backward_programs_are_programs(program: Program) -> None:
    derived = differentiate(program)
    assert parse(derived.text) == derived
    roles = {(o.role, o.name) for o in derived.outputs}
    assert {("grad_state", "h"), ("grad_state", "s")} <= roles
    planned = plan(derived)
    assert set(planned.hoisted) | set(planned.stepped) == set(derived.live())


@given(programs(), st.data())
def test_broken_texts_are_refused_as_programs(program: Program, data: st.DataObject) -> None:
    text = program.text
    place = data.draw(st.integers(0, len(text) - 1))
    change = data.draw(st.sampled_from(["cut", "drop", "swap"]))
    if change == "cut":
        broken = text[:place]
    elif change == "drop":
        broken = text[:place] + text[place + data.draw(st.integers(1, 8)) :]
    else:
        broken = text[:place] + data.draw(st.text(max_size=4)) + text[place + 1 :]
    try:
        parse(broken).verify()
    except ProgramError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "first line to be 'conveyor-program 1'"),
        ("hello", "not the text of a program"),
        ("conveyor-program 2\n", "version 2, this conveyor reads up to 1; upgrade"),
        ("conveyor-program 1\nstate h H\n%0 = swoosh : H\n", "line 3.*unknown operation 'swoosh'"),
        ("conveyor-program 1\nstate h H\n%1 = input h : H\n", "line 3.*expected '%0 ='"),
        ("conveyor-program 1\nstate h H\nwhatever\n", "line 3.*unknown item 'whatever'"),
        ("conveyor-program 1\ninput x I\nstate h H\n%0 = input q : H\nreturn state h %0\n", "unknown input 'q'"),
        (
            "conveyor-program 1\ninput x I\nstate h H\n%0 = input h : I\nreturn state h %0\n",
            "declared I, but its operands make it H",
        ),
    ],
)
def test_wrong_texts_say_where(text: str, message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        parse(text)


GOOD = cv.cells["lstm_peephole"].program
BROKEN = {
    "reads ahead": (
        lambda p: replace(p, nodes=(Node("tanh", (5,), None, Type("H")), *p.nodes[1:])),
        "not computed before",
    ),
    "type": (lambda p: replace(p, nodes=(*p.nodes[:-1], replace(p.nodes[-1], type=Type("I")))), "declared I"),
    "arity": (
        lambda p: replace(p, lines=(), nodes=(*p.nodes, Node("add", (1,), None, Type("H")))),
        "add takes 2 arguments, got 1",
    ),
    "widths": (
        lambda p: replace(p, lines=(), nodes=(*p.nodes, Node("add", (0, 1), None, Type("H")))),
        "unequal widths I and H",
    ),
    "kinds": (
        lambda p: replace(p, lines=(), nodes=(*p.nodes, Node("and", (1, 2), None, Type("H", True)))),
        r"takes \(boolean, boolean\)",
    ),
    "parameter": (lambda p: replace(p, params=p.params[1:]), "unknown matrix 'i.x'"),
    "parameter twice": (lambda p: replace(p, params=(*p.params, p.params[0])), "'i.x' is declared twice"),
    "input twice": (lambda p: replace(p, inputs=(*p.inputs, p.inputs[0])), "'x' is declared twice"),
    "state missing": (lambda p: replace(p, outputs=p.outputs[:1]), "the states are h, c, but the program returns h"),
    "state width": (
        lambda p: replace(p, outputs=(Output("state", "h", (0,)), p.outputs[1])),
        "state h has width H, but I",
    ),
    "output": (lambda p: replace(p, outputs=(Output("state", "h", (99,)), p.outputs[1])), "does not exist"),
    "name": (lambda p: replace(p, names={"a": 99}), "name 'a' refers to value %99"),
    "blocks": (lambda p: replace(p, params=(replace(p.params[0], blocks=0), *p.params[1:])), "0 blocks"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_the_verifier_knows_each_rule(rule: str) -> None:
    change, message = BROKEN[rule]
    GOOD.verify()
    with pytest.raises(ProgramError, match=message):
        change(GOOD).verify()


def test_the_verifier_names_the_line_of_the_equation() -> None:
    nodes = (*GOOD.nodes[:-1], replace(GOOD.nodes[-1], type=Type("I")))
    with pytest.raises(ProgramError, match=r"%\d+, line \d+ of the cell"):
        replace(GOOD, nodes=nodes).verify()


def test_hash_is_the_same_in_every_process() -> None:
    code = "import conveyor as cv; print(cv.cells['lstm_peephole'].program.hash)"
    seeds = [{"PYTHONHASHSEED": s} for s in ("1", "2")]
    got = {
        subprocess.run([sys.executable, "-c", code], env=e, capture_output=True, text=True, check=True).stdout
        for e in seeds
    }
    assert got == {GOOD.hash + "\n"}


def test_programs_and_cells_pickle() -> None:
    again = pickle.loads(pickle.dumps(GOOD))
    assert again == GOOD and again.text == GOOD.text
    cell = pickle.loads(pickle.dumps(cv.cells["slstm"].configure(heads=2)))
    assert cell.program == cv.cells["slstm"].configure(heads=2).program and cell.name == "slstm"


def test_programs_are_immutable() -> None:
    with pytest.raises(AttributeError):
        GOOD.nodes = ()
    with pytest.raises(TypeError):
        GOOD.names["i"] = 0


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
