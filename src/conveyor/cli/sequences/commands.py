"""The options of the tasks on sequences: classify, regress, tag; what a command does is imported when it is called."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from conveyor.cli.tasks.group import require_alone
from conveyor.cli.tasks.lists import column_list
from conveyor.cli.tasks.options import (
    DATA,
    MODEL,
    TRAINING,
    Backend,
    ClipNorm,
    DryRun,
    Force,
    LearningRate,
    NumLayers,
    Output,
    Patience,
    Resume,
    Threads,
    WeightDecay,
)
from conveyor.errors import ArgumentError
from conveyor.tasks.config import TrainingConfig
from conveyor.tasks.files import full_path
from conveyor.tasks.sequences.config import (
    Columns,
    DataConfig,
    ModelConfig,
    SequenceConfig,
    default_noise,
    training_config,
)

_DEFAULTS = training_config()
_TRAINED = {
    "classify": "Train a classifier of sequences: one class a sequence; or --resume a run that was stopped.",
    "regress": "Train a regression on sequences: one value a sequence; or --resume a run that was stopped.",
    "tag": "Train a tagger of sequences: one class a step; or --resume a run that was stopped.",
}


class Missing(StrEnum):
    """The representation of missing values in the model's input."""

    auto = "auto"
    decay = "decay"
    mask = "mask"


class ClassWeight(StrEnum):
    """The weighting of classes."""

    none = "none"
    balanced = "balanced"


