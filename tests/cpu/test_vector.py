"""The elementary functions: their largest errors over the whole range are those that the module's table states."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from llvmlite import ir
from numpy.typing import NDArray

from conveyor.backends.cpu.codegen import compile as compiler
from conveyor.backends.cpu.codegen import vector
from conveyor.backends.cpu.codegen.isa import ISA, widths
from conveyor.backends.cpu.codegen.loops import I64, POINTER, i64, loop
from conveyor.backends.cpu.codegen.vector import FORMATS, Format, Vectors

Array = NDArray[np.floating]

WIDTHS = [pytest.param(w, id=w.name) for w in widths()]
TRUTH: dict[str, Callable[[Array], Array]] = {
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "sigmoid": lambda x: np.where(x < 0, np.exp(np.minimum(x, 0)), 1) / (1 + np.exp(-np.abs(x))),
    "log1p": np.log1p,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "sin": np.sin,
    "cos": np.cos,
}
# Above float32 comes float64, above float64 the processor's long double.
WIDER = {"float32": np.float64, "float64": np.longdouble}
INF, NAN = np.inf, np.nan
SPECIAL: dict[str, list[tuple[float, float]]] = {
    "exp": [(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0)],
    "log": [(0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF), (-1.0, NAN), (-INF, NAN)],
    "tanh": [(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0)],
    "sigmoid": [(0.0, 0.5), (-0.0, 0.5), (INF, 1.0), (-INF, 0.0)],
    "log1p": [(0.0, 0.0), (-0.0, 0.0), (-1.0, -INF), (INF, INF), (-1.5, NAN), (-INF, NAN)],
    "softplus": [(INF, INF), (-INF, 0.0)],
    "sin": [(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN)],
    "cos": [(0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN)],
}


@cache
def stated() -> dict[tuple[str, str], float]:
    """The table of the docstring."""
    assert vector.__doc__ is not None
    lines = [line.split() for line in vector.__doc__.splitlines()]
    rows = {words[0]: words[1:3] for words in lines if len(words) > 2 and words[0] in TRUTH}
    return {(f, t): float(n) for f, numbers in rows.items() for t, n in zip(FORMATS, numbers, strict=True)}


@cache
def compiled(name: str, kind: str, width: ISA) -> Callable[[Array], Array]:
    """The function on whole arrays."""
    form: Format = FORMATS[kind]
    module = ir.Module(f"{name} {kind}")
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, POINTER, I64]), "apply")
    b = ir.IRBuilder(function.append_basic_block("entry"))
    lanes = width.lanes(form)

    def body(b: ir.IRBuilder, k: ir.Value) -> None:
        v = Vectors(b, form, lanes)
        source, target = (b.gep(p, [k], source_etype=form.type) for p in function.args[:2])
        b.store(getattr(v, name)(b.load(source, typ=v.type, align=4)), target, align=4)

    loop(b, i64(0), function.args[2], lanes, body)
    b.ret_void()
    engine, _ = compiler._load(str(module), lambda: (module, {}), width)
    call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)(
        engine.get_function_address("apply")
    )

    def apply(x: Array) -> Array:
        size = -(-x.size // lanes) * lanes
        padded, result = np.zeros(size, x.dtype), np.full(size, np.nan, x.dtype)
        padded[: x.size] = x
        call(padded.ctypes.data, result.ctypes.data, size)
        assert engine is not None  # it owns the code
        return result[: x.size]

    return apply


@cache
def samples(kind: str) -> Array:
    """Numbers evenly spread over all bit patterns, over the ranges where functions bend, and around notable numbers."""
    random = np.random.default_rng(0)
    dtype = np.dtype(kind)
    integer = np.dtype(f"u{dtype.itemsize}")
    number = 200_000 if kind == "float32" else 50_000  # the truth in long double is slow
    every = np.arange(number, dtype=integer) * integer.type(np.iinfo(integer).max // number)
    patterns = np.concatenate([every, random.integers(0, np.iinfo(integer).max, number, integer)]).view(dtype)
    spans = [(-1, 1), (-0.1, 0.1), (-10, 10), (-110, 90), (0, 3), (0.7, 1.5), (-1, -0.9), (-40, 40), (-750, 720)]
    ranges = [random.uniform(a, b, number // 2) for a, b in spans]
    bends = [1, 0.5, 2**0.5, 0.5**0.5, np.log(2), np.log(2) / 2, 88.7, -87.3, -103.9, 709.7, -745, 9, 19]
    notable = np.array([*bends, *(-n for n in bends)], dtype)
    around = (notable[:, None] * (1 + np.arange(-500, 500) * np.finfo(dtype).eps)).ravel()
    small = np.arange(-500, 500) * np.finfo(dtype).smallest_subnormal
    whole = np.concatenate([patterns, *(r.astype(dtype) for r in (*ranges, around, small))])
    return whole[np.isfinite(whole)]


@cache
def truth_of(name: str, kind: str) -> Array:
    with np.errstate(all="ignore"):
        return TRUTH[name](samples(kind).astype(WIDER[kind]))


def error(name: str, kind: str, width: ISA) -> tuple[float, float]:
    """The largest error in units in the last place of the exact result, and where it is."""
    x, truth = samples(kind), truth_of(name, kind)
    with np.errstate(all="ignore"):
        got = compiled(name, kind, width)(x)
        info = np.finfo(kind)
        # Beyond the largest number by half a unit, the nearest is infinity.
        over = np.abs(truth) >= np.longdouble(info.max) * (1 + np.longdouble(info.eps) / 4)
        nan = np.isnan(truth)
        assert np.isnan(got[nan]).all() and not np.isnan(got[~nan]).any()
        assert np.isinf(got[over]).all()
        x, got, truth = (v[~nan & ~over & np.isfinite(truth)] for v in (x, got, truth))
        spacing = np.maximum(np.exp2(np.floor(np.log2(np.abs(truth)))) * info.eps, info.smallest_subnormal)
        off = np.abs(got.astype(WIDER[kind]) - truth) / spacing
    assert off.size > 100_000
    at = int(off.argmax())
    return float(off[at]), float(x[at])


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", TRUTH)
def test_error_is_at_most_what_the_table_states(name: str, kind: str, width: ISA) -> None:
    largest, where = error(name, kind, width)
    print(f"{name} {kind} {width.name}: {largest:.3f} ULP at {where!r}")
    assert stated()[name, kind] <= 4
    assert largest <= stated()[name, kind], f"{largest:.3f} ULP at {where!r}"


def test_the_table_is_of_these_functions() -> None:
    assert {name for name, _ in stated()} == TRUTH.keys() == SPECIAL.keys()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", TRUTH)
def test_zeros_infinities_and_nan(name: str, kind: str, width: ISA) -> None:
    apply = compiled(name, kind, width)
    given, want = (np.array(numbers, kind) for numbers in zip(*SPECIAL[name], strict=True))
    got = apply(given)
    np.testing.assert_array_equal(got, want)
    if name == "tanh":
        np.testing.assert_array_equal(np.signbit(got), np.signbit(want))
    nans = np.array([np.nan, -np.nan], kind)
    integer = f"u{nans.itemsize}"
    nans = np.concatenate(
        [nans, (nans.view(integer) | 0x1234).view(kind), (nans.view(integer) & ~np.array(1, integer)).view(kind)]
    )
    assert np.isnan(nans).all() and np.isnan(apply(nans)).all()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", FORMATS)
def test_results_do_not_depend_on_the_lane(kind: str, width: ISA) -> None:
    x = samples(kind)[::997]
    for name in TRUTH:
        apply = compiled(name, kind, width)
        np.testing.assert_array_equal(apply(x), apply(x[::-1].copy())[::-1])


def quotients(top: Array, bottom: Array, estimate: Array, width: ISA) -> Array:
    """Quotients by estimates of the reciprocals."""
    form, lanes = FORMATS["float32"], width.lanes(FORMATS["float32"])
    assert top.size == bottom.size == estimate.size and top.size % lanes == 0
    module = ir.Module("refined")
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER] * 4 + [I64]), "apply")
    b = ir.IRBuilder(function.append_basic_block("entry"))

    def body(b: ir.IRBuilder, k: ir.Value) -> None:
        v = Vectors(b, form, lanes)
        *sources, target = (b.gep(p, [k], source_etype=form.type) for p in function.args[:4])
        b.store(v.refined(*(b.load(p, typ=v.type, align=4) for p in sources)), target, align=4)

    loop(b, i64(0), function.args[4], lanes, body)
    b.ret_void()
    engine, _ = compiler._load(str(module), lambda: (module, {}), width)
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4, ctypes.c_int64)
    result = np.empty_like(top)
    kind(engine.get_function_address("apply"))(*(a.ctypes.data for a in (top, bottom, estimate, result)), top.size)
    return result


@pytest.mark.parametrize("width", [w for w in widths() if w.name in ("avx2", "avx512")], ids=lambda w: w.name)
def test_a_quotient_by_an_estimate_is_the_division(width: ISA) -> None:
    """Whatever the estimate, as long as it is good to 14 bits: so it does not matter which of the two a row gets."""
    random = np.random.default_rng(0)
    many = 1 << 20
    ones = np.nextafter(np.float32(2), np.float32(0))  # the hardest: all bits of its mantissa are set
    near = np.arange(1 << 12, dtype=np.float32) * np.finfo(np.float32).eps
    e = np.concatenate([random.uniform(0, 1, many), np.exp(random.uniform(-80, 0, many)), near, 1 - near / 2])
    tiny = (np.arange(1, 1 << 12) * np.finfo(np.float32).smallest_subnormal).astype(np.float32)
    e = np.concatenate([e, tiny])
    t = np.concatenate(
        [tiny, np.expm1(random.uniform(0, 20, many)), np.exp(random.uniform(-80, 3, many)), near, near * 8]
    )
    e, t = e.astype(np.float32), t.astype(np.float32)
    cases = [
        (np.where(random.random(e.size) < 0.5, e, np.float32(1)), np.float32(1) + e),  # a sigmoid
        (t, t + np.float32(2)),  # a hyperbolic tangent
        (random.uniform(0, 2, many).astype(np.float32), np.full(many, ones)),
    ]
    for top, bottom in cases:
        size = top.size // 64 * 64
        top, bottom = top[:size].copy(), bottom[:size].copy()
        for off in (-1.0, 0.0, 1.0, random.uniform(-1, 1, size)):
            estimate = ((1 + off * 2.0**-14) / bottom.astype(np.float64)).astype(np.float32)
            got = quotients(top, bottom, estimate, width)
            np.testing.assert_array_equal(got, top / bottom)
