"""Long sequences in pieces, truncated backpropagation through time and contiguous streams; and models of sequences.

`Classifier`, `Regressor` and `Tagger` train a model on whole sequences with scikit-learn's interface.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conveyor.tasks.sequences.estimators import Classifier as Classifier
    from conveyor.tasks.sequences.estimators import Regressor as Regressor
    from conveyor.tasks.sequences.estimators import Tagger as Tagger

__all__ = ["Classifier", "Regressor", "Tagger"]


def __getattr__(name: str) -> Any:
    # The estimators stand on everything above; whoever imports this package for streams does not load them.
    if name in ("streams", "tbptt"):
        return import_module(f"conveyor.sequences.{name}")
    if name not in __all__:
        raise AttributeError(f"module 'conveyor.sequences' has no attribute '{name}'", name=name)
    value = getattr(import_module("conveyor.tasks.sequences.estimators"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
