"""Describes the machine and the versions on it: the first lines of every measurement, and of `doctor`."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """A machine.

    Attributes:
        cpu: Its processor's name.
        cores: How many logical cores this process may use.
        system: Operating system and architecture.
        versions: Of Python, conveyor and what it computes with, by name; those that are not installed are left out.
    """

    cpu: str
    cores: int
    system: str
    versions: dict[str, str]


_PACKAGES = ("conveyor", "torch", "llvmlite", "numpy", "onnxruntime")


@lru_cache(maxsize=1)
def describe() -> Machine:
    """This machine."""
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return Machine(_cpu_name(), cores(), f"{platform.system()} {platform.machine()}", versions)


def cores() -> int:
    """Counts the logical cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(filter(None, [*names, platform.processor(), platform.machine()]), "unknown")
