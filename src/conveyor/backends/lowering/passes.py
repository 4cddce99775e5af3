"""The lowered forward and backward pass of a program: computed once, then only executed.

A pass goes over the sequence in chunks of steps. For each chunk:

    before   values that no state reaches (products of the input) are computed for all its steps at once;
    loop     step by step, values that depend on the step before;
    after    values that depend only on the loop (the input's gradient) are computed for all its steps at once;
    sums     the parameters' gradients are summed over time and batch.

The forward pass saves the values that the gradient reads, except those that are cheaper to recompute.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from conveyor.backends.lowering import array_names, gemm_fusion
from conveyor.backends.lowering.schedule import Schedule, schedule
from conveyor.ir.ops import OPS
from conveyor.ir.program import Program
from conveyor.ir.transforms.autodiff import differentiate
from conveyor.ir.transforms.plan import plan


@dataclass(frozen=True, eq=False)
class Outer:
    """The gradient of a matrix: the sum over all rows of the outer products of two nodes."""

    gradient: int
    operand: int
    key: str


@dataclass(frozen=True, eq=False)
class Sum:
    """The gradient of a bias or vector: the sum over all rows of a node."""

    node: int
    op: str
    key: str


@dataclass(frozen=True, eq=False)
class LoweredPass:
    """A lowered pass over a sequence.

    Attributes:
        name: A unique name.
        program: The program whose nodes are computed.
        before: Work ahead of the loop.
        loop: The loop. It stores the states under `state <name>` or the gradients of states under `grad <name>`.
        after: Work behind it, which stores under `d <name>` the gradients of the input and the auxiliary inputs.
        saved: Nodes that a forward pass saves for its backward pass, in the order of their columns.
        kept: Nodes whose values a forward pass returns to its caller.
        left: Nodes that the loop stores for the work after it, in the order of their columns.
        outers: Gradients of matrices.
        sums: Gradients of biases and vectors.
    """

    name: str
    program: Program
    before: Schedule
    loop: Schedule
    after: Schedule
    saved: tuple[int, ...]
    kept: tuple[int, ...]
    left: tuple[int, ...] = ()
    outers: tuple[Outer, ...] = ()
    sums: tuple[Sum, ...] = ()

    @property
    def schedules(self) -> tuple[tuple[str, Schedule], ...]:
        """The three schedules by name: `before`, `loop` and `after`."""
        return ("before", self.before), ("loop", self.loop), ("after", self.after)


_INLINE = ("const", "width")  # compiled code makes these itself


@lru_cache(maxsize=256)
def lower_forward(program: Program, training: bool, keep: tuple[int, ...] = ()) -> LoweredPass:
    """Lower the forward pass; `keep` names nodes whose values at each time step are recorded."""
    planned = plan(program, keep)
    nodes = program.nodes
    saved = lower_backward(program, True).saved if training else ()
    wanted = [(f"state {o.name}", o.args[0]) for o in program.outputs]
    wanted += [(array_names.node(n), n) for n in saved] + [(f"keep {n}", n) for n in keep]
    stepped = set(planned.stepped)
    needed = _closure(program, [n for _, n in wanted], set(), stepped)
    read = {a for n in needed for a in nodes[n].args} | {n for _, n in wanted}
    given = {n for n in read if n not in stepped and nodes[n].op not in _INLINE}
    given |= {n for n in planned.stepped if nodes[n].op == "input"}
    before = _before(program, planned.hoisted, given)
    loop = schedule(program, given, wanted)
    name = f"{program.hash} forward {training} {keep}"
    return LoweredPass(name, program, before, loop, schedule(program, (), ()), saved, keep)


@lru_cache(maxsize=256)
def lower_backward(program: Program, wants_x: bool) -> LoweredPass:
    """Lower the backward pass; `wants_x` says whether the input's gradient is computed."""
    derived = differentiate(program)
    planned = plan(derived)
    nodes = derived.nodes
    stepped = set(planned.stepped)
    saved = _saved(program, derived, stepped)
    inputs = {n for n in planned.stepped if nodes[n].op == "input"}
    carried = {n for n in inputs if str(nodes[n].attr).startswith("grad.")}
    known = {*saved, *(inputs - carried)}
    grads = [(f"grad {o.name}", o.args[0]) for o in derived.outputs if o.role == "grad_state"]
    loop_nodes = _closure(derived, [n for _, n in grads], known, stepped)

    skipped = () if wants_x else ("grad_input",)
    outputs = [o for o in derived.outputs if o.role != "grad_state" and o.role not in skipped]
    asked = [(f"d {o.name}", o.args[0]) for o in outputs if o.role in ("grad_input", "grad_aux")]
    outers = tuple(Outer(o.args[0], o.args[1], o.name) for o in outputs if o.role == "grad_matrix")
    sums = tuple(
        Sum(o.args[0], o.role.removeprefix("grad_"), o.name) for o in outputs if o.role in ("grad_bias", "grad_vector")
    )
    summed = [n for o in outers for n in (o.gradient, o.operand)] + [s.node for s in sums]
    rest = [*(n for _, n in asked), *summed]
    later = _closure(derived, rest, known | loop_nodes | inputs, stepped)
    leaves = {a for n in later for a in nodes[n].args} | set(rest)
    # Numbers that stand in the program have no place in memory to be summed from.
    inline = {n for n in summed if nodes[n].op in _INLINE}
    left = [n for n in sorted(leaves) if n not in known and n in loop_nodes | inputs]

    def beside(n: int) -> bool:
        return n in left

    fixed = [n for _, n in grads]
    loop_joins = gemm_fusion.find(derived, loop_nodes, [*left, *fixed], beside)
    later_joins = gemm_fusion.find(derived, later, rest, beside)
    rank = {p.key: k for k, p in enumerate(derived.params)}
    groups = [
        # In the order in which the matrices stand in the layer's tensors.
        [nodes[p].args[0] for p in sorted(j.products, key=lambda p: rank[nodes[p].attr])]
        for j in (*loop_joins, *later_joins)
    ]
    order = gemm_fusion.side_by_side(groups, left)

    loop_read = {a for n in loop_nodes for a in nodes[n].args} | {*fixed, *left}
    later_read = {a for n in later for a in nodes[n].args} | {n for n in rest if n not in later}
    given = {n for n in loop_read | later_read if n not in stepped and nodes[n].op not in _INLINE}
    before = _before(derived, planned.hoisted, given)
    # Those left behind come first: a joined product reads them where they lie side by side.
    wanted = [*((array_names.node(n), n) for n in order), *grads]
    rewritten = gemm_fusion.rewrite(derived, loop_joins, order)
    loop = schedule(derived, {*given, *known, *inputs}, wanted, nodes=rewritten, carried=carried)
    after = schedule(
        derived,
        {*given, *known, *order},
        asked,
        nodes=gemm_fusion.rewrite(derived, later_joins, order),
        name=array_names.node,
        keep=dict.fromkeys(n for n in summed if n in later or n in inline),
    )
    name = f"{program.hash} backward {wants_x}"
    return LoweredPass(name, derived, before, loop, after, saved, (), order, outers, sums)


