"""The current paths of an earlier run's texts: unchanged, beside the run as before, or where the user says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from conveyor.errors import TextError
from conveyor.tasks.files import SHIPPED
from conveyor.tasks.text.config import DataConfig
from conveyor.tasks.text.data.corpus import read_file


@dataclass(frozen=True)
class Located:
    """The texts of a run, where they are now.

    Attributes:
        config: the run's, with the absolute paths of now.
        sha256: that each text had when the run began, by its path of now.
    """

    config: DataConfig
    sha256: dict[str, str]


def locate(config: DataConfig, recorded: Mapping[str, str], folder: Path, given: Sequence[Path] = ()) -> Located:
    """Find the texts of the run in `folder`; a text that is nowhere keeps its path of then.

    A text is looked for among `given`, at its path of then, and at the places that have the same position relative to
    the run as it had; what has its SHA-256 is it.

    Args:
        config: of the run.
        recorded: SHA-256 of its texts by absolute path, as its checkpoint has them.
        folder: of the run.
        given: files and folders in which a user says that the texts are.

    Raises:
        TextError: a file among `given` is missing, or none of the run's texts.
    """
    files = _require_texts_of_run(recorded, given)
    found = {path: _find(path, checksum, folder, given, files) for path, checksum in recorded.items()}
    paths = {path: _path_then(path, recorded) for path in (*config.files, *config.valid, *config.test)}

    def now(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(found.get(paths[name], paths[name]) for name in names)

    moved = replace(config, files=now(config.files), valid=now(config.valid), test=now(config.test))
    return Located(moved, {found[path]: checksum for path, checksum in recorded.items()})


def _require_texts_of_run(recorded: Mapping[str, str], given: Sequence[Path]) -> list[Path]:
    """The files among what the user says; each must be one of the run's texts."""
    files = [path for path in given if not path.is_dir()]
    for path in files:
        content = read_file(str(path))
        if content.sha256 not in recorded.values():
            expected = ", ".join(f"{name}: {checksum[:12]}…" for name, checksum in recorded.items())
            raise TextError(
                f"--data: {path} is no text of this run (SHA-256 expected {expected}, got {content.sha256[:12]}…); "
                "give the text that the run began with, or start a new run"
            )
    return files


def _path_then(path: str, recorded: Mapping[str, str]) -> str:
    """The absolute path that a path of the configuration meant when the run began."""
    if path in recorded or path.startswith(SHIPPED) or Path(path).is_absolute():
        return path
    alike = [known for known in recorded if Path(known).name == Path(path).name]
    return max(alike, key=lambda known: _common_ending(Path(known), Path(path)), default=path)


def _common_ending(first: Path, second: Path) -> int:
    pairs = zip(reversed(first.parts), reversed(second.parts), strict=False)
    return next((k for k, (a, b) in enumerate(pairs) if a != b), len(second.parts))


def _find(path: str, checksum: str, folder: Path, given: Sequence[Path], files: Sequence[Path]) -> str:
    if path.startswith(SHIPPED):
        return path
    places = _places(path, folder.absolute(), given, files)
    return next((str(place.absolute()) for place in places if _checksum(place) == checksum), path)


def _places(path: str, folder: Path, given: Sequence[Path], files: Sequence[Path]) -> Iterator[Path]:
    """Yield the possible paths of a text: user's files, user's folders, its old path, in or above the run's folder."""
    yield from files
    yield from (place for home in given for place in _endings(path, home))
    yield Path(path)
    yield from (place for home in (folder, *folder.parents) for place in _endings(path, home))


def _endings(path: str, home: Path) -> Iterator[Path]:
    """The places in a folder that end as `path` does, the longest first."""
    parts = Path(path).parts[1:]
    return (home.joinpath(*parts[k:]) for k in range(len(parts)))


def _checksum(path: Path) -> str | None:
    """The SHA-256 of a file; None if there is none that can be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return None
