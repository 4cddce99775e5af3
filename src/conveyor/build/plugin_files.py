"""Reads audio plug-ins' models with heads and skips: `.nam`, and RTNeural's, AIDA-X's and GuitarML's JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from conveyor.errors import ArgumentError
from conveyor.interop.common.weight_files import JSON
from conveyor.interop.torch.from_state_dict import from_state_dict

__all__ = ["JSON", "is_plugin_file", "read_plugin_file"]

_ENDINGS: Mapping[str, type[nn.Module]] = {"softmax": nn.Softmax, "sigmoid": nn.Sigmoid}
_ADDS_INPUT = ("skip", "in_skip")
_GAINS = ("in_gain", "out_gain")  # in decibels


def is_plugin_file(path: Path) -> bool:
    """Tell whether a file is, by its name, a model of an audio plug-in."""
    return path.suffix.lower() in JSON


def read_plugin_file(path: Path) -> tuple[list[nn.Module], bool]:
    """Reads a file's recurrent layers and linear maps, in their order, and whether the input is added to the output.

    Raises:
        ArgumentError: The file can't be read, or holds something else.
    """
    found = from_state_dict(path)
    if found.unread:
        name, why = next(iter(found.unread.items()))
        raise ArgumentError(f"model: {path}: '{name}' could not be read: {why}")
    for name in _GAINS:
        gain = found.facts.get(name)
        if gain:
            raise ArgumentError(
                f"model: {path}: {name} is {gain} dB, expected 0: a built network has no gain of its own; set it to 0"
                " in the file and apply it where samples come in or go out"
            )
    maps: dict[str, dict[str, Tensor]] = {}
    for name, tensor in found.rest.items():
        module, _, role = name.rpartition(".")
        maps.setdefault(module, {})[role] = tensor
    parts: list[tuple[int, list[nn.Module]]] = [(_place(name, 0), [layer]) for name, layer in found.items()]
    for name, tensors in maps.items():
        activation = str(found.facts.get(f"{name}.activation", ""))
        parts.append((_place(name, 1), [_linear(path, name, tensors), *_ending(path, name, activation)]))
    modules = [module for _, own in sorted(parts, key=lambda part: part[0]) for module in own]
    return modules, any(bool(found.facts.get(name)) for name in _ADDS_INPUT)


def _place(name: str, otherwise: int) -> int:
    """The number of a layer in a list of them; files without one have a recurrent layer, then its head."""
    numbered = re.fullmatch(r"layers\.(\d+)", name)
    return int(numbered[1]) if numbered else otherwise


def _linear(path: Path, name: str, tensors: Mapping[str, Tensor]) -> nn.Linear:
    weight: Any = tensors.get("weight")
    bias: Any = tensors.get("bias")
    fits = weight is not None and weight.dim() == 2 and (bias is None or bias.shape == weight.shape[:1])
    if not fits or tensors.keys() - {"weight", "bias"}:
        shapes = ", ".join(f"{key} {tuple(t.shape)}" for key, t in tensors.items())
        raise ArgumentError(
            f"model: {path}: '{name}' has {shapes}; expected a linear map, with weight (outputs, inputs) and bias"
            " (outputs,); other layers can't be built"
        )
    made = nn.Linear(weight.shape[1], weight.shape[0], bias is not None)
    with torch.no_grad():
        made.weight.copy_(weight)
        if bias is not None:
            made.bias.copy_(bias)
    return made


def _ending(path: Path, name: str, activation: str) -> list[nn.Module]:
    if activation in ("", "linear"):
        return []
    if activation not in _ENDINGS:
        raise ArgumentError(
            f"model: {path}: '{name}' has the activation {activation}; expected linear, {', '.join(_ENDINGS)}"
        )
    return [_ENDINGS[activation]()]