def saved_nodes(program: Program) -> tuple[int, ...]:
    """Return the nodes that a forward pass saves for the backward pass, in the order of their columns."""
    return lower_backward(program, True).saved


def _before(program: Program, hoisted: tuple[int, ...], wanted: Collection[int]) -> Schedule:
    """Return the schedule before the loop, for those of the wanted nodes that are computed."""
    nodes = program.nodes
    made = [n for n in hoisted if n in wanted and nodes[n].args]
    sources = {n for n in hoisted if not nodes[n].args and nodes[n].op not in _INLINE}
    return schedule(program, sources, (), name=array_names.node, keep=made)


def _saved(program: Program, derived: Program, stepped: set[int]) -> tuple[int, ...]:
    """Return the forward nodes to save: those that the gradient reads and that are costly to recompute."""
    nodes = derived.nodes
    own = len(program.nodes)  # nodes from here on are the gradient's
    live = derived.live()
    read = {a for n in live if n >= own for a in nodes[n].args} | {a for o in derived.outputs for a in o.args}
    saved = {n for n in read if n in stepped and n < own and nodes[n].op != "input"}
    for n in sorted(saved, reverse=True):
        if _again(program, n, saved, stepped) is not None:
            saved.discard(n)
    return tuple(sorted(saved))


def _again(program: Program, n: int, saved: set[int], stepped: set[int], depth: int = 0) -> int | None:
    """Return the cost of recomputing a node from saved ones (elementary functions 4, others 1); None if impossible."""
    node = program.nodes[n]
    if OPS[node.op].result not in ("elementwise", "comparison", "logical", "select", "broadcast") or depth > 6:
        return None
    total = 4 if node.op in _COSTLY else 1
    for a in node.args:
        source = program.nodes[a]
        if (a in saved and a != n) or source.op == "input" or not source.args:
            continue
        if a not in stepped:
            return None  # hoisted, which is a product or what one needs
        more = _again(program, a, saved, stepped, depth + 1)
        if more is None:
            return None
        total += more
    return total if total <= _AGAIN else None


_COSTLY = ("sigmoid", "tanh", "exp", "log", "log1p", "softplus", "sin", "cos")
_AGAIN = 8  # operations, approximately the cost of a store and a load


def _closure(program: Program, roots: list[int], known: set[int], stepped: set[int]) -> set[int]:
    """Return the stepped nodes that the roots need and that are not known."""
    todo, seen = list(roots), set()
    while todo:
        n = todo.pop()
        if n not in seen and n not in known and n in stepped:
            seen.add(n)
            todo.extend(program.nodes[n].args)
    return seen
