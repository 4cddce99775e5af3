"""Saved models: the folder of a training run, or a file of `cv.save`."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from conveyor.errors import ArgumentError
from conveyor.interop.common.layer_file import load
from conveyor.tasks.text.run import load_model


def load_saved(path: Path) -> nn.Module:
    """The best model of a run, or the layer in a file.

    Raises:
        ConveyorError: there is neither, or it is damaged.
    """
    if path.is_dir():
        return load_model(path)[0].eval()
    if not path.exists():
        raise ArgumentError(f"model: {path} is not there; give the folder of a training run, or a file of cv.save")
    layer: nn.Module = load(path)
    return layer
