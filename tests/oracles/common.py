"""What the oracles share: running a step over time, and unpacking a layer's tensors into one array a gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Step = Callable[..., tuple[Array, ...]]


@dataclass(frozen=True)
class Packed:
    """A tensor of a layer: the arrays that stand in it one below the other, and the shape of each by width."""

    parts: tuple[str, ...]
    dims: tuple[str, ...]
    blocks: int = 1

    def shape(self, widths: Mapping[str, int]) -> tuple[int, ...]:
        sizes = [widths[d] for d in self.dims]
        if len(sizes) == 2:
            sizes[1] //= self.blocks
        return (sizes[0] * len(self.parts), *sizes[1:])


def pack(parts: str, *dims: str, blocks: int = 1) -> Packed:
    return Packed(tuple(parts.split()), dims, blocks)


@dataclass(frozen=True)
class Oracle:
    """A cell's equations for one row of the batch and one step.

    `step(p, x, *states, **aux)` returns the new states, the first of which is the output; all are vectors. `p` has an
    attribute for each array named in `packing`, which says how they stand in the tensors of a layer.
    """

    step: Step
    packing: Mapping[str, Packed]
    states: tuple[str, ...] = ("h",)
    aux: tuple[str, ...] = ()

    def unpack(self, tensors: Mapping[str, Array]) -> SimpleNamespace:
        assert tensors.keys() == self.packing.keys()
        p = SimpleNamespace()
        for name, packed in self.packing.items():
            for part, array in zip(packed.parts, np.split(tensors[name], len(packed.parts)), strict=True):
                setattr(p, part, array)
        return p

    def run(
        self,
        tensors: Mapping[str, Array],
        x: Array,
        states: Sequence[Array],
        aux: Mapping[str, Array] | None = None,
    ) -> tuple[Array, tuple[Array, ...]]:
        """x (T, B, I), states (B, width) each, aux (T, B, width) each → output (T, B, width), final states."""
        aux = aux or {}
        assert tuple(aux) == self.aux
        assert all(a.dtype == np.float64 for a in (x, *states, *tensors.values(), *aux.values()))
        p = self.unpack(tensors)
        length, batch = x.shape[:2]
        output = np.empty((length, batch, states[0].shape[1]))
        finals = [np.empty_like(s) for s in states]
        for b in range(batch):
            row = tuple(s[b] for s in states)
            for t in range(length):
                row = self.step(p, x[t, b], *row, **{name: a[t, b] for name, a in aux.items()})
                output[t, b] = row[0]
            for final, value in zip(finals, row, strict=True):
                final[b] = value
        return output, tuple(finals)


def sigmoid(v: Array) -> Array:
    return 1 / (1 + np.exp(-v))


def relu(v: Array) -> Array:
    return np.where(v < 0, 0.0, v)


# As Keras documents them; ONNX's HardSigmoid has alpha 0.2 and beta 0.5.
ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "relu": relu,
    "linear": lambda v: v,
    "softplus": lambda v: np.log(1 + np.exp(v)),
    "exponential": np.exp,
    "softsign": lambda v: v / (np.abs(v) + 1),
    "silu": lambda v: v / (1 + np.exp(-v)),
    "elu": lambda v: np.where(v > 0, v, np.expm1(v)),
    "leaky_relu": lambda v: np.where(v > 0, v, v / 100),
    "hard_sigmoid": lambda v: np.clip(v / 5 + 0.5, 0, 1),
    "hard_sigmoid_6": lambda v: np.clip(v / 6 + 0.5, 0, 1),
    "leaky_relu_0.2": lambda v: np.where(v > 0, v, v / 5),
    "sparse_sigmoid": lambda v: np.clip((v + 1) / 2, 0, 1),
    "relu6": lambda v: np.minimum(relu(v), 6),
    # The numbers of Klambauer et al. 2017, eq. 14.
    "selu": lambda v: 1.0507009873554804934 * np.where(v > 0, v, 1.6732632423543772848 * np.expm1(v)),
    "mish": lambda v: v * np.tanh(np.log(1 + np.exp(v))),
    "hard_silu": lambda v: v * np.minimum(relu(v + 3), 6) / 6,
    "hard_tanh": lambda v: np.minimum(np.maximum(v, -1), 1),
    "hard_shrink": lambda v: v * (np.abs(v) > 0.5),
    "soft_shrink": lambda v: np.sign(v) * relu(np.abs(v) - 0.5),
    "tanh_shrink": lambda v: v - np.tanh(v),
    "log_sigmoid": lambda v: np.log(sigmoid(v)),
    "squareplus": lambda v: (v + np.sqrt(v**2 + 4)) / 2,
    "sparse_plus": lambda v: np.where(v <= -1, 0, np.where(v < 1, (v + 1) ** 2 / 4, v)),
    "softmax": lambda v: np.exp(v) / np.exp(v).sum(-1, keepdims=True),
}
