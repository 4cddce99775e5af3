"""`conveyor train --task forecast`: its options; torch is imported when it is called."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from conveyor.cli.tasks.group import require_alone
from conveyor.cli.tasks.lists import column_list, number_list
from conveyor.cli.tasks.options import (
    DATA,
    MODEL,
    TRAINING,
    Backend,
    Cell,
    CheckpointEvery,
    ClipNorm,
    DryRun,
    EvaluateEvery,
    Force,
    HiddenSize,
    LearningRate,
    NumLayers,
    Output,
    Patience,
    Resume,
    Warmup,
    WeightDecay,
)
from conveyor.errors import ArgumentError
from conveyor.tasks.files import full_path
from conveyor.tasks.forecast.config import DataConfig, ForecastConfig, ModelConfig, default_training

_USUAL = default_training()
_LEVELS = ",".join(f"{level:g}" for level in ModelConfig.quantiles)


class Repeated(StrEnum):
    """The treatment of repeated stamps."""

    error = "error"
    mean = "mean"
    last = "last"


class Scale(StrEnum):
    """The scale of values."""

    auto = "auto"
    series = "series"
    window = "window"


class Base(StrEnum):
    """The forecast that the network corrects."""

    auto = "auto"
    none = "none"
    seasonal = "seasonal"


class Linear(StrEnum):
    """The presence of a linear path."""

    auto = "auto"
    yes = "yes"
    no = "no"


def train_forecast(
    context: typer.Context,
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="CSV or Parquet, a row a series and time stamp.")
    ] = None,
    output: Output = None,
    horizon: Annotated[int | None, typer.Option(help="Steps that are forecast at once.")] = None,
    resume: Resume = None,
    force: Force = False,
    dry_run: DryRun = False,
    time: Annotated[str, typer.Option(help="Column of the time stamps.", rich_help_panel=DATA)] = DataConfig.time,
    id: Annotated[
        str | None, typer.Option(help="Column that tells series apart; else unique_id.", rich_help_panel=DATA)
    ] = None,
    target: Annotated[str, typer.Option(help="Column that is forecast.", rich_help_panel=DATA)] = DataConfig.target,
    freq: Annotated[
        str | None, typer.Option(help="Step between stamps: h, 30min, D, W, MS, 1; else found.", rich_help_panel=DATA)
    ] = None,
    future: Annotated[
        list[str] | None, typer.Option(help="Columns known beforehand, with commas.", rich_help_panel=DATA)
    ] = None,
    past: Annotated[
        list[str] | None, typer.Option(help="Columns known up to the present.", rich_help_panel=DATA)
    ] = None,
    static: Annotated[
        list[str] | None, typer.Option(help="Columns that don't change in a series.", rich_help_panel=DATA)
    ] = None,
    repeated: Annotated[
        Repeated, typer.Option(help="What to take of rows with the same series and stamp.", rich_help_panel=DATA)
    ] = Repeated.error,
    irregular: Annotated[
        bool,
        typer.Option("--irregular", help="Take rows as they come, with the time between them.", rich_help_panel=DATA),
    ] = False,
    season: Annotated[
        list[str] | None, typer.Option(help="Seasons in steps, such as 24,168; else of --freq.", rich_help_panel=DATA)
    ] = None,
    date_format: Annotated[
        str | None, typer.Option(help="Of stamps, such as %d.%m.%Y; else found.", rich_help_panel=DATA)
    ] = None,
    valid_windows: Annotated[
        int, typer.Option(help="Origins held out for validation.", rich_help_panel=DATA)
    ] = DataConfig.valid_windows,
    test_windows: Annotated[
        int, typer.Option(help="Origins after them that are only scored at the end.", rich_help_panel=DATA)
    ] = DataConfig.test_windows,
    quantiles: Annotated[
        list[str] | None, typer.Option(help=f"Levels, {_LEVELS} without.", rich_help_panel=MODEL)
    ] = None,
    cell: Cell = "lstm",
    hidden_size: HiddenSize = ModelConfig.hidden_size,
    num_layers: NumLayers = ModelConfig.num_layers,
    dropout: Annotated[
        float | None, typer.Option(help="Before the head, between layers; else chosen.", rich_help_panel=MODEL)
    ] = ModelConfig.dropout,
    window: Annotated[
        int, typer.Option("--context", help="Steps read before the horizon; 0: two horizons.", rich_help_panel=MODEL)
    ] = ModelConfig.context,
    scale: Annotated[Scale, typer.Option(help="What values are measured in.", rich_help_panel=MODEL)] = Scale.auto,
    base: Annotated[Base, typer.Option(help="What the network corrects.", rich_help_panel=MODEL)] = Base.auto,
    linear: Annotated[
        Linear, typer.Option(help="A linear path from the window to the forecast.", rich_help_panel=MODEL)
    ] = Linear.auto,
    simulate: Annotated[
        bool,
        typer.Option(
            "--simulate", help="Leave the target's own past out, as rainfall-runoff models do.", rich_help_panel=MODEL
        ),
    ] = False,
    backend: Backend = ModelConfig.backend,
    lr: LearningRate = _USUAL.lr,
    weight_decay: WeightDecay = _USUAL.weight_decay,
    clip: ClipNorm = _USUAL.clip,
    warmup: Warmup = _USUAL.warmup,
    batch_size: Annotated[
        int, typer.Option(help="Windows of a step.", rich_help_panel=TRAINING)
    ] = ForecastConfig.batch_size,
    max_steps: Annotated[
        int, typer.Option(help="Steps of the final training; 0: --epochs decides.", rich_help_panel=TRAINING)
    ] = _USUAL.max_steps,
    epochs: Annotated[
        int, typer.Option(help="Passes over all windows at most.", rich_help_panel=TRAINING)
    ] = _USUAL.epochs,
    patience: Patience = _USUAL.patience,
    evaluate_every: EvaluateEvery = _USUAL.evaluate_every,
    checkpoint_every: CheckpointEvery = _USUAL.checkpoint_every,
    seed: Annotated[int, typer.Option(help="Of weights, order and dropout.", rich_help_panel=TRAINING)] = _USUAL.seed,
    threads: Annotated[int, typer.Option(help="CPU threads.", rich_help_panel=TRAINING)] = _USUAL.threads,
) -> None:
    """Train a forecaster on a table of series, or --resume a run that was stopped."""
    if resume is not None:
        require_alone(context, "resume")
        from conveyor.cli.train import resume_training

        raise typer.Exit(resume_training(resume, task="forecast"))
    if file is None or horizon is None or (output is None and not dry_run):
        raise ArgumentError(
            "train --task forecast: expected FILE, --horizon STEPS and --output OUT, or --resume OUT; see "
            "conveyor train --task forecast --help"
        )
    config = ForecastConfig(
        DataConfig(
            horizon,
            time=time,
            id=id,
            target=target,
            freq=freq,
            future=column_list(future),
            past=column_list(past),
            static=column_list(static),
            repeated=repeated.value,
            irregular=irregular,
            date_format=date_format,
            season=tuple(int(length) for length in number_list("season", season)),
            valid_windows=valid_windows,
            test_windows=test_windows,
        ),
        ModelConfig(
            hidden_size=hidden_size,
            num_layers=num_layers,
            dropout=dropout,
            context=window,
            quantiles=number_list("quantiles", quantiles) or ModelConfig.quantiles,
            scale=scale.value,
            base=base.value,
            linear=linear.value,
            simulate=simulate,
            backend=backend,
        ),
        default_training(
            lr=lr,
            weight_decay=weight_decay,
            clip=clip,
            warmup=warmup,
            max_steps=max_steps,
            epochs=epochs,
            patience=patience,
            evaluate_every=evaluate_every,
            checkpoint_every=checkpoint_every,
            seed=seed,
            threads=threads,
        ),
        batch_size,
        full_path(file),
    )
    from conveyor.cli.forecast.needs import require_forecast_packages

    require_forecast_packages()
    from conveyor.cli.forecast.view import start_forecast

    raise typer.Exit(start_forecast(config, cell, output or Path(), force=force, dry_run=dry_run))
