"""Transforms that add dropout, zoneout and gradient clipping to a program.

Masks are auxiliary inputs, drawn by the caller, so that every backend runs the same program on the same masks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from conveyor.ir.program import Builder, Program
from conveyor.ir.types import Input


def dropout_key(state: str) -> str:
    """Return the name of the auxiliary input that multiplies a state on its recurrent connections."""
    return f"dropout.{state}"


def zoneout_key(state: str) -> str:
    """Return the name of the auxiliary input that is nonzero where a state keeps its value."""
    return f"zoneout.{state}"


def recurrent_states(program: Program) -> tuple[str, ...]:
    """Return the states with recurrent connections: learned matrices or weights that multiply the old state."""
    found = {s for n in range(len(program.nodes)) if (s := _connected(program, n)) is not None}
    return tuple(s.name for s in program.states if s.name in found)


def _connected(program: Program, n: int) -> str | None:
    """Return the state that a recurrent connection reads, if the node is one: R·h, R·(r ⊙ h), or p ⊙ c."""
    node = program.nodes[n]
    if node.op == "product":
        return _factor(program, node.args[0])
    if node.op == "mul" and any(program.nodes[a].op == "vector" for a in node.args):
        return next((s for a in node.args if (s := _state(program, a)) is not None), None)
    return None


def _state(program: Program, n: int) -> str | None:
    node = program.nodes[n]
    if node.op in ("clip_gradient", "detach"):
        return _state(program, node.args[0])
    return str(node.attr) if node.op == "input" and any(s.name == node.attr for s in program.states) else None


def _factor(program: Program, n: int) -> str | None:
    """Return the state that is a factor of an elementwise product; None if there is none."""
    if program.nodes[n].op != "mul":
        return _state(program, n)
    return next((s for a in program.nodes[n].args if (s := _factor(program, a)) is not None), None)


def with_recurrent_masks(program: Program) -> Program:
    """Add an auxiliary input for each state that multiplies it on its recurrent connections."""
    states = recurrent_states(program)
    masks = tuple(Input("aux", dropout_key(s.name), s.width) for s in program.states if s.name in states)
    builder = Builder((*program.inputs, *masks), program.params)
    moved: dict[int, int] = {}
    for index, node in enumerate(program.nodes):
        args = [moved[a] for a in node.args]
        state = _connected(program, index)
        if state is not None:
            # No gradient is asked for: without the detach, one would be made for the mask.
            mask = builder.add("detach", (builder.add("input", attr=dropout_key(state)),))
            k = next(k for k, a in enumerate(node.args) if _factor(program, a) == state)
            args[k] = builder.add("mul", (args[k], mask))
        moved[index] = builder.add(node.op, tuple(args), node.attr)
    return _moved(program, builder, moved, {})


def with_zoneout(program: Program, states: tuple[str, ...]) -> Program:
    """Add an auxiliary input per state: where it is nonzero, the state keeps its value.

    Krueger et al. 2017, "Zoneout: Regularizing RNNs by Randomly Preserving Hidden Activations", sec. 3.1.
    """
    masks = tuple(Input("aux", zoneout_key(s.name), s.width) for s in program.states if s.name in states)
    builder, moved = _copy(program, masks)
    later = {}
    for out in program.outputs:
        if out.name in states:
            mask, zero = builder.add("input", attr=zoneout_key(out.name)), builder.add("const", attr=0.0)
            before, new = builder.add("input", attr=out.name), moved[out.args[0]]
            later[out.name] = builder.add("where", (builder.add("ne", (mask, zero)), before, new))
    return _moved(program, builder, moved, later)


def with_expected_zoneout(program: Program, rates: Mapping[str, float]) -> Program:
    """Replace new states by the expectation of zoneout: rate ⊙ the old state + (1 − rate) ⊙ the new one."""
    builder, moved = _copy(program, ())
    later = {}
    for out in program.outputs:
        if rates.get(out.name):
            rate, rest = (builder.add("const", attr=float(r)) for r in (rates[out.name], 1.0 - rates[out.name]))
            kept = builder.add("mul", (rate, builder.add("input", attr=out.name)))
            later[out.name] = builder.add("add", (kept, builder.add("mul", (rest, moved[out.args[0]]))))
    return _moved(program, builder, moved, later)


def with_clipped_gradients(program: Program, limits: Mapping[str, float]) -> Program:
    """Clip the gradient that the step passes back to each of these states, elementwise."""
    builder = Builder(program.inputs, program.params)
    moved: dict[int, int] = {}
    for index, node in enumerate(program.nodes):
        moved[index] = builder.add(node.op, tuple(moved[a] for a in node.args), node.attr)
        if node.op == "input" and node.attr in limits:
            limit = float(limits[node.attr])
            moved[index] = builder.add("clip_gradient", (moved[index],), (-limit, limit))
    return _moved(program, builder, moved, {})


def _copy(program: Program, inputs: tuple[Input, ...]) -> tuple[Builder, dict[int, int]]:
    builder = Builder((*program.inputs, *inputs), program.params)
    moved: dict[int, int] = {}
    for index, node in enumerate(program.nodes):
        moved[index] = builder.add(node.op, tuple(moved[a] for a in node.args), node.attr)
    return builder, moved


def _moved(program: Program, builder: Builder, moved: Mapping[int, int], later: Mapping[str, int]) -> Program:
    """Finish the program of a builder; `later` maps states to their replaced new values."""
    names = {name: moved[n] for name, n in program.names.items()}
    for out in program.outputs:
        if out.name in later and names.get(out.name) == moved[out.args[0]]:
            count = 1 + sum(name.startswith(f"{out.name}@") for name in names)
            names |= {f"{out.name}@{count}": names[out.name], out.name: later[out.name]}
    return Program(
        builder.inputs,
        builder.params,
        tuple(builder.nodes),
        tuple(replace(o, args=(later.get(o.name, moved[o.args[0]]),)) for o in program.outputs),
        names,
        {moved[n]: replace(c, operand=moved[c.operand]) for n, c in program.calls.items()},
    )
