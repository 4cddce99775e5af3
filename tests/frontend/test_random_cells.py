"""Cells that nobody wrote: what is traced is what the text computes, every value that a variable had is named."""

import math
import pickle
import sys
from types import FrameType
from typing import Any

from hypothesis import given, settings

import conveyor as cv
from conveyor.ir.parser import parse
from conveyor.ir.transforms.autodiff import differentiate
from conveyor.ir.transforms.rewrite import without_bias

from .random_cells import SIZES, Cell, Plain, PlainLanguage, cells, evaluate

GIVEN = {"x": [0.5, -1.25], "h": [0.25, -0.75, 1.5], "c": [-0.5, 2.0, 0.125], "dt": [1.0, 0.375, -2.0]}


def define(cell: Cell, language: Any) -> Any:
    space: dict[str, Any] = {"cv": language}
    exec(compile(cell.text, "<random cell>", "exec"), space)
    return space["f"]


def run_plainly(cell: Cell) -> tuple[dict[str, list[Plain]], tuple[Plain, ...]]:
    """Each value that each variable had, in order, and what is returned."""
    seen: dict[str, list[Plain]] = {}
    given = {n: Plain(v) for n, v in GIVEN.items()}
    last: dict[str, Any] = dict(given)

    def on_opcode(frame: FrameType, event: str, arg: Any) -> Any:
        frame.f_trace_opcodes = True
        for name, value in frame.f_locals.items():
            if isinstance(value, Plain) and last.get(name) is not value:
                last[name] = value
                seen.setdefault(name, []).append(value)
        return on_opcode

    function = define(cell, PlainLanguage())

    def on_call(frame: FrameType, event: str, arg: Any) -> Any:
        if frame.f_code is not function.__code__:
            return None
        frame.f_trace = on_opcode
        frame.f_trace_opcodes = True
        return on_opcode

    earlier = sys.gettrace()
    sys.settrace(on_call)
    try:
        returned = function(given["x"], given["h"], given["c"], dt=given["dt"])
    finally:
        sys.settrace(earlier)
    return seen, returned


def close(got: list[float], expected: list[float]) -> bool:
    size = max(len(got), len(expected))
    pairs = zip(got * (size // len(got)), expected * (size // len(expected)), strict=True)
    return all(math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9) for a, b in pairs)


@settings(max_examples=150)
@given(cells())
def test_programs_compute_what_the_text_does_and_name_every_value(cell: Cell) -> None:
    program = cv.cell(define(cell, cv)).program
    nodes = evaluate(program, GIVEN)
    seen, returned = run_plainly(cell)
    for output, expected in zip(program.outputs, returned, strict=True):
        assert close(nodes[output.args[0]], expected.units), f"{output.name} of\n{cell.text}{program}"
    for variable in cell.assigned:
        values = seen[variable]
        assert close(nodes[program.names[variable]], values[-1].units), f"{variable} of\n{cell.text}{program}"
        earlier = [nodes[n] for name, n in program.names.items() if name.startswith(f"{variable}@") and "." not in name]
        assert all(any(close(n, v.units) for n in [*earlier, nodes[program.names[variable]]]) for v in values[:-1])
        assert [n for n in program.names if n.startswith(f"{variable}@") and "." not in n] == [
            f"{variable}@{k}" for k in range(1, len(earlier) + 1)
        ]
    assert {n.partition("@")[0].partition(".")[0] for n in program.names} == {*cell.assigned, "h", "c"}


@settings(max_examples=100)
@given(cells())
def test_text_pickle_and_derivatives_of_any_cell(cell: Cell) -> None:
    made = cv.cell(define(cell, cv))
    program = made.program
    again = parse(program.text)
    assert again == program and hash(again) == hash(program) and again.hash == program.hash
    assert (dict(again.names), dict(again.calls), again.text) == (
        dict(program.names),
        dict(program.calls),
        program.text,
    )
    other = pickle.loads(pickle.dumps(made))
    assert other.program == program and dict(other.program.names) == dict(program.names) and other.name == made.name
    for derived in (differentiate(program), without_bias(program)):
        derived.verify()
        assert parse(derived.text) == derived
    assert made.latex().startswith("\\begin{align*}")
    assert sum(1 for _ in program.widths) <= len(SIZES)


@settings(max_examples=50)
@given(cells())
def test_other_variables_make_the_same_structure(cell: Cell) -> None:
    """Names stand beside the program; but for the labels of computed operands, which name parameters."""
    text = cell.text
    for name in ("twin", "other", "gate"):
        text = text.replace(name, f"{name}_renamed")
    one, two = cv.cell(define(cell, cv)).program, cv.cell(define(Cell(text, []), cv)).program
    assert [(n.op, n.args, n.type) for n in one.nodes] == [(n.op, n.args, n.type) for n in two.nodes]
    if not {"twin", "other", "gate"} & {getattr(p, "operand", "") for p in one.params}:
        biases = {o for p in one.params for o in getattr(p, "operands", ())}
        assert bool({"twin", "other", "gate"} & biases) or (one == two and one.hash == two.hash)
