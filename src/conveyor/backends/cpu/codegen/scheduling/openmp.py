"""The OpenMP library of this process, whose threads compiled code runs on."""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache
from pathlib import Path

from conveyor.backends.cpu.codegen.scheduling import driver


@lru_cache(maxsize=1)
def openmp() -> ctypes.CDLL | None:
    """Return the OpenMP library that torch has loaded; None if it lacks GNU's entry point."""
    torch = sys.modules.get("torch")
    home = Path(torch.__file__ or "").parent / "lib" if torch else None
    for place in (None, *(sorted(map(str, home.glob("lib*omp*"))) if home else ())):
        try:
            library = ctypes.CDLL(place)
        except OSError:
            continue
        if all(hasattr(library, name) for name in ("GOMP_parallel", *driver.ASKED)):
            return library
    return None
