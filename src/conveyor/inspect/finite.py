"""The search for the first value that is not finite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from conveyor.layers.recording.trace import LayerTrace, Trace


@dataclass(frozen=True)
class NotFinite:
    """The first value that is not finite.

    Attributes:
        where: Its location, such as `encoder, layer 2` or `parameter weight_hh_l0.flatten()`.
        name: The name of the value in the equations; empty for parameters and inputs.
        step: The step, from 0; None for parameters and inputs.
        row: The row of the batch, likewise.
        unit: The unit, or the last index of a parameter or an input.
        number: The value.
        layer: The layer, from 0, and None for parameters and inputs.
    """

    where: str
    name: str
    step: int | None
    row: int | None
    unit: int
    number: float
    layer: int | None = None

    def sentence(self) -> str:
        """Describe it in a sentence."""
        if self.step is None:
            return f"{self.where}[{self.unit}] is {self.number}, the first value that is not finite."
        return (
            f"{self.where}: {self.name}[{self.step}, {self.row}, {self.unit}] is {self.number} (step {self.step + 1}),"
            " the first value that is not finite."
        )


def first_in_parameters(model: nn.Module) -> NotFinite | None:
    """Return the first parameter with a value that is not finite."""
    for name, tensor in model.named_parameters():
        bad = (~tensor.detach().isfinite()).flatten().nonzero()
        if len(bad):
            k = int(bad[0])
            return NotFinite(f"parameter {name}.flatten()", "", None, None, k, float(tensor.detach().flatten()[k]))
    return None


def first_in_tensor(given: Any, where: str) -> NotFinite | None:
    """Return the first value of an input that is not finite, at its own indices of step and row."""
    tensor = given.data if isinstance(given, PackedSequence) else given
    if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
        return None
    bad = (~tensor.detach().isfinite()).nonzero()
    if not len(bad):
        return None
    index = tuple(bad[0].tolist())
    said = "".join(f"[{k}]" for k in index[:-1])
    return NotFinite(f"{where}{said}", "", None, None, index[-1], float(tensor.detach()[index]))


def first_in_trace(trace: Trace, title: str) -> NotFinite | None:
    """Return the first value that is not finite: lowest layer, first executed step, order of the equations."""
    for k, way, part in trace.directions():
        found = _first(part, way == "reverse")
        if found is not None:
            name, step, row, unit = found
            number = float(part[name][step, row, unit])
            where = f"{title}, layer {k + 1}" + (", reverse" if way == "reverse" else "")
            return NotFinite(where, name, step, row, unit, number, k)
    return None


def _first(part: LayerTrace, backwards: bool) -> tuple[str, int, int, int] | None:
    found: list[tuple[int, int, str, int]] = []
    for name, value in part.items():
        steps = (~value.isfinite()).flatten(1).any(1).nonzero().flatten()
        if len(steps):
            step = int(steps[-1] if backwards else steps[0])
            found.append((-step if backwards else step, part.program.names[name], name, step))
    if not found:
        return None
    _, _, name, step = min(found)
    row, unit = torch.nonzero(~part[name][step].isfinite())[0].tolist()
    return name, step, row, unit
