"""Copies, pickles and files keep a layer's numbers."""

from __future__ import annotations

import copy
import io
import pickle
import tempfile
from pathlib import Path

import torch

from conveyor.interop.common.layer_file import load, save
from conveyor.testing.compare import near, same
from conveyor.testing.trial import Trial, results


def copies(trial: Trial) -> None:
    """A deep copy, a pickled layer and one that torch saved compute the same, apart from the first."""
    layer = trial.layer(num_layers=trial.depth, learn_initial_state=True)
    aux = trial.aux(layer)
    want = results(layer, trial.x, **aux)
    held = io.BytesIO()
    torch.save(layer, held)
    held.seek(0)
    for other in (
        copy.deepcopy(layer),
        pickle.loads(pickle.dumps(layer)),
        torch.load(held, weights_only=False),
    ):
        same(results(other, trial.x, **aux), want)
        with torch.no_grad():
            for p in other.parameters():
                p.zero_()
        same(results(layer, trial.x, **aux), want)


def files(trial: Trial) -> None:
    """`cv.save` and `cv.load`, which needs no source of the cell, give the same layer."""
    layer = trial.layer(bidirectional=True)
    aux = trial.aux(layer)
    with tempfile.TemporaryDirectory(prefix="conveyor-") as folder:
        place = Path(folder) / "layer.safetensors"
        save(layer, place)
        other = load(place)
    near(results(other, trial.x, **aux), results(layer, trial.x, **aux))
