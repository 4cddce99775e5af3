"""Sine and cosine of vectors, of numbers of any size, without a library and without branches.

|x| is m·2ᵉ with m whole. Of 2/π, all bits whose product with m·2ᵉ is a multiple of 4 are left out, and three words of
those that follow are multiplied by m in whole numbers (Payne & Hanek 1983, "Radian Reduction for Trigonometric
Functions"): the first two bits of the product, rounded, are the quadrant, and what is left is r·2/π with |r| ≤ π/4,
exact to far more places than r has. Below π/4 r is x itself. Polynomials are near-minimax fits (Chebyshev interpolation
at 60 digits) on [0, (π/4)²].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llvmlite import ir

if TYPE_CHECKING:
    from conveyor.backends.cpu.codegen.vector import Vectors

# (sin(r) − r) / r³ and (cos(r) − 1 + ½r²) / r⁴ in r², from the constant up
_SINE = {
    32: (-0.1666666441020700331704, 0.008332700249708164963587, -0.0001957772143007225097796),
    64: (
        -0.1666666666666666407621,
        0.008333333333330427012454,
        -0.0001984126983598558410556,
        0.000002755731570963529184808,
        -2.505105158684690951974e-8,
        1.591246149983946769467e-10,
    ),
}
_COSINE = {
    32: (0.04166666440691311051365, -0.001388825491553888835281, 0.0000245377507670282175762),
    64: (
        0.04166666666666666504635,
        -0.001388888888888707101531,
        0.00002480158729828311593495,
        -2.755731702592345908691e-7,
        2.087609605899536945317e-9,
        -1.137908663472947887239e-11,
    ),
}
# The bits of 2/π in words, behind as many zeros as the smallest number above ½ needs.
_ZEROS = {32: 26, 64: 55}
_BITS = {
    32: (0x28, 0xBE60DB93, 0x91054A7F, 0x09D5F47D, 0x4D377036, 0xD8A5664F, 0x10E4107F, 0x9458EAF7, 0xAEF1586D),
    64: (
        0x145, 0xF306DC9C882A53F8, 0x4EAFA3EA69BB81B6, 0xC52B3278872083FC, 0xA2C757BD778AC36E, 0x48DC74849BA5C00C,
        0x925DD413A32439FC, 0x3BD63962534E7DD1, 0x046BEA5D768909D3, 0x38E04D68BEFC8273, 0x23AC7306A673E939,
        0x08BF177BF250763F, 0xF12FFFBC0B301FDE, 0x5E2316B414DA3EDA, 0x6CFD9E4F96136E9E, 0x8C7ECD3CBFD45AEA,
        0x4F758FD7CBE2F67A, 0x0E73EF14A525D4D7, 0xF6BF623F1ABA10AC, 0x06608DF8F6D757E1, 0x9F784135E86C3B53,
    ),
}  # fmt: skip
_QUARTER_PI = 0.7853981633974483
_HALF_PI = 1.5707963267948966


def sine(v: Vectors, x: Any) -> Any:
    """Emits the sine; NaN of what is not finite."""
    return _wave(v, x, 0)


def cosine(v: Vectors, x: Any) -> Any:
    """Emits the cosine; NaN of what is not finite."""
    return _wave(v, x, 1)


def _wave(v: Vectors, x: Any, ahead: int) -> Any:
    """sin(x + ahead·π/2)."""
    b, bits = v.b, v.form.integer.width
    size = v.fabs(x)
    quadrant, r = _reduced(v, size)
    w = b.fmul(r, r)
    sine_r = v.fma(b.fmul(r, w), v.polynomial(w, _SINE[bits]), r)
    # 1 − (½w − w²·P(w)): what is subtracted from 1 is small, so its own rounding does not show.
    rest = v.fma(b.fmul(w, w), v.polynomial(w, _COSINE[bits]), b.fmul(w, v.const(-0.5)))
    cosine_r = b.fadd(v.const(1.0), rest)
    turned = b.add(quadrant, v.integer(ahead))
    is_odd = b.icmp_signed("!=", b.and_(turned, v.integer(1)), v.integer(0))
    y = b.select(is_odd, cosine_r, sine_r)
    sign = b.shl(b.lshr(turned, v.integer(1)), v.integer(bits - 1))
    if not ahead:
        sign = b.xor(sign, b.and_(b.bitcast(x, v.integers), v.integer(-(2 ** (bits - 1)))))
    y = b.bitcast(b.xor(b.bitcast(y, v.integers), sign), v.type)
    return b.select(b.fcmp_ordered("<", size, v.const(float("inf"))), y, v.const(float("nan")))


def _reduced(v: Vectors, size: Any) -> tuple[Any, Any]:
    """The quadrant, and what is left of |x|, from −π/4 to π/4."""
    b, form = v.b, v.form
    bits, mantissa = form.integer.width, form.mantissa
    raw = b.bitcast(size, v.integers)
    whole = b.or_(b.and_(raw, v.integer(2**mantissa - 1)), v.integer(2**mantissa))
    exponent = b.sub(b.lshr(raw, v.integer(mantissa)), v.integer(form.bias + mantissa))
    least, most = 1 - _ZEROS[bits], form.bias - mantissa
    exponent = b.select(b.icmp_signed("<", exponent, v.integer(least + 1)), v.integer(least + 1), exponent)
    exponent = b.select(b.icmp_signed(">", exponent, v.integer(most)), v.integer(most), exponent)
    # The first bit that counts is worth 2.
    first = b.add(exponent, v.integer(_ZEROS[bits] - 2))
    words = _words(v, b.lshr(first, v.integer(bits.bit_length() - 1)), most)
    shift = b.and_(first, v.integer(bits - 1))
    window = [_joined(v, words[k], words[k + 1], shift) for k in range(3)]
    high, low = _product(v, whole, window)
    rounded = b.add(high, v.integer(2 ** (bits - 3)))
    quadrant = b.lshr(rounded, v.integer(bits - 2))
    high = b.sub(high, b.shl(quadrant, v.integer(bits - 2)))
    r = _as_float(v, high, low)
    is_small = b.fcmp_ordered("<", size, v.const(_QUARTER_PI))
    return b.select(is_small, v.integer(0), quadrant), b.select(is_small, size, r)


def _words(v: Vectors, index: Any, most: int) -> list[Any]:
    """Four words of 2/π from a place on."""
    b, bits = v.b, v.form.integer.width
    table = _BITS[bits]
    last = (most + _ZEROS[bits] - 2) // bits
    if bits == 64:
        return _looked_up(v, index, table)
    found = [v.integer(_signed(table[k], bits)) for k in range(4)]
    for place in range(1, last + 1):
        there = b.icmp_signed("==", index, v.integer(place))
        found = [b.select(there, v.integer(_signed(table[place + k], bits)), f) for k, f in enumerate(found)]
    return found


def _looked_up(v: Vectors, index: Any, table: Sequence[int]) -> list[Any]:
    """The words by loads, one lane after another."""
    b, name, i32 = v.b, "two_over_pi", ir.IntType(32)
    kind = ir.ArrayType(v.form.integer, len(table))
    known = b.module.globals
    if name in known:
        words = known[name]
    else:
        words = ir.GlobalVariable(b.module, kind, name)
        words.global_constant, words.linkage = True, "internal"
        words.initializer = ir.Constant(kind, [_signed(w, 64) for w in table])
    found = [v.integer(0) for _ in range(4)]
    for lane in range(v.lanes):
        at = b.extract_element(index, ir.Constant(i32, lane))
        for k in range(4):
            place = b.add(at, ir.Constant(at.type, k))
            word = b.load(b.gep(words, [place], source_etype=v.form.integer), typ=v.form.integer)
            found[k] = b.insert_element(found[k], word, ir.Constant(i32, lane))
    return found


def _signed(word: int, bits: int) -> int:
    return word - 2**bits if word >= 2 ** (bits - 1) else word


def _joined(v: Vectors, high: Any, low: Any, shift: Any) -> Any:
    """A word that begins within one and ends in the next."""
    b, bits = v.b, v.form.integer.width
    behind = b.lshr(b.lshr(low, v.integer(1)), b.sub(v.integer(bits - 1), shift))
    return b.or_(b.shl(high, shift), behind)


def _product(v: Vectors, whole: Any, window: Sequence[Any]) -> tuple[Any, Any]:
    """The upper two of three words of a product."""
    b = v.b
    top, middle, bottom = (_wide(v, whole, w) for w in window)
    low = b.add(middle[1], bottom[0])
    carry = b.select(b.icmp_unsigned("<", low, middle[1]), v.integer(1), v.integer(0))
    return b.add(b.add(top[1], middle[0]), carry), low


def _wide(v: Vectors, x: Any, y: Any) -> tuple[Any, Any]:
    """The upper and the lower word of a product."""
    b, bits = v.b, v.form.integer.width
    double = ir.IntType(2 * bits)
    kind = ir.VectorType(double, v.lanes) if isinstance(v.integers, ir.VectorType) else double
    shift = ir.Constant(kind, [bits] * v.lanes if isinstance(v.integers, ir.VectorType) else bits)
    whole = b.mul(b.zext(x, kind), b.zext(y, kind))
    return b.trunc(b.lshr(whole, shift), v.integers), b.trunc(whole, v.integers)


def _as_float(v: Vectors, high: Any, low: Any) -> Any:
    """A signed number of two words, in units of a quarter of the first word's range, times π/2."""
    b, bits = v.b, v.form.integer.width
    sign = b.ashr(high, v.integer(bits - 1))
    low = b.sub(b.xor(low, sign), sign)
    borrowed = b.and_(b.icmp_unsigned("==", low, v.integer(0)), b.icmp_signed("!=", sign, v.integer(0)))
    high = b.add(b.xor(high, sign), b.select(borrowed, v.integer(1), v.integer(0)))
    unit = _HALF_PI * 2.0 ** (2 - bits)
    # The lower word is halved, since conversions are of signed numbers.
    upper, lower = b.sitofp(high, v.type), b.sitofp(b.lshr(low, v.integer(1)), v.type)
    r = v.fma(lower, v.const(unit * 2.0 ** (1 - bits)), b.fmul(upper, v.const(unit)))
    flipped = b.and_(sign, v.integer(-(2 ** (bits - 1))))
    return b.bitcast(b.xor(b.bitcast(r, v.integers), flipped), v.type)
