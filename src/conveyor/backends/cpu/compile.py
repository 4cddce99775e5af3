"""From LLVM IR to code that can be called, through a cache in memory and one on disk."""

from __future__ import annotations

import ctypes
import hashlib
import os
import threading
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from llvmlite import binding as llvm
from llvmlite import ir

from conveyor.backends.cpu import disk, emit, gemm, packing, threads
from conveyor.backends.cpu.schedule import Schedule
from conveyor.backends.cpu.table import Table
from conveyor.backends.cpu.target import Width, host_features, machine
from conveyor.backends.cpu.vector import Format

_lock = threading.RLock()
# A child must not be forked while another thread compiles: it would wait for that thread, which it does not have.
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)
_kernels: dict[str, Any] = {}
_PRODUCT = ctypes.CFUNCTYPE(
    None,
    *(ctypes.c_void_p, ctypes.c_int64),
    *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64),
    *[ctypes.c_int64] * 3,
)
_PACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, *[ctypes.c_int64] * 4, *(ctypes.c_void_p, ctypes.c_int64))
_STEPS = ctypes.CFUNCTYPE(None, ctypes.c_void_p, *[ctypes.c_int64] * 5)


@dataclass(frozen=True)
class Compiled:
    """A time loop: the function `steps` of `conveyor.backends.cpu.emit`, and the layout of its table."""

    steps: threads.Kernel
    table: Table
    engine: Any  # owns the code


def compile_steps(schedule: Schedule, form: Format, width: Width) -> Compiled:
    """Compile a schedule, or take it from the cache on disk."""
    with _lock:  # LLVM's contexts are not for several threads
        _kernels_of(form, width)
        module, table = emit.emit(schedule, form, width)
        engine = _load(module, width)
        return Compiled(_kernel(_STEPS, engine.get_function_address(emit.NAME)), table, engine)


@dataclass(frozen=True)
class Kernels:
    """The kernels of `conveyor.backends.cpu.gemm` and `packing`."""

    product: threads.Kernel
    outer: threads.Kernel
    pack: threads.Kernel
    part: int  # the address of the function that threads run


@lru_cache(maxsize=16)
def kernels(form: Format, width: Width) -> Kernels:
    """The kernels for a format and instructions, compiled when they are first asked for."""
    with _lock:
        engine = _kernels_of(form, width)
        product, outer = (gemm.product_name(form, width), gemm.outer_name(form, width))
        return Kernels(
            _kernel(_PRODUCT, engine.get_function_address(product)),
            _kernel(_PRODUCT, engine.get_function_address(outer)),
            _kernel(_PACK, engine.get_function_address(packing.name(form, width))),
            engine.get_function_address(threads.NAME),
        )


def _kernel(kind: Any, address: int) -> threads.Kernel:
    return threads.Kernel(address, kind(address))


def _kernels_of(form: Format, width: Width) -> Any:
    """The product kernels, that for rows known by its name to code that is loaded later."""
    name = gemm.product_name(form, width)
    if name not in _kernels:
        _know_threads()
        engine = _load(gemm.emit(form, width), width)
        llvm.add_symbol(name, engine.get_function_address(name))
        _kernels[name] = engine
    return _kernels[name]


def _know_threads() -> None:
    """Let compiled code ask which thread it runs on, and how many there are."""
    library = threads.openmp()
    for name, alone in zip(threads.ASKED, _ALONE, strict=True):
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
