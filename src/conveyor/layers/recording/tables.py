"""Traces as pandas tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from conveyor.errors import ArgumentError

if TYPE_CHECKING:
    import pandas as pd

    from conveyor.layers.recording.trace import LayerTrace, Trace


def to_pandas(trace: Trace) -> pd.DataFrame:
    """Make a table of a trace; see `Trace.to_pandas`."""
    pandas = require_pandas()
    parts = []
    for k, way, layer in trace.directions():
        part = _table(pandas, layer, trace.lengths)
        part.insert(0, "direction", way)
        part.insert(0, "layer", k)
        parts.append(part)
    index = ["layer", "direction", "row", "step", "unit"]
    whole: pd.DataFrame = pandas.concat(parts, ignore_index=True).set_index(index)
    return whole


def _table(pandas: Any, layer: LayerTrace, lengths: Any) -> Any:
    values = {n: v.double().numpy(force=True) for n, v in layer.items()}
    steps, batch, widest = (max((v.shape[a] for v in values.values()), default=0) for a in range(3))
    ends = np.full(batch, steps) if lengths is None else lengths.numpy(force=True)
    row, step, unit = np.meshgrid(np.arange(batch), np.arange(steps), np.arange(widest), indexing="ij")
    inside = step < ends[:, None, None]
    columns = {"row": row[inside], "step": step[inside], "unit": unit[inside]}
    for name, value in values.items():
        whole = np.full((batch, steps, widest), np.nan)
        whole[..., : value.shape[-1]] = value.transpose(1, 0, 2)
        columns[name] = whole[inside]
    return pandas.DataFrame(columns)


def save(table: pd.DataFrame, path: str | Path, *, force: bool = False) -> None:
    """Write a table; see `Trace.save`."""
    place = Path(path)
    if place.suffix not in (".parquet", ".csv"):
        raise ArgumentError(f"path ends in .parquet or .csv, got {place.name!r}")
    if place.exists() and not force:
        raise ArgumentError(f"path: {place} exists; name another, or overwrite it with force=True")
    if not place.parent.is_dir():
        raise ArgumentError(f"path: there is no folder {place.parent}; make it first")
    if place.suffix == ".csv":
        table.to_csv(place)
        return
    try:
        table.to_parquet(place)
    except ImportError:
        raise ArgumentError("path: Parquet needs pyarrow; pip install 'conveyor[inspect]', or write .csv") from None


def require_pandas() -> Any:
    """Import pandas; raises `ArgumentError` if it is not installed."""
    try:
        import pandas
    except ImportError:
        raise ArgumentError("tables need pandas; pip install 'conveyor[inspect]'") from None
    return pandas
