"""Standard output and error as every command writes them: in any encoding, into closed pipes and onto full disks."""

from __future__ import annotations

import errno
import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from conveyor.views.diagram.markup import escape_controls


class OutputLost(Exception):
    """Standard output takes nothing more: its reader has gone, or its disk is full.

    Attributes:
        reason: why, in words; empty if the reader has gone, which needs no telling.
        note: what became of the work in hand.
    """

    def __init__(self, error: OSError) -> None:
        gone = isinstance(error, BrokenPipeError) or error.errno == errno.ESHUTDOWN
        self.reason = "" if gone else (error.strerror or str(error))
        self.note = ""
        super().__init__(str(error))

    def message(self) -> str:
        """Say what is lost, in a line; nothing where nobody needs to know."""
        if not self.reason and not self.note:
            return ""
        what = f"cannot be written ({self.reason})" if self.reason else "has no reader any more"
        return f"standard output {what}{f'; {self.note}' if self.note else ''}"


class Stream(io.TextIOBase):
    r"""A text stream that writes what its encoding lacks as `\u2014`, and tells in one way that it takes nothing more.

    Args:
        stream: what is written to.
        is_vital: whether to raise when it can't be written; what is written is dropped otherwise.
    """

    def __init__(self, stream: TextIO, *, is_vital: bool) -> None:
        self._stream = stream
        self._is_vital = is_vital
        self._lost: OutputLost | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding's name."""
        return self._stream.encoding or "utf-8"

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """The stream's handling of characters that its encoding lacks."""
        return self._stream.errors

    @property
    def buffer(self) -> Any:
        """The bytes below."""
        return self._stream.buffer

    def fileno(self) -> int:
        """Return the file descriptor below."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Tell whether a person reads it."""
        return self._stream.isatty()

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    def write(self, text: str) -> int:
        """Write a text.

        Raises:
            OutputLost: the stream takes nothing more.
        """
        if self._lost is None:
            try:
                self._stream.write(fit(text, self.encoding, self.errors))
            except OSError as error:
                self._lose(error)
        self._tell()
        return len(text)

    def flush(self) -> None:
        """Write what is held back.

        Raises:
            OutputLost: the stream takes nothing more.
        """
        if self._lost is None:
            try:
                self._stream.flush()
            except OSError as error:
                self._lose(error)
        self._tell()

    def _lose(self, error: OSError) -> None:
        self._lost = OutputLost(error)
        # What is left in the buffer must not fail at exit either.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def _tell(self) -> None:
        # A progress bar is drawn by a thread of its own; the next line of the main thread tells.
        if self._lost is not None and self._is_vital and threading.current_thread() is threading.main_thread():
            raise self._lost


def fit(text: str, encoding: str, errors: str | None = "strict") -> str:
    r"""Write characters that an encoding lacks as Python's escapes, such as `\u2014`."""
    try:
        text.encode(encoding, errors or "strict")
    except UnicodeEncodeError:
        return text.encode(encoding, "backslashreplace").decode(encoding)
    return text


@contextmanager
def guarded() -> Iterator[None]:
    """Put `Stream` in the place of standard output and error; at the end everything is written.

    Raises:
        OutputLost: standard output can't be written.
    """
    before = sys.stdout, sys.stderr
    sys.stdout = Stream(_opened(before[0]), is_vital=True)
    sys.stderr = Stream(_opened(before[1]), is_vital=False)
    try:
        yield
        sys.stdout.flush()
    finally:
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def _opened(stream: TextIO | None) -> TextIO:
    """A stream; one that leads nowhere in place of a closed one, so that no file gets its descriptor."""
    return open(os.devnull, "w", encoding="utf-8") if stream is None else stream  # noqa: SIM115


def print_text(text: str) -> None:
    """Print a text to standard output as it is; on a terminal, control characters are shown and not obeyed.

    Raises:
        OutputLost: it can't be written.
    """
    sys.stdout.write((escape_controls(text) if sys.stdout.isatty() else text) + "\n")
    sys.stdout.flush()


def print_note(message: str) -> None:
    """Print a line to standard error, with the program's name before it."""
    sys.stderr.write(f"conveyor: {escape_controls(' '.join(message.split()))}\n")
    sys.stderr.flush()
