"""Sampling text from a language model."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from conveyor.errors import ArgumentError
from conveyor.tasks.checks import LARGEST_SEED, at_least, between
from conveyor.tasks.quiet import undisturbed
from conveyor.tasks.text.config import UNITS
from conveyor.tasks.text.data.vocabulary import Vocabulary
from conveyor.tasks.text.model import LanguageModel


def generate(
    model: LanguageModel,
    vocabulary: Vocabulary,
    prompt: str,
    length: int,
    temperature: float = 1.0,
    top_k: int = 0,
    seed: int = 0,
) -> str:
    """Continue `prompt` by `length` tokens.

    Args:
        model: trained on `vocabulary`.
        vocabulary: of the model.
        prompt: text that is run first; its characters must be known.
        length: number of tokens to sample.
        temperature: divides the logits: below 1 more careful, above 1 bolder; 0 always takes the likeliest.
        top_k: samples among the k likeliest tokens only; 0 among all.
        seed: of the sampling; the same seed gives the same text.

    Returns:
        The prompt and what follows it.

    Raises:
        ArgumentError: a number is out of its range, or the prompt has no token.
        TextError: the prompt has a character that the model does not know.
    """
    at_least("length", length, 0)
    at_least("temperature", temperature, 0)
    at_least("top_k", top_k, 0)
    between("seed", seed, 0, LARGEST_SEED)
    numbers = vocabulary.encode_prompt(prompt)
    if not numbers:
        raise ArgumentError(
            f"prompt: expected at least one {UNITS[vocabulary.level]}, got {prompt!r}; give a first word"
        )
    with undisturbed(model):
        sampled = list(_sample(model, vocabulary, numbers, length, temperature, top_k, seed))
    return vocabulary.decode(numbers + sampled)


def _sample(
    model: LanguageModel,
    vocabulary: Vocabulary,
    prompt: list[int],
    length: int,
    temperature: float,
    top_k: int,
    seed: int,
) -> Iterator[int]:
    generator = torch.Generator().manual_seed(seed)
    inputs, state = torch.tensor(prompt)[:, None], None
    for _ in range(length):
        logits, state = model(inputs, state)
        number = _choose(logits[-1, 0], vocabulary.unknown, temperature, top_k, generator)
        inputs = torch.tensor([[number]])
        yield number


def _choose(logits: Tensor, unknown: int | None, temperature: float, top_k: int, generator: torch.Generator) -> int:
    if unknown is not None:
        logits = logits.index_fill(0, torch.tensor([unknown]), -torch.inf)
    if temperature == 0:
        return int(logits.argmax())
    if 0 < top_k < len(logits):
        least = logits.topk(top_k).values[-1]
        logits = logits.masked_fill(logits < least, -torch.inf)
    # float64, the largest logit first taken away: no temperature, however small, makes the quotient overflow.
    scaled = (logits.double() - logits.max()) / temperature
    return int(torch.multinomial(scaled.softmax(0), 1, generator=generator))
