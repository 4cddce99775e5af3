"""Properties of a text at each of its tokens, as labels for probes: each function returns one label per token.

A text is a string, whose tokens are its characters, or a list of tokens such as words with the space that follows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from conveyor.errors import ArgumentError

Text = str | Sequence[str]

_FEMALE = set(
    "she her hers herself alice amelia anna anne beatrice bertha caroline catherine charlotte clara dorothy edith"
    " eleanor elizabeth ella ellen emily emma esther eva florence frances grace hannah harriet helen isabel"
    " isabella jane jenny jessica julia juliet karen kate laura lily linda lisa louisa lucy margaret maria marie"
    " martha mary nancy nora olivia patricia rachel rebecca rose ruth sarah sophia sophie susan sylvia victoria".split()
)
_MALE = set(
    "he him his himself aaron abraham adam ahab albert alexander alfred andrew anthony arthur benjamin charles"
    " daniel david edgar edmund edward ernest francis frank frederick george harold harry henry hugh isaac ishmael"
    " jack jacob james jim john jonah joseph joshua laurence lewis louis mark martin matthew michael moses nathan"
    " nicholas oliver oscar patrick paul peter philip queequeg ralph richard robert roger samuel sidney simon"
    " stephen theodore thomas tom walter william".split()
)


def inside_quotes(text: Text) -> Tensor:
    """Labels tokens 1 between quotation marks (“ ”, " ", « »), the opening one included, else 0, (N,).

    An empty line ends a quotation that nothing closes, as printed dialogue does.
    """
    inside, blank = False, 0

    def read(c: str) -> float:
        nonlocal inside, blank
        blank = blank + 1 if c == "\n" else blank if c in " \t\r" else 0
        if c in "“«":
            inside = True
        elif c in "”»" or blank > 1:
            inside = False
        elif c == '"':
            inside = not inside
        return float(inside)

    return _each(text, read)


def inside_brackets(text: Text) -> Tensor:
    """Labels tokens 1 between round, square or curly brackets, the opening one included, else 0, (N,)."""
    depth = 0

    def read(c: str) -> float:
        nonlocal depth
        depth = max(0, depth + (c in "([{") - (c in ")]}"))
        return float(depth > 0)

    return _each(text, read)


def line_position(text: Text) -> Tensor:
    """Label each token with the number of characters read so far in its line, 0 at the line's end, (N,)."""
    column = 0

    def read(c: str) -> float:
        nonlocal column
        column = 0 if c == "\n" else column + 1
        return float(column)

    return _each(text, read)


def word_length(text: Text) -> Tensor:
    """Label each token with the number of letters read so far in its word, 0 between words, (N,)."""
    length = 0

    def read(c: str) -> float:
        nonlocal length
        length = length + 1 if c.isalpha() or (length and c in "'’") else 0
        return float(length)

    return _each(text, read)


def sentence_position(text: Text) -> Tensor:
    """Label each token with the number of words begun so far in its sentence, 0 after its end, (N,)."""
    words, within = 0, False

    def read(c: str) -> float:
        nonlocal words, within
        if c in ".!?":
            words = 0
        words += c.isalpha() and not within
        within = c.isalpha() or (within and c in "'’")
        return float(words)

    return _each(text, read)


def last_gender(text: Text) -> Tensor:
    """Labels tokens with the gender of the last pronoun or English first name: 1 female, 0 male, nan before any, (N,).

    A word counts once it has ended; in a text of tokens, at the end of its token if none of its letters follow.
    """
    tokens = _tokens(text)
    joined = "".join(tokens)
    at = [float("nan")] * (len(joined) + 1)
    for match in re.finditer(r"[^\W\d_]+", joined):
        word = match.group().lower()
        # In a string its end shows in the character behind it, in tokens the token that holds it tells.
        if word in _FEMALE or word in _MALE:
            at[match.end() if isinstance(text, str) else match.end() - 1] = float(word in _FEMALE)
    marks = iter(at)
    last = float("nan")

    def read(c: str) -> float:
        nonlocal last
        mark = next(marks)
        last = last if mark != mark else mark
        return last

    return _each(tokens, read)


LABELERS: dict[str, Callable[[Text], Tensor]] = {
    "inside quotes": inside_quotes,
    "inside brackets": inside_brackets,
    "position in line": line_position,
    "word length so far": word_length,
    "sentence position": sentence_position,
    "gender of the last pronoun or name": last_gender,
}


def all_labels(text: Text) -> dict[str, Tensor]:
    """Returns every property of this file by its name, without those that are constant in this text."""
    found = {name: label(text) for name, label in LABELERS.items()}
    return {name: v for name, v in found.items() if len(v[~v.isnan()].unique()) > 1}


def _each(text: Text, read: Callable[[str], float]) -> Tensor:
    """Returns the label after each token, with `read` called character by character."""
    return torch.tensor(list(_labels(_tokens(text), read)), dtype=torch.float32)


def _labels(tokens: Sequence[str], read: Callable[[str], float]) -> Iterator[float]:
    label = 0.0
    for token in tokens:
        for c in token:
            label = read(c)
        yield label


def _tokens(text: Text) -> Sequence[str]:
    if isinstance(text, str):
        return text
    if not isinstance(text, list | tuple) or not all(isinstance(t, str) for t in text):
        raise ArgumentError(f"text is a string or a list of tokens, got {type(text).__name__}")
    return text
