"""Prints programs as text, for `print(cell.program)`, saving, exporting and caching.

The text is versioned and complete, with one item per line:

    conveyor-program 1
    input x I
    state h H
    matrix i x H I 1          name, operand, rows, columns, blocks
    bias i 0 H x,h            name, index, width, operands of its call
    vector p_i H              name, width, and its first value where that is fixed
    %0 = input x : I
    %4 = add %2 %3 : H        ; i.pre      the names of a value stand after a semicolon
    call %9 layer_norm f %4   %9 is the result of layer_norm("f", %4); for printing only
    return state h %12
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from conveyor.ir.types import Bias, Matrix

if TYPE_CHECKING:
    from conveyor.ir.program import Program

VERSION = 1
HEADER = "conveyor-program"


def print_structure(program: Program) -> str:
    """Print the structure alone: equal for programs of equal structure."""
    return "\n".join([*_declarations(program), *_nodes(program, {}), *_returns(program)]) + "\n"


def print_program(program: Program) -> str:
    """Print the complete text, with the names of values and the calls."""
    names: dict[int, list[str]] = defaultdict(list)
    for name, node in program.names.items():
        names[node].append(name)
    calls = [f"call %{n} {c.function} {c.name or '-'} %{c.operand}" for n, c in program.calls.items()]
    return "\n".join([*_declarations(program), *_nodes(program, names), *calls, *_returns(program)]) + "\n"


def _declarations(program: Program) -> list[str]:
    lines = [f"{HEADER} {VERSION}"]
    lines += [f"{i.role} {i.name} {i.width}" for i in program.inputs]
    for p in program.params:
        if isinstance(p, Matrix):
            lines.append(f"matrix {p.name} {p.operand} {p.rows} {p.cols} {p.blocks}")
        elif isinstance(p, Bias):
            lines.append(f"bias {p.name} {p.index} {p.width} {','.join(p.operands)}")
        else:
            lines.append(f"vector {p.name} {p.width}" + ("" if p.initial is None else f" {p.initial!r}"))
    return lines


def _nodes(program: Program, names: dict[int, list[str]]) -> list[str]:
    lines = []
    for index, node in enumerate(program.nodes):
        words = [node.op]
        if node.attr is not None:
            words.append(repr(node.attr).replace(" ", "") if not isinstance(node.attr, str) else node.attr)
        words += [f"%{a}" for a in node.args]
        line = f"%{index} = {' '.join(words)} : {node.type}"
        lines.append(f"{line:<44}; {', '.join(names[index])}" if names.get(index) else line)
    return lines


def _returns(program: Program) -> list[str]:
    return [f"return {o.role} {o.name} {' '.join(f'%{a}' for a in o.args)}" for o in program.outputs]
