"""The description of a Keras recurrent layer: its cells, their arrays in Keras's layout, and its output settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from conveyor.errors import ArgumentError
from conveyor.frontend.activations import NAMES
from conveyor.interop.keras.storage.hdf5 import Array

# How many gates stand side by side in the kernels.
GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}

# Keras's names that are not ours. Its hard_sigmoid changed its slope with version 3; its leaky_relu is not torch's.
_OURS = {"swish": "silu", "hard_swish": "hard_silu", "celu": "elu", "leaky_relu": "leaky_relu_0.2"}
# Names of ours that Keras does not have.
_NOT_KERAS = ("hard_sigmoid_6", "leaky_relu_0.2")


def our_activation(given: Any, major: int) -> str:
    """Return the conveyor name of an activation in a configuration of Keras version `major`.

    Raises:
        ArgumentError: It has no like here.
    """
    if isinstance(given, dict) and given.get("class_name") == "function":
        given = given.get("config")
    if given is None:
        return "linear"
    if given == "hard_sigmoid":
        return "hard_sigmoid_6" if major >= 3 else "hard_sigmoid"
    ours = _OURS.get(given, given) if isinstance(given, str) else None
    if ours not in NAMES or given in _NOT_KERAS:
        said = given.get("class_name") if isinstance(given, dict) else given
        raise ArgumentError(
            f"its activation {said!r} has no like here; of Keras's there are"
            f" {', '.join(n for n in NAMES if n not in _NOT_KERAS)}. Write the cell with @cv.cell and read its arrays"
            " with cv.Order"
        )
    return ours


def keras_activation(ours: str) -> str:
    """Return Keras 3's name of a conveyor activation.

    Raises:
        ArgumentError: Keras has none.
    """
    if ours in ("hard_sigmoid", "leaky_relu"):
        raise ArgumentError(f"layer: Keras 3 has no activation that is our {ours!r}: its {ours} has another slope")
    return {"hard_sigmoid_6": "hard_sigmoid", "leaky_relu_0.2": "leaky_relu"}.get(ours, ours)


@dataclass(frozen=True)
class CellSpec:
    """One Keras cell.

    Attributes:
        kind: `LSTM`, `GRU` or `SimpleRNN`.
        units: Its width.
        activation: Our name of the activation of the candidate and the memory.
        recurrent_activation: That of the gates; SimpleRNN has none.
        use_bias: Whether it has biases.
        reset_after: Whether GRU's reset gate acts after the product; there are two biases then. None where a file of
            weights without biases does not tell.
        arrays: Kernel (I, gates x H), recurrent kernel (H, gates x H) and bias, (gates x H,) or (2, gates x H).
    """

    kind: str
    units: int
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    use_bias: bool = True
    reset_after: bool | None = False
    arrays: tuple[Array, ...] = field(default=(), compare=False)

    @property
    def input_size(self) -> int:
        """The width of its input."""
        return int(self.arrays[0].shape[0])

    @property
    def count(self) -> int:
        """The number of its arrays."""
        return 3 if self.use_bias else 2

    def __str__(self) -> str:
        said = [f"units={self.units}"]
        said += [f"activation={self.activation}"] if self.activation != "tanh" else []
        if self.kind != "SimpleRNN" and self.recurrent_activation != "sigmoid":
            said.append(f"recurrent_activation={self.recurrent_activation}")
        said += ["use_bias=False"] if not self.use_bias else []
        said += [f"reset_after={self.reset_after}"] if self.kind == "GRU" else []
        return f"{self.kind}({', '.join(said)})"


@dataclass(frozen=True)
class LayerSpec:
    """One Keras layer.

    Attributes:
        name: Its name, behind those of the models it stands in.
        forward: Its cells, first to last.
        backward: That of the other direction, if there is one.
        go_backwards: Whether time runs from the end.
        return_sequences: Whether it returns every step.
        merge_mode: How two directions are merged.
        notes: The settings that are not converted.
        recurrent_dropout: The probability of dropout on its recurrent connections in training.
        trainable: Whether its weights are trained.
        guessed: Whether it is inferred from names and shapes of weights alone.
    """

    name: str
    forward: tuple[CellSpec, ...]
    backward: tuple[CellSpec, ...] = ()
    go_backwards: bool = False
    return_sequences: bool = True
    merge_mode: str | None = "concat"
    notes: tuple[str, ...] = ()
    recurrent_dropout: float = 0.0
    trainable: bool = True
    guessed: bool = False

    @property
    def kind(self) -> str:
        """Its class, with the class that it wraps."""
        names = [c.kind for c in self.forward]
        inner = names[0] if len(names) == 1 else f"RNN([{', '.join(names)}])"
        return f"Bidirectional({inner})" if self.backward else inner

    def __str__(self) -> str:
        cells = ", ".join(map(str, self.forward))
        said = [cells if len(self.forward) == 1 else f"RNN([{cells}])"]
        said += [f"merge_mode={self.merge_mode}"] if self.backward and self.merge_mode != "concat" else []
        text = f"Bidirectional({', '.join(said)})" if self.backward else said[0]
        settings = [
            n for n, on in (("go_backwards", self.go_backwards), ("last step", not self.return_sequences)) if on
        ]
        return f"{text}, {', '.join(settings)}" if settings else text


@dataclass(frozen=True)
class Plain:
    """A layer that is not recurrent, in a model that is exported to Keras.

    Attributes:
        kind: `Embedding`, `Dense`, `Dropout` or `SpatialDropout1D`.
        config: Its configuration.
        arrays: Its arrays, in Keras's order.
        width: The width of its output; 0 if it is that of its input.
    """

    kind: str
    config: Mapping[str, Any]
    arrays: tuple[Array, ...] = field(default=(), compare=False)
    width: int = 0


@dataclass(frozen=True)
class Unread:
    """A recurrent layer that cannot be read, with the reason."""

    name: str
    kind: str
    why: str


def with_arrays(spec: CellSpec, arrays: Sequence[Array], where: str) -> CellSpec:
    """Return the cell with its arrays, converted from CuDNN's layout to Keras's, after a check of all shapes.

    Raises:
        ArgumentError: A shape is not that of this cell.
    """
    gates, units = GATES[spec.kind], spec.units
    if len(arrays) != spec.count:
        raise ArgumentError(f"{where}: expected {spec.count} arrays, got {len(arrays)}")
    if is_fused(spec.kind, arrays):
        arrays = _from_cudnn(arrays, gates, spec.kind)
    width = arrays[0].shape[0] if arrays[0].ndim else 0
    shapes: list[tuple[int, ...]] = [(width, gates * units), (units, gates * units)]
    shapes += [(2, gates * units) if spec.reset_after else (gates * units,)] if spec.use_bias else []
    for name, array, shape in zip(("kernel", "recurrent_kernel", "bias"), arrays, shapes, strict=False):
        if array.shape != shape or 0 in shape:
            raise ArgumentError(f"{where}: {name} of a {spec.kind} of {units} units is {shape}, got {array.shape}")
        if array.dtype.kind != "f" or array.dtype.itemsize not in (2, 4, 8):
            raise ArgumentError(f"{where}: {name} holds floating-point numbers, got {array.dtype}")
    return replace(spec, arrays=tuple(np.ascontiguousarray(a, a.dtype.newbyteorder("=")) for a in arrays))


def is_fused(kind: str, arrays: Sequence[Array]) -> bool:
    """Tell whether these are the arrays of Keras 2's CuDNNLSTM or CuDNNGRU.

    They store each gate's matrices as cuDNN does, (H, I), one after another. Their shapes are still Keras's, so that
    only the doubled bias distinguishes them.
    """
    if len(arrays) < 3 or arrays[0].ndim != 2 or kind == "SimpleRNN":
        return False
    return bool(arrays[2].shape == (2 * arrays[0].shape[1],))


def _from_cudnn(arrays: Sequence[Array], gates: int, kind: str) -> list[Array]:
    kernel, recurrent, bias = arrays
    per_gate = [part.reshape(part.shape[::-1]).T for part in map(np.ascontiguousarray, np.split(kernel, gates, 1))]
    turned = [part.T for part in np.split(recurrent, gates, 1)]
    pair = bias.reshape(2, -1)
    return [np.hstack(per_gate), np.hstack(turned), pair if kind == "GRU" else pair.sum(0)]
