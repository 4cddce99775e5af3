"""Fonts for text of any script: installed ones that have the characters which the usual fonts lack."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

_MOST_NAMED = 6


class MissingGlyphs(UserWarning):
    """No installed font has some characters of a picture, which shows their numbers instead."""


def families_for(text: Iterable[str], usual: str) -> tuple[list[str], frozenset[str]]:
    """Choose the font families that a text is drawn with.

    Args:
        text: its characters.
        usual: a family; what it has is drawn with it.

    Returns:
        The families, `usual` first, and the characters that no installed font has.
    """
    from matplotlib import font_manager

    path = str(font_manager.findfont(font_manager.FontProperties(family=[usual])))
    missing = {c for c in text if not c.isspace() and not _has(path, c)}
    families = [usual]
    if missing:
        _learn_fonts()
    while missing:
        path, name = max(_installed(), key=lambda font: (sum(_has(font[0], c) for c in missing), font[1]))
        covered = {c for c in missing if _has(path, c)}
        if not covered:
            break
        families.append(name)
        missing -= covered
    return families, frozenset(missing)


def escape_missing(text: str, missing: frozenset[str]) -> str:
    r"""Write characters that no font has as `\u4e2d`."""
    return "".join(_escaped(c) if c in missing else c for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    if 0x2400 <= code <= 0x2421:  # the sign of a control character, whose own number says more
        code = 0x7F if code == 0x2421 else code - 0x2400
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def warn_of_missing(missing: frozenset[str]) -> None:
    """Say once for a picture which characters no font has."""
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


@lru_cache(maxsize=1)
def _learn_fonts() -> None:
    """Tell matplotlib of fonts that were installed since it made its list."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    known = {Path(entry.fname).resolve() for entry in fontManager.ttflist}
    for path in findSystemFonts():
        if Path(path).resolve() not in known:
            try:
                fontManager.addfont(path)
            except Exception:  # noqa: BLE001  a damaged font raises whatever its reader does: go on without it
                continue


@lru_cache(maxsize=512)
def _face(path: str) -> Any:
    from matplotlib.ft2font import FT2Font

    try:
        return FT2Font(path)
    except (OSError, RuntimeError):
        return None


@lru_cache(maxsize=2**16)
def _has(path: str, character: str) -> bool:
    face = _face(path)
    return face is not None and face.get_char_index(ord(character)) != 0
