"""The CPU backend: programs compiled by LLVM for the machine that they run on.

codegen       from lowered passes to machine code
runtime       compiled passes on tensors
memory_model  the memory use of the forward and backward pass

What has tensors is loaded when it is asked for: what is built for devices, or runs without torch, must not import it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conveyor.backends.cpu.runtime.launch import Launch as Launch
    from conveyor.backends.cpu.runtime.launch import Signature as Signature
    from conveyor.backends.cpu.runtime.sequence import run_backward as run_backward
    from conveyor.backends.cpu.runtime.sequence import run_forward as run_forward
    from conveyor.backends.lowering.passes import saved_nodes as saved_nodes

__all__ = ["Launch", "Signature", "run_backward", "run_forward", "saved_nodes"]  # noqa: F822

_MODULE_OF = {
    "Launch": "conveyor.backends.cpu.runtime.launch",
    "Signature": "conveyor.backends.cpu.runtime.launch",
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
