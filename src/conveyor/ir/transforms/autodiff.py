"""Reverse-mode differentiation of a program: its backward step, in the same operations.

A backward program holds the forward nodes, followed by those of the gradient. It reads what the step read; for each
state the gradient of the loss with respect to its new value that later steps pass back, `grad.<state>`; and for the
output, which is the first state, the gradient that comes from outside, `grad_output.<state>`. It returns the gradients
of the step's inputs (that of every state, zero where none flows), and for each parameter the terms whose sum over time
and batch is the parameter's gradient.
"""

from __future__ import annotations

from typing import Any

from conveyor.errors import ProgramError
from conveyor.ir.ops import OPS
from conveyor.ir.program import Builder, Handle, Program
from conveyor.ir.types import ROW, Input, Output, Type

_ROLE = {"state": "grad_state", "input": "grad_input", "aux": "grad_aux"}


def differentiate(program: Program) -> Program:
    """Derive the backward program of a step.

    Raises:
        ProgramError: An operation that the outputs need has no derivative rule.
    """
    grads = [Input("grad", i.name, i.width) for i in program.states]
    grads.append(Input("grad_output", program.states[0].name, program.states[0].width))
    builder = Builder((*program.inputs, *grads), program.params, program.nodes)
    given: dict[int, list[Handle]] = {}
    results = [o.args[0] for o in program.outputs]
    for grad, result in zip(grads, [*results, results[0]], strict=True):
        given.setdefault(result, []).append(builder.operand(builder.add("input", (), grad.key)))
    outputs: list[Output] = []
    reads = {i.name: _ROLE[i.role] for i in program.inputs}
    for index in reversed(program.live()):
        terms = given.pop(index, None)
        node = program.nodes[index]
        if terms is None or node.type.boolean:
            continue
        g = terms[0]
        for term in terms[1:]:
            g = g + term
        g = _fit(g, node.type)
        if node.op == "input":
            outputs.append(Output(reads[node.attr], node.attr, (g.node,)))
        elif node.op in ("bias", "vector"):
            outputs.append(Output(f"grad_{node.op}", node.attr, (g.node,)))
        elif node.op == "product":
            outputs.append(Output("grad_matrix", node.attr, (g.node, node.args[0])))
        for arg, term in zip(node.args, _derive(builder, index, g), strict=True):
            if term is not None:
                given.setdefault(arg, []).append(_fit(term, program.nodes[arg].type))
    found = {o.name for o in outputs if o.role == "grad_state"}
    for state in program.states:
        if state.name not in found:
            zero = builder.operand(builder.add("const", attr=0.0))
            outputs.append(Output("grad_state", state.name, (_fit(zero, Type(state.width)).node,)))
    backward = Program(builder.inputs, builder.params, tuple(builder.nodes), tuple(outputs))
    backward.verify()
    return backward


def _derive(builder: Builder, index: int, g: Handle) -> tuple[Any, ...]:
    node = builder.nodes[index]
    rule = OPS[node.op].derivative
    if rule is None:
        raise ProgramError(f"%{index}: {node.op} has no derivative rule; cv.detach stops the gradient before it")
    y, args = builder.operand(index), [builder.operand(a) for a in node.args]
    return rule(g, y, *args, attr=node.attr)


def _fit(g: Handle, kind: Type) -> Handle:
    """Sum or broadcast the gradient `g` to a type: an implicit broadcast forward is a sum backward, and the reverse."""
    if g.type.width == kind.width:
        return g
    if kind.width == ROW:
        return g.apply("sum", (g,))
    return g.apply("broadcast", (g,), kind.width)
