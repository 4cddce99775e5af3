"""The dtypes of a layer's input, computation and output, under autocast or with parameters of 16 bits.

The recurrence runs in float32, its products, their sums and its states: rounding a state to 8 bits at each step would
lose what a state accumulates. Values are rounded once, at the output of the last layer.

- Input and states may be float16, bfloat16 or float32, each of its own. Weights are cast at each call.
- The output has autocast's type, as torch.nn's; without autocast that of the parameters.
- Final states have the type of the initial states that were given, so that float32 ones carry a sequence from chunk to
  chunk without loss. Where none were given they are float32 under autocast, and of its own type in a layer of 16 bits,
  as torch.nn's.
- float64 is left alone by autocast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

HALF = (torch.float16, torch.bfloat16)
_TAKEN = (*HALF, torch.float32)


def computed_in(dtype: torch.dtype) -> torch.dtype:
    """Return the dtype in which a layer computes, from that of its parameters."""
    return torch.float32 if dtype in HALF else dtype


@dataclass(frozen=True)
class Precision:
    """The dtypes of a call that computes in float32.

    Attributes:
        output: The dtype of the output.
        state: The dtype of final states, if no initial ones were passed.
    """

    output: torch.dtype
    state: torch.dtype

    def read(self, x: Any) -> Any:
        """Cast the input to float32; a wrong value is returned unchanged, for the checks to find."""
        if isinstance(x, PackedSequence):
            return PackedSequence(self.read(x.data), x.batch_sizes, x.sorted_indices, x.unsorted_indices)
        return x.float() if isinstance(x, Tensor) and x.dtype in _TAKEN else x

    def read_states(self, fields: Any) -> Any:
        """Cast the states to float32."""
        if isinstance(fields, tuple | list):
            return tuple(self.read_states(f) for f in fields)
        return fields.float() if isinstance(fields, Tensor) and fields.dtype in _TAKEN else fields

    def write(self, output: Any) -> Any:
        """Cast the output, or that of each layer, to the output dtype."""
        if isinstance(output, PackedSequence):
            data = self.write(output.data)
            return PackedSequence(data, output.batch_sizes, output.sorted_indices, output.unsorted_indices)
        return tuple(self.write(o) for o in output) if isinstance(output, tuple) else output.to(self.output)

    def write_states(self, fields: Any, given: Any) -> Any:
        """Cast the final states, each to the dtype of its initial one if that was passed."""
        if isinstance(fields, tuple):
            own = [None] * len(fields) if given is None else given
            return tuple(self.write_states(f, g) for f, g in zip(fields, own, strict=True))
        return None if fields is None else fields.to(self.state if given is None else given.dtype)


def precision_of(like: Tensor) -> Precision | None:
    """Return the dtypes of a call of a layer with such parameters; None if all are that of the parameters."""
    dtype, device = like.dtype, like.device.type
    if dtype is not torch.float64 and device != "meta" and torch.is_autocast_enabled(device):
        return Precision(torch.get_autocast_dtype(device), torch.float32)
    if dtype in HALF:
        return Precision(dtype, dtype)
    return None
