"""Finds the gate of a program that keeps a state, from the equations alone.

A new state is written out as a sum of products. If the old state stands in it with the factor σ(a), the gate of a keeps
it; with the factor 1 − σ(a), the gate replaces it. Initialisations (forget bias, chrono) act on that gate's bias.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from conveyor.ir.program import Program
from conveyor.ir.types import Bias

_Term = tuple[float, tuple[int, ...]]  # coefficient, and the nodes that are multiplied
_MOST_TERMS = 64  # a polynomial may have exponentially many; with more than these, no gate is looked for


@dataclass(frozen=True)
class Gate:
    """A gate's parameter that shifts its pre-activation.

    Attributes:
        bias: (op, key) of that parameter.
        sign: +1 if opening the gate keeps the state, −1 if it replaces it.
    """

    bias: tuple[str, str]
    sign: int


@dataclass(frozen=True)
class KeepGate:
    """The gate that keeps a state, and the separate gate, if there is one, that lets new content in."""

    state: str
    keep: Gate
    admit: Gate | None


def keep_gates(program: Program) -> tuple[KeepGate, ...]:
    """Return the keep gate of every state that has one.

    A cell whose equations show none, but that calls a map "f", is taken to mean its forget gate by that.
    """
    found = [gate for out in program.outputs if (gate := _of_state(program, out.name, out.args[0]))]
    if not found:
        named = [p for p in program.params if isinstance(p, Bias) and p.name == "f"]
        found = [KeepGate(program.states[0].name, Gate(("bias", p.key), 1), None) for p in named[:1]]
    return tuple(found)


def keep_factor(program: Program, state: str) -> tuple[_Term, ...]:
    """Find the factor of the old state in the new one, as a sum of products of nodes; empty if there is none.

    A state with resets counts as the old one.
    """
    node = next(o.args[0] for o in program.outputs if o.name == state)
    old = {k for k, n in enumerate(program.nodes) if n.op == "input" and n.attr == state}
    old |= {k for k, n in enumerate(program.nodes) if n.op == "where" and n.args[2] in old}
    terms = list(islice(_expand(program, node), _MOST_TERMS + 1))
    if len(terms) > _MOST_TERMS or any(sum(f in old for f in nodes) > 1 for _, nodes in terms):
        return ()
    kept = (t for t in terms if not old.isdisjoint(t[1]))
    return tuple(sorted((sign, tuple(f for f in nodes if f not in old)) for sign, nodes in kept))


def _of_state(program: Program, state: str, node: int) -> KeepGate | None:
    terms = list(islice(_expand(program, node), _MOST_TERMS + 1))
    old = next((k for k, n in enumerate(program.nodes) if n.op == "input" and n.attr == state), None)
    if old is None or len(terms) > _MOST_TERMS:
        return None
    factor = sorted((sign, tuple(f for f in nodes if f != old)) for sign, nodes in terms if nodes.count(old) == 1)
    if len(factor) == 1 and factor[0][0] == 1.0 and len(factor[0][1]) == 1:
        gate, sign = factor[0][1][0], 1
    elif len(factor) == 2 and factor[1] == (1.0, ()) and factor[0][0] == -1.0 and len(factor[0][1]) == 1:
        gate, sign = factor[0][1][0], -1
    else:
        return None
    bias = _bias_of(program, gate)
    if bias is None:
        return None
    others = [f for _, nodes in terms if old not in nodes for f in nodes if f != gate]
    # A gate that shares the bias of the one that keeps (as in 1 − σ(s − β)) is not a separate one.
    admit = next((b for f in others if (b := _bias_of(program, f)) not in (None, bias)), None)
    return KeepGate(state, Gate(bias, sign), Gate(admit, 1) if admit else None)


def _expand(program: Program, index: int) -> Iterator[_Term]:
    """Expand a value into a sum of products."""
    node = program.nodes[index]
    if node.op == "const":
        yield float(node.attr), ()
    elif node.op in ("add", "sub"):
        yield from _expand(program, node.args[0])
        sign = 1.0 if node.op == "add" else -1.0
        yield from ((sign * c, f) for c, f in _expand(program, node.args[1]))
    elif node.op == "clip_gradient":
        yield from _expand(program, node.args[0])
    elif node.op == "neg":
        yield from ((-c, f) for c, f in _expand(program, node.args[0]))
    elif node.op == "mul":
        right = list(islice(_expand(program, node.args[1]), _MOST_TERMS + 1))
        yield from ((a * b, f + g) for a, f in _expand(program, node.args[0]) for b, g in right)
    else:
        yield 1.0, (index,)


def _bias_of(program: Program, gate: int) -> tuple[str, str] | None:
    """Return the parameter that is added to a sigmoid's pre-activation: a call's bias rather than a norm's."""
    if program.nodes[gate].op != "sigmoid":
        return None
    todo, found = [program.nodes[gate].args[0]], []
    while todo:
        node = program.nodes[todo.pop()]
        if node.op == "add":
            todo.extend(node.args)
        elif node.op in ("bias", "vector"):
            found.append((node.op, str(node.attr)))
    return min(found, default=None)
