"""Products of 8-bit numbers: the operand in steps of its largest number / 127, four products to a 32-bit sum.

    vnni   vpdpbusd, unsigned by signed: the operand is moved by 128, and 128 times the sum of a row's weights is taken
           off beforehand
    madd   vpmaddubsw of |operand| and the weights with the operand's sign, so that its 16-bit sums of two can't
           overflow (127 · 127 · 2 < 2¹⁵), then vpmaddwd by ones
    sdot   signed by signed

The scale of the operand is that of this step's numbers, so nothing needs to be known of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llvmlite import ir

from conveyor.build.codegen.functions import Lanes

if TYPE_CHECKING:
    from conveyor.build.codegen.emit_step import StepEmitter

F32, I8, I16, I32 = ir.FloatType(), ir.IntType(8), ir.IntType(16), ir.IntType(32)
_SMALLEST = 1e-30  # of the largest number: an operand of zeros stays zero
_ROUND = 1.5 * 2.0**23
VNNI, MADD, SDOT = "vnni", "madd", "sdot"


def quantise(step: StepEmitter, source: Any, slot: int, width: int) -> Any:
    """Writes an operand in 8 bits to a slot; returns its scale."""
    from conveyor.build.codegen.emit_loop import counted

    b, lanes = step.b, step.target.widest
    whole = width // lanes * lanes
    tail = range(whole, width)

    def at(b: ir.IRBuilder, k: Any) -> Any:
        return b.gep(source, [k], source_etype=F32)

    def larger(b: ir.IRBuilder, k: Any, carried: Any) -> list[Any]:
        v = Lanes(b, lanes)
        return [v.larger(carried[0], v.fabs(b.load(at(b, k), typ=v.type, align=4)))]

    v, one = Lanes(b, lanes), Lanes(b, 1)
    (most,) = counted(b, step.size, whole, lanes, larger, [v.const(_SMALLEST)])
    largest = v.across(most, v.larger)
    for k in tail:
        largest = one.larger(largest, one.fabs(b.load(at(b, step.count(k)), typ=F32, align=4)))
    inverse = b.fdiv(one.const(127.0), largest)
    to = step.in_state(b, slot)
    moved = 128 if step.target.dot == VNNI else 0

    def write(b: ir.IRBuilder, k: Any, lanes: int) -> None:
        v = Lanes(b, lanes)
        number = b.load(at(b, k), typ=v.type, align=4)
        rounded = v.fma(number, v.splat(inverse), v.const(_ROUND + moved))
        kind = I8 if lanes == 1 else ir.VectorType(I8, lanes)
        b.store(b.trunc(b.bitcast(rounded, v.integers), kind), b.gep(to, [k], source_etype=I8), align=1)

    counted(b, step.size, whole, lanes, lambda b, k: write(b, k, lanes))
    for k in tail:
        write(b, step.count(k), 1)
    return b.fmul(largest, one.const(1.0 / 127.0))


class Dot:
    """Four products of each lane, added to a 32-bit sum, by the instructions of a target."""

    def __init__(self, b: ir.IRBuilder, kind: str, lanes: int) -> None:
        self.b, self.kind, self.lanes = b, kind, lanes
        self.sums = ir.VectorType(I32, lanes)
        self.bytes = ir.VectorType(I8, 4 * lanes)

    def _call(self, name: str, result: ir.Type, *args: Any) -> Any:
        known = self.b.module.globals
        kind = ir.FunctionType(result, [a.type for a in args])
        function = known[name] if name in known else ir.Function(self.b.module, kind, name)
        return self.b.call(function, args)

    def operand(self, word: Any) -> Any:
        """A word of the operand in every lane, as what `add` takes."""
        spread = self.b.bitcast(Lanes(self.b, self.lanes).splat(word), self.bytes)
        if self.kind != MADD:
            return spread
        size = self._call(f"llvm.abs.v{4 * self.lanes}i8", self.bytes, spread, ir.Constant(ir.IntType(1), 0))
        return spread, size

    def add(self, operand: Any, weights: Any, total: Any) -> Any:
        """A word of weights of each lane by the operand's."""
        bits = 32 * self.lanes
        words = self.b.bitcast(weights, self.bytes)
        if self.kind == VNNI:
            return self._call(f"llvm.x86.avx512.vpdpbusd.{bits}", self.sums, total, operand, words)
        if self.kind == SDOT:
            return self._call("llvm.aarch64.neon.sdot.v4i32.v16i8", self.sums, total, words, operand)
        halves = ir.VectorType(I16, 2 * self.lanes)
        signed, size = operand
        names = {8: ("avx2.psign.b", "avx2.pmadd.ub.sw", "avx2.pmadd.wd")}
        sign, pairs, fours = names.get(self.lanes, ("ssse3.psign.b.128", "ssse3.pmadd.ub.sw.128", "sse2.pmadd.wd"))
        turned = self._call(f"llvm.x86.{sign}", self.bytes, words, signed)
        two = self._call(f"llvm.x86.{pairs}", halves, size, turned)
        ones = ir.Constant(halves, [1] * (2 * self.lanes))
        return self.b.add(total, self._call(f"llvm.x86.{fours}", self.sums, two, ones))
