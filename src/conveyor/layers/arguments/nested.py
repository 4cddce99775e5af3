"""Nested tensors: batches of sequences of unequal length, run as padded sequences and returned nested."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from conveyor.errors import ArgumentError, TensorError


@dataclass(frozen=True, eq=False)
class UnpackedNested:
    """A nested tensor as padded sequences and lengths.

    Attributes:
        padded: Its sequences padded with zeros, (B, T, K).
        lengths: Their lengths, (B,).
        nested: The nested tensor, whose layout and ragged size the result gets.
    """

    padded: Tensor
    lengths: Tensor
    nested: Tensor

    def restore(self, padded: Tensor) -> Tensor:
        """Makes a nested tensor of the sequences in (B, T, K), in the layout of the input."""
        if self.nested.layout is torch.jagged:
            time = torch.arange(padded.shape[1], device=padded.device)
            rows = padded[time < self.lengths.unsqueeze(1)]
            offsets: Any = self.nested.offsets  # type: ignore[attr-defined]
            # The very offsets, so that torch knows both ragged sizes for the same.
            made: Tensor = torch.nested.nested_tensor_from_jagged(rows, offsets())
            return made
        parts = [row[:size] for row, size in zip(padded.unbind(0), self.lengths.tolist(), strict=True)]
        joined: Tensor = torch.nested.as_nested_tensor(parts)
        return joined


def is_nested(value: Any) -> bool:
    """Tell whether a value is a nested tensor, jagged or strided."""
    return isinstance(value, Tensor) and value.is_nested


def unnest(nested: Tensor, width: int) -> UnpackedNested:
    """Pad the sequences of a nested tensor, differentiably.

    Args:
        nested: (B, ragged T, width).
        width: The expected width.

    Raises:
        TensorError: Its sequences are no (T, width).
    """
    if nested.layout is torch.jagged:
        nested = nested.contiguous()
    sequences = nested.unbind(0)
    for sequence in sequences:
        if sequence.dim() != 2 or sequence.shape[1] != width:
            raise TensorError(
                f"input is a nested tensor of sequences (T, input_size), input_size = {width}, got one of shape"
                f" {tuple(sequence.shape)}"
            )
    lengths = torch.tensor([len(s) for s in sequences], dtype=torch.int64, device=nested.device)
    if not sequences:
        return UnpackedNested(torch.zeros((0, 0, width), dtype=nested.dtype, device=nested.device), lengths, nested)
    return UnpackedNested(pad_sequence(list(sequences), batch_first=True), lengths, nested)


def run_nested(
    run: Callable[[Tensor, Tensor], tuple[Any, Any]], x: Tensor, width: int, batch_first: bool, lengths: Any
) -> tuple[Any, Any]:
    """Run a layer on a nested tensor.

    Args:
        run: Runs it on a padded input and lengths.
        x: The nested tensor, (B, ragged T, width), also if the layer is not `batch_first`.
        width: The layer's input size.
        batch_first: Whether padded inputs and outputs are (B, T, width).
        lengths: The `lengths` argument, which must be None.

    Returns:
        The output, or a tuple of those of each layer, nested as the input is; and the final states in its order.
    """
    if lengths is not None:
        raise ArgumentError("lengths were given twice: a nested tensor has its own; leave out lengths=")
    parts = unnest(x, width)
    outputs, finals = run(parts.padded if batch_first else parts.padded.transpose(0, 1), parts.lengths)
    every: Sequence[Tensor] = outputs if isinstance(outputs, tuple) else (outputs,)
    nested = tuple(parts.restore(y if batch_first else y.transpose(0, 1)) for y in every)
    return (nested if isinstance(outputs, tuple) else nested[0]), finals
