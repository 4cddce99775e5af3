"""`conveyor build`: a trained model for a device, and the table of targets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from conveyor.build.targets.table import HOST, TARGETS, find_target, near_targets
from conveyor.errors import ArgumentError


@dataclass(frozen=True)
class BuildOptions:
    """The options of the command."""

    target: str
    cpu: str | None
    weights: str
    emit: str
    prefix: str
    activation: str | None
    skip: bool
    data: Path | None
    force: bool


def list_targets(like: str | None) -> int:
    """Prints the table of targets, or the names near one; returns the exit code.

    Raises:
        ArgumentError: No target is near that name.
    """
    names = list(TARGETS)
    if like and like != HOST:
        names = [like] if like in TARGETS else near_targets(like)
        if not names:
            find_target(like)  # says what is wrong
    rows = [("target", "what", "triple", "cpu")]
    rows += [] if like else [(HOST, "this machine", "", "")]
    rows += [(name, TARGETS[name].about, TARGETS[name].triple, TARGETS[name].cpu) for name in names]
    widths = [max(len(row[k]) for row in rows) for k in range(3)]
    for row in rows:
        cells = [f"{text:<{width}}" for text, width in zip(row, widths, strict=False)]
        typer.echo("  ".join([*cells, row[3]]).rstrip())
    return 0


def run_build(model: Path, output: Path, options: BuildOptions) -> int:
    """Builds a model and says what was made; returns the exit code.

    Raises:
        ConveyorError: The model can't be read or built, or the output is taken.
    """
    find_target(options.target, options.cpu) if options.emit == "object" else None
    data = None if options.data is None else _read_data(options.data)
    from conveyor.build.build import build
    from conveyor.build.plugin_files import is_plugin_file
    from conveyor.tasks.saved import load_saved

    made = build(
        model if is_plugin_file(model) else load_saved(model),
        output,
        target=options.target,
        cpu=options.cpu,
        weights=options.weights,
        emit=options.emit,
        prefix=options.prefix,
        activation=options.activation,
        skip=options.skip,
        data=data,
        overwrite=options.force,
    )
    aim = "C11" if made.target is None else f"{made.target.triple} ({made.target.cpu})"
    typer.echo(f"Built {made.folder} for {aim}: {', '.join(made.files)}")
    typer.echo(
        f"{made.code_bytes} bytes with weights in {made.weights}, a state of {made.state_bytes} bytes;"
        f" {made.inputs} numbers in, {made.outputs} out a step"
    )
    if made.difference is not None:
        typer.echo(made.difference.sentence(made.weights))
    return 0


def _read_data(path: Path) -> Any:
    import numpy as np

    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "no .npy file of numbers"
        raise ArgumentError(f"--data: {path} can't be read ({reason}); save (steps, inputs) with numpy.save") from error
