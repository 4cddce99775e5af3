"""Models by path: the folder of a training run, or a file of `cv.save`."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from conveyor.errors import ArgumentError
from conveyor.interop.common.layer_file import load
from conveyor.tasks.sequences.run import RUNS, load_trained
from conveyor.tasks.sequences.trained import Trained
from conveyor.tasks.text.run import load_model
from conveyor.tasks.training.checkpoint import INDEX, read_checkpoint


def load_saved(path: Path) -> nn.Module:
    """The best model of a run, or the layer in a file.

    Raises:
        ConveyorError: there is neither, or it is damaged.
    """
    if path.is_dir():
        if read_checkpoint(path).get("task") == "forecast":
            from conveyor.tasks.forecast.run import load_trained as load_forecaster

            return load_forecaster(path).model
        if read_checkpoint(path).get("task") in RUNS:
            return load_trained(path)[0].model
        return load_model(path)[0].eval()
    if not path.exists():
        raise ArgumentError(f"model: {path} is not there; give the folder of a training run, or a file of cv.save")
    layer: nn.Module = load(path)
    return layer


def load_if_sequences(path: Path) -> Trained | None:
    """The trained model of a run on sequences; None if the path is something else.

    Raises:
        CheckpointError: the run is damaged.
    """
    if not (path / INDEX).is_file() or read_checkpoint(path).get("task") not in RUNS:
        return None
    return load_trained(path)[0]
