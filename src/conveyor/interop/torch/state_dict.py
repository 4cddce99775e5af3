"""torch.nn's recurrent modules found in a `state_dict`, by the names and shapes of their parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from conveyor.errors import ArgumentError
from conveyor.interop.common.layer_file import FORMAT

_PARAMETER = re.compile(r"(?:(.*)\.)?(weight_ih|weight_hh|weight_hr|bias_ih|bias_hh)(?:_l(\d+)(_reverse)?)?")
_GATES = {4: "LSTM", 3: "GRU", 1: "RNN"}
_DEEPEST = 8  # of dictionaries in a checkpoint


def modules_in(tensors: Mapping[str, Tensor], nonlinearity: str = "tanh") -> dict[str, nn.Module]:
    """The recurrent modules whose parameters are among the tensors, by their names in the model.

    Args:
        tensors: A `state_dict`.
        nonlinearity: Of a torch.nn.RNN or RNNCell, which its parameters do not tell.

    Raises:
        ArgumentError: A group of such parameters is not whole.
    """
    if nonlinearity not in ("tanh", "relu"):
        raise ArgumentError(f"nonlinearity of torch.nn.RNN is tanh or relu, got {nonlinearity!r}")
    groups: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        found = _PARAMETER.fullmatch(name)
        if found is not None:
            prefix = found[1] or ""
            groups.setdefault(prefix, {})[name[len(prefix) + 1 if prefix else 0 :]] = tensor
    return {prefix: _module(prefix, held, nonlinearity) for prefix, held in groups.items()}


def _module(prefix: str, held: dict[str, Tensor], nonlinearity: str) -> nn.Module:
    where = f"'{prefix}.'" if prefix else "the file"
    step = "weight_ih" in held
    end = "" if step else "_l0"
    first, recurrent = held.get(f"weight_ih{end}"), held.get(f"weight_hh{end}")
    if (
        first is None
        or recurrent is None
        or first.dim() != 2
        or recurrent.dim() != 2
        or 0 in (*first.shape, *recurrent.shape)
    ):
        raise ArgumentError(f"{where} has {next(iter(held))}, but no matrices weight_ih{end} and weight_hh{end}")
    dtypes = {t.dtype for t in held.values()}
    if len(dtypes) > 1 or not all(d.is_floating_point for d in dtypes):
        raise ArgumentError(
            f"{where} has parameters of types {', '.join(map(str, dtypes))}; expected one floating type"
        )
    projected = held.get(f"weight_hr{end}")
    hidden = recurrent.shape[1] if projected is None else projected.shape[-1]
    kind = _GATES.get(recurrent.shape[0] // hidden) if recurrent.shape[0] % hidden == 0 else None
    if kind is None:
        raise ArgumentError(f"{where} has weight_hh{end} of shape {tuple(recurrent.shape)}, of no module of torch.nn")
    arguments: dict[str, Any] = {"bias": f"bias_ih{end}" in held}
    if kind == "RNN":
        arguments["nonlinearity"] = nonlinearity
    if not step:
        numbers = [int(m[1]) for n in held if (m := re.search(r"_l(\d+)", n))]
        # A name with a great number would make a module with as many layers.
        arguments["num_layers"] = min(max(numbers) + 1, len(held))
        arguments["bidirectional"] = any(n.endswith("_reverse") for n in held)
        if kind == "LSTM" and projected is not None:
            arguments["proj_size"] = projected.shape[0]
    make: Any = getattr(nn, f"{kind}Cell" if step else kind)
    module: nn.Module = make(first.shape[1], hidden, **arguments, device="meta")
    try:
        module.load_state_dict(held, strict=True, assign=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split()).partition(": ")[2][:200]
        raise ArgumentError(f"{where} has not the parameters of a torch.nn.{kind}: {reason}") from error
    return module


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors in a `.safetensors` file, or in one that torch.save wrote; nothing but tensors is unpickled.

    Raises:
        ArgumentError: It is neither, holds objects of other kinds, or was written by `cv.save`.
    """
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise ArgumentError(f"{path} cannot be read: {error.strerror}; check the path") from error
    return _safetensors(path) if path.suffix == ".safetensors" else _pickled(path)


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                return {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    # The library's own errors, and torch's of shapes and dtypes that it does not know.
    except (SafetensorError, OSError, RuntimeError, TypeError, ValueError, LookupError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ArgumentError(f"{path} is no whole safetensors file ({reason}): it is truncated or damaged") from error
    raise ArgumentError(f"{path} was written by cv.save: there is nothing to import, cv.load reads it")


def _pickled(path: Path) -> dict[str, Tensor]:
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    # weights_only refuses by errors of every kind, and a damaged file trips over more: the file is what is wrong.
    except Exception as error:
        reason = " ".join(str(error).split())[:120]
        raise ArgumentError(
            f"{path} is damaged, or holds more than tensors, which is not unpickled ({reason});"
            " save model.state_dict() with torch.save"
        ) from error
    return dict(_flat(held, "", 0))


def _flat(value: Any, path: str, depth: int) -> Iterator[tuple[str, Tensor]]:
    """The tensors in dictionaries in dictionaries, as checkpoints have them beside an optimizer's."""
    if isinstance(value, Tensor):
        yield path, value.detach()
    elif isinstance(value, Mapping) and depth < _DEEPEST:
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key), depth + 1)
