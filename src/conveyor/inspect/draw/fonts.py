"""Fonts for text of any script: installed ones with the characters that the usual fonts lack."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

_MOST_NAMED = 6


class MissingGlyphs(UserWarning):
    """The warning about characters that no installed font has; the picture shows their code points."""


def families_for(text: Iterable[str], usual: Sequence[str]) -> tuple[list[str], frozenset[str]]:
    """Choose the font families that a text is drawn with.

    Args:
        text: its characters.
        usual: families; what they have is drawn with them.

    Returns:
        The families, `usual` first, and the characters that no installed font has.
    """
    from matplotlib.font_manager import FontProperties, findfont

    missing = {c for c in text if not c.isspace()}
    for family in usual:
        missing -= _covered(str(findfont(FontProperties(family=[family]))), frozenset(missing))
    if not missing:
        return list(usual), frozenset()
    others, lacking = _choose(frozenset(missing))
    return [*usual, *others], lacking


@lru_cache(maxsize=64)
def _choose(missing: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Choose few installed families that have the characters, and return the characters that none has."""
    _learn_fonts()
    having: dict[str, set[str]] = {}
    for path, name in _installed():
        having.setdefault(name, set()).update(_covered(path, missing))
    families, left = [], set(missing)
    while left:
        name = max(sorted(having), key=lambda name: len(having[name] & left))
        if not having[name] & left:
            break
        families.append(name)
        left -= having[name]
    return tuple(families), frozenset(left)


def escape_missing(text: str, missing: frozenset[str]) -> str:
    r"""Escape characters that no font has as `\u4e2d`."""
    return "".join(_escaped(c) if c in missing else c for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    if 0x2400 <= code <= 0x2421:  # the sign of a control character, whose own number says more
        code = 0x7F if code == 0x2421 else code - 0x2400
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def warn_of_missing(missing: frozenset[str]) -> None:
    """Warn once per picture of the characters that no font has."""
    if missing:
        first = sorted(missing)[:_MOST_NAMED]
        named = ", ".join(escape_missing(c, missing) for c in first)
        more = f" and {len(missing) - len(first)} more" if len(missing) > len(first) else ""
        message = f"no installed font has the characters {named}{more}: pictures show their numbers; install a font"
        warnings.warn(message, MissingGlyphs, stacklevel=3)


def _installed() -> list[tuple[str, str]]:
    from matplotlib.font_manager import fontManager

    # matplotlib brings a font that has a box for every character of Unicode: a box tells nothing.
    return [(entry.fname, entry.name) for entry in fontManager.ttflist if not entry.name.startswith("Last Resort")]


def _learn_fonts() -> None:
    """Add the fonts to matplotlib that were installed since it made its list."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    known = {Path(entry.fname).resolve() for entry in fontManager.ttflist}
    for path in findSystemFonts():
        if Path(path).resolve() not in known:
            try:
                fontManager.addfont(path)
            except Exception:  # noqa: BLE001  a damaged font raises whatever its reader does: go on without it
                continue


@lru_cache(maxsize=4096)
def _covered(path: str, characters: frozenset[str]) -> frozenset[str]:
    """Return the characters that a font has; its file is not kept open."""
    from matplotlib.ft2font import FT2Font

    if not characters:
        return characters
    try:
        face = FT2Font(path)
    except (OSError, RuntimeError):
        return frozenset()
    return frozenset(c for c in characters if face.get_char_index(ord(c)))
