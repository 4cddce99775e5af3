"""Compiled code on disk. Whatever is wrong with the folder, the worst that happens is that code is compiled again."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

ENVIRONMENT = "CONVEYOR_CACHE"


def folder() -> Path:
    """Where compiled code lies: `CONVEYOR_CACHE`, or the user's cache folder."""
    chosen = os.environ.get(ENVIRONMENT)
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "conveyor"


def read(key: str) -> bytes | None:
    """The code of this key; None if it is not there, or is not what was written."""
    try:
        data = (folder() / key).read_bytes()
    except (OSError, RuntimeError):  # RuntimeError: no home folder
        return None
    digest, code = data[:32], data[32:]
    return code if hashlib.sha256(code).digest() == digest else None


def write(key: str, code: bytes) -> None:
    """Keep the code of this key; at once whole or not at all, also with several processes writing."""
    try:
        place = folder()
        place.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(code).digest() + code)
            os.replace(name, place / key)
        except BaseException:
            os.unlink(name)
            raise
    except (OSError, RuntimeError):
        return  # read-only or full: this process has the code, the next compiles again
