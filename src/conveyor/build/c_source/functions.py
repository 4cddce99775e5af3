"""Elementary functions in C, the same formulas as those that are emitted for LLVM; no branches, so loops vectorise.

Each is written once with the names of those that it calls; a source has those that it needs.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from conveyor.backends.cpu.codegen.trigonometry import _BITS, _COSINE, _SINE
from conveyor.backends.cpu.codegen.vector import FLOAT32
from conveyor.build.codegen.functions import TANH_BOTTOM, TANH_HIGH, TANH_TOP


def number(value: float) -> str:
    """A float32 number as C writes it, exact."""
    single = np.float32(value)
    if np.isinf(single):
        return "-INFINITE" if single < 0 else "INFINITE"
    text = str(single)  # the shortest that reads as this number
    return f"{text}f" if any(c in text for c in ".e") else f"{text}.0f"


def _horner(x: str, coefficients: Iterable[float]) -> str:
    terms = list(coefficients)
    total = number(terms[-1])
    for c in reversed(terms[:-1]):
        total = f"({total} * {x} + {number(c)})"
    return total


def _estrin(w: str, c: tuple[float, ...]) -> str:
    """Five terms, w2 and w4 being powers of w."""
    n = [number(k) for k in c]
    return f"(({n[0]} + {n[1]} * {w}) + ({n[2]} + {n[3]} * {w}) * {w}2) + {n[4]} * {w}4"


_F = FLOAT32
# name: (functions that it calls, text)
_TEXTS: dict[str, tuple[tuple[str, ...], str]] = {
    "INFINITE": (
        ("from_bits",),
        "#define INFINITE from_bits(0x7f800000u)\n#define NOT_A_NUMBER from_bits(0x7fc00000u)",
    ),
    "from_bits": (
        (),
        "static inline float from_bits(uint32_t bits) {\n"
        "    union { uint32_t bits; float number; } both = {bits};\n    return both.number;\n}",
    ),
    "to_bits": (
        (),
        "static inline uint32_t to_bits(float number) {\n"
        "    union { float number; uint32_t bits; } both = {number};\n    return both.bits;\n}",
    ),
    "f_abs": (
        ("from_bits", "to_bits"),
        "static inline float f_abs(float x) { return from_bits(to_bits(x) & 0x7fffffffu); }",
    ),
    "f_below": ((), "static inline float f_below(float x, float high) { return x > high ? high : x; }"),
    "f_above": ((), "static inline float f_above(float x, float low) { return x < low ? low : x; }"),
    "f_larger": (
        (),
        "static inline float f_larger(float x, float y) {\n"
        "    const float first = x <= y ? y : x;\n    return y != y ? y : first;\n}",
    ),
    "f_smaller": (
        (),
        "static inline float f_smaller(float x, float y) {\n"
        "    const float first = x >= y ? y : x;\n    return y != y ? y : first;\n}",
    ),
    "f_tanh": (
        ("f_below", "f_above"),
        "static inline float f_tanh(float x) {\n"
        f"    const float c = f_below(f_above(x, -{number(TANH_HIGH)}), {number(TANH_HIGH)});\n"
        "    const float w = c * c, w2 = w * w, w4 = w2 * w2;\n"
        f"    return c * ({_estrin('w', TANH_TOP)})\n        / ({_estrin('w', TANH_BOTTOM)});\n}}",
    ),
    "f_gate": (
        ("f_below", "f_above"),
        "static inline float f_gate(float x) {\n"
        f"    const float c = f_below(f_above(0.5f * x, -{number(TANH_HIGH)}), {number(TANH_HIGH)});\n"
        "    const float w = c * c, w2 = w * w, w4 = w2 * w2;\n"
        f"    const float top = c * ({_estrin('w', TANH_TOP)});\n"
        f"    const float bottom = {_estrin('w', TANH_BOTTOM)};\n"
        "    return (top + bottom) * 0.5f / bottom;\n}",
    ),
    "f_exp": (
        ("f_below", "f_above", "from_bits", "to_bits"),
        "static inline float f_exp(float x) {\n"
        f"    const float c = f_below(f_above(x, {number(_F.exp_low)}), {number(_F.exp_high)});\n"
        f"    const float shifted = c * {number(1.4426950408889634)} + {number(_F.round)};\n"
        f"    const float n = shifted - {number(_F.round)};\n"
        f"    const int32_t whole = (int32_t)(to_bits(shifted) - to_bits({number(_F.round)}));\n"
        f"    const float r = (c - n * {number(_F.ln2_high)}) - n * {number(_F.ln2_low)};\n"
        f"    const float p = r * r * {_horner('r', _F.expm1)} + r;\n"
        "    const int32_t half = whole < 0 ? -((1 - whole) / 2) : whole / 2;\n"
        "    const float first = from_bits((uint32_t)(half + 127) << 23);\n"
        "    const float second = from_bits((uint32_t)(whole - half + 127) << 23);\n"
        "    const float y = (p * first + first) * second;\n    return x != x ? x : y;\n}",
    ),
    "f_sigmoid": (
        ("f_exp", "f_abs"),
        "static inline float f_sigmoid(float x) {\n    const float e = f_exp(-f_abs(x));\n"
        "    const float top = x < 0.0f ? e : 1.0f;\n    const float y = top / (e + 1.0f);\n"
        "    return x != x ? x : y;\n}",
    ),
    "f_log": (
        ("from_bits", "to_bits", "INFINITE"),
        "static inline float f_log(float x) {\n"
        "    const int denormal = x < 1.17549435e-38f;\n"
        "    const float lifted = denormal ? x * 16777216.0f : x;\n"
        f"    const int32_t bits = (int32_t)to_bits(lifted), root = (int32_t)to_bits({number(0.7071067811865476)});\n"
        "    const uint32_t moved = (uint32_t)(bits - root);\n"
        "    const int32_t n = (int32_t)(moved >> 23) - (int32_t)(moved >> 31) * 512;\n"
        "    const float m = from_bits((uint32_t)bits - ((uint32_t)n << 23));\n"
        "    const float power = (float)(n - (denormal ? 24 : 0));\n"
        "    const float f = m - 1.0f, s = f / (f + 2.0f), w = s * s, half = 0.5f * (f * f);\n"
        f"    const float tail = s * (w * {_horner('w', _F.atanh)} + half);\n"
        f"    const float low = power * {number(_F.ln2_low)} + tail;\n"
        f"    float y = power * {number(_F.ln2_high)} + (f - (half - low));\n"
        "    y = x >= 0.0f ? y : NOT_A_NUMBER;\n    y = x == 0.0f ? -INFINITE : y;\n"
        "    return x == INFINITE ? x : y;\n}",
    ),
    "f_log1p": (
        ("f_log", "INFINITE"),
        "static inline float f_log1p(float x) {\n    const float u = x + 1.0f, y = f_log(u);\n"
        "    const float corrected = y + (x - (u - 1.0f)) / u;\n"
        "    return u == 0.0f || u == INFINITE ? y : corrected;\n}",
    ),
    "f_softplus": (
        ("f_log1p", "f_exp", "f_abs", "f_above"),
        "static inline float f_softplus(float x) { return f_above(x, 0.0f) + f_log1p(f_exp(-f_abs(x))); }",
    ),
    # Heron's rule from a first guess by halving the exponent: three turns are exact to the last place or so.
    "f_sqrt": (
        ("from_bits", "to_bits", "INFINITE"),
        "static inline float f_sqrt(float x) {\n"
        "    const int small = x < 1e-30f;\n    const float v = small ? x * 16777216.0f : x;\n"
        "    float y = from_bits((to_bits(v) >> 1) + 0x1fbd1df5u);\n"
        "    y = 0.5f * (y + v / y);\n    y = 0.5f * (y + v / y);\n    y = 0.5f * (y + v / y);\n"
        "    y = small ? y * 0.000244140625f : y;\n    y = x > 0.0f ? y : x == 0.0f ? x : NOT_A_NUMBER;\n"
        "    return x == INFINITE ? x : y;\n}",
    ),
    "f_wave": (
        ("from_bits", "to_bits", "f_abs", "INFINITE"),
        "/* The sine of x + ahead * pi / 2: 2/pi in words, the window that counts, the product in whole numbers. */\n"
        "static inline float f_wave(float x, uint32_t ahead) {\n"
        "    static const uint32_t two_over_pi[9] = {" + ", ".join(f"0x{w:08x}u" for w in _BITS[32]) + "};\n"
        "    const float size = f_abs(x);\n    const uint32_t raw = to_bits(size);\n"
        "    const uint32_t whole = (raw & 0x7fffffu) | 0x800000u;\n"
        "    int32_t exponent = (int32_t)(raw >> 23) - 150;\n"
        "    exponent = exponent < -24 ? -24 : exponent > 104 ? 104 : exponent;\n"
        "    const uint32_t first = (uint32_t)(exponent + 24), at = first >> 5, shift = first & 31u;\n"
        "    const uint64_t w0 = (two_over_pi[at] << shift) | ((two_over_pi[at + 1] >> 1) >> (31u - shift));\n"
        "    const uint64_t w1 = (two_over_pi[at + 1] << shift) | ((two_over_pi[at + 2] >> 1) >> (31u - shift));\n"
        "    const uint64_t w2 = (two_over_pi[at + 2] << shift) | ((two_over_pi[at + 3] >> 1) >> (31u - shift));\n"
        "    uint64_t part = ((whole * w0) << 32) + whole * w1 + ((whole * w2) >> 32);\n"
        "    const uint32_t turned = (uint32_t)((part + ((uint64_t)1 << 61)) >> 62);\n"
        "    part -= (uint64_t)turned << 62;\n"
        "    const uint64_t sign = (uint64_t)0 - (part >> 63);\n"
        "    part = (part ^ sign) - sign;\n"
        "    float r = (float)(int32_t)(part >> 32) * 1.4629180793e-9f;\n"
        "    r += (float)(int32_t)((uint32_t)part >> 1) * 6.8121953e-19f;\n"
        "    r = from_bits(to_bits(r) ^ ((uint32_t)sign & 0x80000000u));\n"
        "    const int small = size < 0.7853981633974483f;\n"
        "    r = small ? size : r;\n    const uint32_t quadrant = (small ? 0u : turned) + ahead;\n"
        "    const float w = r * r;\n"
        f"    const float s = r * w * {_horner('w', _SINE[32])} + r;\n"
        f"    const float c = 1.0f + (w * w * {_horner('w', _COSINE[32])} + w * -0.5f);\n"
        "    const uint32_t flip = (quadrant >> 1 << 31) ^ (ahead ? 0u : to_bits(x) & 0x80000000u);\n"
        "    const float y = from_bits(to_bits(quadrant & 1u ? c : s) ^ flip);\n"
        "    return size < INFINITE ? y : NOT_A_NUMBER;\n}",
    ),
}


def write_functions(names: Iterable[str]) -> str:
    """Writes the functions of these names and those that they call, each before its reader."""
    found: dict[str, None] = {}

    def add(name: str) -> None:
        needs, _ = _TEXTS[name]
        for n in needs:
            add(n)
        found[name] = None

    for name in names:
        add(name)
    return "\n\n".join(_TEXTS[name][1] for name in found)