def train_command(task: str) -> Callable[..., None]:
    """Make the function of `conveyor train --task …` for one task on sequences."""

    def train(
        context: typer.Context,
        file: Annotated[
            str | None, typer.Argument(metavar="FILE", help="CSV, Parquet, .ts or .npz with labelled sequences.")
        ] = None,
        output: Output = None,
        resume: Resume = None,
        force: Force = False,
        dry_run: DryRun = False,
        id: Annotated[
            str,
            typer.Option(help="Column that names a row's sequence; '' takes all rows as one.", rich_help_panel=DATA),
        ] = "id",
        time: Annotated[
            str | None, typer.Option(help="Column of numbers or dates; else rows in order.", rich_help_panel=DATA)
        ] = None,
        label: Annotated[str, typer.Option(help="Column of labels.", rich_help_panel=DATA)] = "label",
        channels: Annotated[
            str | None,
            typer.Option(help="Columns to read, with commas between; else all other numbers.", rich_help_panel=DATA),
        ] = None,
        group: Annotated[
            str | None,
            typer.Option(help="Column of groups, such as persons, that stay in one part.", rich_help_panel=DATA),
        ] = None,
        valid: Annotated[
            str | None, typer.Option(help="Validation file; else a share of FILE.", rich_help_panel=DATA)
        ] = None,
        test: Annotated[str | None, typer.Option(help="Test file; else a share of FILE.", rich_help_panel=DATA)] = None,
        valid_share: Annotated[
            float, typer.Option(help="Share of the sequences to validate on.", rich_help_panel=DATA)
        ] = DataConfig.valid_share,
        test_share: Annotated[
            float, typer.Option(help="Share of the sequences to test on; 0: no test.", rich_help_panel=DATA)
        ] = DataConfig.test_share,
        window: Annotated[
            int, typer.Option(help="Cut into pieces of so many steps, to tag; 0: whole.", rich_help_panel=DATA)
        ] = DataConfig.window,
        batch_size: Annotated[
            int, typer.Option(help="Sequences of an update.", rich_help_panel=DATA)
        ] = DataConfig.batch_size,
        cell: Annotated[
            str,
            typer.Option(
                help="Name of a cell, or module.py:function; auto: lstm, or gru_d if over 5% is missing.",
                rich_help_panel=MODEL,
            ),
        ] = "auto",
        hidden_size: Annotated[
            int, typer.Option(help="Units of a layer and direction.", rich_help_panel=MODEL)
        ] = ModelConfig.hidden_size,
        num_layers: NumLayers = ModelConfig.num_layers,
        bidirectional: Annotated[
            bool, typer.Option(help="Read from both ends.", rich_help_panel=MODEL)
        ] = ModelConfig.bidirectional,
        dropout: Annotated[
            float, typer.Option(help="Between layers and before the head.", rich_help_panel=MODEL)
        ] = ModelConfig.dropout,
        noise: Annotated[
            float | None,
            typer.Option(help="Deviation of noise on the standardised input in training.", rich_help_panel=MODEL),
        ] = None,
        missing: Annotated[
            Missing, typer.Option(help="How the model is told what is missing.", rich_help_panel=MODEL)
        ] = Missing.auto,
        backend: Backend = ModelConfig.backend,
        class_weight: Annotated[
            ClassWeight, typer.Option(help="balanced: rare classes weigh more.", rich_help_panel=TRAINING)
        ] = ClassWeight.none,
        lr: LearningRate = _DEFAULTS.lr,
        weight_decay: WeightDecay = _DEFAULTS.weight_decay,
        clip: ClipNorm = TrainingConfig.clip,
        epochs: Annotated[
            int | None, typer.Option(help="Passes over the data; else as many as it needs.", rich_help_panel=TRAINING)
        ] = None,
        max_steps: Annotated[
            int, typer.Option(help="Stop after so many updates; 0: no limit.", rich_help_panel=TRAINING)
        ] = TrainingConfig.max_steps,
        patience: Patience = TrainingConfig.patience,
        evaluate_every: Annotated[
            int, typer.Option(help="Updates between validations; 0: each epoch.", rich_help_panel=TRAINING)
        ] = TrainingConfig.evaluate_every,
        checkpoint_every: Annotated[
            int, typer.Option(help="Updates between checkpoints.", rich_help_panel=TRAINING)
        ] = TrainingConfig.checkpoint_every,
        seed: Annotated[
            int, typer.Option(help="Of the parting, the weights, the order and the noise.", rich_help_panel=TRAINING)
        ] = TrainingConfig.seed,
        threads: Threads = TrainingConfig.threads,
    ) -> None:
        if resume is not None:
            require_alone(context, "resume")
            from conveyor.cli.train import resume_training

            raise typer.Exit(resume_training(resume, task=task))
        if not file or (output is None and not dry_run):
            raise ArgumentError(
                f"train: expected FILE and --output OUT, or --resume OUT; see conveyor train --task {task} --help"
            )
        if window and task != "tag":
            raise ArgumentError("--window: cuts sequences whose steps are labelled; --task tag has those")
        config = SequenceConfig(
            task,
            DataConfig(
                full_path(file),
                None if valid is None else full_path(valid),
                None if test is None else full_path(test),
                Columns(id or None, time, label, column_list([channels] if channels else None), group),
                valid_share,
                test_share,
                window,
                batch_size,
            ),
            ModelConfig(
                hidden_size,
                num_layers,
                bidirectional,
                dropout,
                default_noise(task) if noise is None else noise,
                missing.value,
                backend,
            ),
            training_config(
                lr=lr,
                weight_decay=weight_decay,
                clip=clip,
                epochs=1 if epochs is None else epochs,
                max_steps=max_steps,
                patience=patience,
                evaluate_every=evaluate_every,
                checkpoint_every=checkpoint_every,
                seed=seed,
                threads=threads,
            ),
            class_weight.value,
        )
        from conveyor.cli.sequences.start import start_sequences

        raise typer.Exit(
            start_sequences(config, cell, output or Path(), auto_epochs=epochs is None, force=force, dry_run=dry_run)
        )

    train.__doc__ = _TRAINED[task]
    return train


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a training run on sequences.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="Sequences, as for training.")],
    predictions: Annotated[
        Path | None, typer.Option("-o", "--predictions", help="Write each prediction here, as CSV.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the scores here.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite those files.")] = False,
) -> None:
    """Score a trained model of sequences on a file: accuracy, F1, AUC, confusion matrix, or errors of values.

    A file without labels is predicted alone, with -o.
    """
    from conveyor.cli.sequences.evaluate import run_evaluate

    raise typer.Exit(run_evaluate(run, file, predictions, json_file, force=force))


def inspect_sequences(
    model: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a training run on sequences.")],
    sequence: Annotated[
        str | None, typer.Option(help="Name of the sequence to explain; else one of those held out.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="File that has it; else the run's own files.")] = None,
    target: Annotated[str | None, typer.Option(help="Class that is explained; else the one that is predicted.")] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the report.")] = Path("report"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the report in --output.")] = False,
) -> None:
    """Look inside a trained model of sequences: how well it does, and which steps and channels decided one sequence."""
    from conveyor.cli.sequences.inspect import run_inspect

    raise typer.Exit(run_inspect(model, sequence, data, target, output, force=force))


def demo(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder of the checkpoint; else runs/departures.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the checkpoint in --output.")] = False,
    epochs: Annotated[int | None, typer.Option(help="Passes over the data.")] = None,
) -> None:
    """Learn from a day's weather whether departures are late in New York, and say what decided."""
    from conveyor.cli.sequences.demo import run_demo

    raise typer.Exit(run_demo(output, force=force, epochs=epochs))
