"""Programs made from programs."""

from __future__ import annotations

from dataclasses import replace

from conveyor.program import Bias, Builder, Program


def without_bias(program: Program) -> Program:
    """The same step with every bias of an affine map left out."""
    gone = {k for k, n in enumerate(program.nodes) if n.op == "bias"}
    builder = Builder(program.inputs, (p for p in program.params if not isinstance(p, Bias)))
    moved: dict[int, int] = {}
    lines: list[int | None] = []
    for index, node in enumerate(program.nodes):
        if index in gone:
            continue
        if node.op == "add" and gone.intersection(node.args):
            # affine adds its bias last, so leaving out the bias leaves the other operand
            moved[index] = moved[next(a for a in node.args if a not in gone)]
            continue
        moved[index] = builder.add(node.op, tuple(moved[a] for a in node.args), node.attr)
        if len(builder.nodes) > len(lines):
            lines.append(program.lines[index])
    return Program(
        builder.inputs,
        builder.params,
        tuple(builder.nodes),
        tuple(replace(o, args=tuple(moved[a] for a in o.args)) for o in program.outputs),
        {name: moved[n] for name, n in program.names.items() if n in moved},
        {moved[n]: replace(c, operand=moved[c.operand]) for n, c in program.calls.items()},
        tuple(lines),
    )
