"""Files that are not as Keras writes them: what comes out is a layer or one line of ours, and no code of theirs runs."""

from __future__ import annotations

import base64
import io
import json
import marshal
import pickle
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import conveyor as cv
from interop.keras.library import I, L, keras, model, save

SAVED: dict[str, bytes] = {}
ENDINGS = (".keras", ".h5", ".weights.h5")
fuzz = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
# Each starts a process, as the HDF5 library may crash in it.
some = settings(fuzz, max_examples=6)
many = settings(fuzz, max_examples=400)


def saved(ending: str, folder: Path) -> bytes:
    if ending not in SAVED:
        theirs = model(L.Bidirectional(L.LSTM(2, return_sequences=True)), L.RNN([L.GRUCell(2), L.SimpleRNNCell(3)]))
        SAVED[ending] = save(theirs, folder / f"saved{ending}").read_bytes()
    return SAVED[ending]


def read(data: bytes, path: Path) -> Any:
    """The layers, or None where the file was refused, in one line."""
    path.write_bytes(data)
    try:
        return cv.from_keras(path, report=lambda report: None)
    except cv.ArgumentError as error:
        assert "\n" not in str(error) and len(str(error)) < 1000
        return None


@pytest.mark.filterwarnings("ignore::UserWarning")  # of numbers that a flipped bit made infinite
@pytest.mark.parametrize("ending", ENDINGS)
@given(data=st.data())
@some
def test_flipped_bytes(ending: str, tmp_path: Path, data: st.DataObject) -> None:
    flip(ending, tmp_path, data)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("ending", ENDINGS)
@given(data=st.data())
@many
def test_many_flipped_bytes(ending: str, tmp_path: Path, data: st.DataObject) -> None:
    flip(ending, tmp_path, data)


def flip(ending: str, tmp_path: Path, data: st.DataObject) -> None:
    whole = bytearray(saved(ending, tmp_path))
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=8, unique=True)):
        whole[place] ^= data.draw(st.integers(1, 255))
    read(bytes(whole), tmp_path / "f")


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("ending", ENDINGS)
@given(data=st.data())
@some
def test_cut_and_stretched_files(ending: str, tmp_path: Path, data: st.DataObject) -> None:
    whole = saved(ending, tmp_path)
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole)))
    read(whole[:start] + data.draw(st.binary(max_size=30)) + whole[stop:], tmp_path / "f")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 0.99])
def test_truncated_files_are_refused(ending: str, share: float, tmp_path: Path) -> None:
    whole = saved(ending, tmp_path)
    assert read(whole[: int(len(whole) * share)], tmp_path / "f") is None


