"""Names of modules that stood elsewhere in version 0.1: pickles of whole layers and users' imports may still say them.

A finder at the end of Python's list gives the module of today under the name of then, so nothing is loaded before it is
asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

MOVED = {
    "conveyor.autodiff": "conveyor.ir.transforms.autodiff",
    "conveyor.diagram": "conveyor.views.diagram",
    "conveyor.equations": "conveyor.views.equations",
    "conveyor.language": "conveyor.frontend",
    "conveyor.language.activations": "conveyor.frontend.activations",
    "conveyor.language.cell": "conveyor.frontend.cell",
    "conveyor.layers.dropout": "conveyor.layers.regularisation.dropout",
    "conveyor.layers.given": "conveyor.layers.core.aux_inputs",
    "conveyor.layers.record": "conveyor.layers.recording.record",
    "conveyor.layers.step": "conveyor.layers.cell",
    "conveyor.layers.torch_like": "conveyor.layers.rnn",
    "conveyor.layers.trace": "conveyor.layers.recording.trace",
    "conveyor.layers.unit": "conveyor.layers.core.layer_direction",
    "conveyor.layout": "conveyor.ir.transforms.param_layout",
    "conveyor.ops": "conveyor.ir.ops",
    "conveyor.plan": "conveyor.ir.transforms.plan",
    "conveyor.program": "conveyor.ir.program",
    "conveyor.text": "conveyor.ir.text",
}


class _Alias(Loader):
    """Gives a module under an earlier name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Import the module of today."""
        module = import_module(self.name)
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its own spec back: it has run under its own name."""
        module.__spec__ = self.spec


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module that moved; None for every other."""
        return ModuleSpec(fullname, _Alias(MOVED[fullname])) if fullname in MOVED else None


def install() -> None:
    """Let Python find modules by their earlier names."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
