"""A trained language model and a piece of text for it to read, as an inspection needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from conveyor.errors import TextError
from conveyor.tasks.text.config import TextConfig
from conveyor.tasks.text.data.corpus import read_file
from conveyor.tasks.text.data.dataset import read_dataset
from conveyor.tasks.text.data.locate import locate
from conveyor.tasks.text.data.vocabulary import Vocabulary
from conveyor.tasks.text.model import LanguageModel
from conveyor.tasks.text.run import load_model
from conveyor.tasks.training.checkpoint import read_checkpoint

_GLUED = "⁀"  # where no space is between words that usually have one
SHORTEST = 64
"""Tokens below which there is nothing to see: gradients and gates are shown over so many steps."""


@dataclass(frozen=True)
class Reading:
    """A model and what it reads.

    Attributes:
        model: In evaluation mode, with its best weights.
        vocabulary: Its vocabulary.
        config: As it was trained.
        test_loss: In nats a token, if the run is finished.
        numbers: The text's token numbers, (N,).
        tokens: The same as readers see them, N of them.
        source: Where the text comes from, in words.
        unknown: How many of its words the vocabulary lacks.
    """

    model: LanguageModel
    vocabulary: Vocabulary
    config: TextConfig
    test_loss: float | None
    numbers: Tensor
    tokens: tuple[str, ...]
    source: str
    unknown: int = 0


def open_reading(folder: Path, text: Path | None, most: int) -> Reading:
    """Load a model, and the text: a file, or else the beginning of the text that was held out of its training.

    Args:
        folder: Of the checkpoint.
        text: A file in UTF-8; None for the held-out text.
        most: Tokens to read at most.

    Raises:
        CheckpointError: The checkpoint cannot be used.
        TextError: The text cannot be used: it is missing, too short, or has characters that the model doesn't know.
    """
    model, vocabulary = load_model(folder)
    checkpoint = read_checkpoint(folder)
    config = TextConfig.from_json(checkpoint.get("config"))
    if text is None:
        try:
            located = locate(config.data, checkpoint.get("data"), folder)
            numbers = read_dataset(located.config, vocabulary, located.sha256).test
        except TextError as error:
            raise TextError(f"{error}; or name a text that the model shall read: --text FILE") from error
        numbers = numbers[_line_start(vocabulary, numbers) :]
        source = "the beginning of the text that was held out of its training"
    else:
        content = read_file(str(text))
        try:
            numbers = torch.tensor(vocabulary.encode(content.text()), dtype=torch.int64)
        except TextError as error:
            raise TextError(f"{text}: {error}") from error
        source = str(text)
    if len(numbers) < SHORTEST + 1:
        raise TextError(
            f"{source}: expected at least {SHORTEST + 1} tokens to see anything over time, got {len(numbers)}; "
            "give a longer text with --text FILE"
        )
    numbers = numbers[:most].long()
    tokens = tuple(_visible(vocabulary, numbers.tolist()))
    unknown = 0 if vocabulary.unknown is None else int((numbers == vocabulary.unknown).sum())
    return Reading(model.eval(), vocabulary, config, checkpoint.get("test_loss"), numbers, tokens, source, unknown)


def _line_start(vocabulary: Vocabulary, numbers: Tensor) -> int:
    """Return the index after the first line break, 0 without one: a divided text may begin amid a word."""
    first = numbers[:200].tolist()
    return next((t + 1 for t, token in enumerate(_visible(vocabulary, first)) if token == "\n"), 0)


def _visible(vocabulary: Vocabulary, numbers: Sequence[int]) -> list[str]:
    """Tokens as a reader sees them, words with the space behind them; what has no sign of its own by a sign."""
    if vocabulary.level == "byte":  # one that is no character by itself as its number
        return [chr(number) if 32 <= number < 127 or number == 10 else f"\\x{number:02x}" for number in numbers]
    tokens = [vocabulary.tokens[number] for number in numbers]
    if vocabulary.level == "char":
        return tokens
    texts = [vocabulary.decode(pair) for pair in pairwise(numbers)]
    spaces = [len(text) - len(a) - len(b) for text, (a, b) in zip(texts, pairwise(tokens), strict=True)]
    return [(token or _GLUED) + " " * space for token, space in zip(tokens, [*spaces, 0], strict=True)]
