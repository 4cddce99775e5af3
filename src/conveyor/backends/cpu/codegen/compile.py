"""From schedules to machine code that can be called, through a cache in memory and one on disk.

An entry on disk is known by what was compiled (the program's structure and the kind of pass), for which machine, and by
the source of this package: so code in the cache is found without the LLVM IR, which takes longer to write than the
code to load.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import llvmlite
from llvmlite import binding as llvm
from llvmlite import ir

from conveyor.backends.cpu.codegen import code_cache, emit, gemm, panel_packing
from conveyor.backends.cpu.codegen.argument_table import Table
from conveyor.backends.cpu.codegen.few_rows import emitter
from conveyor.backends.cpu.codegen.isa import ISA, host_features, machine
from conveyor.backends.cpu.codegen.scheduling import driver, task_scheduler
from conveyor.backends.cpu.codegen.scheduling.openmp import openmp
from conveyor.backends.cpu.codegen.vector import Format
from conveyor.backends.lowering.schedule import Schedule

_lock = threading.RLock()
# A child must not be forked while another thread compiles: it would wait for that thread, which it does not have.
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)
_kernels: dict[str, Any] = {}
_STACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
_PASS = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


@dataclass(frozen=True)
class Compiled:
    """The compiled schedules of a pass.

    Attributes:
        addresses: The addresses of its functions by name.
        table: The layout of their argument table.
        engine: LLVM's engine, which owns the code.
        few: The rows of a register block in the loop's code for few rows; 0 for the code for many rows.
    """

    addresses: Mapping[str, int]
    table: Table
    engine: Any
    few: int = 0


def compile_work(what: str, work: Sequence[tuple[str, Schedule]], form: Format, width: ISA, few: int = 0) -> Compiled:
    """Compile the schedules of a pass, or load them from the cache on disk.

    Args:
        what: Their program's hash and the kind of pass, a unique key.
        work: The schedules by name.
        form: The floating-point format.
        width: The instruction set.
        few: The rows of a register block, for a loop over few rows; 0 for many rows.
    """

    def make() -> tuple[ir.Module, dict[str, Any]]:
        module, table = emit.emit(work, form, width, emitter(few, width) if few else None)
        return module, asdict(table)

    with _lock:  # LLVM's contexts are not for several threads
        _kernels_of(form, width)
        engine, notes = _load(f"work {what} f{form.integer.width} few {few}", make, width)
        return Compiled({name: engine.get_function_address(name) for name, _ in work}, Table(**notes), engine, few)


@dataclass(frozen=True)
class Kernels:
    """The compiled functions that all programs share.

    Attributes:
        run: The function of `conveyor.backends.cpu.codegen.scheduling.driver`; a call releases the GIL.
        part: The address of that which OpenMP's threads run.
        stack: The function of `conveyor.backends.cpu.codegen.scheduling.task_scheduler`.
        stack_part: The address of that which OpenMP's threads run.
    """

    run: Callable[..., None]
    part: int
    stack: Callable[..., None]
    stack_part: int


@lru_cache(maxsize=16)
def kernels(form: Format, width: ISA) -> Kernels:
    """Return the kernels for a format and an instruction set; they are compiled at the first call."""
    with _lock:
        engine = _kernels_of(form, width)
        names = (f(form, width) for f in (driver.name, driver.part_name, task_scheduler.name, task_scheduler.part_name))
        run, part, stack, stack_part = map(engine.get_function_address, names)
        return Kernels(_PASS(run), part, _STACK(stack), stack_part)


def _kernels_of(form: Format, width: ISA) -> Any:
    """Return the engine with the kernels; the product kernel is registered by name for code that is loaded later."""
    name = gemm.product_name(form, width)
    if name not in _kernels:
        _know_threads()

        def make() -> tuple[ir.Module, dict[str, Any]]:
            module = ir.Module("kernels")
            gemm.emit(module, form, width)
            panel_packing.emit(module, form, width)
            task_scheduler.emit(module, form, width, driver.emit(module, form, width))
            return module, {}

        engine, _ = _load(f"kernels f{form.integer.width}", make, width)
        for called in (name, emit.wait_name(form, width)):
            llvm.add_symbol(called, engine.get_function_address(called))
        _kernels[name] = engine
    return _kernels[name]


def _know_threads() -> None:
    """Register the OpenMP functions by which compiled code reads its thread number and the number of threads."""
    library = openmp()
    for name, alone in zip(driver.ASKED, _ALONE, strict=True):
        asked = alone if library is None else getattr(library, name)
        llvm.add_symbol(name, ctypes.cast(asked, ctypes.c_void_p).value)


# Without OpenMP nothing is split, and these are never called; the code still needs addresses.
_ALONE = tuple(ctypes.CFUNCTYPE(ctypes.c_int)(lambda number=number: number) for number in (0, 1))


def _load(what: str, make: Callable[[], tuple[ir.Module, dict[str, Any]]], width: ISA) -> tuple[Any, dict[str, Any]]:
    """Load the code of a module and its metadata from the cache on disk, or compile and write them."""
    key = _key(what, width)
    data = code_cache.read(key)
    if data is None:
        module, notes = make()
        head = json.dumps(notes).encode()
        code = _compile(str(module), width)
        code_cache.write(key, len(head).to_bytes(_LENGTH, "little") + head + code)
    else:
        start = _LENGTH + int.from_bytes(data[:_LENGTH], "little")
        notes, code = json.loads(data[_LENGTH:start]), data[start:]
    target = machine(width)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine, notes


_LENGTH = 8  # bytes that tell how long the notes are


def _key(what: str, width: ISA) -> str:
    cpu = (llvm.get_host_cpu_name(), *sorted(host_features())) if width.cpu == "host" else (width.cpu,)
    parts = (what, width.name, *cpu, llvmlite.__version__, ".".join(map(str, llvm.llvm_version_info)), _source())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@lru_cache(maxsize=1)
def _source() -> str:
    """Return the digest of the code generator as installed: source, byte code, or the files of a zip archive."""
    package = files("conveyor")
    digest = hashlib.sha256()
    for folder in (package / "ir", package / "backends" / "lowering", package / "backends" / "cpu"):
        for name, file in sorted(_sources(folder, folder.name)):
            digest.update(f"{name}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _sources(folder: Traversable, name: str) -> Iterator[tuple[str, Traversable]]:
    """List the Python source files of a folder and its subfolders, with their paths."""
    for entry in folder.iterdir():
        path = f"{name}/{entry.name}"
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _sources(entry, path)
        elif entry.name.endswith((".py", ".pyc")):
            yield path, entry


def _compile(text: str, width: ISA) -> bytes:
    target = machine(width)
    module = llvm.parse_assembly(text)
    module.triple = target.triple
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    # What is emitted is in vectors and unrolled already: looking for more takes as long as all the rest.
    options.loop_unrolling = options.loop_vectorization = options.slp_vectorization = False
    builder = llvm.create_pass_builder(target, options)
    builder.getModulePassManager().run(module, builder)
    return bytes(target.emit_object(module))
