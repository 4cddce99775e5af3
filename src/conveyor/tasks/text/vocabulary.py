"""Vocabularies: text to token numbers and back, at the level of characters, bytes or words."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import Any

from conveyor.errors import CheckpointError, TextError

UNKNOWN = "<unk>"
_WORD = re.compile(r"\n|[^\W_]+(?:['’][^\W_]+)*|[^\w\s]|_")
_NO_SPACE_BEFORE = frozenset(".,;:!?)]}’”\n")
_NO_SPACE_AFTER = frozenset("([{‘“\n")


class Vocabulary(ABC):
    """Tokens and their numbers.

    Args:
        tokens: the token with number 0, 1, 2, …
    """

    level: str
    unknown: int | None = None
    """Number of the token that stands for every token not in the vocabulary; it is never sampled."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tuple(tokens)
        self._numbers = {token: number for number, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        return len(self.tokens)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and (self.level, self.tokens) == (other.level, other.tokens)

    def __hash__(self) -> int:
        return hash((self.level, self.tokens))

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Return the token numbers of `text`.

        Raises:
            TextError: it has a character that the vocabulary lacks.
        """

    @abstractmethod
    def decode(self, numbers: Sequence[int]) -> str:
        """Return the text of token numbers."""

    def to_json(self) -> dict[str, Any]:
        """Return the vocabulary as JSON values."""
        return {"level": self.level, "tokens": list(self.tokens)}


class CharacterVocabulary(Vocabulary):
    """Every character is a token."""

    level = "char"

    @classmethod
    def of(cls, text: str) -> CharacterVocabulary:
        """Build the vocabulary of all characters of `text`, in the order of their code points."""
        return cls(sorted(set(text)))

    def encode(self, text: str) -> list[int]:
        """Return the number of each character."""
        try:
            return [self._numbers[character] for character in text]
        except KeyError:
            where, character = next((i, c) for i, c in enumerate(text) if c not in self._numbers)
            raise TextError(
                f"text has the unknown character {character!r} (U+{ord(character):04X}) at position {where}; "
                f"the model knows {len(self)} characters: leave it out, or train on text that has it"
            ) from None

    def decode(self, numbers: Sequence[int]) -> str:
        """Return the characters joined."""
        return "".join(self.tokens[number] for number in numbers)


class ByteVocabulary(Vocabulary):
    """Every byte of the UTF-8 text is a token: 256 of them, so that any text can be a prompt."""

    level = "byte"

    def __init__(self) -> None:
        super().__init__([f"{number:02x}" for number in range(256)])

    def encode(self, text: str) -> list[int]:
        """Return the bytes of the text in UTF-8.

        Raises:
            TextError: the text holds half a character.
        """
        try:
            return list(text.encode("utf-8"))
        except UnicodeEncodeError as error:
            raise TextError(
                f"text cannot be written as UTF-8 at position {error.start} ({error.reason}); type that character again"
            ) from None

    def decode(self, numbers: Sequence[int]) -> str:
        """Return the text; bytes that are no UTF-8 become U+FFFD."""
        return bytes(numbers).decode("utf-8", errors="replace")

    def to_json(self) -> dict[str, Any]:
        """Return the level alone: the tokens are always the 256 bytes."""
        return {"level": self.level}


class WordVocabulary(Vocabulary):
    """Words, single punctuation marks and line ends are tokens; other white space is none.

    Args:
        tokens: the tokens, the first of them `<unk>`.
    """

    level = "word"
    unknown = 0

    @classmethod
    def of(cls, tokens: Sequence[str], size: int) -> WordVocabulary:
        """Build the vocabulary of `<unk>` and the `size` - 1 most frequent of `tokens`; the earlier wins a tie."""
        return cls([UNKNOWN, *(token for token, _ in Counter(tokens).most_common(size - 1))])

    def encode(self, text: str) -> list[int]:
        """Return the number of each token; `<unk>` for those not in the vocabulary."""
        return self.numbers(split_words(text))

    def numbers(self, tokens: Sequence[str]) -> list[int]:
        """Return the number of each of `tokens`; `<unk>` for those not in the vocabulary."""
        return [self._numbers.get(token, self.unknown) for token in tokens]

    def decode(self, numbers: Sequence[int]) -> str:
        """Return the tokens set as text is: no space before a full stop or after an opening bracket."""
        pieces: list[str] = []
        for token in (self.tokens[number] for number in numbers):
            if pieces and pieces[-1] not in _NO_SPACE_AFTER and token not in _NO_SPACE_BEFORE:
                pieces.append(" ")
            pieces.append(token)
        return "".join(pieces)


def split_words(text: str) -> list[str]:
    """Split text into words (inner apostrophes belong to them), punctuation marks and line ends."""
    return _WORD.findall(text)


def vocabulary_from_json(values: dict[str, Any]) -> Vocabulary:
    """Build the vocabulary whose `to_json` returned `values`.

    Raises:
        CheckpointError: the values are none.
    """
    match values:
        case {"level": "byte"}:
            return ByteVocabulary()
        case {"level": "char", "tokens": list(tokens)}:
            return CharacterVocabulary(tokens)
        case {"level": "word", "tokens": list(tokens)}:
            return WordVocabulary(tokens)
    raise CheckpointError(f"vocabulary: expected level char, byte or word with its tokens, got {str(values)[:60]}")
