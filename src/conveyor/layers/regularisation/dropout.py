"""The arguments of dropout, zoneout and gradient clipping, and the drawing of single masks.

Masks are drawn here, by torch's generator, and in one order, whatever runs the layer: input, recurrent connections and
zoneout of each layer from the first, between layers, output.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from conveyor.errors import ArgumentError, ArgumentTypeError, shown
from conveyor.scalars import real_number

PLACES = ("input", "recurrent", "output")  # of variational dropout


@dataclass(frozen=True)
class Changes:
    """The regularisation of a layer direction's time steps.

    Attributes:
        recurrent: Whether its recurrent connections have dropout in training.
        zoneout: The zoneout probability, by state.
        clip: The limit of the gradient at each time step, by state.
    """

    recurrent: bool = False
    zoneout: Mapping[str, float] = field(default_factory=dict)
    clip: Mapping[str, float] = field(default_factory=dict)


def as_rate(name: str, value: Any) -> float:
    """Check a probability and return it as a float."""
    number = real_number(value)
    if number is None or not 0 <= number <= 1:
        kind = ArgumentTypeError if number is None else ArgumentError
        raise kind(f"{name} is a probability from 0 to 1, got {shown(value)}")
    return number


def as_limit(name: str, value: Any) -> float:
    """Check a positive number and return it as a float."""
    number = real_number(value)
    if number is None or not number > 0:
        kind = ArgumentTypeError if number is None else ArgumentError
        raise kind(f"{name} is a positive number, got {shown(value)}")
    return number


def by_name(
    argument: str, value: Any, names: Sequence[str], what: str, read: Callable[[str, Any], float]
) -> dict[str, float]:
    """Return a dict of values by name, from one value for all names or a dict; None and 0 are left out."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        if isinstance(value, str | list | tuple):
            raise ArgumentTypeError(
                f"{argument} is a number or a dict of {what} to numbers, got {type(value).__name__}"
            )
        number = 0.0 if real_number(value) == 0 else read(argument, value)
        return dict.fromkeys(names, number) if number else {}
    for name in value:
        if name not in names:
            raise ArgumentError(f"{argument} has {name!r}; {what} here are {', '.join(names)}")
    set_to = {n: value[n] for n in names if value.get(n) is not None and real_number(value[n]) != 0}
    return {n: read(f"{argument}[{n!r}]", v) for n, v in set_to.items()}


def warn_of_one_layer(dropout: float, num_layers: int) -> None:
    """Warn that dropout between layers has no effect with one layer."""
    if dropout and num_layers == 1:
        warnings.warn(
            f"dropout={dropout:g} acts between layers, and this is one layer, so it does nothing;"
            f' variational_dropout={{"output": {dropout:g}}} or torch.nn.Dropout drops its output',
            UserWarning,
            stacklevel=4,
        )


def multiplier(like: Tensor, shape: Sequence[int], rate: float) -> Tensor:
    """Draw a dropout mask: 0 with probability `rate`, else 1 / (1 − rate)."""
    if rate == 1:
        return like.new_zeros(shape)
    return like.new_empty(shape).bernoulli_(1 - rate).div_(1 - rate)


def kept(like: Tensor, shape: Sequence[int], rate: float) -> Tensor:
    """Draw a zoneout mask: 1 with probability `rate`, where a state keeps its value, else 0."""
    # Half the time of torch's bernoulli_, and a number a step and unit is to be drawn here.
    return (torch.rand(*shape, dtype=torch.float32, device=like.device) < rate).to(like.dtype)
