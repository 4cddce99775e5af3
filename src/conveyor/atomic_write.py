"""Files that appear whole or not at all, and that replace no other unless asked to."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from conveyor.errors import ArgumentError


def as_path(path: Any) -> Path:
    """The name of a file.

    Raises:
        ArgumentError: It is none.
    """
    if not isinstance(path, str | os.PathLike) or not str(path) or "\0" in str(path):
        raise ArgumentError(f"path is the name of a file, got {path!r}")
    return Path(path)


def check_free(path: Path, overwrite: bool) -> None:
    """Refuse a name that a file has already, before work is done for one that can't be written.

    Raises:
        ArgumentError: There is such a file, and it is not to be overwritten.
    """
    if not overwrite and os.path.lexists(path):
        raise _taken(path)


def write(path: Path, data: bytes, overwrite: bool) -> None:
    """Write a file.

    Raises:
        ArgumentError: It is there already, or can't be written.
    """
    try:
        write_durably(path, data, overwrite)
    except FileExistsError:
        raise _taken(path) from None
    except OSError as error:
        raise ArgumentError(f"path: {path} cannot be written: {error.strerror}; give another path") from error


def _taken(path: Path) -> ArgumentError:
    return ArgumentError(f"path: {path} is there already; give another, or overwrite=True")


def write_durably(path: Path, data: bytes, overwrite: bool = True) -> None:
    """Write a file that is on disk when this returns.

    Raises:
        OSError: It can't be written; nothing is left of it, and what stood there is as it was.
    """
    descriptor, temporary = tempfile.mkstemp(prefix=".conveyor-", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        if not overwrite:
            _claim(temporary, path)
        if os.path.lexists(temporary):
            os.replace(temporary, path)
    except BaseException:
        if os.path.lexists(temporary):
            os.unlink(temporary)  # on a full disk half a file would take the room of the next whole one
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    # A rename survives a power cut only once its folder is on disk; Windows neither needs nor allows this.
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _claim(temporary: str, path: Path) -> None:
    """Take a name that no file has, in one step, so that of two writers at once one is refused."""
    try:
        os.link(temporary, path)
        os.unlink(temporary)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: an empty file holds the name until ours replaces it
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
