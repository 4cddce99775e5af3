"""The safe reading of HDF5 files: a file's content is untrusted data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conveyor.errors import ArgumentError

Array = NDArray[Any]

# HDF5's compression makes at most a thousandth; a file that claims more holds nothing of it.
_MOST_EXPANSION = 1100
_SMALL = 2**20


def h5py() -> Any:
    """Import the package h5py.

    Raises:
        ArgumentError: It is not installed.
    """
    try:
        import h5py as found
    except ImportError as error:
        raise ArgumentError(f"Keras's files are HDF5 ({error}); pip install 'conveyor[keras]'") from error
    return found


class Group:
    """A group of a file. Links to other files or other places are not followed, nor arrays kept in other files read.

    Args:
        held: h5py's group.
    """

    def __init__(self, held: Any) -> None:
        self._held = held

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    @property
    def address(self) -> Any:
        """The identity of the group: it may be linked in several places, even within itself."""
        return h5py().h5o.get_info(self._held.id).addr

    def group(self, path: str) -> Group | None:
        """Return the group at a path; None if there is none."""
        held = self._at(path)
        return Group(held) if isinstance(held, h5py().Group) else None

    def array(self, path: str) -> Array:
        """Return the array at a path.

        Raises:
            ArgumentError: There is none, or none that may be read.
        """
        held = self._at(path)
        if not isinstance(held, h5py().Dataset) or held.shape is None:
            raise ArgumentError(f"expected an array at '{path}', found none")
        if held.external or held.is_virtual:
            raise ArgumentError(f"the array at '{path}' is kept in another file, which is not read")
        if held.nbytes > _SMALL + _MOST_EXPANSION * held.id.get_storage_size():
            raise ArgumentError(f"the array at '{path}' says it has {held.nbytes:,} bytes, and they are not there")
        if held.attrs.get("dtype") == "bfloat16":
            return _from_bfloat16(np.asarray(held[()]))
        return np.asarray(held[()])

    def _at(self, path: str) -> Any:
        held = self._held
        for part in path.split("/"):
            if not isinstance(held, h5py().Group) or part not in held:
                return None
            if held.get(part, getclass=True, getlink=True) is not h5py().HardLink:
                raise ArgumentError(f"'{path}' is a link to another place or file, which is not followed")
            held = held[part]
        return held

    def text(self, name: str) -> str | None:
        """Return an attribute as text; None if there is none of this name."""
        value = self._held.attrs.get(name)
        return None if value is None else _text(value)

    def names(self, attribute: str) -> list[str]:
        """Return a list of names in an attribute, which Keras splits into several where it is long."""
        found = self._held.attrs.get(attribute)
        if found is None:
            found, part = [], 0
            while f"{attribute}{part}" in self._held.attrs:
                found = [*found, *self._held.attrs[f"{attribute}{part}"]]
                part += 1
        return [_text(n) for n in found]

    def has_names(self, attribute: str) -> bool:
        """Tell whether the group has such an attribute."""
        return attribute in self._held.attrs or f"{attribute}0" in self._held.attrs


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _from_bfloat16(stored: Array) -> Array:
    """Convert bfloat16, the upper half of float32, which NumPy lacks."""
    return (stored.view(np.uint16).astype(np.uint32) << 16).view(np.float32)


@contextmanager
def opened(file: Any, path: Path) -> Iterator[Group]:
    """Open the root group of a file; any error from its content is reported in one line.

    Args:
        file: A path or a file in memory.
        path: Its name in errors.

    Raises:
        ArgumentError: It is damaged, or not as Keras writes it.
    """
    module = h5py()
    try:
        with module.File(file, "r") as root:
            yield Group(root)
    except ArgumentError as error:
        raise ArgumentError(f"{path}: {error}") from error
    # h5py says what is wrong in a file by errors of every kind, and a contrived file trips over what is not to be
    # foreseen: whatever it is, the file is what is wrong.
    except Exception as error:
        raise ArgumentError(f"{path} is damaged, or was not written by Keras ({one_line(error)})") from error


def one_line(error: BaseException) -> str:
    """Return an error's text on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
