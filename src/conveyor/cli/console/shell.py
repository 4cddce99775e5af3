"""Commands as they are printed for a user to run: a shell takes them as they stand."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import unicodedata
from pathlib import Path


def command(*words: str) -> str:
    """Write a conveyor command as a shell takes it, with the program's path where it is not on the search path."""
    return " ".join([*_program(), *map(quote, words)])


def path_word(path: Path) -> str:
    """Write a path so that no command takes it for an option."""
    return f".{os.sep}{path}" if str(path).startswith("-") else str(path)


def generate_command(folder: Path, start: str, *options: str) -> str:
    """Write the command that samples from the model in `folder`; it names its usual start where that can be read."""
    prompt = ("--prompt", start) if _is_plain(start) else ()
    return command("generate", path_word(folder), *prompt, *options)


def quote(word: str) -> str:
    """Quote a word for a shell; what standard output can't show is written as bytes, which bash and zsh read."""
    if _is_plain(word):
        return shlex.quote(word)
    return "$'" + "".join(_escaped(byte) for byte in os.fsencode(word)) + "'"


def _escaped(byte: int) -> str:
    return chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\x{byte:02x}"


def _is_plain(word: str) -> bool:
    """Tell whether standard output can show every character of a word, and none of them controls a terminal."""
    try:
        word.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in word)


def _program() -> list[str]:
    if shutil.which("conveyor") is not None:
        return ["conveyor"]
    here = Path(sys.executable).with_name("conveyor")
    if not here.exists():
        return [quote(sys.executable), "-m", "conveyor"]
    near = os.path.relpath(here)
    return [quote(near if os.sep in near else f".{os.sep}{near}")]
