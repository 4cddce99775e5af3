"""What a layer can be used for beside being called: streams, records, an estimate of memory."""

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
    """The part of a layer that hands it on to who feeds it step by step, or looks inside."""

    def stream(self, batch_size: int = 1) -> Stream:
        """This layer fed step by step; see `conveyor.layers.stream.Stream`.

        Args:
            batch_size: How many sequences are fed side by side.
        """
        from conveyor.layers.stream import Stream

        return Stream(self, batch_size)  # type: ignore[arg-type]

    def memory_estimate(self, T: int, B: int) -> MemoryEstimate:  # noqa: N803 - torch's letters for these sizes
        """What a forward and backward pass takes in this mode, about, in bytes; nothing is run.

        Args:
            T: Steps.
            B: Rows of the batch.

        Returns:
            Bytes of the input and the output with their gradients, of what is kept between the passes and of what they
            work in; `.total` is all of it, `.beyond` what comes beside input and output.
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
        """Call the layer and keep what it computes inside, by the backend that runs it anyway.

        Args:
            x: As the following ones, see the layer's call.
            state: The initial states.
            lengths: Each sequence's own length.
            reset: Where a new piece starts.
            values: The names of the values that are kept, such as `["i", "f", "o"]`; None keeps all, pre-activations
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
