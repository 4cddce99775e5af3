"""The backends, which run a program: the choice of one for a layer, and the reasons why another can't run it."""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

from conveyor.errors import ArgumentError, BackendError

if TYPE_CHECKING:
    import torch

NAMES = ("reference", "cpu", "triton")
_TYPES = tuple(f"torch.{name}" for name in ("float16", "bfloat16", "float32", "float64"))


def why_not(name: str, device: torch.device | None = None, dtype: torch.dtype | None = None) -> str | None:
    """Return the reason why a backend can't run; None if it can.

    Args:
        name: `reference`, `cpu` or `triton`.
        device: Where the tensors are; None asks about this machine only.
        dtype: Their type; None asks about none in particular.

    Raises:
        ArgumentError: No backend has that name.
    """
    check_name(name)
    if name == "reference":
        return None
    if name == "triton":
        return "this version of conveyor has no Triton backend yet"
    if not _tried:
        _tried.append(_cpu_missing())
    if _tried[0] is not None:
        return _tried[0]
    if device is not None and device.type != "cpu":
        return f"it runs on CPU tensors, and these are on {device}"
    if dtype is not None and str(dtype) not in _TYPES:
        return f"it computes in float32 (16-bit types too) and float64, and this is {dtype}"
    return None


_tried: list[str | None] = []  # whether llvmlite is there is asked once; torch.compile reads a list, but no lru_cache


def _cpu_missing() -> str | None:
    try:
        import llvmlite.binding
    except (ImportError, OSError) as error:
        return f"llvmlite can't be imported ({error}); pip install llvmlite"
    return None if llvmlite.binding.llvm_version_info else "llvmlite has no LLVM"


def check_name(name: str) -> None:
    """Raise `ArgumentError` unless a backend has this name."""
    if name not in NAMES:
        raise ArgumentError(f"backend {name!r} is unknown; expected auto, {', '.join(NAMES)}")


def choose(wanted: str, strict: bool, device: torch.device, dtype: torch.dtype) -> str:
    """Choose the backend that runs a layer.

    Args:
        wanted: `auto`, or a backend's name.
        strict: Whether to raise instead of falling back to the reference.
        device: Where the layer's parameters are.
        dtype: Their type.

    Returns:
        The backend's name. That a compiled backend gives way to the reference is said once for each reason.

    Raises:
        ArgumentError: No backend has that name.
        BackendError: `strict`, and the wanted backend can't run this layer.
    """
    name = "cpu" if wanted == "auto" else wanted
    reason = why_not(name, device, dtype)
    if reason is None:
        return name
    if strict:
        raise BackendError(
            f'backend="{wanted}" can\'t run this layer: {reason}; strict_backend=False lets the reference run it'
        )
    _say_once(name, reason)
    return "reference"


@lru_cache(maxsize=256)
def _say_once(name: str, reason: str) -> None:
    warnings.warn(f"the reference backend runs this layer, not {name}: {reason}", BackendWarning, stacklevel=2)


class BackendWarning(UserWarning):
    """The reference backend, which is slow, runs a layer in place of a compiled one."""
