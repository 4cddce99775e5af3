"""Networks for devices: a trained network as an object file, a web module or C source that needs nothing.

network    what is built, in plain arrays; read makes it from torch modules, which plugin_files
           has from audio plug-ins' files
targets/   what can be built for
lowering/  from the network to the order of its work, its packed weights and the memory of its numbers
codegen/   from there to an object, by LLVM
c_source/  from there to portable C
files/     what stands beside the object: archive, header, example, README, WebAssembly
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
