"""Collects what `conveyor doctor` tells."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from conveyor import backends
from conveyor.doctor import machine
from conveyor.doctor.check import Check, check
from conveyor.errors import ArgumentError


@dataclass(frozen=True)
class Instructions:
    """The instruction set that code is made for.

    Attributes:
        chosen: The family in use; None where there is none.
        able: The families that this CPU has, widest first.
        wanted: What the environment variable `CONVEYOR_CPU` asks for; None if it asks for nothing.
        features: Of the CPU, as LLVM names them.
        problem: Why there is none; None if there is one.
    """

    chosen: str | None
    able: tuple[str, ...]
    wanted: str | None
    features: tuple[str, ...]
    problem: str | None = None


@dataclass(frozen=True)
class Threads:
    """Returns the number of threads.

    Attributes:
        torch: `torch.get_num_threads()`, which the compiled backend follows; None without torch.
        omp: The environment variable `OMP_NUM_THREADS`; None if it is not set.
        cores: Logical cores that this process may use.
    """

    torch: int | None
    omp: str | None
    cores: int


@dataclass(frozen=True)
class Cache:
    """The folder of compiled code.

    Attributes:
        folder: Its path; None where there is no home folder.
        writable: Whether entries can be added; the folder is made when it is first needed.
        entries: How many there are.
        bytes: Their size.
        limit: The most bytes that are kept.
    """

    folder: str | None
    writable: bool
    entries: int
    bytes: int
    limit: int


@dataclass(frozen=True)
class Report:
    """All of it.

    Attributes:
        machine: The machine and the versions on it.
        backends: Each backend, and why it can't run; None if it can.
        instructions: Which instructions code is made for.
        threads: How many threads work.
        cache: The folder of compiled code; None where the compiled backend is missing.
        check: How a small cell went; None if it could not be tried.
        problems: Why the compiled backend does not work; empty if it does.
        notes: What works, but not as well as it could.
    """

    machine: machine.Machine
    backends: dict[str, str | None]
    instructions: Instructions
    threads: Threads
    cache: Cache | None
    check: Check | None
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def works(self) -> bool:
        """Tells whether the compiled backend works."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """The report in JSON's types."""
        return {"works": self.works, **asdict(self)}


def examine() -> Report:
    """Look at this machine; the compiled backend is tried in a process of its own."""
    missing = backends.why_not("cpu")
    torch = _torch_problem()
    problems = [p for p in (torch, missing and f"the compiled backend is missing: {missing}") if p]
    here = not problems  # else the compiled backend can't even be asked
    instructions = _instructions(problems[0] if problems else None)
    if here and instructions.problem:
        problems.append(instructions.problem)
    threads, cache = _threads(torch is None), _cache() if here else None
    checked = None if problems else check()
    if checked is not None and checked.problem:
        problems.append(checked.problem)
    reasons = {name: backends.why_not(name) for name in backends.NAMES}
    notes = tuple(_notes(threads, cache))
    return Report(machine.describe(), reasons, instructions, threads, cache, checked, tuple(problems), notes)


def _torch_problem() -> str | None:
    try:
        import torch
    except (ImportError, OSError) as error:
        return f"torch can't be imported ({error}); pip install torch"
    return None if torch.get_num_threads() else "torch has no threads"


def _instructions(problem: str | None) -> Instructions:
    wanted = os.environ.get("CONVEYOR_CPU") or None
    if problem is not None:
        return Instructions(None, (), wanted, (), problem)
    from conveyor.backends.cpu.codegen import isa

    able = tuple(w.name for w in isa.widths())
    features = tuple(sorted(isa.host_features()))
    try:
        return Instructions(isa.width().name, able, wanted, features)
    except ArgumentError as error:
        return Instructions(None, able, wanted, features, str(error))


def _threads(there: bool) -> Threads:
    number = None
    if there:
        import torch

        number = torch.get_num_threads()
    return Threads(number, os.environ.get("OMP_NUM_THREADS"), machine.cores())


def _cache() -> Cache:
    from conveyor.backends.cpu.codegen import code_cache

    try:
        folder = code_cache.folder()
    except RuntimeError:
        return Cache(None, False, 0, 0, code_cache.LIMIT)
    held = code_cache.usage()
    return Cache(str(folder), _is_writable(folder), held.entries, held.bytes, code_cache.LIMIT)


def _is_writable(folder: Path) -> bool:
    """Tells whether files can be made in a folder, which itself may have to be made."""
    there = next((p for p in (folder, *folder.absolute().parents) if p.exists()), None)
    return there is not None and there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _notes(threads: Threads, cache: Cache | None) -> list[str]:
    notes = []
    if cache is not None and not cache.writable:
        place = cache.folder or "there is no home folder, and it"
        notes.append(f"{place} can't be written: each process compiles its cells again; CONVEYOR_CACHE names another")
    if threads.torch is not None and threads.torch > threads.cores:
        notes.append(
            f"torch uses {threads.torch} threads on {threads.cores} cores: they will wait for each other;"
            f" torch.set_num_threads({threads.cores}) or OMP_NUM_THREADS={threads.cores}"
        )
    return notes
