"""Vocabularies: text to token numbers and back, at the level of characters, bytes or words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import Any

from conveyor.errors import CheckpointError, TextError
from conveyor.tasks.text.data import earlier_words, words


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

    def encode_prompt(self, prompt: str) -> list[int]:
        """Return the token numbers of a text that is to go on."""
        return self.encode(prompt)

    def unknown_parts(self, prompt: str) -> tuple[str, ...]:
        """Return the tokens of a text that is to go on which are read as the unknown token, each once."""
        return ()

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
        _require_whole_characters(text)
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
        _require_whole_characters(text)
        return list(text.encode("utf-8"))

    def decode(self, numbers: Sequence[int]) -> str:
        """Return the text; bytes that are no UTF-8 become U+FFFD."""
        return bytes(numbers).decode("utf-8", errors="replace")

    def to_json(self) -> dict[str, Any]:
        """Return the level alone: the tokens are always the 256 bytes."""
        return {"level": self.level}


class WordVocabulary(Vocabulary):
    """Words, punctuation marks and line ends are tokens, and white space where a reader would not expect it.

    Args:
        tokens: the tokens, the first of them `<unk>`.
        rule: what splits texts: `uax29`, or `letters`, that of earlier checkpoints.
    """

    level = "word"
    unknown = 0

    def __init__(self, tokens: Sequence[str], rule: str = words.RULE) -> None:
        super().__init__(tokens)
        self.rule = rule
        self._split, self._join = _WORD_RULES[rule]

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and self.rule == getattr(other, "rule", None)

    def __hash__(self) -> int:
        return hash((self.rule, super().__hash__()))

    @classmethod
    def of(cls, tokens: Sequence[str], size: int) -> WordVocabulary:
        """Build the vocabulary of `<unk>` and the `size` - 1 most frequent of `tokens`; the earlier wins a tie.

        It holds a word or a mark if there is one, however small it is, so that a prompt can be written.
        """
        ordered = [token for token, _ in Counter(tokens).most_common()]
        chosen = ordered[: size - 1]
        if all(map(words.is_blank, chosen)):
            chosen[-1:] = [token for token in ordered if not words.is_blank(token)][:1] or chosen[-1:]
        return cls([words.UNKNOWN, *chosen])

    def encode(self, text: str) -> list[int]:
        """Return the number of each token; `<unk>` for those not in the vocabulary.

        Raises:
            TextError: the text holds half a character.
        """
        return self.numbers(self.split(text))

    def split(self, text: str) -> list[str]:
        """Split a text into tokens by the vocabulary's rule.

        Raises:
            TextError: the text holds half a character.
        """
        _require_whole_characters(text)
        return self._split(text)

    def numbers(self, tokens: Sequence[str]) -> list[int]:
        """Return the number of each of `tokens`; `<unk>` for those not in the vocabulary."""
        return [self._numbers.get(token, self.unknown) for token in tokens]

    def decode(self, numbers: Sequence[int]) -> str:
        """Return the text, with spaces where they are usual; exactly the encoded one if all of it was known."""
        return self._join(self.tokens[number] for number in numbers)

    def encode_prompt(self, prompt: str) -> list[int]:
        """Return the token numbers of a text that is to go on: the space before the next word is left to that word."""
        return self.numbers(self._prompt_tokens(prompt))

    def unknown_parts(self, prompt: str) -> tuple[str, ...]:
        """Return the tokens of a text that is to go on which are not in the vocabulary, each once."""
        return tuple(dict.fromkeys(token for token in self._prompt_tokens(prompt) if token not in self._numbers))

    def _prompt_tokens(self, prompt: str) -> list[str]:
        tokens = self.split(prompt)
        if len(tokens) > 1 and tokens[-1] == " " and not words.is_blank(tokens[-2]):
            del tokens[-1]
        return tokens

    def to_json(self) -> dict[str, Any]:
        """Return the vocabulary as JSON values; the first rule has no name, as earlier checkpoints don't."""
        values = super().to_json()
        return values if self.rule == earlier_words.RULE else values | {"rule": self.rule}


_WORD_RULES = {
    words.RULE: (words.split_words, words.join_words),
    earlier_words.RULE: (earlier_words.split_words, earlier_words.join_words),
}


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
            rule = values.get("rule", earlier_words.RULE)
            if rule in _WORD_RULES:
                return WordVocabulary(tokens, rule)
            raise CheckpointError(
                f"vocabulary: expected rule {' or '.join(_WORD_RULES)}, got {rule!r}; upgrade conveyor"
            )
    raise CheckpointError(f"vocabulary: expected level char, byte or word with its tokens, got {str(values)[:60]}")


def _require_whole_characters(text: str) -> None:
    """Refuse halves of characters (surrogates), which no file in UTF-8 has: bytes of another encoding, or a cut.

    Raises:
        TextError: there is one.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise TextError(
            f"text cannot be written as UTF-8 at position {error.start} (it holds a byte of another encoding or half a "
            "character); type that character again"
        ) from None
