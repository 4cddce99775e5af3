"""`conveyor generate`: text from a trained model."""

from __future__ import annotations

import secrets
from pathlib import Path

import typer

from conveyor.tasks.text.run import load_model
from conveyor.tasks.text.sample import generate


def print_sample(model: Path, prompt: str, length: int, temperature: float, top_k: int, seed: int | None) -> None:
    """Print the continuation of `prompt` by the model in folder `model`; without a seed it differs each time.

    Raises:
        ConveyorError: the checkpoint, the prompt or a number cannot be used.
    """
    network, vocabulary = load_model(model)
    chosen = secrets.randbits(32) if seed is None else seed
    typer.echo(generate(network, vocabulary, prompt, length, temperature, top_k, chosen))
