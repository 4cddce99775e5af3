"""Contiguous streams: a text cut into parallel rows that are read in step, window by window."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor


class Streams:
    """A text as `batch_size` contiguous streams.

    Stream b is the b-th piece of the text; the window at t continues, in every stream, the window before it, so
    the recurrent state can be carried from one to the next. What does not fill a row of streams is left out: fewer
    than `batch_size` tokens at the end.

    Args:
        tokens: (N,) integers, N > `batch_size`.
        batch_size: number of streams.
        window: steps of a window; the last of a pass may be shorter.
    """

    def __init__(self, tokens: Tensor, batch_size: int, window: int) -> None:
        length = (len(tokens) - 1) // batch_size
        self.inputs = tokens[: length * batch_size].view(batch_size, length).t()
        self.targets = tokens[1 : length * batch_size + 1].view(batch_size, length).t()
        self.window = window

    def __len__(self) -> int:
        """Number of windows of one pass."""
        return -(-len(self.inputs) // self.window)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return the inputs and targets of the window with this index, each (T, B) int64."""
        rows = slice(index * self.window, (index + 1) * self.window)
        return self.inputs[rows].long(), self.targets[rows].long()

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return (self[index] for index in range(len(self)))
