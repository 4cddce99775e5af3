"""The trace of a call: every named value of a layer, at every time step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from conveyor.errors import ArgumentError
from conveyor.ir.program import Program
from conveyor.layers.recording.recorder import DirectionRecord, Recorder

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class LayerTrace(Mapping[str, Tensor]):
    """The named values of one layer, (T, B, width) by name, at the input's time index.

    Args:
        forward: The record of the forward direction.
        reverse: That of the reverse direction, if there is one.

    Attributes:
        program: The program of a time step; its `names` map names to nodes.
        initial: Each state before the first step, (B, width).
        reverse: The trace of the reverse direction, whose first step is the last; None if there is none.
    """

    def __init__(self, forward: DirectionRecord, reverse: DirectionRecord | None = None) -> None:
        self._values = forward.values
        self.program: Program = forward.program
        self.initial: Mapping[str, Tensor] = forward.initial
        self.reverse: LayerTrace | None = None if reverse is None else LayerTrace(reverse)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the values, in the order of the equations."""
        return tuple(self._values)

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._values:
            raise ArgumentError(f"trace has no value {name!r}; it has {', '.join(self._values)}")
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        size = next((f", T={v.shape[0]}, B={v.shape[1]}" for v in self._values.values()), "")
        return f"LayerTrace({', '.join(self._values)}{size}{', both ways' if self.reverse else ''})"


class Trace:
    """The named values of one call's layers, (T, B, …) also for `batch_first`; B is 1 without a batch.

    Args:
        recorder: The recorder of the call.
        output: The call's output.
        state: The call's final state.
        lengths: (B,), if sequences have unequal length; values past an end are zero.

    Attributes:
        layers: One `LayerTrace` per layer.
        output: The call's output.
        state: The call's state.
        lengths: (B,), or None.
    """

    def __init__(self, recorder: Recorder, output: Any, state: Any, lengths: Tensor | None = None) -> None:
        directions = recorder.layer.num_directions
        units = [recorder.units[u.suffix] for u in recorder.layer.units]
        self.layers = tuple(LayerTrace(*units[k : k + directions]) for k in range(0, len(units), directions))
        self.output = output
        self.state = state
        self.lengths = lengths

    def layer(self, k: int) -> LayerTrace:
        """Return the values of layer `k`, from 0; negative numbers count from the last.

        Raises:
            ArgumentError: There is no such layer.
        """
        if isinstance(k, bool) or not isinstance(k, int) or not -len(self.layers) <= k < len(self.layers):
            raise ArgumentError(f"trace has layers 0 to {len(self.layers) - 1}, got {k!r}")
        return self.layers[k]

    def __getitem__(self, name: str) -> Tensor:
        if len(self.layers) != 1:
            raise ArgumentError(f"trace has {len(self.layers)} layers; say which: trace.layer(0)[{name!r}]")
        return self.layers[0][name]

    def __len__(self) -> int:
        return len(self.layers)

    def __repr__(self) -> str:
        return f"Trace({', '.join(map(repr, self.layers))})"

    # Elsewhere

    def directions(self) -> Iterator[tuple[int, str, LayerTrace]]:
        """Iterate over the layer indices, the directions `forward` or `reverse`, and their values."""
        for k, layer in enumerate(self.layers):
            yield k, "forward", layer
            if layer.reverse is not None:
                yield k, "reverse", layer.reverse

    def to_numpy(self) -> dict[tuple[int, str, str], np.ndarray[Any, Any]]:
        """Return arrays (T, B, width) by (layer, direction, name)."""
        return {
            (k, way, name): value.float().numpy(force=True) if value.dtype.itemsize < 4 else value.numpy(force=True)
            for k, way, layer in self.directions()
            for name, value in layer.items()
        }

    def to_pandas(self) -> pd.DataFrame:
        """Make a table with a row per layer, direction, batch row, time step and unit, and a column per named value.

        Time steps past a sequence's end are left out; a value that is narrower than others is missing for the units
        that it lacks.

        Raises:
            ArgumentError: pandas is not installed.
        """
        from conveyor.layers.recording.tables import to_pandas

        return to_pandas(self)

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write `to_pandas` to a file: Parquet if its name ends in .parquet, CSV if in .csv.

        Args:
            path: The file.
            force: Whether an existing file is overwritten.

        Raises:
            ArgumentError: The name ends in something else, the file exists, or a package is missing.
        """
        from conveyor.layers.recording.tables import save

        save(self.to_pandas(), path, force=force)
