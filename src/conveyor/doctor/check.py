"""Checks whether the compiled backend works here.

It is tried in a process of its own, so that even code which crashes is reported in a line; and with an empty cache, so
that the compiler itself is tried.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass

_SECONDS = 300.0
_LARGEST = {"float32": 1e-5, "float64": 1e-12}  # error of a tensor, by its largest value


@dataclass(frozen=True)
class Check:
    """The result of the check.

    Attributes:
        problem: What went wrong, in a line; None if nothing did.
        seconds: What the first forward and backward pass took, compilation included.
        error: The largest difference from the reference by type, relative to a tensor's largest value.
    """

    problem: str | None
    seconds: float | None = None
    error: dict[str, float] | None = None


def check() -> Check:
    """Try the compiled backend in a process of its own."""
    command = [sys.executable, "-m", "conveyor.doctor.trial"]
    with tempfile.TemporaryDirectory(prefix="conveyor-doctor-", ignore_cleanup_errors=True) as folder:
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=_SECONDS,
                env=os.environ | {"CONVEYOR_CACHE": folder},
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Check(f"a small cell did not end within {_SECONDS:.0f} seconds")
    return _judged(done.returncode, done.stdout, done.stderr)


def _judged(code: int, output: str, errors: str) -> Check:
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return Check(f"a small cell ended its process by {name}; narrower instructions may work, see CONVEYOR_CPU")
    lines = [line for line in errors.splitlines() if line.strip()]
    if code:
        return Check(f"a small cell failed: {lines[-1].strip() if lines else f'exit code {code}'}")
    try:
        found = json.loads(output)
        seconds, error = float(found["seconds"]), {str(k): float(v) for k, v in found["error"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return Check(f"a small cell gave no result but {output.strip()[:200]!r}")
    wrong = [
        f"{error.get(k, float('nan')):.2g} in {k}" for k, most in _LARGEST.items() if not error.get(k, 1.0) <= most
    ]
    problem = f"a small cell's results differ from the reference by {', '.join(wrong)}" if wrong else None
    return Check(problem, seconds, error)
