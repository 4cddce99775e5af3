"""The CPU backend: programs compiled through LLVM for the very machine that they run on."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conveyor.backends.cpu.runtime.sequence import Kept as Kept
    from conveyor.backends.cpu.runtime.sequence import run_backward as run_backward
    from conveyor.backends.cpu.runtime.sequence import run_forward as run_forward
    from conveyor.backends.cpu.runtime.step_executor import Resident as Resident
    from conveyor.backends.lowering.passes import saved_nodes as saved_nodes

__all__ = ["Kept", "Resident", "run_backward", "run_forward", "saved_nodes"]  # noqa: F822

# What has tensors imports torch, and what is built for devices or runs without it must not.
_MODULE_OF = {
    "Kept": "conveyor.backends.cpu.runtime.sequence",
    "Resident": "conveyor.backends.cpu.runtime.step_executor",
    "run_backward": "conveyor.backends.cpu.runtime.sequence",
    "run_forward": "conveyor.backends.cpu.runtime.sequence",
    "saved_nodes": "conveyor.backends.lowering.passes",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value
