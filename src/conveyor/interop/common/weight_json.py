"""Weights in JSON: a state_dict as lists, and the layouts of audio plug-ins.

RTNeural, and AIDA-X with it: `{"in_shape", "layers": [{"type", "activation", "shape", "weights"}]}`, the weights as
Keras's `get_weights()` gives them. GuitarML (Proteus, NeuralPi): `{"model_data", "state_dict"}`, under torch's names.
Neural Amp Modeler's LSTM: `{"architecture", "config", "weights"}`, layer by layer the matrix [W_ih | W_hh], one bias,
h0 and c0, then the head's weight and bias, all in one list; gates in torch's order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from conveyor.errors import ArgumentError

_DEEPEST = 16  # of objects in objects
_LARGEST = 1 << 30  # bytes
# Keras's gates in torch's order: i f c o as they are, z r h as r z h.
_TURNED = {"lstm": (0, 1, 2, 3), "gru": (1, 0, 2)}


@dataclass
class Weights:
    """The content of a file of weights.

    Attributes:
        tensors: The tensors under torch's names.
        facts: Other metadata of the file: `skip`, a sample rate, the activation of a head.
        initial: The initial states by module name, (layers, H) each.
        single: The names of second biases that the file lacks, and which are zero.
    """

    tensors: dict[str, Tensor]
    facts: dict[str, Any] = field(default_factory=dict)
    initial: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    single: set[str] = field(default_factory=set)


def read_json(path: Path) -> Weights:
    """Read the weights in a JSON file.

    Raises:
        ArgumentError: It is no JSON, or in no layout that is known here.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise ArgumentError(f"{path} has {path.stat().st_size:,} bytes; JSON of weights has up to {_LARGEST:,}")
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"{path} is no JSON: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise ArgumentError(f"{path} holds a {type(document).__name__}; expected an object of names and weights")
    try:
        return weights_in(document)
    except ArgumentError as error:
        raise ArgumentError(f"{path}: {error}") from error


def weights_in(document: Mapping[str, Any]) -> Weights:
    """Read the weights of a parsed document.

    Raises:
        ArgumentError: It is in no layout that is known here.
    """
    if "architecture" in document and "weights" in document:
        return _amp_modeler(document)
    if isinstance(document.get("layers"), list):
        return _layers(document)
    held = document.get("state_dict", document)
    if not isinstance(held, Mapping):
        raise ArgumentError(f"its state_dict is a {type(held).__name__}, expected an object of names and lists")
    tensors = dict(_named(held, "", 0))
    about = document.get("model_data") if held is not document else None
    facts = {k: v for k, v in about.items() if not isinstance(v, list | dict)} if isinstance(about, Mapping) else {}
    return Weights(tensors, facts)


def _named(held: Mapping[str, Any], path: str, depth: int) -> Iterator[tuple[str, Tensor]]:
    """Yield the lists of numbers by name; other values are skipped."""
    for key, value in held.items():
        name = f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping) and depth < _DEEPEST:
            yield from _named(value, name, depth + 1)
        elif isinstance(value, list) and value:
            found = _as_array(value)
            if found is not None:
                yield name, found


def _as_array(value: Any) -> Tensor | None:
    """Convert nested lists of numbers to a float32 tensor; None if they are something else."""
    try:
        found = np.asarray(value, np.float32)
    except (ValueError, TypeError):
        return None
    return torch.from_numpy(found)


def _array(value: Any, where: str) -> Tensor:
    found = _as_array(value)
    if found is None:
        raise ArgumentError(f"{where} is no array of numbers")
    return found


# RTNeural


