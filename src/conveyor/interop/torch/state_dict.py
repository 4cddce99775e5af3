"""torch.nn's recurrent modules in a `state_dict`, found by the names and shapes of their parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from conveyor.errors import ArgumentError
from conveyor.interop.torch.resolve import resolve

_PARAMETER = re.compile(r"(?:(.*)\.)?(weight_ih|weight_hh|weight_hr|bias_ih|bias_hh)(?:_l(\d+)(_reverse)?)?")
_GATES = {4: "LSTM", 3: "GRU", 1: "RNN"}
NONLINEARITIES = ("tanh", "relu")


@dataclass
class Modules:
    """The recurrent modules found in a `state_dict`.

    Attributes:
        read: The modules, by their names in the model.
        refused: Why other groups of such parameters are none, by their names.
        notes: For each module the assumptions made, and the recombined tensors.
        rest: The tensors that belong to none, by name.
    """

    read: dict[str, nn.Module] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    rest: dict[str, Tensor] = field(default_factory=dict)


def modules_in(tensors: Mapping[str, Tensor], nonlinearity: str | None = None, batch_first: bool = False) -> Modules:
    """Find the recurrent modules whose parameters are among the tensors.

    Args:
        tensors: A `state_dict`.
        nonlinearity: Of a torch.nn.RNN or RNNCell, which its parameters do not tell; `tanh` is assumed and noted.
        batch_first: Whether the modules take rows before steps, which their parameters do not tell either.

    Raises:
        ArgumentError: There is no such nonlinearity.
    """
    if nonlinearity not in (None, *NONLINEARITIES):
        raise ArgumentError(f"nonlinearity of torch.nn.RNN is tanh or relu, got {nonlinearity!r}")
    whole = resolve(tensors)
    groups: dict[str, dict[str, Tensor]] = {}
    found = Modules()
    for name, tensor in whole.tensors.items():
        match = _PARAMETER.fullmatch(name)
        if match is None:
            found.rest[name] = tensor
            continue
        prefix = match[1] or ""
        groups.setdefault(prefix, {})[name[len(prefix) + 1 if prefix else 0 :]] = tensor
    for prefix, held in groups.items():
        try:
            module = _module(prefix, held, nonlinearity or "tanh", batch_first)
        except ArgumentError as error:
            found.refused[prefix] = str(error)
            found.rest |= {f"{prefix}.{n}" if prefix else n: t for n, t in held.items()}
            continue
        found.read[prefix] = module
        made = {kind for name, kind in whole.made.items() if name.rpartition(".")[0] == prefix}
        found.notes[prefix] = (*_notes(module, nonlinearity), *(f"{kind} resolved" for kind in sorted(made)))
    for prefix in found.read:
        found.notes[prefix] += _left_over(prefix, found)
    return found


def _notes(module: Any, nonlinearity: str | None) -> tuple[str, ...]:
    said = []
    if nonlinearity is None and hasattr(module, "nonlinearity"):
        said.append("tanh assumed")
    if getattr(module, "num_layers", 1) > 1:
        said.append("dropout is not in the file")
    return tuple(said)


def _left_over(prefix: str, found: Modules) -> tuple[str, ...]:
    """Return a note on the tensors under a module's name that the plain module does not use."""
    inside = [n for n in found.rest if not prefix or n.startswith(f"{prefix}.")]
    if not prefix and len(found.read) > 1:
        inside = [n for n in inside if "." not in n]
    if not inside:
        return ()
    kind = type(found.read[prefix]).__name__
    shown = ", ".join(inside[:3]) + (", …" if len(inside) > 3 else "")
    count = "1 tensor" if len(inside) == 1 else f"{len(inside)} tensors"
    return (f"{count} left over ({shown}): a plain {kind} does not use them",)


def _module(prefix: str, held: dict[str, Tensor], nonlinearity: str, batch_first: bool) -> nn.Module:
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
        arguments["batch_first"] = batch_first
        arguments["num_layers"] = min(max(numbers) + 1, len(held))
        arguments["bidirectional"] = any(n.endswith("_reverse") for n in held)
        if kind == "LSTM" and projected is not None:
            arguments["proj_size"] = projected.shape[0]
    make: Any = getattr(nn, f"{kind}Cell" if step else kind)
    module: nn.Module = make(first.shape[1], hidden, **arguments, device="meta")
    try:
        module.load_state_dict(held, strict=True, assign=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split()).partition(": ")[2]
        raise ArgumentError(f"{where} has not the parameters of a torch.nn.{kind}: {reason}") from error
    return module
