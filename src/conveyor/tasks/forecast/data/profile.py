"""The profile of a table of series, made before any work on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from conveyor.tasks.forecast.config import DataConfig
from conveyor.tasks.forecast.data.frequency import Frequency


@dataclass(frozen=True)
class SeriesGaps:
    """The gaps of one series.

    Args:
        steps: of its grid, from its first stamp to its last.
        missing: of those, without a row.
        longest: most steps without a row in succession.
    """

    steps: int
    missing: int
    longest: int


@dataclass(frozen=True)
class Profile:
    """The profile of a table.

    Args:
        rows: in the table.
        ids: names of the series.
        first: the first stamp of all.
        last: the last stamp of all.
        frequency: the step; None where rows are taken as they come.
        repeated: rows whose series and stamp an earlier row has.
        repeated_taken: what was done about them.
        gaps: of each series.
        missing: values that rows lack, by column.
    """

    rows: int
    ids: tuple[str, ...]
    first: Any
    last: Any
    frequency: Frequency | None
    repeated: int
    repeated_taken: str
    gaps: tuple[SeriesGaps, ...]
    missing: dict[str, int]

    @property
    def steps(self) -> int:
        """Steps of all series from their first stamp to their last."""
        return sum(gaps.steps for gaps in self.gaps)

    @property
    def missing_steps(self) -> int:
        """Steps that have no row."""
        return sum(gaps.missing for gaps in self.gaps)

    def lines(self) -> list[str]:
        """Tell it, a line a fact."""
        series = f"{len(self.ids):,} series" if len(self.ids) > 1 else "1 series"
        lengths = sorted(gaps.steps for gaps in self.gaps)
        spread = f", {lengths[0]:,} to {lengths[-1]:,} steps each" if len(self.ids) > 1 else ""
        out = [f"Data: {self.rows:,} rows, {series}{spread}, {_stamp(self.first)} to {_stamp(self.last)}."]
        out.append(f"Step: {self._step()}.")
        if self.repeated:
            taken = {"mean": "their mean is", "last": "the last of each is"}.get(self.repeated_taken, "they are not")
            out.append(f"Repeated stamps: {self.repeated:,} repeated; {taken} taken.")
        else:
            out.append("Repeated stamps: none.")
        if self.frequency is not None:
            out.append(self._gap_line())
        lacking = [
            f"{name} {count:,} ({count / max(self.rows, 1):.1%})" for name, count in self.missing.items() if count
        ]
        out.append(f"Missing values: {', '.join(lacking) if lacking else 'none'}.")
        return out

    def _step(self) -> str:
        if self.frequency is None:
            return "irregular: rows are taken as they come, with the time between them"
        if self.frequency.given:
            return f"{self.frequency.words()} ({self.frequency.alias}), as given"
        sure = f"{self.frequency.share:.1%} of the steps between stamps are one"
        return f"{self.frequency.words()} ({self.frequency.alias}), found: {sure}"

    def _gap_line(self) -> str:
        missing, steps = self.missing_steps, self.steps
        if not missing:
            return "Gaps: none."
        longest = max(gaps.longest for gaps in self.gaps)
        return (
            f"Gaps: {missing:,} missing of {steps:,} steps ({missing / steps:.1%}), the longest {longest:,}; the model "
            "reads them as missing, with the time since the last value."
        )


def column_gaps(frame: pd.DataFrame, data: DataConfig) -> dict[str, int]:
    """Count the missing values of each column that is used, under the table's own names."""
    names = {"y": data.target} | {name: name for name in (*data.future, *data.past, *data.static) if name in frame}
    return {told: int(frame[name].isna().sum()) for name, told in names.items()}


def _stamp(stamp: Any) -> str:
    if isinstance(stamp, int | np.integer):
        return str(int(stamp))
    return str(pd.Timestamp(stamp)).removesuffix(":00")
