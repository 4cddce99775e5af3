"""`conveyor inspect` on a forecaster's run."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from conveyor.cli.console.output import require_free, require_writable
from conveyor.cli.inspect import shown_progress
from conveyor.cli.train import make_console
from conveyor.errors import ArgumentError
from conveyor.inspect.report import require_packages
from conveyor.tasks.forecast.data.table import read_source
from conveyor.tasks.forecast.report.page import write_forecast_report
from conveyor.tasks.forecast.run import load_trained


def run_inspect_forecast(model: Path, data: Path | None, series: str | None, output: Path, *, force: bool) -> int:
    """Write the report on a forecaster; return the exit code.

    Raises:
        ConveyorError: the run, the table or the folder cannot be used.
    """
    require_packages()
    require_free(output, force=force)
    console = make_console()
    page = write_inspection(model, data, series, output, console)
    console.print(f"Report: {page}, {page.stat().st_size / 1e6:.1f} MB; open it in a browser.")
    return 0


def write_inspection(model: Path, data: Path | None, series: str | None, output: Path, console: Console) -> Path:
    """Measure a forecaster and write its report into a folder; return the page's path.

    Raises:
        ConveyorError: the run, the table or the folder cannot be used.
    """
    trained = load_trained(model)
    if data is None and trained.config.file is None:
        raise ArgumentError("data: the run was given its table in memory; name a file with --data")
    frame = read_source(trained.config.file if data is None else data)
    require_writable(output)
    with shown_progress(console) as say:
        return write_forecast_report(trained, frame, output, f"Inside {model.resolve().name}", series, say)
