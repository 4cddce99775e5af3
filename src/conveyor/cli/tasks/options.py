"""The options that the training commands of several tasks share; each task has its own defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DATA, MODEL, TRAINING = "Data", "Model", "Training"

Backend = Annotated[str, typer.Option(help="What runs the layer.", rich_help_panel=MODEL)]
Cell = Annotated[str, typer.Option(help="Name of a cell, or module.py:function.", rich_help_panel=MODEL)]
CheckpointEvery = Annotated[int, typer.Option(help="Steps between checkpoints.", rich_help_panel=TRAINING)]
ClipNorm = Annotated[
    float, typer.Option(help="Largest norm of the gradient; 0: no clipping.", rich_help_panel=TRAINING)
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Estimate time and memory, and write nothing.")]
EvaluateEvery = Annotated[int, typer.Option(help="Steps between validations; 0: each epoch.", rich_help_panel=TRAINING)]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the checkpoint in --output.")]
HiddenSize = Annotated[int, typer.Option(help="Units of a layer.", rich_help_panel=MODEL)]
LearningRate = Annotated[float, typer.Option(help="Largest learning rate.", rich_help_panel=TRAINING)]
NumLayers = Annotated[int, typer.Option(help="Layers.", rich_help_panel=MODEL)]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="Folder of the checkpoint.")]
Patience = Annotated[
    int, typer.Option(help="Stop after so many validations without a new best; 0: never.", rich_help_panel=TRAINING)
]
Resume = Annotated[Path | None, typer.Option(help="Continue the run in this folder; all settings come from it.")]
Threads = Annotated[int, typer.Option(help="CPU threads; more pay for large models alone.", rich_help_panel=TRAINING)]
Warmup = Annotated[int, typer.Option(help="Steps in which the learning rate rises.", rich_help_panel=TRAINING)]
WeightDecay = Annotated[float, typer.Option(help="Decay of the matrices.", rich_help_panel=TRAINING)]
