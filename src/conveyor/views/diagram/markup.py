"""Text that stands in SVG, HTML and on terminals: what no markup may hold is shown by a sign in its place."""

from __future__ import annotations

from html import escape

# XML 1.0 allows no control characters but tab, line feed and carriage return, no surrogates, and not U+FFFE and U+FFFF
# (https://www.w3.org/TR/xml/#charsets); HTML refuses all other noncharacters, DEL and U+0080 to U+009F as well, and a
# carriage return would come back as a line feed.
_SIGNS = {
    **{code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n"},
    0x7F: "\u2421",
    **{code: f"\\x{code:02x}" for code in range(0x80, 0xA0)},
    **{code: f"\\u{code:04x}" for code in (*range(0xD800, 0xE000), *range(0xFDD0, 0xFDF0))},
    **{
        code: f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
        for plane in range(17)
        for code in (plane * 0x10000 + 0xFFFE, plane * 0x10000 + 0xFFFF)
    },
}
_TERMINAL = {code: f"\\x{code:02x}" for code in (*range(0x20), 0x7F, *range(0x80, 0xA0)) if chr(code) not in "\t\n"}


def well_formed(markup: str) -> str:
    """Replace in XML or HTML, or text for them, every character that they may not hold by a sign that shows it."""
    return markup.translate(_SIGNS)


def escape_text(text: str) -> str:
    """Escape a text for the content or an attribute of XML or HTML."""
    return escape(well_formed(text))


def escape_controls(text: str) -> str:
    r"""Replace control characters but tab and line feed by escapes such as `\x1b`."""
    return text.translate(_TERMINAL)
