"""A text as contiguous streams: inputs and the tokens that follow them, window by window."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from conveyor.sequences.streams import StreamSampler
from conveyor.tasks.training.batch import Batch


class Streams:
    """A text as `batch_size` contiguous streams; the window at t continues, in every stream, the window before it.

    Args:
        tokens: (N,) integers, N > `batch_size`.
        batch_size: number of streams.
        window: steps of a window; the last of a pass may be shorter.
    """

    stateful = True

    def __init__(self, tokens: Tensor, batch_size: int, window: int) -> None:
        self.tokens = tokens
        self.sampler = StreamSampler(len(tokens) - 1, batch_size, window)

    @property
    def targets(self) -> int:
        """Number of targets of one pass."""
        return self.sampler.length * self.sampler.batch_size

    def __len__(self) -> int:
        """Number of windows of one pass."""
        return len(self.sampler)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return the inputs and targets of the window with this index, each (T, B) int64."""
        where = self.sampler[index]
        return self.tokens[where].long(), self.tokens[where + 1].long()

    def batch(self, epoch: int, index: int) -> Batch:
        """Return the window with this index as a batch; every epoch reads the text in its order."""
        inputs, targets = self[index]
        return Batch({"tokens": inputs}, {"tokens": targets})

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return (self[index] for index in range(len(self)))
