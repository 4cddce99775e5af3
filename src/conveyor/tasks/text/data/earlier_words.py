"""Words by the rule of earlier checkpoints, which knew letters and apostrophes but no combining marks or joiners.

Runs that began with it go on with it: their vocabularies hold its tokens. White space but line ends is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

RULE = "letters"
_WORD = re.compile(r"\n|[^\W_]+(?:['’][^\W_]+)*|[^\w\s]|_")
_NO_SPACE_BEFORE = frozenset(".,;:!?)]}’”\n")
_NO_SPACE_AFTER = frozenset("([{‘“\n")


def split_words(text: str) -> list[str]:
    """Split text into words (inner apostrophes belong to them), punctuation marks and line ends."""
    return _WORD.findall(text)


def join_words(tokens: Iterable[str]) -> str:
    """Set tokens as text is: no space before a full stop or after an opening bracket."""
    pieces: list[str] = []
    for token in tokens:
        if pieces and pieces[-1] not in _NO_SPACE_AFTER and token not in _NO_SPACE_BEFORE:
            pieces.append(" ")
        pieces.append(token)
    return "".join(pieces)
