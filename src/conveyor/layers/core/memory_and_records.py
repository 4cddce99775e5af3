"""Methods of every layer beside its call: streams, records, and an estimate of memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from conveyor.layers.core.module import Module

if TYPE_CHECKING:
    from conveyor.layers.memory_estimate import MemoryEstimate
    from conveyor.layers.recording.trace import Trace
    from conveyor.layers.stream import Stream


class MemoryAndRecords(Module):
    """The mixin of streams, records and memory estimates."""

    def stream(self, batch_size: int = 1) -> Stream:
        """Make a stream, which runs this layer step by step; see `conveyor.layers.stream.Stream`.

        Args:
            batch_size: The number of sequences, B.
        """
        from conveyor.layers.stream import Stream

        return Stream(self, batch_size)  # type: ignore[arg-type]

    def memory_estimate(self, T: int, B: int) -> MemoryEstimate:  # noqa: N803 - torch's letters for these sizes
        """Estimate the bytes of a forward and backward pass in the current mode, without running it.

        Args:
            T: Steps.
            B: Rows of the batch.

        Returns:
            Bytes of the input and the output with their gradients, of the residuals between the passes and of their
            workspace; `.total` is the sum, `.beyond` the sum without input and output.
        """
        from conveyor.layers.memory_estimate import memory_estimate

        return memory_estimate(self, T, B)  # type: ignore[arg-type]

    def record(
        self,
        x: Any,
        state: Any = None,
        *,
        lengths: Tensor | None = None,
        reset: Tensor | None = None,
        values: Sequence[str] | str | None = None,
        **aux: Tensor,
    ) -> Trace:
        """Call the layer and record its named values, on the same backend as a plain call.

        Args:
            x: As the following ones, see the layer's call.
            state: The initial states.
            lengths: The length of each sequence.
            reset: Where a new sequence starts.
            values: The names of the recorded values, such as `["i", "f", "o"]`; None records all, pre-activations
                (`f.pre`) and earlier values of a name (`z@1`) too.
            aux: The auxiliary inputs.

        Returns:
            The values, each (T, B, width), without a graph; with the output, which has the bits that a call gives, and
            its graph; and the state.

        Raises:
            ArgumentError: The equations have no value of a name, or the call is wrong.
        """
        from conveyor.layers.recording.record import record

        given = {"lengths": lengths, "reset": reset, **aux}
        return record(self, lambda: self(x, state, **given), values, x, lengths)  # type: ignore[arg-type]
