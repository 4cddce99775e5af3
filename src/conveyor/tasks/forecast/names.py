"""Names of the columns that forecasts come in."""

from __future__ import annotations

MODEL, NAIVE, RIDGE = "model", "seasonal naive", "ridge"


def quantile_column(level: float) -> str:
    """Name of the column of a quantile: `y-q0.1`."""
    return f"y-q{level:g}"


def level_columns(levels: tuple[float, ...]) -> dict[int, tuple[str, str]]:
    """Columns of each central interval, by its percentage."""
    found = {}
    for level in levels:
        for other in levels:
            if level < 0.5 and abs(level + other - 1) < 1e-9:
                found[round(100 * (other - level))] = quantile_column(level), quantile_column(other)
    return found
