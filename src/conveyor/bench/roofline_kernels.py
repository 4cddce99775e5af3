"""Loops that reach the machine's peak rates: a matrix product, reading memory, and each function.

They share nothing with the library's kernels, so that the yardstick does not change with them.

    product(weights, left, sums, inner, repeats)     read(numbers, sums, count, repeats)

    repeats times:                                   repeats times:
        sums = 0                                         sums = 0
        for k in 0 … inner−1:                            for n in 0 … count−1, `UNROLL` vectors at a time:
            sums[m, q] += left[k, m] · weights[k, q]         sums += numbers[n]

The product's sums fill the registers as those of any good product do: `rows` by `panel` vectors, of which only the
weights and the broadcast left side are loaded. The loop of a function is that of reading, with f(numbers[n]) added.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from llvmlite import binding as llvm
from llvmlite import ir

from conveyor.backends.cpu.codegen.isa import ISA, machine
from conveyor.backends.cpu.codegen.vector import FLOAT32, Vectors

_I64 = ir.IntType(64)
_POINTER = ir.PointerType()
UNROLL = 8


# Functions whose cost is measured; any other operation on numbers is one instruction a vector.
FUNCTIONS: dict[str, Callable[[Vectors, Any], Any]] = {
    "sigmoid": lambda v, a: v.sigmoid(a),
    "tanh": lambda v, a: v.tanh(a),
    "exp": lambda v, a: v.exp(a),
    "log": lambda v, a: v.log(a),
    "log1p": lambda v, a: v.log1p(a),
    "softplus": lambda v, a: v.softplus(a),
    "sin": lambda v, a: v.call("sin", a),
    "cos": lambda v, a: v.call("cos", a),
    "sqrt": lambda v, a: v.call("sqrt", a),
    "div": lambda v, a: v.b.fdiv(v.const(1.0), a),
}


@dataclass(frozen=True)
class RooflineKernels:
    """The roofline kernels as functions that release the GIL.

    Attributes:
        product: Takes (weights, left, sums, inner, repeats): addresses and counts.
        read: Takes (numbers, sums, count, repeats).
        functions: By name, each with the arguments of `read`.
        rows: The number of rows of a product.
        columns: The number of its columns.
        stretch: The number of elements per iteration of `read` and the functions.
        engine: LLVM's engine, which owns the code.
    """

    product: Any
    read: Any
    functions: dict[str, Any]
    rows: int
    columns: int
    stretch: int
    engine: Any


@lru_cache(maxsize=4)
def compile_kernels(width: ISA) -> RooflineKernels:
    """Compile the loops for an instruction set, cached."""
    module = ir.Module("roofline kernels")
    _product(module, width)
    _read(module, width, "read", lambda v, a: a)
    for name, function in FUNCTIONS.items():
        _read(module, width, f"function_{name}", function)
    target = machine(width)
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    builder = llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options(speed_level=2))
    builder.getModulePassManager().run(parsed, builder)
    engine = llvm.create_mcjit_compiler(parsed, target)
    engine.finalize_object()
    place, number = ctypes.c_void_p, ctypes.c_int64
    product = ctypes.CFUNCTYPE(None, place, place, place, number, number)
    read = ctypes.CFUNCTYPE(None, place, place, number, number)
    lanes = width.lanes(FLOAT32)
    return RooflineKernels(
        product(engine.get_function_address("product")),
        read(engine.get_function_address("read")),
        {name: read(engine.get_function_address(f"function_{name}")) for name in FUNCTIONS},
        width.rows,
        width.panel * lanes,
        UNROLL * lanes,
        engine,
    )


def _product(module: ir.Module, width: ISA) -> None:
    kind = ir.FunctionType(ir.VoidType(), [_POINTER, _POINTER, _POINTER, _I64, _I64])
    function = ir.Function(module, kind, "product")
    weights, left, sums, inner, repeats = function.args
    lanes, panel, rows = width.lanes(FLOAT32), width.panel, width.rows

    def step(b: ir.IRBuilder, k: Any, totals: list[Any]) -> list[Any]:
        v = Vectors(b, FLOAT32, lanes)
        row = b.mul(k, _number(panel * lanes))
        vectors = [_load(b, weights, b.add(row, _number(q * lanes)), v.type) for q in range(panel)]
        one = [v.splat(_load(b, left, b.add(b.mul(k, _number(rows)), _number(m)), FLOAT32.type)) for m in range(rows)]
        return [v.fma(one[m], vectors[q], totals[m * panel + q]) for m in range(rows) for q in range(panel)]

    _repeat(function, repeats, inner, rows * panel, lanes, sums, step)


def _read(module: ir.Module, width: ISA, name: str, of: Callable[[Vectors, Any], Any]) -> None:
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [_POINTER, _POINTER, _I64, _I64]), name)
    numbers, sums, count, repeats = function.args
    lanes = width.lanes(FLOAT32)

    def step(b: ir.IRBuilder, k: Any, totals: list[Any]) -> list[Any]:
        v = Vectors(b, FLOAT32, lanes)
        start = b.mul(k, _number(UNROLL * lanes))
        places = [b.add(start, _number(u * lanes)) for u in range(UNROLL)]
        return [b.fadd(t, of(v, _load(b, numbers, at, v.type))) for t, at in zip(totals, places, strict=True)]

    _repeat(function, repeats, count, UNROLL, lanes, sums, step)


def _repeat(function: Any, repeats: Any, count: Any, sums: int, lanes: int, to: Any, step: Any) -> None:
    """Emit the two loops around a step, whose sums are stored each round, so that none is optimised out."""
    b = ir.IRBuilder(function.append_basic_block("entry"))
    zero = Vectors(b, FLOAT32, lanes).const(0.0)
    entry = b.block
    again, body, after, done = (function.append_basic_block(name) for name in ("again", "body", "after", "done"))
    b.branch(again)
    b.position_at_end(again)
    r = b.phi(_I64)
    r.add_incoming(_number(0), entry)
    b.branch(body)
    b.position_at_end(body)
    k = b.phi(_I64)
    k.add_incoming(_number(0), again)
    totals = [b.phi(zero.type) for _ in range(sums)]
    new = step(b, k, totals)
    for total, value in zip(totals, new, strict=True):
        total.add_incoming(zero, again)
        total.add_incoming(value, body)
    following = b.add(k, _number(1))
    k.add_incoming(following, body)
    b.cbranch(b.icmp_signed("<", following, count), body, after)
    b.position_at_end(after)
    for n, value in enumerate(new):
        b.store(value, b.gep(to, [_number(n * lanes)], source_etype=FLOAT32.type), align=4)
    next_round = b.add(r, _number(1))
    r.add_incoming(next_round, after)
    b.cbranch(b.icmp_signed("<", next_round, repeats), again, done)
    b.position_at_end(done)
    b.ret_void()


def _number(value: int) -> Any:
    return ir.Constant(_I64, value)


def _load(b: ir.IRBuilder, base: Any, at: Any, kind: ir.Type) -> Any:
    return b.load(b.gep(base, [at], source_etype=FLOAT32.type), typ=kind, align=4)
