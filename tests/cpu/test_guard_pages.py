"""Memory outside tensors is never touched: layers, steps and streams between pages that may not be read."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "guarded.py"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="guard pages are made by Linux's mprotect")


@pytest.mark.parametrize("which", ["few", pytest.param("all", marks=pytest.mark.slow)])
@pytest.mark.parametrize("side", ["end", "beginning"])
def test_nothing_is_touched_outside(side: str, which: str) -> None:
    """With sizes about the vector's, with lengths and resets, forward and backward, parameters replaced."""
    done = subprocess.run([sys.executable, SCRIPT, side, which], capture_output=True, text=True, check=False)
    said = done.stdout.splitlines()[-1:]
    assert done.returncode == 0, f"stopped by {done.returncode} at {said}: {done.stderr[-2000:]}"
    assert said == ["done"]


@pytest.mark.parametrize("side", ["end", "beginning"])
def test_one_number_too_far_ends_the_process(side: str) -> None:
    done = subprocess.run([sys.executable, SCRIPT, side, "too far"], capture_output=True, check=False)
    assert done.returncode == -signal.SIGSEGV
