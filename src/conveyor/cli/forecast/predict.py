"""`conveyor predict` and `conveyor backtest`: forecasts by a trained run, written as a table."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from conveyor.atomic_write import write
from conveyor.cli.forecast.view import score_lines
from conveyor.cli.train import make_console
from conveyor.errors import ArgumentError
from conveyor.tasks.forecast.data.table import read_source
from conveyor.tasks.forecast.evaluation.backtest import backtest
from conveyor.tasks.forecast.predict import predict
from conveyor.tasks.forecast.report.plot import plot_backtest, plot_forecast
from conveyor.tasks.forecast.run import Trained, load_trained
from conveyor.tasks.training.checkpoint import read_checkpoint

_TABLES = (".csv", ".parquet")
_PLOTS = (".png", ".svg", ".pdf")


def run_predict(
    model: Path, history: Path | None, future: Path | None, output: Path, plot: Path | None, *, force: bool
) -> int:
    """Forecast what comes after a table and write it; return the exit code.

    Raises:
        ConveyorError: the checkpoint, a table or the output cannot be used.
    """
    _check_output("--output", output, _TABLES, force)
    if plot is not None:
        _check_output("--plot", plot, _PLOTS, force)
    trained = load_trained(model)
    past = read_source(_history(trained, history))
    table = predict(trained, past, None if future is None else read_source(future, "future"))
    write_table(table, output)
    console = make_console()
    count = table["unique_id"].nunique()
    console.print(
        f"Wrote {output}: {len(table):,} rows, {count:,} series, {table['ds'].iloc[0]} to {table['ds'].iloc[-1]}."
    )
    if plot is not None:
        plot_forecast(trained, past, table, plot)
        console.print(f"Wrote {plot}.")
    return 0


def run_backtest(
    model: Path,
    file: Path | None,
    windows: int,
    step: int | None,
    refit: int,
    output: Path | None,
    plot: Path | None,
    *,
    force: bool,
) -> int:
    """Forecast from past origins and print the scores beside the baselines'; return the exit code.

    Raises:
        ConveyorError: the checkpoint, the table or the output cannot be used.
    """
    if output is not None:
        _check_output("--output", output, _TABLES, force)
    if plot is not None:
        _check_output("--plot", plot, _PLOTS, force)
    trained = load_trained(model)
    result = backtest(trained, read_source(_history(trained, file)), windows=windows, step=step, refit=refit)
    console = make_console()
    origins = result.table[["unique_id", "cutoff"]].drop_duplicates()
    for line in score_lines(result.scores, f"{len(origins):,} origins, horizon {trained.model.shape.horizon}"):
        console.print(line)
    if output is not None:
        write_table(result.table, output)
        console.print(f"Wrote {output}: every forecast beside what came.")
    if plot is not None:
        plot_backtest(result.table, plot)
        console.print(f"Wrote {plot}.")
    return 0


def _history(trained: Trained, given: Path | None) -> str:
    if given is not None:
        return str(given)
    if trained.config.file is None:
        raise ArgumentError("history: the run was given its table in memory; name a file")
    return trained.config.file


def require_forecast(model: Path) -> None:
    """Make sure that a checkpoint is a forecaster's.

    Raises:
        ConveyorError: it is none, or another task's.
    """
    task = read_checkpoint(model).get("task")
    if task != "forecast":
        raise ArgumentError(f"{model}: expected a run of --task forecast, got {task}; use that task's command")


def _check_output(option: str, path: Path, endings: tuple[str, ...], force: bool) -> None:
    if path.suffix.lower() not in endings:
        raise ArgumentError(f"{option}: expected a file {' or '.join(endings)}, got {path}")
    if path.is_dir():
        raise ArgumentError(f"{option}: {path} is a folder; name a file")
    if path.exists() and not force:
        raise ArgumentError(f"{option}: {path} is there already; name another, or overwrite it with --force")
    if not path.absolute().parent.is_dir():
        raise ArgumentError(f"{option}: there is no folder {path.parent}; make it, or name another")


def write_table(table: Any, path: Path) -> None:
    """Write a table as CSV or Parquet, whole or not at all.

    Raises:
        ArgumentError: it cannot be written.
    """
    content = io.BytesIO()
    if path.suffix.lower() == ".parquet":
        table.to_parquet(content, index=False)
    else:
        table.to_csv(content, index=False)
    write(path, content.getvalue(), overwrite=True)
