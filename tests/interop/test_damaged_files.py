"""Mutated files: what comes out of `cv.load` is a layer or one line of ours, whatever is in the file."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import safetensors.torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open

import conveyor as cv
from conveyor.interop.common import layer_file
from conveyor.interop.common.manifest import KINDS as KINDS_OF_FILES
from interop.layers import KINDS, contents

SAVED: dict[str, bytes] = {}


def saved(kind: str) -> bytes:
    if kind not in SAVED:
        with tempfile.TemporaryDirectory() as folder:
            SAVED[kind] = cv.save(KINDS[kind](), Path(folder) / "f").read_bytes()
    return SAVED[kind]


def load(data: bytes) -> Any:
    """The layer, or None where the file was refused, in one line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f"
        path.write_bytes(data)
        try:
            return cv.load(path)
        except cv.ArgumentError as error:
            assert "\n" not in str(error) and "path: " in str(error)
            return None


kinds = st.sampled_from(sorted(KINDS))


@given(kinds, st.data())
@settings(max_examples=150)
def test_flipped_bytes_are_noticed(kind: str, data: st.DataObject) -> None:
    """Every byte counts: of the header, of the description, of each weight."""
    whole = bytearray(saved(kind))
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=4, unique=True)):
        whole[place] ^= data.draw(st.integers(1, 255))
    loaded = load(bytes(whole))
    # JSON has spellings of one text: only such a change may pass, and then nothing differs.
    if loaded is not None:
        with tempfile.TemporaryDirectory() as folder:
            again, before = Path(folder) / "again", Path(folder) / "before"
            before.write_bytes(saved(kind))
            assert contents(cv.save(loaded, again)) == contents(before)


@given(kinds, st.data())
@settings(max_examples=100)
def test_cut_and_stretched_files_are_refused(kind: str, data: st.DataObject) -> None:
    whole = saved(kind)
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole)))
    middle = data.draw(st.binary(max_size=30))
    changed = whole[:start] + middle + whole[stop:]
    if changed != whole:
        assert load(changed) is None


@given(st.binary(max_size=400))
@settings(max_examples=100)
def test_arbitrary_bytes_are_refused(data: bytes) -> None:
    assert load(data) is None


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, each in inner for found in places(each, (*path, key)))]


@given(kinds, st.data())
@settings(max_examples=300)
def test_descriptions_with_anything_in_them(kind: str, data: st.DataObject) -> None:
    """Past the checksum: someone writes a description of his own and signs it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f"
        path.write_bytes(saved(kind))
        tensors = safetensors.torch.load_file(path)
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
    said = {"": json.loads(metadata["layer"])}
    *way, last = ("", *data.draw(st.sampled_from(places(said[""]))))
    place: Any = said
    for key in way:
        place = place[key]
    old = place[last]
    if isinstance(old, str) and data.draw(st.booleans()):
        lines = old.split("\n")
        k = data.draw(st.integers(0, len(lines) - 1))
        words = lines[k].split(" ")
        words[data.draw(st.integers(0, len(words) - 1))] = data.draw(
            st.sampled_from(["H", "I", "1", "%0", "%1", "x", "h", "-1", "99999999", "forward", "__class__"])
            | st.text(max_size=5)
        )
        lines[k] = " ".join(words)
        place[last] = "\n".join(lines)
    elif data.draw(st.booleans()) and not isinstance(place, dict):
        del place[last]
    else:
        place[last] = data.draw(JUNK)
    metadata["layer"] = json.dumps(said.get("", None))
    metadata["sha256"] = layer_file._digest(1, metadata["layer"], tensors)
    loaded = load(safetensors.torch.save(tensors, metadata))
    if loaded is not None:
        assert type(loaded).__name__ in KINDS_OF_FILES
        assert loaded.state_dict().keys() == {*tensors, *said[""]["shared"]}
