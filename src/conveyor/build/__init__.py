"""Networks for devices: a trained network as an object file, a web module or C source that needs nothing.

network    what is built, in plain arrays; read makes it from torch modules
graph      a step as one graph of operations; lower makes it from a network
stages     the order of work; recipe decides how each loop runs, memory where numbers lie
pack       weights as loops read them; plan puts all of this together
functions  elementary functions for a single row
emit       the step as LLVM IR, by emit_step and emit_loop; dot has products of 8-bit numbers
emit_c     the step as C, with c_functions
codegen    from IR to an object, in a process of its own
targets    what can be built for; processors and host know names
archive    static libraries; wasm links WebAssembly, web wraps it; texts are header, example and README
measure    how far smaller weights are from float32
build      all of it

`conveyor.build` is this package and the function `build` at once, since `cv.build(layer, path)` names both.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """The package, which builds when it is called."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Builds a trained network for a device; see `conveyor.build.build.build`."""
        from conveyor.build.build import build as function

        return function(*args, **options)


build: Any = sys.modules[__name__]  # `cv.build`, whichever of the two is asked for first
build.__class__ = _Callable
