"""Vectors of floating-point numbers in LLVM IR, and the elementary functions on them.

The functions are written here because a call to a scalar libm a lane would cost more than the rest of a step. Their
largest errors, in units in the last place of the exact result, over the whole range and measured by the tests:

    function   float32   float64   method
    exp        1.1       1.1       Cody & Waite 1980 reduction by ln 2, polynomial for exp(r) − 1
    log        0.9       0.9       reduction to [√½, √2), series in s = f / (2 + f)
    tanh       2.5       2.7       t / (t + 2) with t = exp(2|x|) − 1 from the same polynomial, so exact near 0
    sigmoid    2.5       2.4       1 / (1 + e) or e / (1 + e), whichever has no cancellation
    log1p      1.5       1.5       log(u) + (x − (u − 1)) / u with u = 1 + x
    softplus   2.0       2.0       max(x, 0) + log1p(exp(−|x|))
    sin        2.6       2.4       whole-number reduction by π/2 of numbers of any size, polynomials (trigonometry.py)
    cos        2.7       2.4       the same

NaN goes through all of them; ±inf gives the limit, or NaN where there is none. Polynomials are near-minimax fits
(Chebyshev interpolation at 40 digits) over the reduced range.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from conveyor.backends.cpu.codegen import trigonometry


@dataclass(frozen=True)
class Format:
    """The constants of a floating-point format that the elementary functions use."""

    type: ir.Type
    integer: ir.IntType
    mantissa: int  # stored bits of the mantissa
    bias: int  # of the exponent
    round: float  # adding and subtracting this rounds to a whole number
    ln2_high: float  # with enough trailing zeros that a product by an exponent is exact
    ln2_low: float
    exp_low: float  # below this exp is zero, above exp_high it is infinite
    exp_high: float
    tanh_high: float  # above this tanh rounds to 1
    expm1: tuple[float, ...]  # (exp(r) − 1 − r) / r², from the constant up
    atanh: tuple[float, ...]  # (2 atanh(s) − 2 s) / s³ in s², from the constant up


FLOAT32 = Format(
    type=ir.FloatType(),
    integer=ir.IntType(32),
    mantissa=23,
    bias=127,
    round=1.5 * 2**23,
    ln2_high=0.693115234375,
    ln2_low=0.000031946184945309417232,
    exp_low=-104.0,
    exp_high=89.0,
    tanh_high=9.1,
    expm1=(0.5, 0.16666569628115475952, 0.041666545421095534677, 0.0083643806932910689061, 0.0013927684616575004356),
    atanh=(0.66666686178528154056, 0.39988319003769426336, 0.29600691070010027298),
)
FLOAT64 = Format(
    type=ir.DoubleType(),
    integer=ir.IntType(64),
    mantissa=52,
    bias=1023,
    round=1.5 * 2**52,
    ln2_high=0.6931471805582987144589424,
    ln2_low=1.646594958289708128098443e-12,
    exp_low=-746.0,
    exp_high=710.0,
    tanh_high=19.1,
    expm1=(
        0.50000000000000012448,
        0.16666666666666667624,
        0.041666666666616862268,
        0.0083333333333295030954,
        0.0013888888920770122212,
        0.00019841269865788535564,
        0.000024801515879478315969,
        2.7557264294679126278e-6,
        2.7622614078619689474e-7,
        2.51023277236091451e-8,
    ),
    atanh=(
        0.66666666666666701417,
        0.39999999999886612948,
        0.2857142863176433463,
        0.22222210199264211533,
        0.18182956608063458865,
        0.15329500754204177124,
        0.1464362860190979757,
    ),
)
FORMATS = {"float32": FLOAT32, "float64": FLOAT64}


class Vectors:
    """The emitter of operations on vectors of `lanes` elements at the position of `builder`.

    Args:
        builder: The builder, at the position where code is emitted.
        form: The floating-point format.
        lanes: The number of elements in a vector.
        divides: Whether a quotient is computed by a division: faster for few elements.
    """

    def __init__(self, builder: ir.IRBuilder, form: Format, lanes: int, divides: bool = False) -> None:
        self.b = builder
        self.form = form
        self.lanes = lanes
        self.divides = divides
        self.type = ir.VectorType(form.type, lanes)
        self.integers = ir.VectorType(form.integer, lanes)
        self.suffix = f"v{lanes}f{form.integer.width}"

    # Constants and splats

    def const(self, number: float) -> Any:
        """Broadcast a constant to every lane."""
        return ir.Constant(self.type, [ir.Constant(self.form.type, number)] * self.lanes)

    def integer(self, number: int) -> Any:
        """Broadcast an integer constant to every lane."""
        return ir.Constant(self.integers, [number] * self.lanes)

    def splat(self, scalar: Any) -> Any:
        """Broadcast a scalar to every lane."""
        i32 = ir.IntType(32)
        first = self.b.insert_element(ir.Constant(self.type, ir.Undefined), scalar, ir.Constant(i32, 0))
        mask = ir.Constant(ir.VectorType(i32, self.lanes), [0] * self.lanes)
        return self.b.shuffle_vector(first, ir.Constant(self.type, ir.Undefined), mask)

    def call(self, name: str, *args: Any) -> Any:
        """Call an LLVM intrinsic whose result has the type of its first argument."""
        full = f"llvm.{name}.{self.suffix}"
        known = self.b.module.globals
        kind = ir.FunctionType(args[0].type, [a.type for a in args])
        function = known[full] if full in known else ir.Function(self.b.module, kind, full)
        return self.b.call(function, args)

    # The last vector of a row, which may be shorter

    def first(self, number: Any) -> Any:
        """Make a mask of the first `number` (an i64) lanes."""
        wide = ir.VectorType(ir.IntType(64), self.lanes)
        i32 = ir.IntType(32)
        one = self.b.insert_element(ir.Constant(wide, ir.Undefined), number, ir.Constant(i32, 0))
        mask = ir.Constant(ir.VectorType(i32, self.lanes), [0] * self.lanes)
        limit = self.b.shuffle_vector(one, ir.Constant(wide, ir.Undefined), mask)
        return self.b.icmp_signed("<", ir.Constant(wide, list(range(self.lanes))), limit)

    def _masked(self, name: str, kind: ir.FunctionType, args: list[Any]) -> Any:
        full = f"llvm.masked.{name}.{self.suffix}.p0"
        known = self.b.module.globals
        function = known[full] if full in known else ir.Function(self.b.module, kind, full)
        return self.b.call(function, args)

    def masked_load(self, at: Any, mask: Any, align: int) -> Any:
        """Load the lanes of a mask, zero in the others, whose memory is not touched."""
        i32 = ir.IntType(32)
        kind = ir.FunctionType(self.type, [ir.PointerType(), i32, mask.type, self.type])
        return self._masked("load", kind, [at, ir.Constant(i32, align), mask, self.const(0.0)])

    def masked_store(self, value: Any, at: Any, mask: Any, align: int) -> None:
        """Store the lanes of a mask."""
        i32 = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [self.type, ir.PointerType(), i32, mask.type])
        self._masked("store", kind, [value, at, ir.Constant(i32, align), mask])

    def across(self, value: Any, join: Callable[[Any, Any], Any]) -> Any:
        """Reduce all lanes to a scalar, halves first."""
        i32 = ir.IntType(32)
        lanes = self.lanes
        while lanes > 1:
            lanes //= 2
            order = ir.Constant(ir.VectorType(i32, self.lanes), [k % lanes + lanes for k in range(self.lanes)])
            value = join(value, self.b.shuffle_vector(value, value, order))
        return self.b.extract_element(value, ir.Constant(i32, 0))

    # Arithmetic

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        """Compute a·b + c, with one rounding where the CPU can."""
        return self.call("fmuladd", a, b, c)

    def polynomial(self, x: Any, coefficients: Sequence[float]) -> Any:
        """Evaluate a polynomial by Horner's rule; coefficients from the constant up."""
        total = self.const(coefficients[-1])
        for c in reversed(coefficients[:-1]):
            total = self.fma(total, x, self.const(c))
        return total

    def below(self, x: Any, high: float) -> Any:
        """Compute min(x, high); NaN stays NaN."""
        return self.b.select(self.b.fcmp_ordered(">", x, self.const(high)), self.const(high), x)

    def above(self, x: Any, low: float) -> Any:
        """Compute max(x, low); NaN stays NaN."""
        return self.b.select(self.b.fcmp_ordered("<", x, self.const(low)), self.const(low), x)

    def fabs(self, x: Any) -> Any:
        """Compute |x|."""
        return self.call("fabs", x)

    def larger(self, x: Any, y: Any) -> Any:
        """Compute the maximum; NaN if either operand is."""
        first = self.b.select(self.b.fcmp_unordered(">", x, y), x, y)
        return self.b.select(self.b.fcmp_unordered("uno", y, y), y, first)

    def smaller(self, x: Any, y: Any) -> Any:
        """Compute the minimum; NaN if either operand is."""
        first = self.b.select(self.b.fcmp_unordered("<", x, y), x, y)
        return self.b.select(self.b.fcmp_unordered("uno", y, y), y, first)

    def quotient(self, top: Any, bottom: Any) -> Any:
        """Compute a quotient with a denominator from 1 to 10⁹, correctly rounded.

        A division takes the time of many multiplications, but less than they do one after the other: it is for work on
        few numbers. Where there are many, and the CPU has an estimate of the reciprocal good to 14 bits, they make it.
        """
        if self.suffix != "v16f32" or self.divides:
            return self.b.fdiv(top, bottom)
        known, name = self.b.module.globals, "llvm.x86.avx512.rcp14.ps.512"
        mask = ir.IntType(16)
        kind = ir.FunctionType(self.type, [self.type, self.type, mask])
        estimate = known[name] if name in known else ir.Function(self.b.module, kind, name)
        return self.refined(top, bottom, self.b.call(estimate, [bottom, self.const(0.0), ir.Constant(mask, 0xFFFF)]))

    def refined(self, top: Any, bottom: Any, estimate: Any) -> Any:
        """Compute a quotient from an estimate of the denominator's reciprocal.

        Two steps of Newton's give the nearest number to the reciprocal, and the remainder that this leaves, which is
        exact, the nearest to the quotient (Markstein 1990).
        """
        y, minus = estimate, self.b.fneg(bottom)
        for _ in range(2):
            y = self.fma(y, self.fma(minus, y, self.const(1.0)), y)
        q = self.b.fmul(top, y)
        return self.fma(self.fma(minus, q, top), y, q)

    # Elementary functions

    def _reduce(self, x: Any) -> tuple[Any, Any]:
        """Compute the integer n (as bits) and exp(r) − 1, where x = n ln 2 + r and |r| ≤ ½ ln 2."""
        b, form = self.b, self.form
        magic = self.const(form.round)
        shifted = self.fma(x, self.const(1.4426950408889634074), magic)
        n = b.fsub(shifted, magic)
        bits = b.sub(b.bitcast(shifted, self.integers), b.bitcast(magic, self.integers))
        r = self.fma(n, self.const(-form.ln2_high), x)
        r = self.fma(n, self.const(-form.ln2_low), r)
        return bits, self.fma(b.fmul(r, r), self.polynomial(r, form.expm1), r)

    def _power_of_two(self, n: Any, lift: int = 0) -> Any:
        """Compute 2^(n + lift) in the range of normal numbers."""
        biased = self.b.add(n, self.integer(self.form.bias + lift))
        return self.b.bitcast(self.b.shl(biased, self.integer(self.form.mantissa)), self.type)

    def exp(self, x: Any) -> Any:
        """Compute the exponential; denormal results are exact to their last place."""
        b, form = self.b, self.form
        x = self.below(self.above(x, form.exp_low), form.exp_high)
        n, p = self._reduce(x)
        # 2ⁿ in two factors: n reaches one past the largest exponent and down to that of denormals.
        half = b.ashr(n, self.integer(1))
        first, second = self._power_of_two(half), self._power_of_two(b.sub(n, half))
        return b.fmul(self.fma(p, first, first), second)

    def _exp_below(self, x: Any) -> Any:
        """Compute the exponential for x ≤ 0, with the same roundings as `exp` and fewer instructions."""
        b, lift = self.b, self.form.bias // 2
        n, p = self._reduce(self.above(x, self.form.exp_low))
        # Lifted by 2^lift it is a normal number, however small; only the last product rounds to a denormal.
        scale = self._power_of_two(n, lift)
        return b.fmul(self.fma(p, scale, scale), self.const(2.0**-lift))

    def sigmoid(self, x: Any) -> Any:
        """Compute 1 / (1 + exp(−x))."""
        b = self.b
        e = self._exp_below(b.fneg(self.fabs(x)))
        is_negative = b.icmp_signed("<", b.bitcast(x, self.integers), self.integer(0))
        top = b.select(is_negative, e, self.const(1.0))
        return self.quotient(top, b.fadd(e, self.const(1.0)))

    def tanh(self, x: Any) -> Any:
        """Compute the hyperbolic tangent."""
        b = self.b
        size = self.below(self.fabs(x), self.form.tanh_high)
        n, p = self._reduce(b.fadd(size, size))
        scale = self._power_of_two(n)
        t = self.fma(scale, p, b.fsub(scale, self.const(1.0)))
        return self.call("copysign", self.quotient(t, b.fadd(t, self.const(2.0))), x)

    def log(self, x: Any) -> Any:
        """Compute the natural logarithm; −inf for 0, NaN for negative numbers."""
        b, form = self.b, self.form
        smallest = 2.0 ** (1 - form.bias)
        denormal = b.fcmp_ordered("<", x, self.const(smallest))
        lift = form.mantissa + 1
        y = b.select(denormal, b.fmul(x, self.const(2.0**lift)), x)
        bits = b.bitcast(y, self.integers)
        # Subtracting the bits of √½ before the shift makes the mantissa fall in [√½, √2).
        root = b.bitcast(self.const(0.70710678118654752440), self.integers)
        n = b.ashr(b.sub(bits, root), self.integer(form.mantissa))
        m = b.bitcast(b.sub(bits, b.shl(n, self.integer(form.mantissa))), self.type)
        n = b.sub(n, b.select(denormal, self.integer(lift), self.integer(0)))
        power = b.sitofp(n, self.type)
        f = b.fsub(m, self.const(1.0))
        s = b.fdiv(f, b.fadd(f, self.const(2.0)))
        w = b.fmul(s, s)
        # log(1 + f) = f − (½f² − s(½f² + w·P(w))): the leading f is exact.
        half = b.fmul(self.const(0.5), b.fmul(f, f))
        tail = b.fmul(s, self.fma(w, self.polynomial(w, form.atanh), half))
        low = self.fma(power, self.const(form.ln2_low), tail)
        y = self.fma(power, self.const(form.ln2_high), b.fsub(f, b.fsub(half, low)))
        y = b.select(b.fcmp_unordered("<", x, self.const(0.0)), self.const(float("nan")), y)
        y = b.select(b.fcmp_ordered("==", x, self.const(0.0)), self.const(float("-inf")), y)
        return b.select(b.fcmp_ordered("==", x, self.const(float("inf"))), x, y)

    def log1p(self, x: Any) -> Any:
        """Compute log(1 + x), exact for small x."""
        b = self.b
        u = b.fadd(x, self.const(1.0))
        lost = b.fdiv(b.fsub(x, b.fsub(u, self.const(1.0))), u)
        y = b.fadd(self.log(u), lost)
        # 1 + x = 0 and inf have no correction: there the quotient is NaN.
        edge = b.or_(b.fcmp_ordered("==", u, self.const(0.0)), b.fcmp_ordered("==", u, self.const(float("inf"))))
        return b.select(edge, self.log(u), y)

    def sin(self, x: Any) -> Any:
        """The sine."""
        return trigonometry.sine(self, x)

    def cos(self, x: Any) -> Any:
        """The cosine."""
        return trigonometry.cosine(self, x)

    def softplus(self, x: Any) -> Any:
        """Compute log(1 + exp(x)), without overflow."""
        rest = self.log1p(self.exp(self.b.fneg(self.fabs(x))))
        return self.b.fadd(self.above(x, 0.0), rest)
