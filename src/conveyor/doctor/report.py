"""A report as text."""

from __future__ import annotations

import textwrap

from conveyor.doctor.check import Check
from conveyor.doctor.facts import Cache, Instructions, Report, Threads

_INDENT = 14


def as_text(report: Report, width: int = 100) -> str:
    """The report in lines of at most `width` characters, where words allow."""
    rows = [
        ("machine", f"{report.machine.cpu}, {report.machine.cores} cores, {report.machine.system}"),
        ("versions", ", ".join(f"{name} {number}" for name, number in report.machine.versions.items())),
        *((f"{name}", "ready" if reason is None else f"no: {reason}") for name, reason in report.backends.items()),
        ("instructions", _instructions(report.instructions)),
        ("features", " ".join(report.instructions.features) or "unknown"),
        ("threads", _threads(report.threads)),
        ("cache", _cache(report.cache)),
        ("check", _check(report.check)),
        *(("note", note) for note in report.notes),
        *(("problem", problem) for problem in report.problems),
    ]
    return "\n".join(_row(name, text, width) for name, text in rows)


def _row(name: str, text: str, width: int) -> str:
    lines = textwrap.wrap(
        text, max(width - _INDENT, 30), break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )
    return f"{name:<{_INDENT}}" + f"\n{'':{_INDENT}}".join(lines)


def _instructions(found: Instructions) -> str:
    asked = f"CONVEYOR_CPU={found.wanted}" if found.wanted else "CONVEYOR_CPU is not set"
    if found.chosen is None:
        return f"none ({asked})"
    return f"{found.chosen}, of {', '.join(found.able)} ({asked})"


def _threads(threads: Threads) -> str:
    omp = "is not set" if threads.omp is None else f"= {threads.omp}"
    return f"torch {threads.torch or 'has none'}, OMP_NUM_THREADS {omp}, {threads.cores} cores"


def _cache(cache: Cache | None) -> str:
    if cache is None:
        return "none without the compiled backend"
    state = "writable" if cache.writable else "not writable"
    size = f"{cache.bytes / 2**20:.1f} of at most {cache.limit / 2**20:.0f} MiB"
    return f"{cache.folder or 'no folder'}, {state}, {cache.entries} entries, {size}"


def _check(check: Check | None) -> str:
    if check is None:
        return "not tried"
    if check.error is None or check.seconds is None:
        return "failed"
    errors = ", ".join(f"{error:.1g} in {name}" for name, error in check.error.items())
    verdict = "failed" if check.problem else "a small cell agrees with the reference"
    return f"{verdict}: largest relative difference {errors}; first use took {check.seconds:.2f} s"
