"""The executable definition of a well-formed program."""

from __future__ import annotations

from collections import Counter

from conveyor.errors import ProgramError
from conveyor.program import Bias, Matrix, Program, infer, op_of


def verify(program: Program) -> None:
    """Raise `ProgramError`, with the line of the equation where it is known, at the first rule that is broken."""
    keys = Counter((op_of(p), p.key) for p in program.params)
    _unique([k for (_, k), n in keys.items() if n > 1], "parameter")
    _unique([k for k, n in Counter(i.key for i in program.inputs).items() if n > 1], "input")
    _verify_params(program)
    inputs = {i.key: i for i in program.inputs}
    for index, node in enumerate(program.nodes):
        try:
            if any(not 0 <= a < index for a in node.args):
                raise ProgramError(f"{node.op} reads a value that is not computed before it")
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


def _unique(twice: list[str], what: str) -> None:
    if twice:
        raise ProgramError(f"{what} '{twice[0]}' is declared twice")


def _verify_params(program: Program) -> None:
    for p in program.params:
        if isinstance(p, Matrix) and p.blocks < 1:
            raise ProgramError(f"matrix '{p.key}' has {p.blocks} blocks; expected 1 or more")
        if isinstance(p, Bias) and not p.operands:
            raise ProgramError(f"bias '{p.key}' belongs to no operand")


def _verify_outputs(program: Program) -> None:
    count = len(program.nodes)
    for out in program.outputs:
        if any(not 0 <= a < count for a in out.args):
            raise ProgramError(f"output {out.role} {out.name} refers to a value that does not exist")
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
