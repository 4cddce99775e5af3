"""Names of modules and classes of version 0.1: pickles of whole layers and users' imports may still say them.

A finder at the end of Python's list gives what reads the module of today under the name of then, so nothing is loaded
before it is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

MOVED = {
    "conveyor.autodiff": "conveyor.ir.transforms.autodiff",
    "conveyor.diagram": "conveyor.views.diagram",
    "conveyor.equations": "conveyor.views.equations",
    "conveyor.language": "conveyor.frontend",
    "conveyor.language.activations": "conveyor.frontend.activations",
    "conveyor.language.cell": "conveyor.frontend.cell",
    "conveyor.layers.dropout": "conveyor.layers.regularisation.dropout",
    "conveyor.layers.given": "conveyor.layers.arguments.aux_inputs",
    "conveyor.layers.record": "conveyor.layers.recording.record",
    "conveyor.layers.step": "conveyor.layers.cell",
    "conveyor.layers.torch_like": "conveyor.layers.rnn",
    "conveyor.layers.trace": "conveyor.layers.recording.trace",
    "conveyor.layers.unit": "conveyor.layers.core.layer_direction",
    "conveyor.layout": "conveyor.ir.transforms.param_layout",
    "conveyor.ops": "conveyor.ir.ops",
    "conveyor.plan": "conveyor.ir.transforms.plan",
    "conveyor.program": "conveyor.ir.program",
    "conveyor.text": "conveyor.ir.parser",
}
# What was one module and is two.
SPLIT = {"conveyor.program": "conveyor.ir.types", "conveyor.text": "conveyor.ir.printer"}
# Classes of these modules that have another name today.
RENAMED = {
    "conveyor.layers.given": {"Field": "StateField", "Given": "AuxInputs"},
    "conveyor.layers.unit": {"Unit": "LayerDirection"},
}


class _Reading(ModuleType):
    """A module that keeps no parts: Python sets each part that is imported, over a function of its name."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(value, ModuleType):
            super().__setattr__(name, value)


class _Alias(Loader):
    """Gives a module that reads another, which has its classes under the names of today.

    It is a module of its own, so that what is imported under it changes nothing in the package of today.
    """

    def __init__(self, fullname: str) -> None:
        self.now = [name for name in (MOVED[fullname], SPLIT.get(fullname)) if name]
        self.renamed = RENAMED.get(fullname, {})

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Make an empty one."""
        return _Reading(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Fill it with what reads the other."""
        targets, renamed = [import_module(name) for name in self.now], self.renamed
        module.__doc__ = targets[0].__doc__

        def read(name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}", name=name)
            name = renamed.get(name, name)
            return getattr(next((t for t in targets if hasattr(t, name)), targets[0]), name)

        module.__dict__["__getattr__"] = read


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the spec of a module that moved; None for every other."""
        if fullname not in MOVED:
            return None
        is_package = any(name.startswith(f"{fullname}.") for name in MOVED)
        return ModuleSpec(fullname, _Alias(fullname), is_package=is_package)


def install() -> None:
    """Let Python find modules by their earlier names."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
