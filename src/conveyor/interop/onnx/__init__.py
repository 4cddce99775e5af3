"""ONNX: the export of layers and models, the import of recurrent operators.

`exporter` writes a file: a layer whose equations are those of an operator (`conveyor.operators` finds it) as that
operator, any other as a `Scan`. `importer` reads one. docs/onnx.md lists what onnxruntime does otherwise than the
specification says.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from conveyor.errors import ConveyorError

if TYPE_CHECKING:
    from conveyor.interop.common.report import Receiver
    from conveyor.interop.onnx.importer.from_file import Imported
    from conveyor.interop.onnx.report import Exported


def to_onnx(
    layer_or_model: Any,
    path: str | os.PathLike[str],
    dynamic: Iterable[str] = ("batch", "time"),
    *,
    batch: int | None = None,
    time: int | None = None,
    step: bool | None = None,
    lengths: str = "optional",
    states: str = "optional",
    static: Iterable[str] = (),
    reset: bool = False,
    overwrite: bool = False,
    check: bool = True,
) -> Exported:
    """Write a layer or a model as an ONNX file (operator set 18).

    A layer whose equations are those of ONNX's LSTM, GRU or RNN becomes that operator, whatever its cell is called; any
    other becomes a `Scan`. Dropout is left out, as in evaluation. The graph's inputs are `x` ((T, B, input_size), or
    (B, T, input_size) with batch_first; `tokens`, whole numbers, where the model begins with an embedding), the
    auxiliary inputs, `lengths` (B,), and for each state its initial value, such as `h_0` and `c_0`, shaped as the layer
    takes it; its outputs `y` and the final states, such as `h_n` and `c_n`. Past a row's length outputs are zero and
    states are held; the reverse direction begins at each row's own end.

    Args:
        layer_or_model: `cv.LSTM`, `GRU`, `RNN`, `Recurrent`, `Cell`, `LSTMCell`, `GRUCell`, `RNNCell`, or a model that
            is a chain: an `nn.Sequential`, or a module with a method `chain()` that returns its modules in the order in
            which data passes them (our layers and nn's Embedding, Linear, LayerNorm, Dropout and activations).
        path: The file.
        dynamic: Which of the axes "batch" and "time" may have any size.
        batch: The number of rows if that axis is not dynamic.
        time: The number of steps if that axis is not dynamic.
        step: Whether the graph is one step: (B, input_size) and states in, (B, output_size) and states out. A cell such
            as `cv.LSTMCell` always is.
        lengths: Whether that input may be left out (`optional`), must be given (`required`), or isn't there (`none`).
            An optional input is of an optional type, and has a default in the file.
        states: The same for the initial states; left out they are the layer's own.
        static: Names of auxiliary inputs that are the same at each step, (B, K).
        reset: Whether there is an input `reset`, true where a new piece starts, as the layer's `reset=`: shaped as `x`
            without its last axis. No operator has such a thing, so the layers become `Scan`s.
        overwrite: Whether a file of that name may be replaced.
        check: Whether to run the graph in onnxruntime, if that is installed, and compare it with the model.

    Returns:
        A `Report` with a row for each layer, the names of inputs and outputs, and the largest difference on random
        input; a difference that rounding may make but that is above 1e-5 is warned of.

    Raises:
        ArgumentError: An argument has a wrong value, or the model a module that can't be walked.
        ConversionError: The graph does not give the model's numbers; nothing is written then.
        ConveyorError: The package onnx is missing.
    """
    _require_onnx()
    from conveyor.interop.onnx.exporter.to_file import export
    from conveyor.interop.onnx.options import read_options

    options = read_options(layer_or_model, dynamic, batch, time, step, lengths, states, static, reset)
    return export(layer_or_model, path, options, overwrite, check)


def from_onnx(path: Any, *, report: Receiver | None = None) -> Imported:
    """Read the LSTM, GRU and RNN nodes of an ONNX file into layers, quantised ones too.

    Args:
        path: The file, or a loaded `onnx.ModelProto`.
        report: Called with the report of what was read, `print` for example; by default it is logged.

    Returns:
        A mapping from the name of a node to its layer, which trains on and exports again. Its `report` says what was
        read, and its `nodes` what of each node is not in the layer: where the initial state and the lengths come from.

    Raises:
        ArgumentError: There is no such file.
        ConversionError: It is no ONNX file, it has no recurrent node, or none that can be read.
        ConveyorError: The package onnx is missing.
    """
    _require_onnx()
    from conveyor.interop.onnx.importer.from_file import read

    return read(path, report)


def _require_onnx() -> None:
    try:
        import onnx  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise ConveyorError(f"ONNX files need the package onnx ({error}); pip install 'conveyor[onnx]'") from error
