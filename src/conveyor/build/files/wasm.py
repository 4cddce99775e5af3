"""Links one WebAssembly object into a module: a memory, the weights in it, and the functions by name.

The object is as the tool conventions of WebAssembly have it ("linking" and "reloc" sections): it imports its memory and
perhaps the stack pointer, and leaves addresses and indices to be filled in. With a single object no index changes, so
that linking is to place the data, to write the addresses, and to define what was imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from conveyor.errors import BackendError

PAGE = 65536
START = 1024  # of the data; address 0 stays unused
STACK = 8192  # bytes, if there is a stack at all
_MAGIC = b"\0asm\x01\0\0\0"
_CUSTOM, _TYPE, _IMPORT, _FUNCTION, _MEMORY, _GLOBAL, _EXPORT, _CODE, _DATA = 0, 1, 2, 3, 5, 6, 7, 10, 11
_FUNCTION_INDEX, _ADDRESS, _SIGNED_ADDRESS, _TYPE_INDEX, _GLOBAL_INDEX = 0, 3, 4, 6, 7


class _Reader:
    """Reads numbers and strings off bytes."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def whole(self) -> int:
        """An unsigned LEB128 number."""
        value = shift = 0
        while True:
            b = self.byte()
            value |= (b & 0x7F) << shift
            shift += 7
            if b < 0x80:
                return value

    def signed(self) -> int:
        """A signed LEB128 number."""
        value = shift = 0
        while True:
            b = self.byte()
            value |= (b & 0x7F) << shift
            shift += 7
            if b < 0x80:
                return value - (1 << shift) if b & 0x40 else value

    def take(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def text(self) -> str:
        return self.take(self.whole()).decode()

    @property
    def is_done(self) -> bool:
        return self.at >= len(self.data)


def _whole(value: int) -> bytes:
    found = bytearray()
    while True:
        found.append((value & 0x7F) | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(found)


def _padded(value: int) -> bytes:
    """A LEB128 number in five bytes."""
    return bytes([(value >> 7 * k) & 0x7F | (0x80 if k < 4 else 0) for k in range(5)])


def _text(value: str) -> bytes:
    return _whole(len(value.encode())) + value.encode()


def _section(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + _whole(len(body)) + body


@dataclass
class _Segment:
    """Data of the object: its alignment and bytes, and where they are put."""

    data: bytes
    align: int = 1
    address: int = 0


@dataclass
class _Symbol:
    """The symbol of a relocation: a function, a place in a segment, or a global."""

    kind: int
    name: str = ""
    index: int = 0
    offset: int = 0
    is_defined: bool = True


@dataclass
class _Object:
    """The parts of an object that linking needs."""

    types: bytes = b""
    functions: bytes = b""
    code: bytearray = field(default_factory=bytearray)
    segments: list[_Segment] = field(default_factory=list)
    symbols: list[_Symbol] = field(default_factory=list)
    relocations: list[tuple[int, int, int, int]] = field(default_factory=list)
    has_stack: bool = False


def link(data: bytes, exports: Sequence[str]) -> tuple[bytes, int]:
    """Links an object.

    Args:
        data: The object.
        exports: The names of the functions that the module shows, beside its `memory`.

    Returns:
        The module, and the first address that it leaves to its user.

    Raises:
        BackendError: The object needs something that it does not hold.
    """
    found = _read(data)
    end = _place(found)
    top = -(-end // 16) * 16 + (STACK if found.has_stack else 0)
    for kind, offset, index, addend in found.relocations:
        _fill(found, kind, offset, index, addend)
    indices = {s.name: s.index for s in found.symbols if s.kind == 0 and s.is_defined}
    shown = [_text("memory") + b"\x02\x00"] + [_text(n) + b"\x00" + _whole(indices[n]) for n in exports]
    pages = -(-top // PAGE)
    made = _MAGIC + _section(_TYPE, found.types) + _section(_FUNCTION, found.functions)
    made += _section(_MEMORY, b"\x01\x00" + _whole(pages))
    if found.has_stack:
        made += _section(_GLOBAL, b"\x01\x7f\x01\x41" + _signed(top) + b"\x0b")
    made += _section(_EXPORT, _whole(len(shown)) + b"".join(shown)) + _section(_CODE, bytes(found.code))
    parts = [b"\x00\x41" + _signed(s.address) + b"\x0b" + _whole(len(s.data)) + s.data for s in found.segments]
    return made + _section(_DATA, _whole(len(parts)) + b"".join(parts)), top


def _signed(value: int) -> bytes:
    found = bytearray()
    while True:
        b = value & 0x7F
        value >>= 7
        if (value == 0 and not b & 0x40) or (value == -1 and b & 0x40):
            return bytes([*found, b])
        found.append(b | 0x80)


def _place(found: _Object) -> int:
    """Gives every segment its address; returns the first one behind them."""
    at = START
    for segment in found.segments:
        at = -(-at // segment.align) * segment.align
        segment.address = at
        at += len(segment.data)
    return at


def _fill(found: _Object, kind: int, offset: int, index: int, addend: int) -> None:
    """Writes one address or index into the code."""
    if kind == _TYPE_INDEX:
        value = index
    else:
        symbol = found.symbols[index]
        if not symbol.is_defined and kind != _GLOBAL_INDEX:
            raise BackendError(f"the object needs {symbol.name}, which it does not hold")
        if kind in (_FUNCTION_INDEX, _GLOBAL_INDEX):
            value = symbol.index
        elif kind in (_ADDRESS, _SIGNED_ADDRESS):
            value = found.segments[symbol.index].address + symbol.offset + addend
        else:
            raise BackendError(f"the object has a relocation of kind {kind}, which is not known here")
    found.code[offset : offset + 5] = _padded(value)


def _sections(data: bytes) -> Iterator[tuple[int, str, bytes]]:
    reader = _Reader(data)
    if reader.take(8) != _MAGIC:
        raise BackendError("this is no WebAssembly object")
    while not reader.is_done:
        kind, body = reader.byte(), _Reader(reader.take(reader.whole()))
        name = body.text() if kind == _CUSTOM else ""
        yield kind, name, body.data[body.at :]


def _read(data: bytes) -> _Object:
    found = _Object()
    for kind, name, body in _sections(data):
        if kind == _TYPE:
            found.types = body
        elif kind == _FUNCTION:
            found.functions = body
        elif kind == _CODE:
            found.code = bytearray(body)
        elif kind == _IMPORT:
            _read_imports(found, _Reader(body))
        elif kind == _DATA:
            _read_data(found, _Reader(body))
        elif name == "linking":
            _read_linking(found, _Reader(body))
        elif name == "reloc.CODE":
            _read_relocations(found, _Reader(body))
    return found


def _read_imports(found: _Object, reader: _Reader) -> None:
    for _ in range(reader.whole()):
        reader.text()
        name, kind = reader.text(), reader.byte()
        if kind == 0:
            raise BackendError(f"the object calls {name}, which it does not hold")
        if kind == 1:  # a table
            reader.byte()
            _limits(reader)
        elif kind == 2:
            _limits(reader)
        else:
            reader.take(2)
            found.has_stack = True


def _limits(reader: _Reader) -> None:
    flags = reader.whole()
    reader.whole()
    if flags & 1:
        reader.whole()


def _read_data(found: _Object, reader: _Reader) -> None:
    for _ in range(reader.whole()):
        reader.whole()
        reader.byte()  # i32.const
        reader.signed()
        reader.byte()  # end
        found.segments.append(_Segment(reader.take(reader.whole())))


def _read_linking(found: _Object, reader: _Reader) -> None:
    reader.whole()  # version
    while not reader.is_done:
        kind, body = reader.byte(), _Reader(reader.take(reader.whole()))
        if kind == 5:
            for segment in (found.segments[k] for k in range(body.whole())):
                body.text()
                segment.align = 1 << body.whole()
                body.whole()
        elif kind == 8:
            found.symbols = [_read_symbol(body) for _ in range(body.whole())]


def _read_symbol(reader: _Reader) -> _Symbol:
    kind, flags = reader.byte(), reader.whole()
    is_defined = not flags & 0x10
    found = _Symbol(kind, is_defined=is_defined)
    if kind == 1:
        found.name = reader.text()
        if is_defined:
            found.index, found.offset, _ = reader.whole(), reader.whole(), reader.whole()
    elif kind == 3:
        found.index = reader.whole()
    else:
        found.index = reader.whole()
        if is_defined or flags & 0x40:
            found.name = reader.text()
    return found


def _read_relocations(found: _Object, reader: _Reader) -> None:
    reader.whole()  # the section
    for _ in range(reader.whole()):
        kind, offset, index = reader.byte(), reader.whole(), reader.whole()
        addend = reader.signed() if kind in (_ADDRESS, _SIGNED_ADDRESS) else 0
        found.relocations.append((kind, offset, index, addend))
