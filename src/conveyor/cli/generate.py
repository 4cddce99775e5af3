"""`conveyor generate`: text from a trained model."""

from __future__ import annotations

import secrets
from pathlib import Path

from conveyor.cli.console.printing import print_note, print_text
from conveyor.tasks.text.data.vocabulary import Vocabulary
from conveyor.tasks.text.run import load_model, load_start
from conveyor.tasks.text.sample import generate

_MOST_NAMED = 5


def print_sample(
    model: Path, prompt: str | None, length: int, temperature: float, top_k: int, seed: int | None
) -> None:
    """Print the continuation of `prompt` by the model in folder `model`; without a seed it differs each time.

    Args:
        model: folder of a checkpoint.
        prompt: text to continue; None takes the start that the run chose from its own text.
        length: tokens to sample.
        temperature: below 1 more careful; 0 takes the likeliest.
        top_k: samples among the k likeliest; 0 among all.
        seed: of the sampling.

    Raises:
        ConveyorError: the checkpoint, the prompt or a number cannot be used.
    """
    network, vocabulary = load_model(model)
    start = load_start(model) if prompt is None else prompt
    chosen = secrets.randbits(32) if seed is None else seed
    text = generate(network, vocabulary, start, length, temperature, top_k, chosen)
    tell_unknown(vocabulary, start)
    print_text(text)


def tell_unknown(vocabulary: Vocabulary, prompt: str) -> None:
    """Say on standard error which words of a prompt the model doesn't know."""
    if unknown := vocabulary.unknown_parts(prompt):
        named = ", ".join(map(repr, unknown[:_MOST_NAMED]))
        more = f" and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
        print_note(f"the model does not know {named}{more}; it reads <unk> instead")
