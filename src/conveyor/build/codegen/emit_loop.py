"""One loop over units as LLVM IR: sums of products in registers, pointwise work, stores and reductions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llvmlite import ir

from conveyor.build.codegen import dot
from conveyor.build.codegen.functions import Lanes, compute
from conveyor.build.lowering import pack
from conveyor.build.lowering.pack import BF16, FLOAT32, INT8, Group, Packed
from conveyor.build.lowering.stages import Loop

if TYPE_CHECKING:
    from conveyor.build.codegen.emit_step import StepEmitter
    from conveyor.build.lowering.plan import Work

F32, I8, I32 = ir.FloatType(), ir.IntType(8), ir.IntType(32)
POINTER = ir.PointerType()


def counted(
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
class Panels:
    """Some panels of a loop whose sums are made at once."""

    first: Any  # the number of the first
    count: int


class LoopEmitter:
    """One loop over the units."""

    def __init__(self, step: StepEmitter, work: Work) -> None:
        self.step = step
        self.loop: Loop = work.loop
        self.packed: Packed = work.packed
        self.tiling = work.tiling
        self.lanes = work.tiling.lanes
        self.graph, self.nodes = step.graph, step.nodes
        self.kind = F32 if self.lanes == 1 else ir.VectorType(F32, self.lanes)
        self.words = I32 if self.lanes == 1 else ir.VectorType(I32, self.lanes)

    def emit(self) -> None:
        """Emits the loop over panels, some of them at once, and what is left."""
        step, tiling = self.step, self.tiling
        b = step.b
        v = Lanes(b, self.lanes)
        self.operands = {g.operand: step.address(b, g.operand) for g in self.packed.groups}
        self.scales = {g.operand: step.scale_of(g.operand) for g in self.packed.groups if g.is_dot}
        totals = [v.const(0.0 if self.nodes[r].op == "sum" else float("-inf")) for r in self.loop.reductions]
        whole = tiling.panels // tiling.together
        rest = tiling.panels % tiling.together
        turns = tiling.turns_round and step.is_odd is not None
        if whole <= 1:
            for k in range(whole):
                totals = self._panels(b, Panels(k * tiling.together, tiling.together), totals)
        else:

            def body(b: ir.IRBuilder, p: Any, carried: Sequence[Any] = ()) -> list[Any]:
                if turns:
                    last = step.count((whole - 1) * tiling.together)
                    p = b.select(step.is_odd, b.sub(last, p), p)
                return self._panels(b, Panels(p, tiling.together), list(carried))

            totals = counted(b, step.size, whole * tiling.together, tiling.together, body, totals)
        if rest:
            totals = self._panels(b, Panels(whole * tiling.together, rest), totals)
        v = Lanes(b, self.lanes)
        for r, total in zip(self.loop.reductions, totals, strict=True):
            join = v.larger if self.nodes[r].op == "max" else b.fadd
            step.reduced[r] = v.across(total, join)

    def _panels(self, b: ir.IRBuilder, panels: Panels, totals: list[Any]) -> list[Any]:
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

    def _sums(self, b: ir.IRBuilder, panels: Panels) -> list[list[Any]]:
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

    def _add_products(self, b: ir.IRBuilder, panels: Panels, group: Group, sums: list[list[Any]]) -> list[list[Any]]:
        """Adds the products of one operand."""
        step = self.step
        operand = self._operand(b, panels, group)
        used_in_last = group.inner % pack.PER_WORD[group.format]
        starts = [
            step.in_weights(b, group.at, step.plus(b, panels.first, j), group.panel_words) for j in range(panels.count)
        ]
        before = [sums[j][s] for j in range(panels.count) for s in group.members]
        flat = self._from(b, panels, group) if group.format == INT8 else before
        row = len(group.members) * self.lanes
        per = pack.PER_WORD[group.format]

        def words(b: ir.IRBuilder, k: Any, carried: Sequence[Any], count: int, used: int = per) -> list[Any]:
            new = list(carried)
            for u in range(count):
                word = step.plus(b, k, u)
                numbers = self._numbers(b, group, operand, word, used)
                at = step.times(b, word, row)
                for j, start in enumerate(starts):
                    for q in range(len(group.members)):
                        place = b.gep(
                            b.gep(start, [at], source_etype=F32), [step.count(q * self.lanes)], source_etype=F32
                        )
                        n = j * len(group.members) + q
                        new[n] = self._multiply(b, group, place, numbers, new[n])
            return new

        # An operand in 8 bits has zeros behind its end, so its last word is like the others.
        used_in_last = 0 if group.is_dot else used_in_last
        whole = group.words - (used_in_last > 0)
        turns = whole // self.tiling.steps * self.tiling.steps
        if turns > 2 * self.tiling.steps:
            flat = counted(
                b, step.size, turns, self.tiling.steps, lambda b, k, c: words(b, k, c, self.tiling.steps), flat
            )
        else:
            turns = 0
        flat = words(b, turns, flat, whole - turns)
        if used_in_last:
            flat = words(b, whole, flat, 1, used_in_last)
        if group.format == INT8:
            flat = self._scaled(b, panels, group, flat, before)
        values = iter(flat)
        found = [list(s) for s in sums]
        for j in range(panels.count):
            for s in group.members:
                found[j][s] = next(values)
        return found

    def _from(self, b: ir.IRBuilder, panels: Panels, group: Group) -> list[Any]:
        """Emit the initial values of integer sums."""
        count = len(group.members)
        if not group.is_dot:
            return [Lanes(b, self.lanes).const(0.0)] * (panels.count * count)
        if group.starts < 0:
            return [ir.Constant(self.words, [0] * self.lanes)] * (panels.count * count)
        found = []
        for n in range(panels.count * count):
            p = self.step.plus(b, panels.first, n // count)
            at = self.step.in_weights(b, group.starts + 4 * (n % count) * self.lanes, p, count * self.lanes)
            found.append(b.load(at, typ=self.words, align=4 * self.lanes))
        return found

    def _numbers(self, b: ir.IRBuilder, group: Group, operand: Any, word: Any, used: int) -> list[Any]:
        """The operand's numbers that a word of weights is multiplied by."""
        if group.is_dot:
            at = b.gep(operand, [self.step.times(b, word, 1)], source_etype=I32)
            return [dot.Dot(b, self.step.target.dot, self.lanes).operand(b.load(at, typ=I32, align=4))]
        per, v = pack.PER_WORD[group.format], Lanes(b, self.lanes)
        places = [b.gep(operand, [self._index(b, word, per, t)], source_etype=F32) for t in range(used)]
        return [v.splat(b.load(at, typ=F32, align=4)) for at in places]

    def _scaled(
        self, b: ir.IRBuilder, panels: Panels, group: Group, products: Sequence[Any], before: Sequence[Any]
    ) -> list[Any]:
        """Sums with products of whole numbers, by the scale of each row."""
        v, step, count, found = Lanes(b, self.lanes), self.step, len(group.members), []
        for n, (product, total) in enumerate(zip(products, before, strict=True)):
            p = step.plus(b, panels.first, n // count)
            if group.is_dot:
                product = b.fmul(b.sitofp(product, self.kind), v.splat(self.scales[group.operand]))
            at = step.in_weights(b, group.scales + 4 * (n % count) * self.lanes, p, count * self.lanes)
            found.append(v.fma(product, b.load(at, typ=self.kind, align=4 * self.lanes), total))
        return found

    def _index(self, b: ir.IRBuilder, word: Any, per: int, t: int) -> Any:
        if isinstance(word, int):
            return self.step.count(word * per + t)
        return self.step.plus(b, b.mul(word, self.step.count(per)), t)

    def _operand(self, b: ir.IRBuilder, panels: Panels, group: Group) -> Any:
        """The address of what is multiplied; of a block-diagonal matrix, the block's part of it."""
        start = self.operands[group.operand]
        kind: ir.Type = F32
        if group.is_dot:
            start, kind = self.step.in_state(b, self.step.memory.quantised[group.operand]), I8
        if group.blocks == 1:
            return start
        per_block = self.tiling.panels // group.blocks
        if isinstance(panels.first, int):
            return b.gep(start, [self.step.count(panels.first // per_block * group.inner)], source_etype=kind)
        block = b.udiv(panels.first, self.step.count(per_block))
        return b.gep(start, [b.mul(block, self.step.count(group.inner))], source_etype=kind)

    def _multiply(self, b: ir.IRBuilder, group: Group, place: Any, numbers: Sequence[Any], total: Any) -> Any:
        """One word of weights of each unit by the operand's numbers, added."""
        v = Lanes(b, self.lanes)
        align = 4 * self.lanes
        if group.format == FLOAT32:
            return v.fma(numbers[0], b.load(place, typ=self.kind, align=align), total)
        word = b.load(place, typ=self.words, align=align)
        if group.is_dot:
            return dot.Dot(b, self.step.target.dot, self.lanes).add(numbers[0], word, total)
        if group.format == BF16:
            # The upper number was rounded with the lower one behind it, so that nothing need be masked.
            parts = [b.shl(word, v.integer(16)), word]
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
