"""From LLVM IR to code that can be called, through a cache in memory and one on disk."""

from __future__ import annotations

import ctypes
import hashlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from llvmlite import binding as llvm
from llvmlite import ir

from conveyor.backends.cpu import disk, driver, emit, gemm, packing, threads
from conveyor.backends.cpu.schedule import Schedule
from conveyor.backends.cpu.table import Table
from conveyor.backends.cpu.target import Width, host_features, machine
from conveyor.backends.cpu.vector import Format

_lock = threading.RLock()
# A child must not be forked while another thread compiles: it would wait for that thread, which it does not have.
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)
_kernels: dict[str, Any] = {}
_PASS = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


@dataclass(frozen=True)
class Compiled:
    """The work of a pass: the addresses of its functions by name, and the layout of their table."""

    addresses: Mapping[str, int]
    table: Table
    engine: Any  # owns the code


def compile_work(work: Sequence[tuple[str, Schedule]], form: Format, width: Width) -> Compiled:
    """Compile the schedules of a pass, or take them from the cache on disk."""
    with _lock:  # LLVM's contexts are not for several threads
        _kernels_of(form, width)
        module, table = emit.emit(work, form, width)
        engine = _load(module, width)
        return Compiled({name: engine.get_function_address(name) for name, _ in work}, table, engine)


@dataclass(frozen=True)
class Kernels:
    """What all programs share.

    Attributes:
        run: The function of `conveyor.backends.cpu.driver`; a call releases the GIL.
        part: The address of that which OpenMP's threads run.
    """

    run: Callable[..., None]
    part: int


@lru_cache(maxsize=16)
def kernels(form: Format, width: Width) -> Kernels:
    """The kernels for a format and instructions, compiled when they are first asked for."""
    with _lock:
        engine = _kernels_of(form, width)
        run, part = (engine.get_function_address(f(form, width)) for f in (driver.name, driver.part_name))
        return Kernels(_PASS(run), part)


def _kernels_of(form: Format, width: Width) -> Any:
    """The kernels, that for products known by its name to code that is loaded later."""
    name = gemm.product_name(form, width)
    if name not in _kernels:
        _know_threads()
        module = ir.Module("kernels")
        gemm.emit(module, form, width)
        packing.emit(module, form, width)
        driver.emit(module, form, width)
        engine = _load(module, width)
        for called in (name, emit.wait_name(form, width)):
            llvm.add_symbol(called, engine.get_function_address(called))
        _kernels[name] = engine
    return _kernels[name]


def _know_threads() -> None:
    """Let compiled code ask which thread it runs on, and how many there are."""
    library = threads.openmp()
    for name, alone in zip(driver.ASKED, _ALONE, strict=True):
        asked = alone if library is None else getattr(library, name)
        llvm.add_symbol(name, ctypes.cast(asked, ctypes.c_void_p).value)


# Without OpenMP nothing is split, and these are never called; the code still needs addresses.
_ALONE = tuple(ctypes.CFUNCTYPE(ctypes.c_int)(lambda number=number: number) for number in (0, 1))


def _load(module: ir.Module, width: Width) -> Any:
    text = str(module)
    key = _key(text, width)
    code = disk.read(key)
    if code is None:
        code = _compile(text, width)
        disk.write(key, code)
    target = machine(width)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine


def _key(text: str, width: Width) -> str:
    cpu = (llvm.get_host_cpu_name(), *sorted(host_features())) if width.cpu == "host" else (width.cpu,)
    parts = (text, width.name, *cpu, version("llvmlite"), ".".join(map(str, llvm.llvm_version_info)))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _compile(text: str, width: Width) -> bytes:
    target = machine(width)
    module = llvm.parse_assembly(text)
    module.triple = target.triple
    module.verify()
    builder = llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options(speed_level=2))
    builder.getModulePassManager().run(module, builder)
    return bytes(target.emit_object(module))
