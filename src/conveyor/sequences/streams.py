"""Contiguous streams: one long sequence cut into rows that are read in step, window after window."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import Sampler

from conveyor.errors import ArgumentError
from conveyor.scalars import as_whole


class StreamSampler(Sampler[Tensor]):
    """Indices into one long sequence, so that row b of each batch goes on where row b of the batch before ended.

    The sequence is cut into `batch_size` pieces of equal length, the streams, which are read side by side; so the
    recurrent state is carried from batch to batch. What does not fill a row of streams is left out: fewer than
    `batch_size` entries at the end.

        sampler = cv.StreamSampler(len(tokens) - 1, batch_size=32, window=50)
        for index in sampler:
            x, targets = tokens[index], tokens[index + 1]  # (50, 32) each

    As `batch_sampler` of a `DataLoader` over whole windows, `window=None` gives each batch's items: (B,) indices.

    Args:
        size: How many entries the sequence has.
        batch_size: How many streams.
        window: Steps of a batch, of which the last may have fewer; None gives one entry a stream, without an axis of
            time.

    Raises:
        ArgumentError: A number is none from 1, or there are fewer entries than streams.
    """

    def __init__(self, size: int, batch_size: int, window: int | None = None) -> None:
        size, batch_size = as_whole("size", size, 1), as_whole("batch_size", batch_size, 1)
        window = None if window is None else as_whole("window", window, 1)
        if size < batch_size:
            raise ArgumentError(f"{batch_size} streams need as many entries, and there are {size}; lower batch_size")
        self.length = size // batch_size
        self.batch_size = batch_size
        self.window = window
        self._starts = torch.arange(batch_size) * self.length

    def __len__(self) -> int:
        """Counts the batches of a pass over all streams."""
        return -(-self.length // (self.window or 1))

    def __getitem__(self, k: int) -> Tensor:
        """Compute the indices of a batch: (steps, B), or (B,) without a window."""
        if not 0 <= k < len(self):
            raise IndexError(f"batch {k} of {len(self)}")
        if self.window is None:
            return self._starts + k
        time = torch.arange(k * self.window, min((k + 1) * self.window, self.length))
        return time.unsqueeze(1) + self._starts

    def __iter__(self) -> Iterator[Tensor]:
        return (self[k] for k in range(len(self)))

    def __repr__(self) -> str:
        return f"StreamSampler({self.batch_size} streams of {self.length}, window={self.window})"
