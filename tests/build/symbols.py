"""The symbols of object files, read here: undefined and defined ones of ELF, COFF and Mach-O."""

from __future__ import annotations

import struct


def symbols(data: bytes) -> tuple[set[str], set[str]]:
    """The names that an object needs, and those that it shows."""
    if data[:4] == b"\x7fELF":
        return _elf(data)
    if data[:4] in (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe"):
        return _mach_o(data)
    assert struct.unpack_from("<H", data)[0] in (0x8664, 0xAA64), data[:4]
    return _coff(data)


def _name(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode()


def _elf(data: bytes) -> tuple[set[str], set[str]]:
    wide = data[4] == 2
    start, size, count = (
        (struct.unpack_from("<Q", data, 40)[0], *struct.unpack_from("<HH", data, 58))
        if wide
        else (struct.unpack_from("<I", data, 32)[0], *struct.unpack_from("<HH", data, 46))
    )
    heads = []
    for k in range(count):
        at = start + k * size
        if wide:
            kind, offset, length, link = struct.unpack_from("<4xI16xQQI", data, at)
        else:
            kind, offset, length, link = struct.unpack_from("<4xI8xIII", data, at)
        heads.append((kind, offset, length, link))
    needs, shows = set(), set()
    for kind, offset, length, link in heads:
        if kind != 2:
            continue
        for at in range(offset + (24 if wide else 16), offset + length, 24 if wide else 16):
            if wide:
                name, info, _, section = struct.unpack_from("<IBBH", data, at)
            else:
                name, info, section = struct.unpack_from("<I8xBxH", data, at)
            if info >> 4 == 0:
                continue  # local
            (needs if section == 0 else shows).add(_name(data, heads[link][1] + name))
    return needs, shows


def _coff(data: bytes) -> tuple[set[str], set[str]]:
    table, count = struct.unpack_from("<II", data, 8)
    strings = table + 18 * count
    needs, shows = set(), set()
    k = 0
    while k < count:
        raw, value, section, storage, more = struct.unpack_from("<8sIh2xBB", data, table + 18 * k)
        name = (
            raw.rstrip(b"\0").decode()
            if raw[:4] != b"\0\0\0\0"
            else _name(data, strings + struct.unpack("<I", raw[4:])[0])
        )
        if storage == 2:
            (needs if section == 0 and value == 0 else shows).add(name)
        k += 1 + more
    return needs, shows


def _mach_o(data: bytes) -> tuple[set[str], set[str]]:
    assert data[:4] == b"\xcf\xfa\xed\xfe"
    (count,) = struct.unpack_from("<I", data, 16)
    at, needs, shows = 32, set(), set()
    for _ in range(count):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == 2:
            table, number, strings, _ = struct.unpack_from("<IIII", data, at + 8)
            for k in range(number):
                name, sort, _, _, value = struct.unpack_from("<IBBHQ", data, table + 16 * k)
                if sort & 1 and not sort & 0xE0:
                    (needs if sort & 0x0E == 0 and value == 0 else shows).add(_name(data, strings + name))
        at += size
    return needs, shows
