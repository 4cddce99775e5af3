"""Conversion of Keras's recurrent layers, without TensorFlow, and from files without Keras.

In the order in which data passes. Import: `storage` identifies a file, finds the recurrent layers in it and their
arrays; `spec` describes a layer, `build` makes a conveyor layer of it, wrapped in a `layer` with Keras's outputs;
`equations` are Keras's, and `compare` compares the layer with them or with the live layer. Export: `recognise`
describes a conveyor layer as Keras's, and `storage` writes the configuration and the files, or fills a live layer or
model.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from conveyor.interop.common.report import Receiver


def from_keras(
    source: Any,
    layer: str | None = None,
    *,
    activation: str | None = None,
    recurrent_activation: str | None = None,
    reset_after: bool | None = None,
    report: Receiver | None = None,
) -> Any:
    """Read the LSTM, GRU, SimpleRNN, RNN and Bidirectional layers of a Keras model, with copies of their weights.

    A layer becomes a `cv.LSTM`, `cv.GRU` or `cv.RNN` where its equations are those, any other a `cv.Recurrent`; all are
    `batch_first`, as Keras is. Where Keras has one bias and torch's layers two, the second is zero and frozen, so that
    training goes on as there. A layer that returns something else than every step, forwards, both directions side by
    side, is wrapped in a `KerasLayer`, which does as Keras does and has the plain layer as `layer`. Files are read by
    h5py alone: neither Keras nor TensorFlow is needed, no code in a file runs and nothing is unpickled.

    Args:
        source: A `.keras`, `.h5` or `.weights.h5` file of Keras 2 or 3, or a live layer or model of Keras.
        layer: The name of one layer, where that alone is wanted.
        activation: For a file of weights alone, which says none: the activation; `tanh` by default.
        recurrent_activation: Likewise that of the gates; `sigmoid` by default, before Keras 2.3 `hard_sigmoid`.
        reset_after: Likewise whether the reset gate of a GRU acts after the product with the state. Biases tell; of a
            GRU without any nothing does, and it is read only if this is given.
        report: Called with the `Report` of each layer, `print` for example; by default they are logged. A live layer is
            compared with itself, one in a model or file with Keras's equations.

    Returns:
        For a live layer, or with `layer`, our layer; for a model or file a mapping from names to layers, whose `notes`
        say what does not come along (dropout, masks, statefulness) and what the file did not tell, and whose `unread`
        why a recurrent layer could not be read.

    Raises:
        ArgumentError: The source is none of these, damaged, or has no recurrent layer that can be read; or h5py is
            missing.
    """
    from conveyor.interop.keras.read import read
    from conveyor.interop.keras.storage.inferred_layers import Said

    return read(source, layer, Said(activation, recurrent_activation, reset_after), report)


def to_keras(
    layer: Any, target: str | os.PathLike[str] | Any, *, overwrite: bool = False, report: Receiver | None = None
) -> Path | Any:
    """Write a layer or a model to a Keras file, or put a layer's weights into a live layer or model of Keras.

    Args:
        layer: A layer whose equations are Keras's, whatever its cell is called, with or without `KerasLayer`; a model
            that is a chain (an `nn.Sequential`, or a module with a method `chain()`) of these and nn's Embedding,
            Linear and Dropout; or, for a live model, a mapping from its layers' names to layers, as `from_keras` gives.
        target: A file: `.keras` and `.h5` hold the model and its weights, `.weights.h5` the weights, for a Sequential
            of the same layers; or a live layer or model with the same cells, which is filled.
        overwrite: Whether an existing file is replaced.
        report: Called with the `Report` of the largest difference, `print` for example; by default it is logged.

    Returns:
        The file's path, or the target.

    Raises:
        ArgumentError: Keras has no such layer, the target has other cells or sizes, or the file can't be written.
    """
    from conveyor.interop.keras.write import write

    return write(layer, target, overwrite, report)
