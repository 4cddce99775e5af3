"""The packages that a task needs beside conveyor's own."""

from __future__ import annotations

from importlib.util import find_spec

from conveyor.errors import ArgumentError

_FORECAST = ("pandas", "pyarrow", "utilsforecast", "coreforecast")


def require_forecast_packages() -> None:
    """Make sure that forecasting can run.

    Raises:
        ArgumentError: a package is missing.
    """
    missing = [name for name in _FORECAST if find_spec(name) is None]
    if missing:
        raise ArgumentError(f"forecasting needs {', '.join(missing)}: pip install 'conveyor[forecast]'")
