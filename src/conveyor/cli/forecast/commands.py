"""The commands on forecasters and their options; torch and pandas are imported when one is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from conveyor.cli.forecast.needs import require_forecast_packages


def predict(
    model: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run of --task forecast.")],
    history: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Series up to the present; the training file without.")
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="CSV or Parquet file.")] = Path("forecast.csv"),
    future: Annotated[
        Path | None, typer.Option(help="Rows of the steps to come, with the columns known beforehand.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Picture of it: .png, .svg or .pdf.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the files.")] = False,
) -> None:
    """Forecast what comes after the last rows of each series: a row a step, a column a quantile."""
    require_forecast_packages()
    from conveyor.cli.forecast.predict import require_forecast, run_predict

    require_forecast(model)
    raise typer.Exit(run_predict(model, history, future, output, plot, force=force))


def backtest(
    model: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run of --task forecast.")],
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Series with what came; the training file without.")
    ] = None,
    windows: Annotated[int, typer.Option(help="Origins to forecast from, the last ones.")] = 8,
    step: Annotated[int | None, typer.Option(help="Steps between them; the horizon without.")] = None,
    refit: Annotated[int, typer.Option(help="Train anew at every so many origins; 0: never.")] = 0,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="CSV or Parquet file of all forecasts.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Picture of it: .png, .svg or .pdf.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the files.")] = False,
) -> None:
    """Forecast from past origins and score that beside the seasonal naive forecast and a ridge regression."""
    require_forecast_packages()
    from conveyor.cli.forecast.predict import require_forecast, run_backtest

    require_forecast(model)
    raise typer.Exit(run_backtest(model, file, windows, step, refit, output, plot, force=force))


def inspect_forecast(
    model: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run of --task forecast.")],
    data: Annotated[
        Path | None, typer.Option(help="Table that it shall read; else the one that it was trained on.")
    ] = None,
    series: Annotated[str | None, typer.Option(help="Series that the pictures show; else the first.")] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the report.")] = Path("report"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the report in --output.")] = False,
) -> None:
    """Look inside a forecaster: scores, forecasts, gates over the horizon, memory, what moves the forecast."""
    require_forecast_packages()
    from conveyor.cli.forecast.inspect import run_inspect_forecast
    from conveyor.cli.forecast.predict import require_forecast

    require_forecast(model)
    raise typer.Exit(run_inspect_forecast(model, data, series, output, force=force))


def demo_forecast(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder of the checkpoint; else a free one in runs/.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the checkpoint in --output.")] = False,
    max_steps: Annotated[int | None, typer.Option(help="Steps of the final training.")] = None,
) -> None:
    """Train a forecaster on the weather of three airports, forecast the next day, and look inside."""
    require_forecast_packages()
    from conveyor.cli.forecast.demo import run_demo_forecast

    raise typer.Exit(run_demo_forecast(output, force=force, max_steps=max_steps))