def _layers(document: Mapping[str, Any]) -> Weights:
    made = Weights({}, {k: v for k, v in document.items() if isinstance(v, int | float | str)})
    for k, layer in enumerate(document["layers"]):
        where = f"layers.{k}"
        if not isinstance(layer, Mapping):
            raise ArgumentError(f"{where} is a {type(layer).__name__}, expected an object")
        kind, weights = str(layer.get("type")), layer.get("weights")
        held = [_array(w, f"{where}.weights.{j}") for j, w in enumerate(weights)] if isinstance(weights, list) else []
        if kind in _TURNED:
            _recurrent(made, where, kind, held)
        elif "dense" in kind and len(held) == 2 and held[0].dim() == 2:
            made.tensors |= {f"{where}.weight": held[0].t().contiguous(), f"{where}.bias": held[1]}
        else:
            made.tensors |= {f"{where}.weights.{j}": w for j, w in enumerate(held)}
        if layer.get("activation") and kind not in _TURNED:
            made.facts[f"{where}.activation"] = layer["activation"]
    return made


def _recurrent(made: Weights, where: str, kind: str, held: Sequence[Tensor]) -> None:
    order = _TURNED[kind]
    gates = len(order)
    if len(held) != 3 or held[0].dim() != 2 or held[1].dim() != 2 or held[1].shape[1] != gates * held[1].shape[0]:
        shapes = ", ".join(str(tuple(h.shape)) for h in held) or "nothing"
        raise ArgumentError(
            f"{where} is a {kind} with weights {shapes}; expected a kernel, a recurrent kernel and a bias"
        )
    biases = (held[2], torch.zeros_like(held[2])) if held[2].dim() == 1 else tuple(held[2])
    if kind == "gru" and held[2].dim() == 1:
        raise ArgumentError(
            f"{where} is a gru with one bias, whose reset gate acts before the product; use cv.from_order"
        )

    def turned(value: Tensor) -> Tensor:
        parts = value.chunk(gates, -1)
        return torch.cat([parts[g] for g in order], -1).t().contiguous()

    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    values = (held[0], held[1], *biases)
    made.tensors |= {f"{where}.{n}": turned(v) for n, v in zip(names, values, strict=True)}
    if held[2].dim() == 1:
        made.single.add(f"{where}.bias_hh_l0")


# Neural Amp Modeler


def _amp_modeler(document: Mapping[str, Any]) -> Weights:
    kind, config = document["architecture"], document.get("config")
    if kind != "LSTM":
        raise ArgumentError(f"its architecture is {kind}, which is not recurrent; of .nam files LSTM ones are read")
    if not isinstance(config, Mapping):
        raise ArgumentError("it has no config")
    sizes = [config.get(name, default) for name, default in (("input_size", 1), ("hidden_size", 0), ("num_layers", 1))]
    if not all(isinstance(s, int) and not isinstance(s, bool) and s > 0 for s in sizes):
        raise ArgumentError(f"its config has sizes {sizes}, expected whole numbers from 1")
    flat = _array(document["weights"], "weights").reshape(-1)
    width, hidden, layers = sizes
    wanted = sum(4 * hidden * ((hidden if k else width) + hidden) + 6 * hidden for k in range(layers)) + hidden + 1
    if len(flat) != wanted:
        raise ArgumentError(f"it has {len(flat):,} weights, and its config says {wanted:,}")
    made = Weights({}, {k: v for k, v in document.items() if isinstance(v, int | float | str)})
    at, states = 0, []

    def take(*shape: int) -> Tensor:
        nonlocal at
        count = int(np.prod(shape))
        at += count
        return flat[at - count : at].reshape(shape).clone()

    for k in range(layers):
        reads = hidden if k else width
        both = take(4 * hidden, reads + hidden)
        made.tensors |= {
            f"lstm.weight_ih_l{k}": both[:, :reads].contiguous(),
            f"lstm.weight_hh_l{k}": both[:, reads:].contiguous(),
            f"lstm.bias_ih_l{k}": take(4 * hidden),
            f"lstm.bias_hh_l{k}": torch.zeros(4 * hidden),
        }
        made.single.add(f"lstm.bias_hh_l{k}")
        states.append((take(hidden), take(hidden)))
    made.initial["lstm"] = {name: torch.stack(v) for name, v in zip("hc", zip(*states, strict=True), strict=True)}
    made.tensors |= {"head.weight": take(1, hidden), "head.bias": take(1)}
    return made
