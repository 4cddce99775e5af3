"""The masks of one call, drawn before it runs: the same on every backend, and for padded and packed rows.

They are drawn by torch's generator in one order: for each layer, from the first, that between it and the layer below,
that on its input, and for each direction those of its recurrent connections and of zoneout; last that on the output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from conveyor.ir.transforms.regularisation import dropout_key, recurrent_states, zoneout_key
from conveyor.layers.arguments.lengths import Packing
from conveyor.layers.core.layer_direction import LayerDirection
from conveyor.layers.regularisation.dropout import kept, multiplier


@dataclass(frozen=True, eq=False)
class Masks:
    """The masks of a call, (T, B, width), (1, B, width) where one serves for all steps, or packed rows.

    Attributes:
        below: For each layer the mask on the output of the layer below.
        read: For each layer the mask on its input.
        units: For each layer direction, by its suffix, the masks that its program reads.
        output: The mask on the last layer's output.
    """

    below: Sequence[Tensor | None]
    read: Sequence[Tensor | None]
    units: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)
    output: Tensor | None = None


def no_masks(layers: int) -> Masks:
    """Return empty masks, for no dropout."""
    return Masks((None,) * layers, (None,) * layers)


def draw(
    layers: Sequence[Sequence[LayerDirection]],
    widths: Sequence[tuple[int, int]],
    dropout: float,
    variational: Mapping[str, float],
    like: Tensor,
    steps: int,
    batch: int,
    packing: Packing | None,
) -> Masks:
    """Draw the masks of a call.

    Args:
        layers: The directions of each layer.
        widths: For each layer the width of the layer below and of its input; last the width of the output, twice.
        dropout: The probability between layers.
        variational: The probability of variational dropout, by place.
        like: A tensor with the dtype and device of the masks.
        steps: T.
        batch: B.
        packing: The packing of the rows, or None.
    """

    def each_step(mask: Tensor) -> Tensor:
        return mask if packing is None else packing.pack(mask)

    def one(width: int, rate: float) -> Tensor:
        mask = multiplier(like, (1, batch, width), rate)
        return mask if packing is None else mask[0].index_select(0, packing.rows % batch)

    below: list[Tensor | None] = []
    read: list[Tensor | None] = []
    units: dict[str, dict[str, Tensor]] = {}
    for k, layer in enumerate(layers):
        lower, whole = widths[k]
        drops = dropout and k
        below.append(each_step(multiplier(like, (steps, batch, lower), dropout)) if drops else None)
        read.append(one(whole, variational["input"]) if "input" in variational else None)
        for unit in layer:
            own = units[unit.suffix] = {}
            for s in unit.plain.states:
                if unit.changes.recurrent and s.name in recurrent_states(unit.plain):
                    own[dropout_key(s.name)] = one(unit.widths[s.width], variational["recurrent"])
            for s in unit.plain.states:
                if s.name in unit.changes.zoneout:
                    shape = (steps, batch, unit.widths[s.width])
                    own[zoneout_key(s.name)] = each_step(kept(like, shape, unit.changes.zoneout[s.name]))
    output = one(widths[-1][0], variational["output"]) if "output" in variational else None
    return Masks(below, read, units, output)
