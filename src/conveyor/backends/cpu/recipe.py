"""What a program needs of the time loop, forward and backward: worked out once, then only executed.

Forward, products that no state reaches are hoisted: made for all steps at once. The loop computes the rest, and
for training keeps the values that the gradient reads. Backward, the loop computes what the gradients of states need,
from the last step to the first; what else the gradients need (of the input, of the parameters) is computed for all
steps at once afterwards, from values that the loop leaves behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from conveyor.autodiff import differentiate
from conveyor.backends.cpu.schedule import Schedule, schedule
from conveyor.plan import Plan, plan
from conveyor.program import Matrix, Output, Program


@dataclass(frozen=True, eq=False)
class Forward:
    """The forward pass.

    Attributes:
        plan: Of the program.
        given: Hoisted nodes that the loop reads.
        saved: Nodes that the loop keeps for the backward pass; none for inference.
        loop: The loop, which stores the states under `state <name>` and what is saved under `save <node>`.
    """

    plan: Plan
    given: tuple[int, ...]
    saved: tuple[int, ...]
    loop: Schedule


@dataclass(frozen=True, eq=False)
class Backward:
    """The backward pass.

    Attributes:
        plan: Of the backward program.
        given: Hoisted nodes that the loop reads.
        saved: Nodes that the forward pass kept.
        left: Nodes that the loop leaves behind for all steps, in the order of their columns.
        loop: The loop, which stores the gradients of the states under `grad <name>` and the others under `left <node>`.
        after: Nodes computed for all steps after the loop, in order.
        hoisted: Nodes that are computed before it, for the loop and for what comes after.
    """

    plan: Plan
    given: tuple[int, ...]
    saved: tuple[int, ...]
    left: tuple[int, ...]
    loop: Schedule
    after: tuple[int, ...]
    hoisted: tuple[int, ...]

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What the backward program returns."""
        return self.plan.program.outputs


_INLINE = ("const", "width")  # the loop makes these itself


@lru_cache(maxsize=256)
def forward_recipe(program: Program, training: bool) -> Forward:
    """Work out the forward pass."""
    planned = plan(program)
    saved = backward_recipe(program).saved if training else ()
    wanted = [(f"state {o.name}", o.args[0]) for o in program.outputs] + [(f"save {n}", n) for n in saved]
    stored = {n for _, n in wanted}
    stepped = set(planned.stepped)
    read = {a for n in planned.stepped for a in program.nodes[n].args} | stored
    given = tuple(n for n in sorted(read) if n not in stepped and program.nodes[n].op not in _INLINE)
    states = tuple(n for n in planned.stepped if program.nodes[n].op == "input")
    return Forward(planned, given, saved, schedule(program, (*given, *states), wanted))


@lru_cache(maxsize=256)
def backward_recipe(program: Program) -> Backward:
    """Work out the backward pass."""
    derived = differentiate(program)
    planned = plan(derived)
    nodes = derived.nodes
    own = len(program.nodes)  # nodes from here on are the gradient's
    stepped = set(planned.stepped)
    read = {a for n in planned.stepped if n >= own for a in nodes[n].args}
    read |= {a for o in derived.outputs for a in o.args}
    saved = tuple(n for n in sorted(read) if n in stepped and n < own and nodes[n].op != "input")
    inputs = {n for n in planned.stepped if nodes[n].op == "input"}
    states = {i.name for i in program.states}
    known = {*saved, *(n for n in inputs if nodes[n].attr in states)}
    grads = [(f"grad {o.name}", o.args[0]) for o in derived.outputs if o.role == "grad_state"]
    loop_nodes = _closure(derived, [n for _, n in grads], known, stepped)
    rest = [n for o in derived.outputs if o.role != "grad_state" for n in o.args]
    after = _closure(derived, rest, known | loop_nodes | inputs, stepped)
    leaves = {a for n in after for a in nodes[n].args} | set(rest)
    left = _in_columns(derived, [n for n in sorted(leaves) if n not in known and n in loop_nodes | inputs])
    wanted = [*grads, *((f"left {n}", n) for n in left)]
    touched = {a for n in loop_nodes for a in nodes[n].args} | {n for _, n in wanted}
    given = tuple(n for n in sorted(touched) if n not in stepped and nodes[n].op not in _INLINE)
    loop = schedule(derived, {*given, *known, *inputs}, wanted)
    free = set(planned.hoisted)
    wanted_free = {*given, *leaves} & free
    hoisted = derived.live(wanted_free)
    return Backward(planned, given, saved, left, loop, tuple(sorted(after)), hoisted)


def _closure(program: Program, roots: list[int], known: set[int], stepped: set[int]) -> set[int]:
    """The stepped nodes that the roots need and that are not known."""
    todo, seen = list(roots), set()
    while todo:
        n = todo.pop()
        if n not in seen and n not in known and n in stepped:
            seen.add(n)
            todo.extend(program.nodes[n].args)
    return seen


def _in_columns(program: Program, left: list[int]) -> tuple[int, ...]:
    """The order in which values lie side by side.

    It is that of the matrices whose gradient they make, so that matrices with one operand have one product.
    """
    order = {p.key: k for k, p in enumerate(program.params) if isinstance(p, Matrix)}
    place = {o.args[0]: order[o.name] for o in reversed(program.outputs) if o.role == "grad_matrix"}
    return tuple(sorted(left, key=lambda n: (place.get(n, len(order)), n)))
