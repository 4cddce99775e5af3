"""Code for AArch64, made on whatever machine this is and read, as it can't be run here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import pytest
from llvmlite import binding as llvm
from llvmlite import ir

from conveyor.backends.cpu.codegen import emit, gemm, isa, panel_packing
from conveyor.backends.cpu.codegen.scheduling import barrier, driver
from conveyor.backends.cpu.codegen.vector import FLOAT32, FLOAT64, Format
from conveyor.backends.lowering.passes import lower_backward, lower_forward
from cpu.cells import CELLS
from support import BUILT_IN, HAND_WRITTEN, Case

TRIPLE = "aarch64-linux-gnu"
(NEON,) = [width for width in isa._ARM if width.name == "neon"]
FORMATS = {"float32": FLOAT32, "float64": FLOAT64}
WORK = ("before", "loop", "after")
LANES = {"float32": "4s", "float64": "2d"}


def kernels(form: Format) -> Any:
    """The module of what all programs share: products, packing, the pass."""
    module = ir.Module("kernels")
    gemm.emit(module, form, NEON)
    panel_packing.emit(module, form, NEON)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(barrier.platform, "machine", lambda: "aarch64")  # it says how a thread waits
        driver.emit(module, form, NEON)
    return module


def work(case: Case, backward: bool, form: Format) -> Any:
    """The module of a cell's own work, in training."""
    lowered = lower_backward(case.program, True) if backward else lower_forward(case.program, True)
    return emit.emit(lowered.schedules, form, NEON)[0]


def assembly(module: Any) -> str:
    """What LLVM makes of a module, by the passes that `conveyor.backends.cpu.codegen.compile` runs."""
    machine = _machine()
    parsed = llvm.parse_assembly(str(module))
    parsed.triple = TRIPLE
    parsed.verify()
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=2))
    builder.getModulePassManager().run(parsed, builder)
    text: str = machine.emit_assembly(parsed)
    return text


@lru_cache(maxsize=1)
def _machine() -> Any:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    return llvm.Target.from_triple(TRIPLE).create_target_machine(cpu="generic", features="+neon", opt=3)


@dataclass(frozen=True)
class Loop:
    """The instructions from a label to the last jump back to it."""

    lines: tuple[str, ...]

    def multiplications(self, lanes: str) -> int:
        """How many fused multiplications and additions of whole vectors there are."""
        return sum(bool(re.match(rf"fmla\tv\d+\.{lanes}, v\d+\.{lanes}, v\d+\.", line)) for line in self.lines)

    @property
    def on_stack(self) -> list[str]:
        """What is kept on the stack or fetched from it."""
        return [line for line in self.lines if re.search(r"\[sp\b", line)]

    def is_product(self, lanes: str) -> bool:
        """Whether it multiplies and adds vectors, and computes nothing else."""
        computed = {line.split("\t")[0] for line in self.lines if re.match(rf"f\w+\tv\d+\.{lanes}", line)}
        return computed == {"fmla"} and self.multiplications(lanes) >= 4


def innermost_loops(text: str) -> Iterator[Loop]:
    """The loops that hold no other."""
    for function in re.split(r"^\.Lfunc_end\d+:.*$", text, flags=re.MULTILINE):
        lines = [line.strip() for line in function.splitlines()]
        labels = {line.split(":")[0]: n for n, line in enumerate(lines) if re.match(r"\.LBB\d+_\d+:", line)}
        jumps = [
            (labels[found[1]], n)
            for n, line in enumerate(lines)
            if (found := re.search(r"^(?:b|b\.\w+|cbn?z|tbn?z)\t.*?(\.LBB\d+_\d+)$", line))
            and labels.get(found[1], n) < n
        ]
        ends = {start: max(end for s, end in jumps if s == start) for start, _ in jumps}
        for start, end in ends.items():
            if not any(start < other <= end for other in ends):
                yield Loop(tuple(lines[start : end + 1]))


def assert_in_registers(found: Loop) -> None:
    """Nothing but loads, multiplications, addresses and the jump: no vector is moved, and none is on the stack."""
    assert found.on_stack == [], found.lines
    for line in found.lines[1:]:
        plain = re.match(r"(ldp|ldr|ldur|ld1r?|dup|fmla|add|subs?|cmp|lsl|b\.\w+|prfm)\t", line)
        assert plain or re.match(r"mov\tx\d+, x\d+$", line), line


@pytest.mark.parametrize("name", FORMATS)
def test_products_stay_in_registers(name: str) -> None:
    lanes = LANES[name]
    found = [each for each in innermost_loops(assembly(kernels(FORMATS[name]))) if each.is_product(lanes)]
    counts = {each.multiplications(lanes) for each in found}
    assert max(counts) == NEON.rows * NEON.panel  # the whole register block in one turn
    assert len(counts) > 1  # and lower blocks for the rows that are left over
    for each in found:
        assert_in_registers(each)


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("case", [case for case in BUILT_IN if not case.options], ids=lambda case: case.id)
def test_every_built_in_cell_compiles(case: Case, backward: bool) -> None:
    text = assembly(work(case, backward, FLOAT32))
    assert all(re.search(rf"^{name}:", text, re.MULTILINE) for name in WORK)
    assert re.search(r"\tf(mul|add|mla|sub)\tv\d+\.4s", text)
    for each in innermost_loops(text):
        if each.is_product("4s"):  # wherever products are
            assert_in_registers(each)


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("case", [*HAND_WRITTEN, *CELLS], ids=lambda case: case.id)
def test_every_operation_compiles_in_float64(case: Case, backward: bool) -> None:
    text = assembly(work(case, backward, FLOAT64))
    assert all(re.search(rf"^{name}:", text, re.MULTILINE) for name in WORK)


def test_a_register_block_that_is_too_high_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "NEON", replace(NEON, rows=9))
    with pytest.raises(AssertionError):
        test_products_stay_in_registers("float32")


def test_loops_are_found() -> None:
    """Two loops in one, of which one holds a third."""
    text = """
f:
.LBB0_1:
    add x0, x0, #1
.LBB0_2:
    fmla\tv0.4s, v1.4s, v2.4s
    str q0, [sp, #16]
    b.lt\t.LBB0_2
.LBB0_3:
    cbz\tx1, .LBB0_5
.LBB0_4:
    fmla\tv0.4s, v1.4s, v2.s[0]
    tbnz\tw1, #0, .LBB0_4
.LBB0_5:
    b\t.LBB0_1
    ret
.Lfunc_end0:
g:
.LBB1_1:
    b.ne\t.LBB1_1
"""
    first, second, third = innermost_loops(text)
    assert first.multiplications("4s") == second.multiplications("4s") == 1
    assert len(first.on_stack) == 1 and second.on_stack == [] and third.lines == (".LBB1_1:", "b.ne\t.LBB1_1")
