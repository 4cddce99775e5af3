"""Emission of any program as ONNX's `Scan`, or as one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conveyor.interop.onnx.exporter.emit import Emitter
from conveyor.interop.onnx.exporter.graph import Graph, Shape
from conveyor.views.equations import print_equations


@dataclass(frozen=True)
class Steps:
    """The layout of a sequence in the graph.

    Attributes:
        batch: The name of the number of rows, (1,).
        lengths: The name of each row's length, (B,), or None if all rows have T steps.
        valid: The name of the mask of steps before the row's end, (T, B, 1), or None likewise.
    """

    batch: str
    lengths: str | None = None
    valid: str | None = None


def emit_step(g: Graph, emitter: Emitter, states: Sequence[str]) -> list[str]:
    """Emit one step; returns the names of the new states, (B, width) each, from those of the old ones."""
    emitter.given |= {s.name: name for s, name in zip(emitter.program.states, states, strict=True)}
    for index in emitter.program.live():
        emitter.emit(g, index)
    return _new_states(g, emitter, states)


def emit_scan(
    g: Graph, emitter: Emitter, states: Sequence[str], steps: Steps, timed: Mapping[str, bool], backwards: bool
) -> tuple[str, list[str]]:
    """Emit all steps as a `Scan`.

    Args:
        g: The graph.
        emitter: The program with its inputs except the states, (T, B, width) each.
        states: The initial states, (B, width) each.
        steps: The sequence.
        timed: Whether an input that the program reads differs from step to step.
        backwards: Whether time runs from the last step to the first.

    Returns:
        The output, (T, B, width), and the final states. Past a row's end the output is zero and the state is held.
    """
    program, nodes = emitter.program, emitter.program.nodes
    # A row's own end is its first step backwards.
    turned = backwards and steps.lengths is not None
    if turned:
        assert steps.lengths is not None
        emitter.given = {n: _turn(g, v, steps.lengths) if timed[n] else v for n, v in emitter.given.items()}
    varies: set[int] = set()
    for index in emitter.plan.hoisted:
        emitter.emit(g, index)
        node = nodes[index]
        if any(a in varies for a in node.args) or (node.op == "input" and timed[node.attr]):
            varies.add(index)
    results = [out.args[0] for out in program.outputs]
    read = {a for index in emitter.plan.stepped for a in nodes[index].args} | set(results)
    body = g.body()
    old = []
    for state, width in zip(program.states, (emitter.widths[s.width] for s in program.states), strict=True):
        old.append(body.give(body.unique(f"{state.name}_old"), g.dtype, [None, width]))
    emitter.given |= {s.name: name for s, name in zip(program.states, old, strict=True)}
    scanned = []
    for index in sorted(varies & read):
        scanned.append(emitter.names[index])
        kind = bool if nodes[index].type.boolean else g.dtype
        shape: Shape = [None, emitter.widths[nodes[index].type.width]]
        emitter.names[index] = body.give(body.unique("at_step"), kind, shape)
    now = None
    if steps.valid is not None:
        scanned.append(steps.valid)
        now = body.give(body.unique("valid"), bool, [None, 1])
    if not scanned:
        # A Scan counts its steps by what it scans, even if the equations read none of it.
        scanned.append(emitter.given["x"])
        body.give(body.unique("unread"), g.dtype, [None, emitter.widths["I"]])
    for index in emitter.plan.stepped:
        emitter.emit(body, index)
    new = _new_states(body, emitter, old)
    if now is not None:
        new = [body.add("Where", now, n, o) for n, o in zip(new, old, strict=True)]
    widths = [emitter.widths[s.width] for s in program.states]
    for name, width in zip([*new, new[0]], [*widths, widths[0]], strict=True):
        body.result(name, g.dtype, [None, width])
    direction = int(backwards and not turned)
    *final, y = g.add_many(
        "Scan",
        (*states, *scanned),
        len(states) + 1,
        "Scan",
        num_scan_inputs=len(scanned),
        scan_input_directions=[direction] * len(scanned),
        scan_output_directions=[direction],
        body=body.proto(g.unique("body")),
    )
    g.nodes[-1].doc_string = print_equations(program)
    if turned:
        assert steps.lengths is not None
        y = _turn(g, y, steps.lengths)
    if steps.valid is not None:
        y = g.add("Where", steps.valid, y, g.number(0.0))
    return y, final


def _turn(g: Graph, v: str, lengths: str) -> str:
    return g.add("ReverseSequence", v, lengths, time_axis=0, batch_axis=1)


def _new_states(g: Graph, emitter: Emitter, old: Sequence[str]) -> list[str]:
    """Return the new states broadcast to the rows of the old ones."""
    program = emitter.program
    rows: set[int] = set()
    for index in program.live():
        node = program.nodes[index]
        if node.op == "input" or any(a in rows for a in node.args):
            rows.add(index)
    names = []
    for out, before in zip(program.outputs, old, strict=True):
        name = emitter.names[out.args[0]]
        names.append(name if out.args[0] in rows else g.add("Expand", name, g.add("Shape", before)))
    return names
