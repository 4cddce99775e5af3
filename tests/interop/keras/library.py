"""Keras on its torch backend: the oracle."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"

import keras  # noqa: E402 - it reads its backend when it is imported
import numpy as np  # noqa: E402

L = keras.layers
Array = np.ndarray[Any, Any]
I = 3  # noqa: E741 - the field's letter for the input's width

assert keras.backend.backend() == "torch"


def randomised(layer: Any, seed: int = 0) -> Any:
    """Every weight random, biases too, which Keras begins with zeros and ones."""
    generator = np.random.default_rng(seed)
    layer.set_weights([generator.normal(0, 0.5, w.shape).astype(w.dtype) for w in layer.get_weights()])
    return layer


def built(layer: Any, width: int = I, seed: int = 0) -> Any:
    layer.build((None, None, width))
    return randomised(layer, seed)


def sequences(width: int = I, batch: int = 2, time: int = 9, seed: int = 5) -> Array:
    return np.random.default_rng(seed).normal(size=(batch, time, width)).astype("float32")


def run(layer: Any, x: Array) -> list[Array]:
    """What Keras makes of an input; several outputs where it returns several."""
    y = layer(x, training=False)
    return [np.asarray(v.detach().cpu()) for v in (y if isinstance(y, list | tuple) else [y])]


def model(*layers: Any, width: int = I, seed: int = 0) -> Any:
    return randomised(keras.Sequential([L.Input((None, width)), *layers]), seed)


def save(of: Any, path: Path) -> Path:
    """A file of the kind that the name tells."""
    if path.name.endswith(".weights.h5"):
        of.save_weights(path)
    else:
        of.save(path)
    return path
