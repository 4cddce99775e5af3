"""Static libraries, `ar` files with a table of symbols, in the three forms that linkers read.

GNU: members' names end with a slash, and the table is a member named `/` with big-endian numbers. BSD, which macOS
reads: long names stand before the data, and the table is `__.SYMDEF` with little-endian numbers. Windows reads GNU's.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

MAGIC = b"!<arch>\n"


def write_archive(name: str, data: bytes, symbols: Sequence[str], is_bsd: bool) -> bytes:
    """Makes a library of one object.

    Args:
        name: The object's file name.
        data: The object.
        symbols: The names that it defines, as the object spells them.
        is_bsd: Whether it is for macOS.
    """
    return _bsd(name, data, symbols) if is_bsd else _gnu(name, data, symbols)


def _gnu(name: str, data: bytes, symbols: Sequence[str]) -> bytes:
    names = b"".join(s.encode() + b"\0" for s in symbols)
    table_size = 4 + 4 * len(symbols) + len(names)
    long_names = b"" if len(name) < 16 else name.encode() + b"/\n"
    start = len(MAGIC) + _room(table_size) + (_room(len(long_names)) if long_names else 0)
    table = struct.pack(f">I{len(symbols)}I", len(symbols), *[start] * len(symbols)) + names
    found = MAGIC + _member("/", table)
    found += _member("//", long_names) if long_names else b""
    return found + _member("/0" if long_names else f"{name}/", data)


def _bsd(name: str, data: bytes, symbols: Sequence[str]) -> bytes:
    names = b"".join(s.encode() + b"\0" for s in symbols)
    names += b"\0" * (-len(names) % 8)
    table_size = 4 + 8 * len(symbols) + 4 + len(names)
    head = _bsd_name("__.SYMDEF")
    start = len(MAGIC) + _room(len(head) + table_size)
    offsets, at = [], 0
    for s in symbols:
        offsets += [at, start]
        at += len(s) + 1
    table = struct.pack("<I", 8 * len(symbols)) + struct.pack(f"<{len(offsets)}I", *offsets)
    table += struct.pack("<I", len(names)) + names
    return (
        MAGIC + _member(f"#1/{len(head)}", head + table) + _member(f"#1/{len(_bsd_name(name))}", _bsd_name(name) + data)
    )


def _bsd_name(name: str) -> bytes:
    """A name before the data, filled so that the data begins at a multiple of eight behind a header of sixty bytes."""
    raw = name.encode()
    return raw + b"\0" * (-(len(raw) + 60) % 8)


def _member(name: str, data: bytes) -> bytes:
    """A member: its header of sixty bytes, then the data, filled to an even number."""
    head = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode()
    return head + data + b"\n" * (len(data) % 2)


def _room(size: int) -> int:
    return 60 + size + size % 2
