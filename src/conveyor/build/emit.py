"""A step as LLVM IR: the functions of an object file, which calls nothing and changes no memory but the caller's.

The weights are one constant that LLVM is told it does not know (`externally_initialized`): it would copy what it reads
at constant places into pools of its own, under names of its own. There is no stack array: what a step keeps lies in the
state, behind the states themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from conveyor.build import pack
from conveyor.build.functions import Lanes, compute
from conveyor.build.graph import Graph
from conveyor.build.memory import Memory
from conveyor.build.pack import BF16, FLOAT32, INT8, Blob, Group, Packed
from conveyor.build.plan import Plan, Work
from conveyor.build.stages import Loop
from conveyor.build.targets import Target

F32, I8, I16, I32 = ir.FloatType(), ir.IntType(8), ir.IntType(16), ir.IntType(32)
POINTER = ir.PointerType()


def emit(plan: Plan, target: Target, prefix: str) -> str:
    """Emits the text of a module.

    Args:
        plan: The step, with the place of all that it reads.
        target: What code is made for.
        prefix: What the names of the functions begin with.
    """
    module = ir.Module(prefix)
    weights = _weights(module, plan.blob, f"{prefix}_weights")
    step = _function(module, f"{prefix}_step", [POINTER, POINTER, POINTER])
    _Step(plan, target, weights, step).emit()
    start = _function(module, f"{prefix}_init", [POINTER])
    _emit_start(start, plan, target, weights)
    _emit_again(_function(module, f"{prefix}_reset", [POINTER]), start)
    _emit_run(_function(module, f"{prefix}_run", [POINTER, POINTER, POINTER, I32]), step, plan.graph, target)
    return _finish(str(module), prefix)


def _function(module: ir.Module, name: str, kinds: Sequence[ir.Type]) -> ir.Function:
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
    function.attributes.add("nounwind")
    function.args[0].add_attribute("noalias")
    return function


def _weights(module: ir.Module, blob: Blob, name: str) -> ir.GlobalVariable:
    data = blob.data or b"\0" * pack.ALIGN
    kind = ir.ArrayType(I8, len(data))
    found = ir.GlobalVariable(module, kind, name)
    found.global_constant, found.linkage, found.align = True, "internal", pack.ALIGN
    found.initializer = ir.Constant(kind, bytearray(data))
    return found


def _finish(text: str, prefix: str) -> str:
    """What llvmlite has no words for."""
    # Without this, LLVM makes calls of libc's memset and memcpy out of loops.
    text = re.sub(r"^(define .*\)) nounwind", r'\1 nounwind "no-builtins"', text, flags=re.M)
    text = re.sub(rf'^(define void @"{prefix}_step".*"no-builtins")', r"\1 noinline", text, flags=re.M)
    return text.replace("= internal constant", "= internal externally_initialized constant", 1)


def _size(target: Target) -> ir.IntType:
    return ir.IntType(target.bits)


def _emit_start(function: ir.Function, plan: Plan, target: Target, weights: Any) -> None:
    """Writes the states before the first step, and zeros to all else."""
    b = ir.IRBuilder(function.append_basic_block("entry"))
    state, size = function.args[0], _size(target)

    def zero(b: ir.IRBuilder, k: Any) -> None:
        b.store(ir.Constant(F32, 0.0), b.gep(state, [k], source_etype=F32), align=4)

    _loop(b, size, plan.memory.size, 1, zero)
    for slot, place, count in plan.initial:

        def copy(b: ir.IRBuilder, k: Any, slot: int = slot, place: int = place) -> None:
            start = b.gep(weights, [ir.Constant(size, place)], source_etype=I8)
            value = b.load(b.gep(start, [k], source_etype=F32), typ=F32, align=4)
            b.store(value, b.gep(state, [b.add(k, ir.Constant(size, slot))], source_etype=F32), align=4)

        _loop(b, size, count, 1, copy)
    b.ret_void()


def _emit_again(function: ir.Function, start: ir.Function) -> None:
    b = ir.IRBuilder(function.append_basic_block("entry"))
    b.call(start, function.args)
    b.ret_void()


def _emit_run(function: ir.Function, step: ir.Function, graph: Graph, target: Target) -> None:
    """Calls the step for each row of x and y."""
    b = ir.IRBuilder(function.append_basic_block("entry"))
    state, x, y, steps = function.args
    size = _size(target)
    count = steps if target.bits == 32 else b.sext(steps, size)
    body, done, before = b.append_basic_block("step"), b.append_basic_block("done"), b.block
    b.cbranch(b.icmp_signed(">", count, ir.Constant(size, 0)), body, done)
    b.position_at_end(body)
    k = b.phi(size)
    k.add_incoming(ir.Constant(size, 0), before)
    rows = [
        b.gep(p, [b.mul(k, ir.Constant(size, width))], source_etype=F32)
        for p, width in ((x, graph.inputs), (y, graph.outputs))
    ]
    b.call(step, [state, *rows])
    following = b.add(k, ir.Constant(size, 1))
    k.add_incoming(following, b.block)
    b.cbranch(b.icmp_signed("<", following, count), body, done)
    b.position_at_end(done)
    b.ret_void()


def _loop(
    b: ir.IRBuilder,
    size: ir.IntType,
    stop: int,
    step: int,
    body: Callable[..., Any],
    carried: Sequence[Any] = (),
) -> list[Any]:
    """Emits a loop over 0, step, … below stop, a multiple of step; returns the values that it carries."""
    if stop <= 0:
        return list(carried)
    before, inside, after = b.block, b.append_basic_block("body"), b.append_basic_block("after")
    b.branch(inside)
    b.position_at_end(inside)
    k = b.phi(size)
    k.add_incoming(ir.Constant(size, 0), before)
    values = [b.phi(c.type) for c in carried]
    for phi, c in zip(values, carried, strict=True):
        phi.add_incoming(c, before)
    new = body(b, k, *([values] if carried else []))
    following = b.add(k, ir.Constant(size, step))
    k.add_incoming(following, b.block)
    for phi, n in zip(values, new or (), strict=True):
        phi.add_incoming(n, b.block)
    b.cbranch(b.icmp_unsigned("<", following, ir.Constant(size, stop)), inside, after)
    b.position_at_end(after)
    return list(new or ())


@dataclass
class _Panels:
    """Some panels of a loop whose sums are made at once."""

    first: Any  # the number of the first
    count: int


class _Step:
    """The function of one step."""

    def __init__(self, plan: Plan, target: Target, weights: Any, function: ir.Function) -> None:
        self.plan, self.target, self.weights = plan, target, weights
        self.graph: Graph = plan.graph
        self.nodes = plan.graph.nodes
        self.memory: Memory = plan.memory
        self.state, self.x, self.y = function.args
        self.size = _size(target)
        self.b = ir.IRBuilder(function.append_basic_block("entry"))
        self.numbers: dict[int, Any] = {}
        self.reduced: dict[int, Any] = {}
        self.is_odd: Any = None

    # Whole numbers and addresses

    def count(self, number: int) -> Any:
        return ir.Constant(self.size, number)

    def times(self, b: ir.IRBuilder, k: Any, factor: int) -> Any:
        return self.count(k * factor) if isinstance(k, int) else b.mul(k, self.count(factor))

    def plus(self, b: ir.IRBuilder, k: Any, number: int) -> Any:
        if isinstance(k, int):
            return k + number
        return k if number == 0 else b.add(k, self.count(number))

    def in_weights(self, b: ir.IRBuilder, place: int, k: Any, stride: int) -> Any:
        """The address of word k·stride behind a place."""
        start = b.gep(self.weights, [self.count(place)], source_etype=I8)
        return b.gep(start, [self.times(b, k, stride)], source_etype=F32)

    def in_state(self, b: ir.IRBuilder, slot: int, k: Any = 0, stride: int = 1) -> Any:
        start = b.gep(self.state, [self.count(slot)], source_etype=F32)
        return b.gep(start, [self.times(b, k, stride)], source_etype=F32)

    def address(self, b: ir.IRBuilder, n: int) -> Any:
        """Where a vector lies, as an operand of products and copies."""
        node = self.nodes[n]
        if n in self.memory.slots:
            return self.in_state(b, self.memory.slots[n])
        if node.op == "input":
            return b.gep(self.x, [self.count(node.attr)], source_etype=F32)
        assert node.op == "array", node
        return b.gep(self.weights, [self.count(self.plan.arrays[node.attr])], source_etype=I8)

    # The step

    def emit(self) -> None:
        b = self.b
        if self.memory.turn >= 0:
            at = self.in_state(b, self.memory.turn)
            turn = b.load(at, typ=I32, align=4)
            b.store(b.xor(turn, ir.Constant(I32, 1)), at, align=4)
            self.is_odd = b.icmp_unsigned("!=", turn, ir.Constant(I32, 0))
        self._read_number_states()
        for n in self.plan.stages.copied:
            self._copy_in(n)
        for level in self.plan.levels:
            for n in level.concats:
                self._concat(n)
            for n in level.numbers:
                self._number(n)
            for work in level.works:
                _Loop(self, work).emit()
        self._finish()
        b.ret_void()

    def _read_number_states(self) -> None:
        for n, node in enumerate(self.nodes):
            if node.op == "state" and node.width is None:
                at = self.in_state(self.b, self.memory.states[node.attr])
                self.numbers[n] = self.b.load(at, typ=F32, align=4)

    def _copy_in(self, n: int) -> None:
        node, b = self.nodes[n], self.b
        width = node.width or 0
        if node.op == "input":
            self.copy(self.address_of_x(node.attr), self.memory.slots[n], width)
            return
        rows = self.graph.arrays[node.attr].shape[0]
        v = Lanes(b, 1)
        # A token that is none of the table's, NaN too, reads a row of the table and no other memory.
        token = v.below(v.above(b.load(self.x, typ=F32, align=4), 0.0), float(rows - 1))
        token = b.select(b.fcmp_unordered("uno", token, token), ir.Constant(F32, 0.0), token)
        row = b.fptosi(token, I32)
        row = row if self.target.bits == 32 else b.zext(row, self.size)
        table = b.gep(self.weights, [self.count(self.plan.arrays[node.attr])], source_etype=I8)
        self.copy(b.gep(table, [b.mul(row, self.count(width))], source_etype=F32), self.memory.slots[n], width)

    def address_of_x(self, start: int) -> Any:
        return self.b.gep(self.x, [self.count(start)], source_etype=F32)

    def copy(self, source: Any, slot: int, width: int) -> None:
        self.copy_to(source, self.in_state(self.b, slot), width)

    def copy_to(self, source: Any, to: Any, width: int) -> None:
        """Copies exactly `width` numbers, vectors first."""
        lanes = self.target.widest
        whole = width // lanes * lanes
        kind = F32 if lanes == 1 else ir.VectorType(F32, lanes)

        def body(b: ir.IRBuilder, k: Any) -> None:
            value = b.load(b.gep(source, [k], source_etype=F32), typ=kind, align=4)
            b.store(value, b.gep(to, [k], source_etype=F32), align=4)

        b = self.b
        if whole <= 4 * lanes:
            for k in range(0, whole, lanes):
                body(b, self.count(k))
        else:
            _loop(b, self.size, whole, lanes, body)
        for k in range(whole, width):
            value = b.load(b.gep(source, [self.count(k)], source_etype=F32), typ=F32, align=4)
            b.store(value, b.gep(to, [self.count(k)], source_etype=F32), align=4)

    def _concat(self, n: int) -> None:
        start = self.memory.slots[n]
        for a in self.nodes[n].args:
            width = self.nodes[a].width or 0
            self.copy(self.address(self.b, a), start, width)
            start += width

    def _number(self, n: int) -> None:
        """A single number."""
        node, b = self.nodes[n], self.b
        if n in self.numbers:
            return
        if node.op == "const":
            self.numbers[n] = ir.Constant(F32, node.attr)
        elif node.op == "input":
            self.numbers[n] = b.load(self.address_of_x(node.attr), typ=F32, align=4)
        elif node.op == "array":
            at = self.plan.arrays[node.attr]
            self.numbers[n] = b.load(self.in_weights(b, at, 0, 1), typ=F32, align=4)
        else:
            v = Lanes(b, 1)
            self.numbers[n] = compute(v, self.graph, n, [self.number_of(a) for a in node.args])

    def number_of(self, n: int) -> Any:
        return self.reduced[n] if n in self.reduced else self.numbers[n]

    def _finish(self) -> None:
        """Writes the output, and the states that have a second buffer or are single numbers."""
        b, graph = self.b, self.graph
        if isinstance(graph.output, int):
            if self.nodes[graph.output].width is None:
                b.store(self.number_of(graph.output), self.y, align=4)
            else:
                self.copy_to(self.address(b, graph.output), self.y, graph.outputs)
        else:
            for k, n in enumerate(graph.output):
                b.store(self.number_of(n), b.gep(self.y, [self.count(k)], source_etype=F32), align=4)
        for k, s in enumerate(graph.states):
            if s.width is None:
                b.store(self.number_of(s.next), self.in_state(b, self.memory.states[k]), align=4)
            elif k in self.memory.second:
                self.copy(self.in_state(b, self.memory.second[k]), self.memory.states[k], s.width)


class _Loop:
    """One loop over the units."""

    def __init__(self, step: _Step, work: Work) -> None:
        self.step = step
        self.loop: Loop = work.loop
        self.packed: Packed = work.packed
        self.recipe = work.recipe
        self.lanes = work.recipe.lanes
        self.graph, self.nodes = step.graph, step.nodes
        self.kind = F32 if self.lanes == 1 else ir.VectorType(F32, self.lanes)
        self.words = I32 if self.lanes == 1 else ir.VectorType(I32, self.lanes)

    def emit(self) -> None:
        """Emits the loop over panels, some of them at once, and what is left."""
        step, recipe = self.step, self.recipe
        b = step.b
        v = Lanes(b, self.lanes)
        self.operands = {g.operand: step.address(b, g.operand) for g in self.packed.groups}
        totals = [v.const(0.0 if self.nodes[r].op == "sum" else float("-inf")) for r in self.loop.reductions]
        whole = recipe.panels // recipe.together
        rest = recipe.panels % recipe.together
        turns = recipe.turns_round and step.is_odd is not None
        if whole <= 1:
            for k in range(whole):
                totals = self._panels(b, _Panels(k * recipe.together, recipe.together), totals)
        else:

            def body(b: ir.IRBuilder, p: Any, carried: Sequence[Any] = ()) -> list[Any]:
                if turns:
                    last = step.count((whole - 1) * recipe.together)
                    p = b.select(step.is_odd, b.sub(last, p), p)
                return self._panels(b, _Panels(p, recipe.together), list(carried))

            totals = _loop(b, step.size, whole * recipe.together, recipe.together, body, totals)
        if rest:
            totals = self._panels(b, _Panels(whole * recipe.together, rest), totals)
        v = Lanes(b, self.lanes)
        for r, total in zip(self.loop.reductions, totals, strict=True):
            join = v.larger if self.nodes[r].op == "max" else b.fadd
            step.reduced[r] = v.across(total, join)

    def _panels(self, b: ir.IRBuilder, panels: _Panels, totals: list[Any]) -> list[Any]:
        """Emits all work on some panels."""
        sums = self._sums(b, panels)
        for j in range(panels.count):
            p = self.step.plus(b, panels.first, j)
            values = self._pointwise(b, p, sums[j])
            for n in self.loop.stores:
                self._store(b, n, p, values[n])
            totals = [
                self._reduced(b, r, t, values[self.nodes[r].args[0]], p)
                for r, t in zip(self.loop.reductions, totals, strict=True)
            ]
        return totals

    # Sums of products

    def _sums(self, b: ir.IRBuilder, panels: _Panels) -> list[list[Any]]:
        """The sums of each panel."""
        v, step, count = Lanes(b, self.lanes), self.step, len(self.loop.sums)
        sums = [[v.const(0.0)] * count for _ in range(panels.count)]
        biased = self.packed.biased
        for j in range(panels.count):
            p = step.plus(b, panels.first, j)
            for k, s in enumerate(biased):
                start = step.in_weights(b, self.packed.biases + 4 * k * self.lanes, p, len(biased) * self.lanes)
                sums[j][s] = b.load(start, typ=self.kind, align=4 * self.lanes)
        for group in self.packed.groups:
            sums = self._add_products(b, panels, group, sums)
        return sums

    def _add_products(self, b: ir.IRBuilder, panels: _Panels, group: Group, sums: list[list[Any]]) -> list[list[Any]]:
        """Adds the products of one operand."""
        step = self.step
        operand = self._operand(b, panels, group)
        starts = [
            step.in_weights(b, group.at, step.plus(b, panels.first, j), group.panel_words) for j in range(panels.count)
        ]
        before = [sums[j][s] for j in range(panels.count) for s in group.members]
        flat = [Lanes(b, self.lanes).const(0.0)] * len(before) if group.format == INT8 else before
        row = len(group.members) * self.lanes
        per = pack.PER_WORD[group.format]

        def words(b: ir.IRBuilder, k: Any, carried: Sequence[Any], count: int, used: int = per) -> list[Any]:
            new = list(carried)
            for u in range(count):
                word = step.plus(b, k, u)
                numbers = [
                    Lanes(b, self.lanes).splat(
                        b.load(b.gep(operand, [self._index(b, word, per, t)], source_etype=F32), typ=F32, align=4)
                    )
                    for t in range(used)
                ]
                at = step.times(b, word, row)
                for j, start in enumerate(starts):
                    for q in range(len(group.members)):
                        place = b.gep(
                            b.gep(start, [at], source_etype=F32), [step.count(q * self.lanes)], source_etype=F32
                        )
                        n = j * len(group.members) + q
                        new[n] = self._multiply(b, group, place, numbers, new[n])
            return new

        whole = group.inner // per
        turns = whole // self.recipe.steps * self.recipe.steps
        if turns > 2 * self.recipe.steps:
            flat = _loop(
                b, step.size, turns, self.recipe.steps, lambda b, k, c: words(b, k, c, self.recipe.steps), flat
            )
        else:
            turns = 0
        flat = words(b, turns, flat, whole - turns)
        if group.inner % per:
            flat = words(b, whole, flat, 1, group.inner % per)
        if group.format == INT8:
            flat = self._scaled(b, panels, group, flat, before)
        values = iter(flat)
        found = [list(s) for s in sums]
        for j in range(panels.count):
            for s in group.members:
                found[j][s] = next(values)
        return found

    def _scaled(
        self, b: ir.IRBuilder, panels: _Panels, group: Group, products: Sequence[Any], before: Sequence[Any]
    ) -> list[Any]:
        """Sums with products of whole numbers, by the scale of each row."""
        v, step, count, found = Lanes(b, self.lanes), self.step, len(group.members), []
        for n, (product, total) in enumerate(zip(products, before, strict=True)):
            p = step.plus(b, panels.first, n // count)
            at = step.in_weights(b, group.scales + 4 * (n % count) * self.lanes, p, count * self.lanes)
            found.append(v.fma(product, b.load(at, typ=self.kind, align=4 * self.lanes), total))
        return found

    def _index(self, b: ir.IRBuilder, word: Any, per: int, t: int) -> Any:
        if isinstance(word, int):
            return self.step.count(word * per + t)
        return self.step.plus(b, b.mul(word, self.step.count(per)), t)

    def _operand(self, b: ir.IRBuilder, panels: _Panels, group: Group) -> Any:
        """The address of what is multiplied; of a block-diagonal matrix, the block's part of it."""
        start = self.operands[group.operand]
        if group.blocks == 1:
            return start
        per_block = self.recipe.panels // group.blocks
        if isinstance(panels.first, int):
            return b.gep(start, [self.step.count(panels.first // per_block * group.inner)], source_etype=F32)
        block = b.udiv(panels.first, self.step.count(per_block))
        return b.gep(start, [b.mul(block, self.step.count(group.inner))], source_etype=F32)

    def _multiply(self, b: ir.IRBuilder, group: Group, place: Any, numbers: Sequence[Any], total: Any) -> Any:
        """One word of weights of each unit by the operand's numbers, added."""
        v = Lanes(b, self.lanes)
        align = 4 * self.lanes
        if group.format == FLOAT32:
            return v.fma(numbers[0], b.load(place, typ=self.kind, align=align), total)
        word = b.load(place, typ=self.words, align=align)
        if group.format == BF16:
            parts = [b.shl(word, v.integer(16)), b.and_(word, v.integer(-65536))]
            weights = [b.bitcast(p, self.kind) for p in parts]
        else:
            shifted = [b.shl(word, v.integer(8 * (3 - t))) if t < 3 else word for t in range(len(numbers))]
            weights = [b.sitofp(b.ashr(w, v.integer(24)), self.kind) for w in shifted]
        for number, weight in zip(numbers, weights, strict=False):
            total = v.fma(number, weight, total)
        return total

    # Pointwise work

    def _pointwise(self, b: ir.IRBuilder, p: Any, sums: Sequence[Any]) -> dict[int, Any]:
        values: dict[int, Any] = dict(zip(self.loop.sums, sums, strict=True))
        v = Lanes(b, self.lanes)
        for n in sorted((*self.loop.reads, *self.loop.pointwise)):
            node = self.nodes[n]
            if n in self.loop.reads:
                values[n] = self._load(b, n, p)
            else:
                args = [values[a] if self.nodes[a].width is not None else self._spread(b, a) for a in node.args]
                values[n] = compute(v, self.graph, n, args)
        return values

    def _spread(self, b: ir.IRBuilder, n: int) -> Any:
        return Lanes(b, self.lanes).splat(self.step.number_of(n))

    def _load(self, b: ir.IRBuilder, n: int, p: Any) -> Any:
        step, node = self.step, self.nodes[n]
        if node.op == "array" and n in self.packed.arrays:
            at = step.in_weights(b, self.packed.arrays[n], p, self.lanes)
            return b.load(at, typ=self.kind, align=4 * self.lanes)
        at = step.in_state(b, step.memory.slots[n], p, self.lanes)
        value = b.load(at, typ=self.kind, align=4)
        return b.fcmp_unordered("!=", value, Lanes(b, self.lanes).const(0.0)) if node.boolean else value

    def _store(self, b: ir.IRBuilder, n: int, p: Any, value: Any) -> None:
        if self.nodes[n].boolean:
            v = Lanes(b, self.lanes)
            value = b.select(value, v.const(1.0), v.const(0.0))
        for slot in self.step.memory.targets(n):
            b.store(value, self.step.in_state(b, slot, p, self.lanes), align=4)

    def _reduced(self, b: ir.IRBuilder, r: int, total: Any, value: Any, p: Any) -> Any:
        """A reduction's total with the units of a panel; those that only fill a vector don't count."""
        v = Lanes(b, self.lanes)
        new = v.larger(total, value) if self.nodes[r].op == "max" else b.fadd(total, value)
        if self.loop.width % self.lanes == 0:
            return new
        unit = self.step.times(b, p, self.lanes)
        first = unit if self.step.target.bits == 32 else b.trunc(unit, I32)
        ids = b.add(v.splat(first), ir.Constant(self.words, list(range(self.lanes))))
        return b.select(b.icmp_signed("<", ids, v.integer(self.loop.width)), new, total)


__all__ = ["emit"]
