"""Objects for every target: nothing undefined, names under the prefix, sizes; the table and its near matches."""

from __future__ import annotations

import re

import pytest

import conveyor as cv
from build.oracle import object_of, planned, random_network
from build.symbols import symbols
from conveyor.build.c_source.emit import EXPRESSIONS, READERS, emit_c
from conveyor.build.codegen.compile import compile_object
from conveyor.build.codegen.emit import emit
from conveyor.build.files.archive import write_archive
from conveyor.build.files.wasm import link
from conveyor.build.lowering.lower import lower
from conveyor.build.targets.processors import PROCESSORS
from conveyor.build.targets.table import TARGETS, find_target, near_targets
from conveyor.errors import ArgumentError, BackendError
from conveyor.ir.ops import OPS

FUNCTIONS = ("init", "reset", "step", "run")


@cv.cell
def every_operation(x, h, c):
    """Uses every operation of the language."""
    a = cv.affine("a", x, h) + cv.weight("w")
    b = cv.sin(a) + cv.cos(c) - cv.exp(-cv.abs(a)) * cv.log(1.5 + cv.square(c)) / cv.sqrt(2 + cv.relu(a))
    d = cv.softplus(a) + cv.log1p(cv.sigmoid(b)) + cv.clip(b, -0.5, 0.5) + cv.maximum(a, b) - cv.minimum(a, c)
    odd = ((a < b) & (a <= c)) | ~((b > c) & (b >= 0.1)) | ((a == b) & (b != c))
    c = cv.where(odd, cv.tanh(d), cv.detach(cv.clip_gradient(d, 1.0)) * 0.1)
    c = cv.layer_norm("n", c) - cv.max(c) * 0.1 + cv.mean(a) * cv.sum(b) * 0.01
    h = cv.tanh(cv.affine("o", c * h) + cv.log(cv.sigmoid(a)))
    return h, c


def test_the_cell_uses_every_operation() -> None:
    # Those that only backward programs have.
    assert {n.op for n in every_operation.program.nodes} == set(OPS) - {"product_t", "broadcast"}


def test_the_table_of_c_covers_every_operation() -> None:
    assert {*EXPRESSIONS, *READERS} == set(OPS)
    assert not set(EXPRESSIONS) & set(READERS)


def shown(code: bytes, name: str) -> None:
    """Checks that an object needs nothing and shows its functions, and nothing of another name."""
    target = TARGETS[name]
    if target.is_web:
        module, free = link(code, [f"amp_{f}" for f in FUNCTIONS])
        assert free > 0
        for f in FUNCTIONS:
            assert f"amp_{f}".encode() in module
        return
    needs, shows = symbols(code)
    lead = "_" if "apple" in target.triple else ""
    assert needs == set()
    assert {f"{lead}amp_{f}" for f in FUNCTIONS} <= shows
    # Windows keeps constants of code in sections that the linker merges by these names.
    odd = {s for s in shows if not s.startswith(f"{lead}amp_") and not re.match(r"__(real|xmm|ymm)@|@feat\.00", s)}
    assert odd == set()


@pytest.mark.parametrize("name", TARGETS)
def test_an_object_for_every_target_needs_nothing(name: str) -> None:
    network = random_network(every_operation, 3, 9, 1, 5, activation="softmax")
    target = TARGETS[name]
    shown(object_of(planned(network, "float32", target), target, "amp"), name)


@pytest.mark.parametrize("weights", ["bf16", "int8"])
@pytest.mark.parametrize("name", TARGETS)
def test_small_weights_for_every_target_need_nothing(name: str, weights: str) -> None:
    network = random_network("gru", 3, 20, 1, 1)
    target = TARGETS[name]
    shown(object_of(planned(network, weights, target), target, "amp"), name)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_every_cell_for_every_target_needs_nothing(name: str) -> None:
    target = TARGETS[name]
    for cell in cv.cells:
        network = random_network(cell, 5, 5 if cell == "gru_d" else 21, 1)
        shown(object_of(planned(network, "float32", target), target, "amp"), name)


@pytest.mark.parametrize("name", TARGETS)
def test_code_beside_the_weights_is_small(name: str) -> None:
    target = TARGETS[name]
    room = 6 * 1024 if target.is_embedded else 16 * 1024
    for cell in ("lstm", "gru"):
        for hidden in (8, 20, 32, 64):
            plan = planned(random_network(cell, 1, hidden, 1, 1), "float32", target)
            code = object_of(plan, target)
            assert len(code) - 4 * plan.weight_count <= room, (cell, hidden)


def test_a_wrong_name_is_told_with_near_ones() -> None:
    assert near_targets("cortex-m8")[:2] == ["cortex-m7", "cortex-m4f"] or "cortex-m7" in near_targets("cortex-m8")
    with pytest.raises(ArgumentError, match="'aarch46' is not in the table; did you mean aarch64"):
        find_target("aarch46")
    with pytest.raises(ArgumentError, match="portable C with --emit c"):
        find_target("xtensa-esp32-elf")
    with pytest.raises(ArgumentError, match="--list-targets shows all"):
        find_target("???")


def test_processors_are_looked_up() -> None:
    assert find_target("aarch64", "cortex-a72").cpu == "cortex-a72"
    with pytest.raises(ArgumentError, match="'cortex-a27' is no processor of aarch64 that LLVM knows; did you mean"):
        find_target("aarch64", "cortex-a27")
    assert all("" not in names and len(names) > 3 for names in PROCESSORS.values())


def test_triples_name_targets() -> None:
    for target in TARGETS.values():
        assert find_target(target.triple).triple == target.triple


def test_llvm_that_fails_is_told_in_one_line() -> None:
    """A type that WebAssembly has no instructions for ends the process that makes the code, and no other."""
    text = 'define bfloat @"f"(bfloat %a, bfloat %b) { %c = fadd bfloat %a, %b ret bfloat %c }'
    broken = "this is no module"
    with pytest.raises(BackendError, match="LLVM can't make code for wasm32-unknown-unknown"):
        compile_object(broken, TARGETS["wasm32"])
    assert text  # what LLVM itself does with it differs between versions


def test_the_object_of_another_process_is_the_same() -> None:
    plan, target = planned(random_network("lstm", 1, 8, 1, 1)), find_target("host")
    assert compile_object(emit(plan, target, "model"), target) == object_of(plan, target)


def test_an_archive_has_a_table_of_symbols() -> None:
    for is_bsd in (False, True):
        made = write_archive("a_name_that_is_long_indeed.o", b"12345", ["f", "gg"], is_bsd)
        assert made.startswith(b"!<arch>\n") and b"f\0gg\0" in made and b"12345" in made and len(made) % 2 == 0


def test_c_has_no_call_of_a_library() -> None:
    _, source = emit_c(lower(random_network(every_operation, 3, 9, 1, 5, activation="softmax")), "float32", "amp")
    called = set(re.findall(r"\b([a-z_0-9]+)\(", source))
    defined = set(re.findall(r"(?:inline \w+|void) (\w+)\(", source))
    assert called - defined <= {"for", "if", "sizeof"}
