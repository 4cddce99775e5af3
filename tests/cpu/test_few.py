"""The code for few rows gives the bits of the code for many, whatever the sizes and the threads."""

from __future__ import annotations

import platform
import re

import pytest
import torch
from llvmlite import binding as llvm

from conveyor.backends.cpu.codegen import emit, isa
from conveyor.backends.cpu.codegen import few_rows as few
from conveyor.backends.cpu.codegen.vector import FLOAT32
from conveyor.backends.lowering.passes import lower_backward, lower_forward
from cpu.cells import CELLS
from cpu.common import Shape, Tensors, assert_same, infer, train
from support import BUILT_IN, HAND_WRITTEN, Case, Problem

BY_ID = {c.id: c for c in (*BUILT_IN, *HAND_WRITTEN, *CELLS)}
CASES = [
    BY_ID[name]
    for name in ("rnn", "gru", "lstm", "lstm_layer_norm", "slstm-2heads-exp", "memory_of_conditions", "given_twice")
]
DTYPES = [pytest.param(d, id=str(d).removeprefix("torch.")) for d in (torch.float32, torch.float64)]


def both(given: Problem) -> tuple[Tensors, Tensors]:
    return infer("cpu", given), train("cpu", given)


def plain(given: Problem) -> tuple[Tensors, Tensors]:
    """The same by the code for many rows, on one thread."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(few, "MOST_ROWS", 0)
        return both(given)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("given", CASES, ids=lambda c: c.id)
def test_few_rows_have_the_bits_of_many(given: Case, dtype: torch.dtype) -> None:
    assert few.MOST_ROWS >= 3
    # Around one and two vectors of each width, and around blocks of them.
    for size in (1, 8, 15, 33, 50, 132):
        batch = 1 + size % 3
        problem = Shape(4, batch, 3, size + size % 2 * (given.id == "slstm-2heads-exp")).problem(given).to(dtype)
        want = plain(problem)
        for threads in (1, 2):
            torch.set_num_threads(threads)
            for mine, theirs in zip(both(problem), want, strict=True):
                assert_same(mine, theirs)


@pytest.mark.parametrize("steps", [1, 2, 300])
def test_single_steps_and_several_chunks(steps: int) -> None:
    problem = Shape(steps, 1, 16, 32).problem(BY_ID["lstm"]).to(torch.float32)
    want = plain(problem)
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for mine, theirs in zip(both(problem), want, strict=True):
            assert_same(mine, theirs)


@pytest.mark.parametrize("width", isa._X86 + isa._ARM, ids=lambda w: w.name)
def test_sums_fit_the_registers(width: isa.ISA) -> None:
    for given in CASES:
        for schedule in (lower_forward(given.program, True).loop, lower_backward(given.program, True).loop):
            for rows in range(1, few.MOST_ROWS + 1):
                vectors = few.panel_vectors(schedule, rows, width)
                for product in schedule.products:
                    if few.is_woven(schedule, product, rows, width):
                        assert rows * vectors * len(product.results) <= width.rows * width.panel


def test_where_the_code_for_many_rows_is_used() -> None:
    (width, *_) = isa.widths()
    loop = lower_forward(BY_ID["lstm"].program, False).loop
    assert [few.rows_at_once(loop, batch, width) for batch in range(6)] == [0, 1, 2, 3, 0, 0]
    assert few.rows_at_once(loop, 1, width, ragged=True) == 0
    no_product = lower_forward(BY_ID["memory_of_conditions"].program, False).loop
    assert few.rows_at_once(no_product, 1, width) == (1 if list(no_product.products) else 0)


def test_parts_wait_once_a_step() -> None:
    """Behind the only work that a product is going to read: the new state forward, the gates' gradients backward."""
    program = BY_ID["lstm"].program
    assert few._meetings(lower_forward(program, True).loop, lambda p: True) == [True]
    assert few._meetings(lower_backward(program, True).loop, lambda p: True) == [True, False]
    assert few._meetings(lower_backward(program, True).loop, lambda p: False) == [True, True]


def assembly(cell: str, rows: int, backward: bool = False) -> str:
    """What LLVM makes of a loop for AVX-512, whatever machine this is."""
    (width,) = (w for w in isa._X86 if w.name == "avx512")
    program = BY_ID[cell].program
    lowered = lower_backward(program, True) if backward else lower_forward(program, False)
    make = few.emitter(rows, width) if rows else None
    module, _ = emit.emit([("loop", lowered.loop)], FLOAT32, width, make)
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    triple = llvm.Target.from_triple("x86_64-unknown-linux-gnu")
    machine = triple.create_target_machine(cpu="x86-64-v4", features="-prefer-256-bit", opt=3)
    parsed = llvm.parse_assembly(str(module))
    parsed.triple = machine.triple
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=2))
    builder.getModulePassManager().run(parsed, builder)
    text: str = machine.emit_assembly(parsed)
    return text


@pytest.mark.skipif(platform.machine() != "x86_64", reason="LLVM is asked for code of another processor")
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_avx512_divides_for_few_rows_and_estimates_for_many(cell: str) -> None:
    few_rows, many = assembly(cell, 1), assembly(cell, 0)
    assert "vdivps" in few_rows and "vrcp14ps" not in few_rows
    assert "vdivps" not in many and "vrcp14ps" in many
    # The sums of a block stay in registers: the loop over k has nothing on the stack.
    loops = re.findall(r"^(\.LBB\w+):.*\n((?:(?!\.LBB).*\n)*?)\s+j\w+\s+\1\b", few_rows, re.M)
    sums = [body for _, body in loops if body.count("vfmadd231ps") >= 8 and "vdivps" not in body]
    assert sums
    for body in sums:
        assert not re.search(r"\(%rsp\), %zmm|%zmm\d+, \d*\(%rsp\)", body)
