"""`conveyor demo --task forecast`: its options; torch is imported when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo_forecast(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder of the checkpoint; else a free one in runs/.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the checkpoint in --output.")] = False,
    max_steps: Annotated[int | None, typer.Option(help="Steps of the final training.")] = None,
) -> None:
    """Train a forecaster on the weather of three airports, forecast the next day, and look inside."""
    from conveyor.cli.needs import require_forecast_packages

    require_forecast_packages()
    from conveyor.cli.demo_forecast import run_demo_forecast

    raise typer.Exit(run_demo_forecast(output, force=force, max_steps=max_steps))
