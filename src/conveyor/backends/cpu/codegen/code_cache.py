"""The cache of compiled code on disk. If the folder is damaged, the code is compiled again.

Any number of processes may use the folder at once, without a lock: an entry appears whole or not at all, and what one
process removes, another that has just looked for it compiles again. Only files that are named as ours are ever removed,
since `CONVEYOR_CACHE` may be any folder.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = "CONVEYOR_CACHE"
LIMIT = 256 * 2**20
"""Bytes that the folder holds at most; the entries that were not used for longest go first."""
STALE = 3600.0
"""Seconds after which a file that is still being written belongs to a process that was killed."""

_WRITING = ".writing-"
_ENTRY = re.compile(r"[0-9a-f]{64}")
_KEPT = 0.75  # of the limit, when it is passed: so that not every further entry trims again
_TOUCH = 600.0  # seconds between two notes of an entry's use


@dataclass(frozen=True)
class Usage:
    """The size of the cache on disk.

    Attributes:
        entries: The number of cached modules.
        bytes: Their size, including files that are being written.
    """

    entries: int
    bytes: int


@dataclass(frozen=True)
class _File:
    path: Path
    bytes: int
    used: float  # when it was last used, in seconds

    @property
    def is_entry(self) -> bool:
        return not self.path.name.startswith(_WRITING)


def folder() -> Path:
    """Return the folder of the cache: `CONVEYOR_CACHE`, or the user's cache folder.

    Raises:
        RuntimeError: There is no home folder.
    """
    chosen = os.environ.get(ENVIRONMENT)
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "conveyor"


def usage() -> Usage:
    """Return the number of entries and bytes in the cache; zero if the folder can't be read."""
    try:
        found = list(_files(folder()))
    except (OSError, RuntimeError):
        found = []
    return Usage(sum(f.is_entry for f in found), sum(f.bytes for f in found))


def read(key: str) -> bytes | None:
    """Read the code of a key; None if it is missing or damaged."""
    try:
        path = folder() / key
        data = path.read_bytes()
    except (OSError, RuntimeError):  # RuntimeError: no home folder
        return None
    digest, code = data[:32], data[32:]
    if hashlib.sha256(code).digest() != digest:
        return None
    _note_use(path)
    return code


def write(key: str, code: bytes) -> None:
    """Write the code of a key atomically, also when several processes write it."""
    try:
        place = folder()
        place.mkdir(parents=True, exist_ok=True)
        # As readable as the user's other files are: a cache may be filled by one user and read by others.
        name = place / f"{_WRITING}{os.getpid()}-{secrets.token_hex(8)}"
        handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(code).digest() + code)
            os.replace(name, place / key)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise
        _trim(place)
    except (OSError, RuntimeError):
        return  # read-only or full: this process has the code, the next compiles again


def _note_use(path: Path) -> None:
    """Set an entry's modification time to its last use; many systems do not keep access times."""
    with suppress(OSError):
        if time.time() - path.stat().st_mtime > _TOUCH:
            os.utime(path)


def _files(place: Path) -> Iterator[_File]:
    """List the files in the folder that this cache has written."""
    with os.scandir(place) as found:
        for item in found:
            if item.name.startswith(_WRITING) or _ENTRY.fullmatch(item.name):
                with suppress(FileNotFoundError):  # another process has just removed or renamed it
                    about = item.stat(follow_symlinks=False)
                    if stat.S_ISREG(about.st_mode):
                        yield _File(Path(item.path), about.st_size, about.st_mtime)


def _trim(place: Path) -> None:
    """Remove temporary files of killed processes and, above the size limit, the least recently used entries."""
    found = list(_files(place))
    now = time.time()
    for file in found:
        if not file.is_entry and now - file.used > STALE:
            _remove(file)
    entries = sorted((f for f in found if f.is_entry), key=lambda f: f.used)
    left = sum(f.bytes for f in entries)
    if left <= LIMIT:
        return
    for file in entries[:-1]:  # the last is the one just written
        if left <= _KEPT * LIMIT:
            break
        _remove(file)
        left -= file.bytes


def _remove(file: _File) -> None:
    with suppress(OSError):
        file.path.unlink()
