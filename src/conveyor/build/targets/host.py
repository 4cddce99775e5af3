"""What LLVM says of the processor that runs this."""

from __future__ import annotations

from functools import lru_cache

from llvmlite import binding as llvm


@lru_cache(maxsize=1)
def host_features() -> frozenset[str]:
    """The features of this CPU."""
    return frozenset(name for name, there in llvm.get_host_cpu_features().items() if there)


@lru_cache(maxsize=1)
def host_processor() -> str:
    """LLVM's name of this CPU."""
    return str(llvm.get_host_cpu_name())
