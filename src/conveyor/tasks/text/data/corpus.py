"""Text files: read whole, checked, and remembered by their SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from conveyor.errors import TextError
from conveyor.tasks.files import full_path, read_bytes


@dataclass(frozen=True)
class TextFile:
    """A text file as it was when it was read.

    Args:
        path: absolute path, or a shipped text's name.
        content: its bytes.
    """

    path: str
    content: bytes

    @property
    def sha256(self) -> str:
        """SHA-256 of the content, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    def text(self) -> str:
        """Decode the content as UTF-8, strictly; a byte order mark is dropped.

        Raises:
            TextError: it is not UTF-8.
        """
        try:
            return self.content.decode("utf-8").removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            raise TextError(
                f"{self.path}: expected UTF-8, got byte 0x{self.content[error.start]:02x} at offset {error.start}; "
                "convert it (iconv -t UTF-8) or train with --level byte"
            ) from error


def read_file(path: str, hint: str = "check the path") -> TextFile:
    """Read one text file.

    Args:
        path: of the file, or a shipped text's name.
        hint: what a user whose file is missing can do.

    Raises:
        TextError: it is missing, a directory, unreadable or empty.
    """
    path = full_path(path)
    return TextFile(path, read_bytes(path, TextError, "text", hint))


def read_files(paths: Sequence[str], hint: str = "check the path") -> tuple[TextFile, ...]:
    """Read text files in order.

    Raises:
        TextError: one of them cannot be used.
    """
    return tuple(read_file(path, hint) for path in paths)


def require_unchanged(files: Sequence[TextFile], recorded: dict[str, str]) -> None:
    """Check that `files` are the ones a run began with.

    Args:
        files: as read now.
        recorded: SHA-256 by path, as read when the run began.

    Raises:
        TextError: one differs.
    """
    for file in files:
        expected = recorded.get(file.path)
        if file.sha256 != expected:
            raise TextError(
                f"{file.path}: changed since the run began (SHA-256 expected {str(expected)[:12]}…, got "
                f"{file.sha256[:12]}…); restore it, say where the old one is with the --data FILE of train "
                "--resume, or start a new run with another --output"
            )
