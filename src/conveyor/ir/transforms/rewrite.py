"""Transforms that add resets, masks and probes to a program, or remove its biases."""

from __future__ import annotations

from dataclasses import replace

from conveyor.ir.program import Builder, Program
from conveyor.ir.types import ROW, Bias, Input, Vector

RESET = "reset"  # the auxiliary input that `with_reset` adds
PAST_END = "past.end"  # that `with_mask_past_end` adds: no cell's own can have a dot


def initial_key(state: str) -> str:
    """Return the key of the parameter that holds a state's learned initial value."""
    return f"initial.{state}"


def with_reset(program: Program, learned: bool) -> Program:
    """Add an auxiliary input that resets rows: where it is nonzero, the old states are the initial ones.

    Args:
        program: A forward program.
        learned: Whether the initial values are parameters, `initial.<state>`; otherwise they are zero.
    """
    initial = tuple(Vector(initial_key(s.name), s.width) for s in program.states) if learned else ()
    builder = Builder((*program.inputs, Input("aux", RESET, ROW)), (*program.params, *initial))
    states = {s.name for s in program.states}
    condition = builder.add("ne", (builder.add("input", attr=RESET), builder.add("const", attr=0.0)))
    moved: dict[int, int] = {}
    for index, node in enumerate(program.nodes):
        moved[index] = builder.add(node.op, tuple(moved[a] for a in node.args), node.attr)
        if node.op == "input" and node.attr in states:
            key = initial_key(node.attr)
            start = builder.add("vector", attr=key) if learned else builder.add("const", attr=0.0)
            moved[index] = builder.add("where", (condition, start, moved[index]))
    return Program(
        builder.inputs,
        builder.params,
        tuple(builder.nodes),
        tuple(replace(o, args=tuple(moved[a] for a in o.args)) for o in program.outputs),
        {name: moved[n] for name, n in program.names.items()},
        {moved[n]: replace(c, operand=moved[c.operand]) for n, c in program.calls.items()},
    )


def with_mask_past_end(program: Program) -> Program:
    """Add the auxiliary input `PAST_END`: where it is nonzero, states keep their values."""
    builder = Builder((*program.inputs, Input("aux", PAST_END, ROW)), program.params, program.nodes)
    condition = builder.add("ne", (builder.add("input", attr=PAST_END), builder.add("const", attr=0.0)))
    outputs = []
    for o in program.outputs:
        before = builder.add("input", attr=o.name)
        outputs.append(replace(o, args=(builder.add("where", (condition, before, o.args[0])),)))
    return Program(
        builder.inputs, builder.params, tuple(builder.nodes), tuple(outputs), dict(program.names), dict(program.calls)
    )


def probe_key(state: str) -> str:
    """Return the name of the auxiliary input that `with_probes` adds to a state."""
    return f"probe.{state}"


def with_probes(program: Program) -> Program:
    """Add an auxiliary input per state that is added to its new value, wherever that is read.

    Probes of zero change no value; a probe's gradient is the total derivative with respect to its state at its step.
    """
    probes = tuple(Input("aux", probe_key(s.name), s.width) for s in program.states)
    builder = Builder((*program.inputs, *probes), program.params)
    moved: dict[int, int] = {}
    added: dict[str, int] = {}
    width = {s.name: s.width for s in program.states}
    for index, node in enumerate(program.nodes):
        moved[index] = plain = builder.add(node.op, tuple(moved[a] for a in node.args), node.attr)
        for out in program.outputs:
            if out.args[0] == index:
                added[out.name] = builder.add("add", (plain, builder.add("input", attr=probe_key(out.name))))
                # What a step is given stays what it was: only the state that it hands on gets the probe.
                if node.op != "input" and moved[index] == plain and node.type.width == width[out.name]:
                    moved[index] = added[out.name]
    return Program(
        builder.inputs,
        builder.params,
        tuple(builder.nodes),
        tuple(replace(o, args=(added[o.name],)) for o in program.outputs),
        {name: moved[n] for name, n in program.names.items()},
        {moved[n]: replace(c, operand=moved[c.operand]) for n, c in program.calls.items()},
    )


def without_bias(program: Program) -> Program:
    """Remove every bias of an affine map."""
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
