"""Properties of a text at each of its characters, once it is read: what probes look for.

Each labeler takes the text and gives one number or boolean a character.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from conveyor.errors import ArgumentError

Booleans = NDArray[np.bool_]
Numbers = NDArray[np.float64]

_APOSTROPHES = "'’"
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_ENDS = ".!?"
# Titles whose full stop ends no sentence.
_TITLES = frozenset("mr mrs ms dr st prof rev capt col gen lt sgt vs etc".split())
_FEMALE = frozenset("she her hers herself woman girl lady mother sister wife daughter queen mrs miss ms".split())
_MALE = frozenset("he him his himself man boy gentleman father brother husband son king mr sir".split())


def inside_quotes(text: str) -> Booleans:
    """Whether a character stands inside quotation marks, the marks themselves among them.

    Straight and curly double marks, «»; single ones where they open a word, so that apostrophes are none. A paragraph
    that ends inside a quotation ends it, unless the next one opens with a mark again.
    """
    found = np.zeros(len(text), dtype=bool)
    depth: list[str] = []
    for k, c in enumerate(text):
        before, after = text[k - 1] if k else " ", text[k + 1] if k + 1 < len(text) else " "
        if text.startswith("\n\n", k):
            depth.clear()
        closes = _closes(c, depth, before, after)
        if not closes and _opens(c, before, after, depth):
            depth.append(c)
        found[k] = bool(depth)
        if closes:
            depth.pop()
    return found


def _opens(c: str, before: str, after: str, depth: list[str]) -> bool:
    if c in "“«":
        return True
    if c == '"':
        return '"' not in depth
    # An apostrophe that opens a word may be a quotation or an elision ('tis): the former has an end later.
    return c in "‘'" and not before.isalnum() and after.isalnum() and (c == "‘" or bool(depth) or before in "—-([ \n")


def _closes(c: str, depth: list[str], before: str, after: str) -> bool:
    if not depth:
        return False
    if depth[-1] == "“":
        return c == "”"
    if depth[-1] == "«":
        return c == "»"
    if depth[-1] == '"':
        return c == '"'
    return c in _APOSTROPHES and not after.isalnum() and not before.isspace()


def inside_brackets(text: str) -> Booleans:
    """Whether a character stands inside round, square or curly brackets, the brackets among them.

    A closing bracket that nothing opened is none.
    """
    found = np.zeros(len(text), dtype=bool)
    opened: list[str] = []
    for k, c in enumerate(text):
        if c in _BRACKETS.values():
            opened.append(c)
        found[k] = bool(opened)
        if c in _BRACKETS and _BRACKETS[c] in opened:
            while opened.pop() != _BRACKETS[c]:
                pass
    return found


def line_position(text: str) -> Numbers:
    """How many characters of its line stand before a character; the end of a line belongs to it."""
    found, count = np.zeros(len(text)), 0
    for k, c in enumerate(text):
        found[k] = count
        count = 0 if c == "\n" else count + 1
    return found


def word_length(text: str) -> Numbers:
    """Letters of the word so far, this one too; zero outside words. An apostrophe inside a word is part of it."""
    found, count = np.zeros(len(text)), 0
    for k, c in enumerate(text):
        inner = c in _APOSTROPHES and count > 0 and k + 1 < len(text) and text[k + 1].isalpha()
        count = count + 1 if c.isalnum() or inner else 0
        found[k] = count
    return found


def sentence_position(text: str) -> Numbers:
    """How many words of its sentence were begun, that of this character too.

    A sentence ends with . ! or ? before white space, quotation marks and brackets aside, or at an empty line; not after
    a title (Mr.), an initial (J.) or inside a number.
    """
    found, words, within, ended = np.zeros(len(text)), 0, False, False
    for k, c in enumerate(text):
        starts = c.isalnum() and not within
        if text.startswith("\n\n", k) or (ended and starts):
            words, ended = 0, False
        words += starts
        within = c.isalnum() or (within and c in _APOSTROPHES + "-")
        if c in _ENDS:
            rest = text[k + 1 : k + 4].lstrip("\"'”’)]»")
            ended = ended or (not rest or rest[0].isspace()) and not _is_title(text, k)
        found[k] = words
    return found


def _is_title(text: str, k: int) -> bool:
    found = re.search(r"([^\W\d_]+)$", text[max(0, k - 12) : k])
    if text[k] != "." or found is None:
        return False
    word = found[1]
    return word.lower() in _TITLES or (len(word) == 1 and word.isupper() and word != "I")


# Given names that are common in English and hardly ever the other gender's.
_NAMES = {
    **dict.fromkeys("alice anna anne betty carol catherine charlotte diana dorothy elizabeth emily emma".split(), 1.0),
    **dict.fromkeys("florence helen jane joan julia karen laura linda lucy maria margaret martha mary".split(), 1.0),
    **dict.fromkeys("nancy olivia patricia rachel rebecca rose ruth sarah sophia susan victoria".split(), 1.0),
    **dict.fromkeys("adam albert alexander andrew anthony arthur charles christopher daniel david edward".split(), 0.0),
    **dict.fromkeys("frank frederick george henry jack jacob james john joseph mark matthew michael".split(), 0.0),
    **dict.fromkeys(
        "oliver patrick paul peter philip richard robert samuel stephen thomas walter william".split(), 0.0
    ),
}


def gender(text: str, names: Mapping[str, float] | None = None) -> Numbers:
    """Of the last pronoun, gendered word or name that was read to its end: 1 female, 0 male, NaN before the first.

    Args:
        text: The text.
        names: Names in lower case and their genders, 1 or 0, beside the common English ones; they win over these.
    """
    known = _NAMES | dict(names or {})
    found, last, start = np.full(len(text), np.nan), np.nan, 0
    for k, c in enumerate(text):
        if c.isalpha():
            start = k if k == 0 or not text[k - 1].isalpha() else start
        elif k and text[k - 1].isalpha():
            word = text[start:k].lower()
            if text[start].isupper() and word in known:
                last = known[word]
            else:
                last = 1.0 if word in _FEMALE else 0.0 if word in _MALE else last
        found[k] = last
    return found


LABELERS: Mapping[str, Callable[[str], Booleans | Numbers]] = {
    "inside quotation marks": inside_quotes,
    "inside brackets": inside_brackets,
    "position in the line": line_position,
    "letters of the word so far": word_length,
    "words of the sentence so far": sentence_position,
    "gender of the last pronoun or name": gender,
}


def label(text: str, what: str) -> Booleans | Numbers:
    """The property `what` of each character of a text.

    Raises:
        ArgumentError: No labeler has that name.
    """
    if what not in LABELERS:
        raise ArgumentError(f"what: no labeler is called {what!r}; they are {', '.join(LABELERS)}")
    return LABELERS[what](text)
