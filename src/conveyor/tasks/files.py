"""Data files: read whole from disk or from what the package ships, with one line for what can't be read."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from conveyor.errors import ConveyorError

SHIPPED = "conveyor:"
"""Prefix of a path that names a file inside the package, such as `conveyor:moby_dick.txt`."""


def full_path(path: str) -> str:
    """Make a path absolute, so that it is found from another folder; a shipped file's name stays."""
    return path if path.startswith(SHIPPED) else str(Path(path).absolute())


def read_bytes(path: str, error: type[ConveyorError], expected: str, hint: str = "check the path") -> bytes:
    """Read a file.

    Args:
        path: of the file, or a shipped file's name.
        error: what is raised.
        expected: what the file should hold, in a word.
        hint: what a user whose file is missing can do.

    Raises:
        ConveyorError: it is missing, a directory, unreadable or empty.
    """
    try:
        if path.startswith(SHIPPED):
            content = resources.files("conveyor").joinpath("data", path.removeprefix(SHIPPED)).read_bytes()
        else:
            content = Path(path).read_bytes()
    except FileNotFoundError as failure:
        raise error(f"{path}: no such file; {hint}") from failure
    except IsADirectoryError as failure:
        raise error(f"{path}: expected a file of {expected}, got a directory; name a file in it") from failure
    except OSError as failure:
        raise error(f"{path}: cannot be read ({failure.strerror})") from failure
    except ValueError as failure:
        raise error(f"{path!r}: cannot be read ({failure}); check the path") from failure
    if not content:
        raise error(f"{path}: expected {expected}, got an empty file")
    return content
