"""The function of one step as LLVM IR: loops over units, and the single numbers and copies between them."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from conveyor.build.codegen import dot
from conveyor.build.codegen.emit_loop import F32, I8, I32, LoopEmitter, counted
from conveyor.build.codegen.functions import Lanes, compute
from conveyor.build.lowering.graph import Graph
from conveyor.build.lowering.memory import Memory
from conveyor.build.lowering.plan import Plan
from conveyor.build.targets.table import Target


class StepEmitter:
    """The function of one step."""

    def __init__(self, plan: Plan, target: Target, weights: Any, function: ir.Function) -> None:
        self.plan, self.target, self.weights = plan, target, weights
        self.graph: Graph = plan.graph
        self.nodes = plan.graph.nodes
        self.memory: Memory = plan.memory
        self.state, self.x, self.y = function.args
        self.size = ir.IntType(target.bits)
        self.b = ir.IRBuilder(function.append_basic_block("entry"))
        self.numbers: dict[int, Any] = {}
        self.reduced: dict[int, Any] = {}
        self.is_odd: Any = None
        self.scales: dict[int, Any] = {}  # of operands that were quantised

    # Whole numbers and addresses

    def count(self, number: int) -> Any:
        """A whole number of the width of addresses."""
        return ir.Constant(self.size, number)

    def times(self, b: ir.IRBuilder, k: Any, factor: int) -> Any:
        """A whole number, known now or not, times a known one."""
        return self.count(k * factor) if isinstance(k, int) else b.mul(k, self.count(factor))

    def plus(self, b: ir.IRBuilder, k: Any, number: int) -> Any:
        """A whole number, known now or not, plus a known one."""
        if isinstance(k, int):
            return k + number
        return k if number == 0 else b.add(k, self.count(number))

    def in_weights(self, b: ir.IRBuilder, place: int, k: Any, stride: int) -> Any:
        """The address of word k·stride behind a place."""
        start = b.gep(self.weights, [self.count(place)], source_etype=I8)
        return b.gep(start, [self.times(b, k, stride)], source_etype=F32)

    def in_state(self, b: ir.IRBuilder, slot: int, k: Any = 0, stride: int = 1) -> Any:
        """The address of number k·stride behind a slot."""
        start = b.gep(self.state, [self.count(slot)], source_etype=F32)
        return b.gep(start, [self.times(b, k, stride)], source_etype=F32)

    def address(self, b: ir.IRBuilder, n: int) -> Any:
        """Emit the address of a vector, as an operand of products and copies."""
        node = self.nodes[n]
        if n in self.memory.slots:
            return self.in_state(b, self.memory.slots[n])
        if node.op == "input":
            return b.gep(self.x, [self.count(node.attr)], source_etype=F32)
        assert node.op == "array", node
        return b.gep(self.weights, [self.count(self.plan.arrays[node.attr])], source_etype=I8)

    # The step

    def emit(self) -> None:
        """Emits the function."""
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
                LoopEmitter(self, work).emit()
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
        """The address of a number of the input."""
        return self.b.gep(self.x, [self.count(start)], source_etype=F32)

    def copy(self, source: Any, slot: int, width: int) -> None:
        """Copies numbers to a slot."""
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
            counted(b, self.size, whole, lanes, body)
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
        """The value of a single number."""
        return self.reduced[n] if n in self.reduced else self.numbers[n]

    def scale_of(self, operand: int) -> Any:
        """The scale of an operand in 8 bits, which is written when it is first asked for."""
        if operand not in self.scales:
            width = self.nodes[operand].width or 0
            slot = self.memory.quantised[operand]
            self.scales[operand] = dot.quantise(self, self.address(self.b, operand), slot, width)
        return self.scales[operand]

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
