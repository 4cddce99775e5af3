"""A layer with the outputs of a Keras layer: the last one alone, reversed time, merged directions."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from conveyor.errors import ArgumentError
from conveyor.interop.keras.storage.config import MERGES
from conveyor.layers.arguments.conversion import check_flags
from conveyor.layers.core.stack import Stack


class KerasLayer(nn.Module):
    """A recurrent layer with the settings of Keras that change what it returns.

    Args:
        layer: The layer; it stays reachable as `layer`, for streams and records.
        go_backwards: Whether time runs from the end to the start; the outputs then stand in the order in which they
            were computed, as in Keras.
        return_sequences: Whether the output has every step, or the last one alone.
        merge_mode: How two directions are merged: `concat`, `sum`, `mul`, `ave`, or None for a pair.

    Raises:
        ArgumentError: An argument has a wrong value.
    """

    def __init__(
        self,
        layer: Stack,
        *,
        go_backwards: bool = False,
        return_sequences: bool = True,
        merge_mode: str | None = "concat",
    ) -> None:
        super().__init__()
        if not isinstance(layer, Stack):
            raise ArgumentError(f"layer is a cv.Recurrent, LSTM, GRU or RNN, got {type(layer).__name__}")
        check_flags(go_backwards=go_backwards, return_sequences=return_sequences)
        if merge_mode not in MERGES:
            raise ArgumentError(f"merge_mode is one of {', '.join(map(str, MERGES))}, got {merge_mode!r}")
        if go_backwards and layer.bidirectional:
            raise ArgumentError("go_backwards is for one direction, and this layer runs in both; leave it out")
        if merge_mode != "concat" and not layer.bidirectional:
            raise ArgumentError(
                f"merge_mode={merge_mode!r} is for two directions, and this layer has one; leave it out"
            )
        self.layer = layer
        self.go_backwards = go_backwards
        self.return_sequences = return_sequences
        self.merge_mode = merge_mode

    @property
    def settings(self) -> dict[str, Any]:
        """The settings, by name."""
        return {
            "go_backwards": self.go_backwards,
            "return_sequences": self.return_sequences,
            "merge_mode": self.merge_mode,
        }

    @property
    def output_size(self) -> int:
        """The width of the output, of one direction's if they are not merged."""
        return self.layer.output_size // (1 if self.merge_mode == "concat" else 2)

    def forward(self, x: Any, state: Any = None, *, lengths: Tensor | None = None) -> tuple[Any, Any]:
        """Run over a sequence.

        Args:
            x: As the layer takes it: (B, T, input_size) with `batch_first`.
            state: The initial states, as the layer takes them.
            lengths: (B,) each sequence's own length.

        Returns:
            The output as Keras has it, (B, output_size) without `return_sequences`, a pair of outputs where the
            directions are not merged; and the final states as the layer returns them.

        Raises:
            ArgumentError: A shape, dtype or device does not fit, or time is to be turned round where lengths differ.
        """
        if isinstance(x, PackedSequence):
            raise ArgumentError("input is a PackedSequence, whose end this layer can't take or merge; pass lengths=")
        if self.go_backwards and lengths is not None:
            raise ArgumentError("lengths is not for a layer with go_backwards; turn the sequences round yourself")
        if self.go_backwards and isinstance(x, Tensor):
            x = x.flip(1 if self.layer.batch_first and x.dim() == 3 else 0)
        y, final = self.layer(x, state, **({} if lengths is None else {"lengths": lengths}))
        return self._merge(y if self.return_sequences else self._last(final)), final

    def _last(self, final: Any) -> Tensor:
        """Return the output at each sequence's end, both directions side by side: the first state is the output."""
        first = final if isinstance(final, Tensor) else final[0]
        top = first[-1] if isinstance(first, tuple) else first[-self.layer.num_directions :]
        return torch.cat(tuple(top), -1)

    def _merge(self, y: Tensor) -> Any:
        if self.merge_mode == "concat":
            return y
        forward, backward = y.chunk(2, -1)
        if self.merge_mode is None:
            return forward, backward
        if self.merge_mode == "mul":
            return forward * backward
        return (forward + backward) * (0.5 if self.merge_mode == "ave" else 1.0)

    def extra_repr(self) -> str:
        """Describe the settings that are not the defaults."""
        said = {"go_backwards": False, "return_sequences": True, "merge_mode": "concat"}
        return ", ".join(f"{name}={value!r}" for name, value in self.settings.items() if value != said[name])
