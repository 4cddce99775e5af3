"""`cv.from_state_dict`: torch's recurrent modules from tensors by name, or from a file of tensors."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from conveyor import layers
from conveyor.atomic_write import as_path
from conveyor.errors import ArgumentError
from conveyor.interop.common.report import Receiver, Report, tell
from conveyor.interop.common.weight_files import read_weights, tensors_of
from conveyor.interop.common.weight_json import Weights, weights_in
from conveyor.interop.torch.convert import OF_THEIRS, compared, copied, twin
from conveyor.interop.torch.state_dict import Modules, modules_in
from conveyor.layers.arguments.conversion import check_flags


class TorchLayers(Mapping[str, nn.Module]):
    """Layers by the names of their modules in the model; "" for the model itself.

    Attributes:
        reports: The report of each, with the largest difference.
        notes: For each layer what the tensors do not tell, what was put together, and what is left over.
        unread: Why other groups of such tensors are no layer, by name.
        rest: The other tensors by name: a head, an embedding.
        facts: Further values of the file, such as a `skip` that adds the input to the output.
    """

    def __init__(self, made: Mapping[str, nn.Module], reports: Sequence[Report], found: Modules, facts: Any) -> None:
        self._layers = dict(made)
        self.reports = tuple(reports)
        self.notes = found.notes
        self.unread = found.refused
        self.rest = found.rest
        self.facts = dict(facts)

    def __getitem__(self, name: str) -> nn.Module:
        if name in self.unread:
            raise ArgumentError(f"layer '{name}' could not be read: {self.unread[name]}")
        return self._layers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    def __repr__(self) -> str:
        return "\n".join([*map(str, self.reports), *(f"{n}: not read, {why}" for n, why in self.unread.items())])


def from_state_dict(
    source: Mapping[str, Any] | str | os.PathLike[str],
    layer: str | None = None,
    *,
    batch_first: bool = False,
    nonlinearity: str | None = None,
    report: Receiver | None = None,
) -> Any:
    """Make layers of the LSTMs, GRUs and RNNs of torch.nn whose parameters are among tensors by name.

    A module is found by the names of its parameters (`encoder.weight_ih_l0`, …) and told by their shapes. Weight norm,
    spectral norm and pruning are resolved. Nothing but tensors is unpickled.

    Args:
        source: A `state_dict`, tensors or arrays by name, also in dictionaries in dictionaries; or a file: of
            torch.save, `.safetensors`, `.npz`, or `.json` (a `state_dict` as lists, RTNeural, AIDA-X, GuitarML's
            Proteus and NeuralPi) and `.nam` (Neural Amp Modeler's LSTMs, with the states that they begin from).
        layer: The name of one module, where that alone is wanted.
        batch_first: Whether the layers take (B, T, input); parameters do not tell.
        nonlinearity: Of an RNN, `tanh` or `relu`; parameters do not tell, `tanh` is assumed and noted.
        report: Called with the `Report` of each layer, `print` for example; by default they are logged.

    Returns:
        With `layer` that layer, else a mapping from names to layers; its `notes` say what is assumed and left over, its
        `rest` has the other tensors, its `facts` what else the file says.

    Raises:
        ArgumentError: The source is none of these, or no module in it can be read.
    """
    check_flags(batch_first=batch_first)
    weights, said = _weights(source)
    found = modules_in(weights.tensors, nonlinearity, batch_first)
    if not found.read:
        raise ArgumentError(_nothing(said, weights, found))
    if layer is not None and layer not in found.read:
        if layer in found.refused:
            raise ArgumentError(f"layer: '{layer}' could not be read: {found.refused[layer]}")
        raise ArgumentError(f"layer: expected one of {', '.join(found.read)}, got {layer!r}")
    chosen = found.read if layer is None else {layer: found.read[layer]}
    made: dict[str, nn.Module] = {}
    reports = []
    for name, module in chosen.items():
        made[name] = _layer(name, module, weights)
        found.notes[name] = (*found.notes[name], *_of_file(name, weights))
        told = replace(compared(name, module, made[name]), note="; ".join(found.notes[name]))
        tell(told, report)
        reports.append(told)
    return TorchLayers(made, reports, found, weights.facts) if layer is None else made[layer]


def _weights(source: Any) -> tuple[Weights, str]:
    if isinstance(source, str | os.PathLike):
        path: Path = as_path(source)
        return read_weights(path), str(path)
    if not isinstance(source, Mapping):
        raise ArgumentError(f"source is a state_dict or the name of a file, got {type(source).__name__}")
    tensors = tensors_of(source)
    return Weights(tensors) if tensors else weights_in(source), "source"


def _nothing(said: str, weights: Weights, found: Modules) -> str:
    if found.refused:
        return next(iter(found.refused.values()))
    names = ", ".join([*weights.tensors][:5]) or "none"
    return f"{said} has no parameters of torch.nn's LSTM, GRU or RNN; its tensors are {names}"


def _layer(name: str, module: nn.Module, weights: Weights) -> Any:
    """Make the conveyor layer of a module, with the initial states of a file."""
    made = twin(module, OF_THEIRS[type(module)], copied)
    initial = weights.initial.get(name)
    if initial is not None and any(v.any() for v in initial.values()):
        held = dict(made.state_dict())
        assert isinstance(module, nn.LSTM)
        sizes = module.input_size, module.hidden_size, module.num_layers
        made = layers.LSTM(*sizes, batch_first=module.batch_first, learn_initial_state=True)
        held |= {f"initial_{s}_l{k}": row for s, rows in initial.items() for k, row in enumerate(rows)}
        made.load_state_dict(held)
    for parameter, value in made.named_parameters():
        if f"{name}.{parameter}" in weights.single:
            # Another library's one bias: the second stays zero, so that training moves one.
            value.requires_grad_(False)
    return made


def _of_file(name: str, weights: Weights) -> tuple[str, ...]:
    said = []
    if any(v.any() for v in weights.initial.get(name, {}).values()):
        said.append("begins from the states in the file")
    if weights.facts.get("skip") or weights.facts.get("in_skip"):
        said.append("the model adds its input to its output (skip), which the layer does not")
    return tuple(said)
