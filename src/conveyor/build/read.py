"""Reads trained torch modules into the plain description that is built."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from conveyor.build.network import Floats, Layer, Linear, Network
from conveyor.errors import ArgumentError
from conveyor.layers.core.layer_direction import LayerDirection
from conveyor.layers.core.stack import Stack

ACTIVATIONS = ("none", "softmax", "sigmoid")
_IGNORED = (nn.Dropout, nn.Identity)
_FITS = "an embedding or linear maps, then one recurrent layer or more, then linear maps, softmax or sigmoid"


def read_network(model: Any, activation: str | None = None, skips_input: bool = False) -> Network:
    """Reads a network from a layer, a model with `chain()`, or modules one after another.

    Args:
        model: A recurrent layer, an `nn.Sequential`, a list of modules, or a model whose `chain()` gives one.
        activation: `softmax`, `sigmoid` or `none` at the end, in place of what the model says.
        skips_input: Whether the input is added to the output.

    Raises:
        ArgumentError: The model has a part that can't be built.
    """
    parts = [m for m in _chain(model) if not isinstance(m, _IGNORED)]
    layers = [k for k, m in enumerate(parts) if isinstance(m, Stack)]
    if not layers:
        names = ", ".join(type(m).__name__ for m in parts) or "nothing"
        raise ArgumentError(f"model: expected {_FITS}; got {names}, without a recurrent layer of conveyor")
    first, last = layers[0], layers[-1]
    between = next((m for m in parts[first:last] if not isinstance(m, Stack)), None)
    if between is not None:
        raise ArgumentError(
            f"model: {type(between).__name__} between recurrent layers can't be built; expected {_FITS}"
        )
    embedding, projections = _before(parts[:first])
    heads, ending = _behind(parts[last + 1 :])
    stacks = [m for m in parts if isinstance(m, Stack)]
    connections = _connections(stacks)
    if activation is not None and activation not in ACTIVATIONS:
        raise ArgumentError(f"activation: expected {', '.join(ACTIVATIONS)}; got {activation!r}")
    ending = ending if activation is None else activation.replace("none", "")
    aux: dict[str, int] = {}
    found: list[Layer] = []
    for stack in stacks:
        for unit in stack.units:
            found.append(_layer(stack, unit))
            for a in unit.program.aux:
                width = unit.widths[a.width]
                if aux.setdefault(a.name, width) != width:
                    raise ArgumentError(f"model: layers read the auxiliary input '{a.name}' with different widths")
    network = Network(embedding, projections, tuple(found), connections, heads, ending, skips_input, aux)
    _check(network)
    return network


def _chain(model: Any) -> Sequence[Any]:
    if isinstance(model, Stack):
        return [model]
    if isinstance(model, nn.Sequential):
        return [part for m in model for part in _chain(m)]
    if isinstance(model, list | tuple):
        return [part for m in model for part in _chain(m)]
    if callable(getattr(model, "chain", None)):
        return [part for m in model.chain() for part in _chain(m)]
    return [model]


def _before(parts: Iterable[Any]) -> tuple[Floats | None, tuple[Linear, ...]]:
    embedding = None
    found: list[Linear] = []
    for m in parts:
        if type(m) is nn.Embedding and embedding is None and not found:
            embedding = _floats(m.weight)
        elif type(m) is nn.Linear:
            found.append(_linear(m))
        else:
            raise ArgumentError(f"model: {_said(m)} before the recurrent layer can't be built; expected {_FITS}")
    return embedding, tuple(found)


def _behind(parts: Iterable[Any]) -> tuple[tuple[Linear, ...], str]:
    found: list[Linear] = []
    ending = ""
    for m in parts:
        if ending:
            raise ArgumentError(f"model: {_said(m)} behind {ending} can't be built; expected {_FITS}")
        if type(m) is nn.Linear:
            found.append(_linear(m))
        elif isinstance(m, nn.Softmax | nn.Sigmoid):
            ending = "softmax" if isinstance(m, nn.Softmax) else "sigmoid"
        else:
            raise ArgumentError(f"model: {_said(m)} behind the recurrent layer can't be built; expected {_FITS}")
    return tuple(found), ending


def _said(module: Any) -> str:
    return type(module).__name__


def _connections(stacks: Sequence[Stack]) -> str:
    kinds = {m.connections for m in stacks if m.num_layers > 1}
    if len(kinds) > 1 or (kinds - {"plain"} and len(stacks) > 1):
        raise ArgumentError("model: several recurrent layers, of which one has other connections than plain; build one")
    return kinds.pop() if kinds else "plain"


def _layer(stack: Stack, unit: LayerDirection) -> Layer:
    if stack.bidirectional:
        raise ArgumentError(
            "model: a bidirectional layer needs the whole sequence before its first output, so it has no step to build;"
            " train one with bidirectional=False"
        )
    parameters = {key: _floats(tensor) for key, tensor in unit.bind(stack).items()}
    learned = [_floats(t) for t in unit.initial(stack)]
    initial = learned or [np.zeros(unit.widths[s.width], np.float32) for s in unit.program.states]
    return Layer(unit.cell.name, unit.program, dict(unit.widths), parameters, tuple(initial))


def _linear(module: nn.Linear) -> Linear:
    return Linear(_floats(module.weight), None if module.bias is None else _floats(module.bias))


def _floats(tensor: Tensor) -> Floats:
    return np.ascontiguousarray(tensor.detach().cpu().float().numpy())


def _check(network: Network) -> None:
    """Checks that widths fit and that the weights are finite."""
    if network.embedding is not None:
        width = network.embedding.shape[1]
        wanted = network.projections[0].weight.shape[1] if network.projections else network.layers[0].input_size
        if width != wanted:
            raise ArgumentError(f"model: the embedding is {width} wide and what reads it expects {wanted}")
    maps = [*network.projections]
    gives = maps[-1].weight.shape[0] if maps else None
    if gives is not None and gives != network.layers[0].input_size:
        raise ArgumentError(
            f"model: a linear map gives {gives} numbers, the layer reads {network.layers[0].input_size}"
        )
    width = network.layers[-1].output_size
    for linear in network.heads:
        if linear.weight.shape[1] != width:
            raise ArgumentError(f"model: a linear map reads {linear.weight.shape[1]} numbers, it is given {width}")
        width = linear.weight.shape[0]
    if network.skips_input and (network.outputs != network.input_size or network.embedding is not None):
        raise ArgumentError(
            f"skip: the input is added to the output, so both have one width; got {network.input_size} and"
            f" {network.outputs}"
        )
    if not all(np.isfinite(a).all() for a in network.arrays()):
        raise ArgumentError("model: it has weights that are not finite; train it again, or load another checkpoint")