@given(data=st.binary(max_size=300), magic=st.sampled_from([b"", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"]))
@some
def test_arbitrary_bytes_are_refused(tmp_path: Path, data: bytes, magic: bytes) -> None:
    assert read(magic + data, tmp_path / "f") is None


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, each in inner for found in places(each, (*path, key)))]


def archive(parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as target:
        for name, data in parts.items():
            target.writestr(name, data)
    return made.getvalue()


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        return {n: source.read(n) for n in source.namelist()}


@pytest.mark.usefixtures("in_this_process")
@given(data=st.data())
@fuzz
def test_configurations_with_anything_in_them(tmp_path: Path, data: st.DataObject) -> None:
    held = parts(saved(".keras", tmp_path))
    said = {"": json.loads(held["config.json"])}
    *way, last = ("", *data.draw(st.sampled_from(places(said[""]))))
    place: Any = said
    for key in way:
        place = place[key]
    place[last] = data.draw(
        JUNK | st.sampled_from(["LSTM", "RNN", "Bidirectional", "StackedRNNCells", "GRUCell", 99999999])
    )
    read(archive(held | {"config.json": json.dumps(said[""]).encode()}), tmp_path / "f")


# What someone who means harm would write


def test_nothing_runs(tmp_path: Path) -> None:
    """A Lambda with marshalled code, a pickle in the archive, a class to be imported: none is touched."""
    ran = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> Any:
            return open, (str(ran), "w")

    code = base64.b64encode(marshal.dumps(compile(f"open({str(ran)!r}, 'w')", "x", "exec"))).decode()
    held = parts(save(model(L.LSTM(2, name="kept")), tmp_path / "m.keras").read_bytes())
    config = json.loads(held["config.json"])
    layer = {"class_name": "__lambda__", "config": {"code": code, "defaults": None, "closure": None}}
    evil = [
        {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "l", "function": layer}},
        {"module": "os", "class_name": "system", "config": {"command": f"touch {ran}", "name": "s"}},
    ]
    config["config"]["layers"] += evil
    whole = archive(held | {"config.json": json.dumps(config).encode(), "x.pkl": pickle.dumps(Evil())})
    found = read(whole, tmp_path / "f")
    assert found is not None and list(found) == ["kept"] and not ran.exists()


def hdf5(path: Path, fill: Any) -> Path:
    """The weights of one LSTM, whose kernel is what `fill` makes of the group."""
    with h5py.File(path, "w") as root:
        group = root.create_group("layers/lstm/cell/vars")
        group["1"], group["2"] = np.zeros((2, 8), "f4"), np.zeros(8, "f4")
        fill(group)
    return path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("external link", "is a link to another place or file, which is not followed"),
        ("soft link", "is a link to another place or file, which is not followed"),
        ("external array", "is kept in another file, which is not read"),
        ("virtual array", "is kept in another file, which is not read"),
        ("nothing stored", "says it has .* bytes, and they are not there"),
        ("zeros compressed", "says it has .* bytes, and they are not there"),
        ("text", "holds floating-point numbers"),
        ("empty", "expected an array at '0', found none"),
        ("a group", "expected an array at '0', found none"),
        ("another shape", "kernel of a LSTM of 2 units is"),
    ],
)
def test_hostile_arrays(name: str, message: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    with h5py.File(secret, "w") as root:
        root["x"] = np.ones((3, 8), "f4")

    def fill(group: Any) -> None:
        if name == "external link":
            group["0"] = h5py.ExternalLink(str(secret), "x")
        elif name == "soft link":
            group["0"] = h5py.SoftLink("/layers/lstm/cell/vars/1")
        elif name == "external array":
            group.create_dataset("0", (3, 8), "f4", external=[(str(secret), 0, 96)])
        elif name == "virtual array":
            layout = h5py.VirtualLayout((3, 8), "f4")
            layout[:] = h5py.VirtualSource(str(secret), "x", (3, 8))
            group.create_virtual_dataset("0", layout)
        elif name == "nothing stored":
            group.create_dataset("0", (2**20, 2**20), "f4")
        elif name == "zeros compressed":
            group.create_dataset("0", (2**14, 2**14), "f4", chunks=(2**10, 2**10), compression="gzip")
        elif name == "text":
            group["0"] = np.full((3, 8), b"x")
        elif name == "empty":
            group["0"] = h5py.Empty("f4")
        elif name == "a group":
            group.create_group("0")
        else:
            group["0"] = np.zeros((3, 9), "f4")

    with pytest.raises(cv.ArgumentError, match=message) as caught:
        cv.from_keras(hdf5(tmp_path / "m.weights.h5", fill))
    assert "\n" not in str(caught.value)


def test_a_group_within_itself_ends(tmp_path: Path) -> None:
    path = tmp_path / "m.weights.h5"
    with h5py.File(path, "w") as root:
        group = root.create_group("a")
        for name in "bcdefg":
            group[name] = group
    with pytest.raises(cv.ArgumentError, match="has no recurrent layer"):
        cv.from_keras(path)


def test_bombs(tmp_path: Path) -> None:
    held = parts(saved(".keras", tmp_path))
    bomb = archive(held | {"model.weights.h5": bytes(2**26)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(
        cv.ArgumentError, match=r"its model.weights.h5 says it has 67,108,864 bytes, which are not there"
    ):
        (tmp_path / "b.keras").write_bytes(bomb)
        cv.from_keras(tmp_path / "b.keras")
    deep = "[" * 100_000
    assert read(archive(held | {"config.json": deep.encode()}), tmp_path / "f") is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p, "cannot be read: No such file or directory"),
        (lambda p: p.mkdir() or p, "is a folder; a SavedModel needs TensorFlow"),
        (lambda p: p.write_bytes(b"") and p or p, "is no .keras, .h5 or .weights.h5 file of Keras"),
        (lambda p: p.write_bytes(archive({"a": b""})) and p, r"is no .keras file, or damaged \(KeyError"),
        (lambda p: p.write_bytes(archive({"config.json": b"[]", "metadata.json": b"{}"})) and p, "its configuration is none"),
        (lambda p: p.write_bytes(archive({"config.json": b"{}", "metadata.json": b"{}"})) and p, "it has no model.weights.h5"),
        (lambda p: save(keras.Sequential([L.Input((I,)), L.Dense(2)]), p.with_suffix(".keras")), "has no recurrent layer"),
    ],
)  # fmt: skip
def test_other_files(make: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(cv.ArgumentError, match=message) as caught:
        cv.from_keras(make(tmp_path / "file"))
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("in_this_process")
def test_without_h5py_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(model(L.LSTM(2)), tmp_path / "m.keras")
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    for use in (lambda: cv.from_keras(path), lambda: cv.to_keras(cv.LSTM(2, 3), tmp_path / "n.keras")):
        with pytest.raises(cv.ArgumentError, match=r"Keras's files are HDF5 .*; pip install 'conveyor\[keras\]'"):
            use()
