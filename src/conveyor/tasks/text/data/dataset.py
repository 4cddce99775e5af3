"""From text files to token numbers in three parts: training, validation and test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from conveyor.errors import TextError
from conveyor.tasks.text.config import UNITS, DataConfig
from conveyor.tasks.text.data.corpus import TextFile, read_files, require_unchanged
from conveyor.tasks.text.data.start import choose_start
from conveyor.tasks.text.data.vocabulary import (
    ByteVocabulary,
    CharacterVocabulary,
    Vocabulary,
    WordVocabulary,
)
from conveyor.tasks.text.data.words import split_words

HELD_OUT = 0.05
"""Share of the text that validation takes, and test likewise, where no files are given for them."""
_BEGINNING = 4_000_000  # bytes of a file that a start of samples is looked for in


@dataclass(frozen=True)
class Dataset:
    """Token numbers of the three parts, and what they came from.

    Args:
        vocabulary: built from the training part; that of characters from all parts.
        train: (N,) integers.
        valid: (N,) integers.
        test: (N,) integers.
        sha256: of each file, by path.
        start: what samples begin with.
    """

    vocabulary: Vocabulary
    train: Tensor
    valid: Tensor
    test: Tensor
    sha256: dict[str, str]
    start: str


def read_dataset(
    config: DataConfig, vocabulary: Vocabulary | None = None, sha256: dict[str, str] | None = None
) -> Dataset:
    """Read the files of `config` and number their tokens.

    Args:
        config: which files, the level, and the sizes that the parts must allow.
        vocabulary: of a run that is resumed; None builds one.
        sha256: of the files of a run that is resumed; None accepts any.

    Raises:
        TextError: a file cannot be used, changed, or a part is shorter than one window.
    """
    hint = "check the path" if sha256 is None else "say where it is now with the --data FILE of train --resume"
    train, valid, test = (read_files(paths, hint) for paths in (config.files, config.valid, config.test))
    files = (*train, *valid, *test)
    if sha256 is not None:
        require_unchanged(files, sha256)
    split = vocabulary.split if isinstance(vocabulary, WordVocabulary) else split_words
    parts = _divide(*(_tokens(part, config.level, split) for part in (train, valid, test)))
    if vocabulary is None:
        vocabulary = _build_vocabulary(config, parts)
    numbers = (_number(vocabulary, part) for part in parts)
    start = choose_start("".join(_readable(file) for file in train), vocabulary)
    sums = {f.path: f.sha256 for f in files}
    dataset = Dataset(vocabulary, next(numbers), next(numbers), next(numbers), sums, start)
    _require_lengths(config, dataset)
    return dataset


_Tokens = str | bytes | list[str]


def _tokens(files: Sequence[TextFile], level: str, split: Callable[[str], list[str]]) -> _Tokens:
    if level == "byte":
        return b"".join(file.content for file in files)
    text = "".join(file.text() for file in files)
    return split(text) if level == "word" else text


def _readable(file: TextFile) -> str:
    """The beginning of a file as text, whatever its bytes are."""
    return file.content[:_BEGINNING].decode("utf-8", errors="replace").removeprefix("\ufeff")


def _divide(train: _Tokens, valid: _Tokens, test: _Tokens) -> tuple[_Tokens, _Tokens, _Tokens]:
    held_out = int(len(train) * HELD_OUT)
    end = len(train)
    if not test:
        train, test = train[: end - held_out], train[end - held_out :]
    end = len(train)
    if not valid:
        train, valid = train[: end - held_out], train[end - held_out :]
    return train, valid, test


def _build_vocabulary(config: DataConfig, parts: Sequence[_Tokens]) -> Vocabulary:
    if config.level == "byte":
        return ByteVocabulary()
    if config.level == "word":
        return WordVocabulary.of(list(map(str, parts[0])), config.vocabulary_size)
    return CharacterVocabulary.of("".join(map(str, parts)))


def _number(vocabulary: Vocabulary, tokens: _Tokens) -> Tensor:
    if isinstance(tokens, bytes):
        return torch.frombuffer(bytearray(tokens), dtype=torch.uint8)
    numbers = vocabulary.encode(tokens) if isinstance(tokens, str) else _word_numbers(vocabulary, tokens)
    return torch.tensor(numbers, dtype=torch.int32)


def _word_numbers(vocabulary: Vocabulary, tokens: list[str]) -> list[int]:
    assert isinstance(vocabulary, WordVocabulary)
    return vocabulary.numbers(tokens)


def _require_lengths(config: DataConfig, dataset: Dataset) -> None:
    unit = UNITS[config.level]
    needed = config.batch_size * config.window + 1
    if len(dataset.train) < needed:
        raise TextError(
            f"text: expected at least {needed:,} {unit}s to train on ({config.batch_size} streams × a window of "
            f"{config.window} + 1), got {len(dataset.train):,}; give more text or a smaller --batch-size or --window"
        )
    for name, part in (("validation", dataset.valid), ("test", dataset.test)):
        if len(part) < 2:
            raise TextError(f"text: expected at least 2 {unit}s for {name}, got {len(part)}; give more text")
