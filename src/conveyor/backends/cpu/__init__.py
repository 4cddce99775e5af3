"""The CPU backend: programs compiled through LLVM for the very machine that they run on.

recipe    what a program needs of a pass, forward and backward
joins     sums of products that are made as one
schedule  the order of work inside a step
vector    vectors and elementary functions in LLVM IR; trigonometry has sine and cosine
gemm      the product kernels; packing brings matrices into their form
emit      a schedule as code
driver    the pass as code: chunks of steps, threads; waiting is how they wait for each other
target    which instructions this CPU has
compile   IR to code; disk keeps it
table     how code is told where its arrays are
room      memory and the jobs on it; frame lays out what a pass over sequences of one shape needs
memory    what passes work in, used again
threads   runs a pass on torch's threads; crowd tells whether others want the cores
sequence  the two passes
resident  one step after another, with the weights packed once
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conveyor.backends.cpu.recipe import saved_nodes as saved_nodes
    from conveyor.backends.cpu.resident import Resident as Resident
    from conveyor.backends.cpu.sequence import Kept as Kept
    from conveyor.backends.cpu.sequence import run_backward as run_backward
    from conveyor.backends.cpu.sequence import run_forward as run_forward

__all__ = ["Kept", "Resident", "run_backward", "run_forward", "saved_nodes"]  # noqa: F822

# What has tensors imports torch, and what is built for devices or runs without it must not.
_MODULE_OF = {
    "Kept": "sequence",
    "Resident": "resident",
    "run_backward": "sequence",
    "run_forward": "sequence",
    "saved_nodes": "recipe",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value
