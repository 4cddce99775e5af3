"""Words of any script, by Unicode's default word boundaries, so that a text can be put together again exactly.

A token is what lies between two boundaries of UAX #29 (https://www.unicode.org/reports/tr29/): a word with its
combining marks and joiners, a punctuation mark, a line end. Single spaces are where a reader expects them and are no
tokens: after a word, after a comma, not before one, not between ideographs. What a text has otherwise is written down:
white space of another kind or in another place is a token of its own, and `GLUE` says that there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

import regex

RULE = "uax29"
UNKNOWN = "<unk>"
GLUE = ""
"""The token between two that a text has side by side where a space is usual; no text has an empty token."""

_BOUNDARY = regex.compile(r"\b", regex.WORD | regex.VERSION1)
_SPACE = " "
# Written without spaces: ideographs, kana and their punctuation, the scripts of South-East Asia, the Tibetan tsheg.
_UNSPACED = regex.compile(
    r"[[\p{Line_Break=ID}\p{Line_Break=CJ}\p{Line_Break=NS}\p{Line_Break=SA}\u0F0B\u3000-\u303F\uFF01-\uFF65]"
    r"--\p{Extended_Pictographic}]",
    regex.VERSION1,
)
_TIGHT = regex.compile(r"[\s\p{Pd}/\\]")  # no space on either side
_OPENING = regex.compile(r"""[\p{Ps}\p{Pi}\p{Sc}"'@#¿¡]""")  # a space before, none after
_CLOSING = regex.compile(r"[\p{Pe}\p{Pf}\p{Po}--[&*§¶]]", regex.VERSION1)  # none before, a space after


def split_words(text: str) -> list[str]:
    """Split a text into tokens; `join_words` puts them together again exactly."""
    return list(_tokens(segments(text)))


def segments(text: str) -> list[str]:
    """Split a text at Unicode's default word boundaries; the parts, white space among them, make up the text."""
    ends = [match.start() for match in _BOUNDARY.finditer(text)]
    return [text[a:b] for a, b in pairwise(sorted({0, len(text), *ends}))] if text else []


def join_words(tokens: Iterable[str]) -> str:
    """Put tokens together to a text, with a space between two where one is usual."""
    pieces: list[str] = []
    before = GLUE
    for token in tokens:
        if is_spaced(before, token):
            pieces.append(_SPACE)
        pieces.append(token)
        before = token
    return "".join(pieces)


def is_spaced(before: str, after: str) -> bool:
    """Tell whether a space is usual between two tokens."""
    return _takes_space_after(before) and _takes_space_before(after)


def is_blank(token: str) -> bool:
    """Tell whether a token is glue or white space."""
    return not token or token.isspace()


def _tokens(parts: Sequence[str]) -> Iterator[str]:
    for k, part in enumerate(parts):
        before = parts[k - 1] if k else GLUE
        if part == _SPACE:
            after = parts[k + 1] if k + 1 < len(parts) else GLUE
            if not is_spaced(before, after):
                yield part
            continue
        if is_spaced(before, part):
            yield GLUE
        yield part


@lru_cache(maxsize=2**17)
def _takes_space_after(token: str) -> bool:
    if token == UNKNOWN:
        return True
    if is_blank(token):
        return False
    last = token[-1]
    return not (_UNSPACED.match(last) or _TIGHT.match(last) or _OPENING.match(last))


@lru_cache(maxsize=2**17)
def _takes_space_before(token: str) -> bool:
    if token == UNKNOWN:
        return True
    if is_blank(token):
        return False
    first = token[0]
    if _OPENING.match(first):
        return True
    return not (_UNSPACED.match(first) or _TIGHT.match(first) or _CLOSING.match(first))
