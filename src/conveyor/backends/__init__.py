"""Backends: what runs a program. Which one runs a layer, and why another does not."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from conveyor.errors import ArgumentError, BackendError

NAMES = ("reference", "cpu", "triton")

_MISSING = {
    "cpu": "this version of conveyor has no compiled CPU backend yet",
    "triton": "this version of conveyor has no Triton backend yet",
}


def why_not(name: str) -> str | None:
    """Why a backend can't run here; None if it can.

    Args:
        name: `reference`, `cpu` or `triton`.

    Raises:
        ArgumentError: No backend has that name.
    """
    if name not in NAMES:
        raise ArgumentError(f"backend {name!r} is unknown; expected auto, {', '.join(NAMES)}")
    return _MISSING.get(name)


def choose(wanted: str, strict: bool) -> str:
    """The backend that runs a layer.

    Args:
        wanted: `auto`, or a backend's name.
        strict: Whether to raise instead of falling back to the reference.

    Returns:
        The backend's name.

    Raises:
        ArgumentError: No backend has that name.
        BackendError: `strict`, and the wanted backend can't run here.
    """
    if wanted == "auto":
        return "reference"
    reason = why_not(wanted)
    if reason is None:
        return wanted
    if strict:
        raise BackendError(f'backend="{wanted}" can\'t run this layer: {reason}; use backend="auto" to let it fall back')
    return "reference"


def load(name: str) -> ModuleType:
    """The module of a backend that can run here; it has `forward`."""
    return import_module(f"conveyor.backends.{name}")
