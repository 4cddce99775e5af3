"""Rows are divided evenly: sequences of unequal length between threads, and rows between register blocks."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from itertools import accumulate

import pytest
import torch
from llvmlite import ir

import conveyor as cv
from conveyor.backends.cpu.codegen import compile as compiler
from conveyor.backends.cpu.codegen import gemm, isa
from conveyor.backends.cpu.codegen.loops import I64
from conveyor.backends.cpu.codegen.scheduling import row_division


@cache
def compiled(name: str) -> tuple[Callable[..., int], object]:
    module = ir.Module(f"share {name}")
    if name == "share":
        row_division.emit(module, "share").linkage = ""
        kind = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, *[ctypes.c_int64] * 5)
    else:
        pointer = ir.PointerType()
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [pointer, I64, I64]), "blocks")
        b = ir.IRBuilder(function.append_basic_block("entry"))
        for k, stop in enumerate(gemm._blocks(b, function.args[1], int(name))):
            b.store(stop, b.gep(function.args[0], [I64(k)], source_etype=I64))
        b.ret_void()
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, *[ctypes.c_int64] * 2)
    engine, _ = compiler._load(str(module), lambda: (module, {}), isa.width())
    return kind(engine.get_function_address("share" if name == "share" else "blocks")), engine


def edges(lengths: list[int], low: int, high: int, parts: int) -> list[int]:
    """The first row of each part, and the row behind the last."""
    ordered = sorted(lengths, reverse=True)
    sizes = [sum(n > t for n in ordered) for t in range(max(ordered))]
    starts = (ctypes.c_int64 * (len(sizes) + 1))(0, *accumulate(sizes))
    call, _ = compiled("share")
    return [call(ctypes.addressof(starts), low, high, len(lengths), part, parts) for part in range(parts + 1)]


@pytest.mark.parametrize("parts", [1, 2, 3, 8])
@pytest.mark.parametrize("seed", range(6))
def test_each_part_has_as_much_work(seed: int, parts: int) -> None:
    torch.manual_seed(seed)
    lengths = torch.randint(1, 60, (20 + 7 * seed,)).tolist()
    ordered, longest = sorted(lengths, reverse=True), max(lengths)
    for low, high in ((0, longest), (0, longest // 2), (longest // 3, longest)):
        found = edges(lengths, low, high, parts)
        assert found[0] == 0 and found[-1] == len(lengths) and found == sorted(found)
        work = [max(min(n, high) - low, 0) for n in ordered]
        for first, last in zip(found, found[1:], strict=False):
            # No part is further from the fair one than a row's work at each end.
            assert abs(sum(work[first:last]) - sum(work) / parts) <= high - low


def test_equal_lengths_are_divided_as_rows_are() -> None:
    assert edges([9] * 8, 0, 9, 4) == [0, 2, 4, 6, 8]
    assert edges([5], 0, 5, 3)[-1] == 1


@pytest.mark.parametrize("most", [4, 6])
def test_register_blocks_are_few_and_alike(most: int) -> None:
    call, _ = compiled(str(most))
    for rows in range(50):
        stops = (ctypes.c_int64 * most)()
        call(ctypes.addressof(stops), rows, 0)
        at, heights = 0, []
        for height, stop in zip(range(most, 0, -1), stops, strict=True):
            while at + height <= stop:
                at += height
                heights.append(height)
        assert at == rows and len(heights) == -(-rows // most)
        assert not heights or max(heights) - min(heights) <= 1


@pytest.mark.parametrize("batch", [1, 2, 7, 16, 33])
def test_lengths_on_several_threads_have_the_same_bits(batch: int) -> None:
    torch.manual_seed(0)
    layer, x = cv.LSTM(5, 20), torch.randn(24, batch, 5)
    lengths = torch.randint(0, 25, (batch,))
    found = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        layer.zero_grad(set_to_none=True)
        y, _ = layer(x, lengths=lengths)
        y.square().sum().backward()
        found.append([y.detach(), *(p.grad.clone() for p in layer.parameters() if p.grad is not None)])
    for other in found[1:]:
        assert len(other) == 5 and all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))
