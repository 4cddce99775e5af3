"""A trained language model and a piece of text for it to read, as an inspection needs them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from conveyor.errors import TextError
from conveyor.tasks.checkpoint import read_checkpoint
from conveyor.tasks.text.config import TextConfig
from conveyor.tasks.text.corpus import read_file
from conveyor.tasks.text.dataset import read_dataset
from conveyor.tasks.text.model import LanguageModel
from conveyor.tasks.text.run import load_model
from conveyor.tasks.text.vocabulary import Vocabulary

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
    """

    model: LanguageModel
    vocabulary: Vocabulary
    config: TextConfig
    test_loss: float | None
    numbers: Tensor
    tokens: tuple[str, ...]
    source: str


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
            numbers = read_dataset(config.data, vocabulary, checkpoint.get("data")).test
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
    tokens = tuple(_visible(vocabulary, int(n)) for n in numbers)
    return Reading(model.eval(), vocabulary, config, checkpoint.get("test_loss"), numbers, tokens, source)


def _line_start(vocabulary: Vocabulary, numbers: Tensor) -> int:
    """Where the first whole line begins: a text that was cut in parts may begin amid a word."""
    for t, number in enumerate(numbers[:200].tolist()):
        if _visible(vocabulary, number) == "\n":
            return t + 1
    return 0


def _visible(vocabulary: Vocabulary, number: int) -> str:
    """A token as a reader sees it; a byte that is no character by itself as its number."""
    if vocabulary.level == "byte":
        return chr(number) if 32 <= number < 127 or number == 10 else f"\\x{number:02x}"
    token = vocabulary.tokens[number]
    return token + " " if vocabulary.level == "word" and token != "\n" else token
