"""Conversion of torch.nn's recurrent modules to conveyor's layers and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from conveyor import layers
from conveyor.cells import cells
from conveyor.errors import ArgumentError
from conveyor.frontend import CellDefinition
from conveyor.interop.common.report import BATCH, TIME, Receiver, Report, outputs, random_like, tell
from conveyor.interop.common.rounding import SAME_LIBRARY, compare, measured
from conveyor.layers.cell import _Step
from conveyor.layers.core.layer_direction import LayerDirection
from conveyor.layers.core.stack import Stack
from conveyor.layers.options import check_target
from conveyor.layers.rnn import rnn_cell

_SEQUENCE = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "bidirectional")
_STEP = ("input_size", "hidden_size", "bias")


@dataclass(frozen=True)
class Pair:
    """A module of torch.nn, the corresponding layer, and the arguments that they share."""

    theirs: type[nn.Module]
    ours: type[nn.Module]
    arguments: tuple[str, ...]

    @property
    def is_step(self) -> bool:
        """True if it computes one step rather than a sequence."""
        return "num_layers" not in self.arguments


PAIRS = (
    Pair(nn.LSTM, layers.LSTM, (*_SEQUENCE, "proj_size")),
    Pair(nn.GRU, layers.GRU, _SEQUENCE),
    Pair(nn.RNN, layers.RNN, (*_SEQUENCE, "nonlinearity")),
    Pair(nn.LSTMCell, layers.LSTMCell, _STEP),
    Pair(nn.GRUCell, layers.GRUCell, _STEP),
    Pair(nn.RNNCell, layers.RNNCell, (*_STEP, "nonlinearity")),
)
OF_THEIRS: Mapping[type, Pair] = {p.theirs: p for p in PAIRS}
OF_OURS: Mapping[type, Pair] = {p.ours: p for p in PAIRS}


def from_torch(
    module: nn.Module, *, backend: str = "auto", strict_backend: bool = False, report: Receiver | None = None
) -> Any:
    """Return the layer that computes the same as a recurrent module of torch.nn, with a copy of its weights.

    dtype, device, training mode and which parameters are frozen carry over. Both are run on random input.

    Args:
        module: A torch.nn LSTM, GRU, RNN, LSTMCell, GRUCell or RNNCell.
        backend: The layer's backend, see `cv.Recurrent`.
        strict_backend: Likewise.
        report: Called with the `Report` of the largest difference, `print` for example; by default it is logged.

    Returns:
        A `cv.LSTM`, `cv.GRU`, `cv.RNN`, `cv.LSTMCell`, `cv.GRUCell` or `cv.RNNCell`.

    Raises:
        ArgumentError: The module is none of these, is a subclass, or has weights of its own making.
    """
    reason = why_not(module, OF_THEIRS)
    if reason:
        raise ArgumentError(f"module: {reason}")
    layer = twin(module, OF_THEIRS[type(module)], copied, backend=backend, strict_backend=strict_backend)
    tell(compared("", module, layer), report)
    return layer


def to_torch(layer: nn.Module, *, report: Receiver | None = None) -> Any:
    """Return the module of torch.nn that computes the same as a layer, with a copy of its weights.

    A `Recurrent` or `Cell` is brought over where its equations are those of one of torch's; of torch's two biases the
    second is then zero where the layer has one.

    Args:
        layer: A layer of conveyor.
        report: Called with the `Report` of the largest difference, `print` for example; by default it is logged.

    Returns:
        A torch.nn LSTM, GRU, RNN, LSTMCell, GRUCell or RNNCell.

    Raises:
        ArgumentError: torch has no such module.
    """
    check_target(layer, "torch")
    hidden: Any = getattr(layer, "hidden_size", None)
    if isinstance(hidden, list | tuple) and len({*hidden}) > 1:
        raise ArgumentError(
            "layer: torch's modules have one hidden size in all layers, and this has several; cv.save keeps it"
        )
    source = layer
    if type(layer) in (layers.Recurrent, layers.Cell):
        source = _as_torch_like(layer)
    reason = why_not(source, OF_OURS)
    if reason:
        raise ArgumentError(f"layer: {reason}")
    module = twin(source, OF_OURS[type(source)], copied)
    tell(compared("", layer, module), report)
    return module


def _as_torch_like(layer: Any) -> nn.Module:
    """Convert a `Recurrent` or `Cell` with equations of torch's to the layer with torch's parameters."""
    step = type(layer) is layers.Cell
    units: tuple[LayerDirection, ...] = (layer.unit,) if step else layer.units
    cell, hidden = units[0].cell, {u.widths["H"] for u in units}
    if len(hidden) > 1 or any(u.cell.program != cell.program for u in units):
        raise ArgumentError(
            "layer: torch's modules have one cell and one hidden size in all layers, and this has several"
        )
    found = [p for p in _candidates() if (p[0].is_step == step) and p[1].program == cell.program]
    if not found:
        raise ArgumentError(
            f"layer: torch.nn has no module with the equations of {cell!r}; it has those of lstm,"
            f"{'' if step else ' lstm_projection,'} gru and rnn. cv.save keeps any cell, with its program"
        )
    pair, _, extra = found[0]
    arguments: dict[str, Any] = {"input_size": layer.input_size, "hidden_size": hidden.pop(), **extra}
    if step:
        arguments["bias"] = layer._has_bias()
    else:
        arguments |= {n: getattr(layer, n) for n in ("num_layers", "bias", "batch_first", "bidirectional", "dropout")}
    if "proj_size" in pair.arguments:
        arguments["proj_size"] = units[0].widths.get("proj", 0)
    like = layer._like()
    made: Any = pair.ours(**arguments, device="meta", dtype=like.dtype).to_empty(device=like.device)
    made.training = layer.training
    for source, target in zip(units, (made.unit,) if step else made.units, strict=True):
        copy_parameters(layer, source, made, target)
    return cast(nn.Module, made)


def _candidates() -> list[tuple[Pair, CellDefinition, dict[str, Any]]]:
    """Return the cells that torch has, with their modules and distinguishing arguments."""
    of = {(p.theirs): p for p in PAIRS}
    found: list[tuple[Pair, CellDefinition, dict[str, Any]]] = [
        (of[nn.LSTM], cells["lstm"], {}), (of[nn.LSTM], cells["lstm_projection"], {}), (of[nn.GRU], cells["gru"], {}),
        (of[nn.LSTMCell], cells["lstm"], {}), (of[nn.GRUCell], cells["gru"], {}),
    ]  # fmt: skip
    for name in ("tanh", "relu"):
        found += [(of[kind], rnn_cell(name), {"nonlinearity": name}) for kind in (nn.RNN, nn.RNNCell)]
    return found


@torch.no_grad()
def copy_parameters(source: nn.Module, unit: LayerDirection, target: nn.Module, other: LayerDirection) -> None:
    """Copy the parameters of a program between modules with different layouts.

    Where one has a parameter in several tensors that are added up and the other in one, the others become zero.
    """
    frozen: dict[str, bool] = {}
    for key in unit.layout.rows:
        values, places = unit.rows(source, key), other.rows(target, key)
        if len(values) != len(places):
            values = [torch.stack(values).sum(0)]
        for k, place in enumerate(places):
            place.copy_(values[k]) if k < len(values) else place.zero_()
        for there in other.layout.rows[key]:
            held = [getattr(source, r.slot + unit.suffix).requires_grad for r in unit.layout.rows[key]]
            frozen[there.slot] = frozen.get(there.slot, True) and not any(held)
    for slot, is_frozen in frozen.items():
        getattr(target, slot + other.suffix).requires_grad_(not is_frozen)


# What `replace` shares


def why_not(module: Any, known: Mapping[type, Pair]) -> str:
    """Return the reason why a module has no counterpart; empty if it has one."""
    names = ", ".join(f"{describe_type(k)}" for k in known)
    if type(module) not in known:
        base = next((k for k in known if isinstance(module, k)), None)
        if base is None:
            return f"expected one of {names}, got {describe_type(type(module))}"
        return (
            f"{type(module).__name__} is a subclass of {describe_type(base)}, or has parametrizations, and may compute"
            f" something else; make a plain {base.__name__} of its weights first"
        )
    expected = {n for n, _ in _expected(module)}
    held = {n for n, p in module.named_parameters(remove_duplicate=False) if p is not None}
    held |= {n for n, _ in module.named_buffers(remove_duplicate=False)}
    odd = sorted(expected ^ held)
    if odd:
        return (
            f"{describe_type(type(module))} has other weights than its arguments say ({odd[0]}); undo weight norm,"
            " pruning or other changes first"
        )
    return ""


def _expected(module: nn.Module) -> list[tuple[str, Tensor]]:
    """Return names and shapes of the parameters of a module with these arguments."""
    pair = OF_THEIRS.get(type(module)) or OF_OURS[type(module)]
    made: nn.Module = pair.theirs(**arguments_of(module, pair), device="meta")
    return list(made.named_parameters())


def arguments_of(module: Any, pair: Pair) -> dict[str, Any]:
    """Return the arguments that a module was made with, except dropout."""
    return {name: getattr(module, name) for name in pair.arguments}


def twin(module: Any, pair: Pair, carry: Callable[[nn.Parameter], nn.Parameter], **options: Any) -> Any:
    """Make the counterpart of a module, in the other class of its pair; `carry` converts its parameters.

    It is made without memory and without drawing random numbers.
    """
    other: Any = pair.ours if type(module) is pair.theirs else pair.theirs
    parameters = dict(module.named_parameters(remove_duplicate=False))
    made = other(**arguments_of(module, pair), **options, device="meta")
    if not pair.is_step:
        made.dropout = module.dropout  # torch's constructor warns of dropout that a single layer ignores
    known: dict[int, nn.Parameter] = {}
    for name, _ in list(made.named_parameters()):
        held = parameters[name]
        setattr(made, name, known.setdefault(id(held), carry(held)))
    made.training = module.training
    made.flatten_parameters() if isinstance(made, nn.RNNBase) else None
    return made


def copied(parameter: nn.Parameter) -> nn.Parameter:
    """Copy a parameter, with its `requires_grad`."""
    return nn.Parameter(parameter.detach().clone(), requires_grad=parameter.requires_grad)


def compared(name: str, before: Any, after: Any) -> Report:
    """Compare two modules that should compute the same; returns the report."""
    said = describe(before), describe(after)
    like = next(iter(before.parameters()))
    if like.is_meta:
        return Report(name, *said, None, 0.0, "its parameters are on the meta device and have no values")
    x, states = _random_inputs(before if isinstance(before, Stack | _Step) else after, like)
    want, got = (outputs(m, (x, _as_taken(m, states))) for m in (before, after))
    difference, tolerance = measured(
        want, got, lambda: _lost(before, after, x, states, want), SAME_LIBRARY, bounded=False
    )
    return Report(name, *said, difference, tolerance)


def _lost(before: Any, after: Any, x: Tensor, states: tuple[Tensor, ...], rounded: list[Tensor]) -> float:
    """Measure the rounding error of the source module, against float64.

    Where the counterpart computes something else in float64 too, nothing is excused.
    """
    exact = []
    for module in (before, after):
        double = deepcopy(module).cpu().double()
        given = x.cpu().double(), _as_taken(double, tuple(s.cpu().double() for s in states))
        exact.append(outputs(double, given))
    difference, tolerance = compare(exact[0], exact[1])
    if difference > tolerance:
        return 0.0
    return compare(exact[0], [y.cpu().double() for y in rounded])[0]


def _random_inputs(ours: Any, like: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Draw random input and initial states."""
    step = isinstance(ours, _Step)
    units: tuple[LayerDirection, ...] = (ours.unit,) if step else ours.units
    rows = (BATCH,) if step else (BATCH, TIME) if ours.batch_first else (TIME, BATCH)
    shape = (BATCH,) if step else (len(units), BATCH)
    widths = [units[0].widths[s.width] for s in units[0].program.states]
    states = tuple(random_like(like, *shape, width, seed=2 + k) for k, width in enumerate(widths))
    return random_like(like, *rows, ours.input_size, seed=1), states


def _as_taken(module: nn.Module, states: tuple[Tensor, ...]) -> Any:
    """Return the states in the module's form: a tensor for torch's modules with one state, else a tuple."""
    return states[0] if len(states) == 1 and not isinstance(module, layers.Recurrent | layers.Cell) else states


def describe_type(kind: type) -> str:
    """Return a module's class as a user writes it."""
    if kind.__module__.startswith("torch.nn.modules."):
        return f"torch.nn.{kind.__name__}"
    return f"cv.{kind.__name__}" if kind.__module__.startswith("conveyor.") else kind.__name__


def describe(module: nn.Module) -> str:
    """Describe a module as a user writes it."""
    return f"{describe_type(type(module))}({module.extra_repr()})"
