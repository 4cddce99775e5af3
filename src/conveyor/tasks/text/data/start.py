"""The start of a run's samples: one that its text contains and its vocabulary knows."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import regex

from conveyor.errors import TextError
from conveyor.tasks.text.data.vocabulary import Vocabulary

USUAL = "The "
_LONGEST = 32  # characters of a start
_CUT = 8  # characters as readers see them that are left of a longer one
_FIRST = regex.compile(r"(?>\S.*?\b)", regex.WORD | regex.VERSION1)
_WORD = regex.compile(r"\w")
_CHARACTER = regex.compile(r"\X")


def choose_start(text: str, vocabulary: Vocabulary) -> str:
    """Choose what samples begin with: the most frequent start of a paragraph, or else of a line, with a word in it.

    The text's own beginning wins where none recurs.

    Args:
        text: what the vocabulary's model is trained on.
        vocabulary: of the model; it knows every token of the start.
    """
    lines = text.splitlines()
    starts = Counter(_starts(_paragraphs(lines) or lines))
    ranked = sorted(starts, key=lambda start: (_WORD.search(start) is None, -starts[start]))
    known = (start for start in ranked if knows(vocabulary, start))
    return next(known, None) or usual_start(vocabulary)


def usual_start(vocabulary: Vocabulary) -> str:
    """Choose a start where the text is not at hand: `The `, or the first token that stands for itself."""
    if knows(vocabulary, USUAL):
        return USUAL
    tokens = sorted(vocabulary.tokens, key=lambda token: (_WORD.search(token) is None, not _is_printable(token)))
    return next(token for token in tokens if token and knows(vocabulary, token))


def knows(vocabulary: Vocabulary, start: str) -> bool:
    """Tell whether a vocabulary has every token of a text, and the text has one."""
    try:
        numbers = vocabulary.encode_prompt(start)
    except TextError:
        return False
    return bool(numbers) and vocabulary.unknown not in numbers


def _paragraphs(lines: Sequence[str]) -> list[str]:
    """The first lines of paragraphs, if empty lines set those apart."""
    firsts = [line for before, line in pairwise(["", *lines]) if line.strip() and not before.strip()]
    return firsts if len(firsts) > 1 else []


def _starts(lines: Iterable[str]) -> Iterator[str]:
    """The first word or mark of each line, with the space behind it."""
    for line in map(str.lstrip, lines):
        first = _FIRST.match(line)
        if first is None:
            continue
        start = first.group()
        if len(start) > _LONGEST:
            start = "".join(_CHARACTER.findall(start)[:_CUT])
        elif line[first.end() : first.end() + 2].strip() and line[first.end()] == " ":
            start += " "
        if _is_printable(start):
            yield start


def _is_printable(text: str) -> bool:
    """Tell whether a text has no control characters, and no replacement characters for invalid bytes."""
    return "\ufffd" not in text and not any(unicodedata.category(c) in ("Cc", "Cs") for c in text)
