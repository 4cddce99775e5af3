"""The output folder: may it be written, and is nobody else writing it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout

from conveyor.errors import ArgumentError

_LOCK = ".conveyor-lock"


def is_free(folder: Path) -> bool:
    """Tell whether a path does not exist or is an empty folder."""
    return not folder.exists() or (folder.is_dir() and not any(p.name != _LOCK for p in folder.iterdir()))


def numbered(path: Path) -> Iterator[Path]:
    """Count up the names `runs/demo`, `runs/demo-2`, … or `forecast.csv`, `forecast-2.csv`, … without end."""
    yield path
    yield from (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))


def free_name(path: Path) -> Path:
    """Choose the path, or the first of its numbered neighbours with nothing in it."""
    return next(name for name in numbered(path) if is_free(name))


def require_free(folder: Path, *, force: bool) -> None:
    """Refuse to overwrite what is in `folder`, unless forced.

    Raises:
        ArgumentError: something is there, or that cannot be found out.
    """
    try:
        refused = not force and not is_free(folder)
    except OSError as error:
        raise ArgumentError(f"output: {folder} cannot be read ({error.strerror}); name another") from error
    if refused:
        raise ArgumentError(f"output: {folder} exists and isn't empty; name another, or overwrite it with --force")


def require_writable(folder: Path) -> None:
    """Create `folder`, and make sure before any long work that it can be written.

    Raises:
        ArgumentError: it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ArgumentError(f"output: {folder} cannot be written ({error.strerror}); name another") from error


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Create `folder`, make sure that it can be written, and keep other processes out of it.

    Raises:
        ArgumentError: it cannot be written, or another process trains in it.
    """
    require_writable(folder)
    try:
        lock = FileLock(folder / _LOCK)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ArgumentError(f"output: another process is training in {folder}; wait for it, or name another") from error
    except OSError as error:
        raise ArgumentError(f"output: {folder} cannot be written ({error.strerror}); name another") from error
    try:
        yield
    finally:
        lock.release()
