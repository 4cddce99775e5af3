"""The instruction sets of this CPU, and the size of a register block for each."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from llvmlite import binding as llvm

from conveyor.backends.cpu.codegen.vector import Format
from conveyor.errors import ArgumentError

ENVIRONMENT = "CONVEYOR_CPU"


@dataclass(frozen=True)
class ISA:
    """An instruction set.

    Attributes:
        name: Its name in `CONVEYOR_CPU`.
        cpu: The processor that LLVM makes code for; "host" is the one that it runs on.
        bytes: The size of a vector register.
        panel: The width of a product's register block, in vectors; with `rows` rows it fills the registers.
        rows: The height of the register block, in rows.
        needs: The CPU features that it requires.
    """

    name: str
    cpu: str
    bytes: int
    panel: int
    rows: int
    needs: tuple[str, ...]

    def lanes(self, form: Format) -> int:
        """Return the number of elements in a vector."""
        return self.bytes * 8 // form.integer.width


_X86 = (
    ISA("avx512", "host", 64, 4, 6, ("avx512f", "avx512dq", "avx512vl", "avx512bw")),
    ISA("avx2", "x86-64-v3", 32, 2, 6, ("avx2", "fma")),
    ISA("sse", "x86-64", 16, 2, 6, ()),
)
_ARM = (ISA("neon", "host", 16, 4, 6, ()),)


@lru_cache(maxsize=1)
def host_features() -> frozenset[str]:
    """Return the features of this CPU."""
    return frozenset(name for name, there in llvm.get_host_cpu_features().items() if there)


def widths() -> tuple[ISA, ...]:
    """Return the instruction sets that this CPU has, widest first."""
    known = _ARM if platform.machine() in ("aarch64", "arm64") else _X86
    return tuple(w for w in known if host_features().issuperset(w.needs))


def width() -> ISA:
    """Return the widest instruction set of this CPU, or the one that the environment variable `CONVEYOR_CPU` names.

    Raises:
        ArgumentError: The variable names instructions that are unknown or that this CPU lacks.
    """
    return _named(os.environ.get(ENVIRONMENT))


@lru_cache(maxsize=8)
def _named(wanted: str | None) -> ISA:
    able = widths()
    if not wanted:
        return able[0]
    for w in able:
        if w.name == wanted:
            return w
    raise ArgumentError(f"{ENVIRONMENT} is one of {', '.join(w.name for w in able)} on this machine, got {wanted!r}")


def machine(chosen: ISA) -> Any:
    """Make LLVM's target machine for an instruction set; a new one per call, since an engine frees its own."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target: Any = llvm.Target.from_default_triple()
    if chosen.cpu != "host":
        return target.create_target_machine(cpu=chosen.cpu, features="", opt=3)
    features = llvm.get_host_cpu_features().flatten()
    # LLVM avoids 512-bit vectors on many CPUs by default; here they fill the registers.
    features += ",-prefer-256-bit" if chosen.name == "avx512" else ""
    return target.create_target_machine(cpu=llvm.get_host_cpu_name(), features=features, opt=3)
