"""The executable definition of a well-formed program."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from conveyor.errors import ProgramError
from conveyor.ir.ops import OPS
from conveyor.ir.types import ROW, Bias, Matrix, Node, infer, op_of

if TYPE_CHECKING:
    from conveyor.ir.program import Program

# What a program can return, and of how many values each is made.
_RESULTS = {
    "state": 1,
    "grad_state": 1,
    "grad_input": 1,
    "grad_aux": 1,
    "grad_bias": 1,
    "grad_vector": 1,
    "grad_matrix": 2,
}


def verify(program: Program) -> None:
    """Raise `ProgramError`, with the line of the equation where it is known, at the first rule that is broken."""
    keys = Counter((op_of(p), p.key) for p in program.params)
    _unique([k for (_, k), n in keys.items() if n > 1], "parameter")
    _unique([k for k, n in Counter(i.key for i in program.inputs).items() if n > 1], "input")
    _verify_inputs(program)
    _verify_params(program)
    if len(program.lines) != len(program.nodes):
        raise ProgramError(f"the program has {len(program.nodes)} values, but lines for {len(program.lines)}")
    inputs = {i.key: i for i in program.inputs}
    for index, node in enumerate(program.nodes):
        try:
            if any(not 0 <= a < index for a in node.args):
                raise ProgramError(f"{node.op} reads a value that is not computed before it")
            _verify_attr(node, program)
            got = infer(node.op, tuple(program.nodes[a].type for a in node.args), node.attr, inputs, program.param)
            if got != node.type:
                raise ProgramError(f"{node.op} is declared {node.type}, but its operands make it {got}")
        except ProgramError as error:
            line = program.lines[index]
            where = f"%{index}" if line is None else f"%{index}, line {line} of the cell"
            raise ProgramError(f"{where}: {error}") from None
    _verify_outputs(program)
    for name, index in program.names.items():
        if not 0 <= index < len(program.nodes):
            raise ProgramError(f"name '{name}' refers to value %{index}, of {len(program.nodes)}")
    for index, called in program.calls.items():
        if not (0 <= called.operand < len(program.nodes) and 0 <= index < len(program.nodes)):
            raise ProgramError(f"call %{index} of {called.function} refers to a value that does not exist")


def _unique(twice: list[str], what: str) -> None:
    if twice:
        raise ProgramError(f"{what} '{twice[0]}' is declared twice")


def _verify_inputs(program: Program) -> None:
    if not program.states:
        raise ProgramError("the program reads no state")
    given = [i.name for i in program.of_role("input")]
    if given != ["x"]:
        raise ProgramError(f"a program reads one input, x; this one reads {', '.join(given) or 'none'}")


def _verify_attr(node: Node, program: Program) -> None:
    attr = node.attr
    if node.op == "const":
        good = isinstance(attr, float)
    elif node.op in ("clip", "clip_gradient"):
        good = isinstance(attr, tuple) and [type(a) for a in attr] == [float, float] and attr[0] <= attr[1]
        good = good and (node.op == "clip" or attr[0] == -attr[1])
    elif node.op in ("width", "broadcast"):
        good = isinstance(attr, str) and (attr == ROW or attr in program.widths)
    elif node.op not in OPS or OPS[node.op].result in ("source", "product"):
        good = True  # unknown, or names what it reads: `infer` says so
    else:
        good = attr is None
    if not good:
        raise ProgramError(f"{node.op} has an attribute that it can't have: {attr!r}")


def _verify_params(program: Program) -> None:
    for p in program.params:
        if isinstance(p, Matrix) and p.blocks < 1:
            raise ProgramError(f"matrix '{p.key}' has {p.blocks} blocks; expected 1 or more")
        if isinstance(p, Bias) and not p.operands:
            raise ProgramError(f"bias '{p.key}' belongs to no operand")
        if isinstance(p, Bias) and p.index < 0:
            raise ProgramError(f"bias '{p.key}' has the index {p.index}; expected 0 or more")


def _verify_outputs(program: Program) -> None:
    count = len(program.nodes)
    for out in program.outputs:
        if any(not 0 <= a < count for a in out.args):
            raise ProgramError(f"output {out.role} {out.name} refers to a value that does not exist")
        if out.role not in _RESULTS:
            raise ProgramError(f"output {out.role} {out.name}: expected one of {', '.join(_RESULTS)}")
        wants = _RESULTS[out.role]
        if len(out.args) != wants:
            raise ProgramError(f"output {out.role} {out.name} is made of {wants} values, got {len(out.args)}")
    states = [i.name for i in program.states]
    returned = [o.name for o in program.outputs if o.role == "state"]
    if returned and returned != states:
        raise ProgramError(f"the states are {', '.join(states)}, but the program returns {', '.join(returned)}")
    widths = {i.name: i.width for i in program.states}
    for out in program.outputs:
        if out.role == "state":
            kind = program.nodes[out.args[0]].type
            if kind.boolean or kind.width != widths[out.name]:
                raise ProgramError(f"state {out.name} has width {widths[out.name]}, but {kind} is returned for it")
