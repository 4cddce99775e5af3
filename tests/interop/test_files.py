"""`cv.save` and `cv.load`."""

from __future__ import annotations

import copy
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from safetensors import safe_open
from torch import nn

import conveyor as cv
from conveyor.interop.common import layer_file
from interop.layers import KINDS, contents, own, run


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_loaded_computes_bitwise_the_same_and_trains_on(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    saved = KINDS[kind]()
    path = cv.save(saved, tmp_path / "layer.safetensors")
    loaded = cv.load(path)
    assert type(loaded) is type(saved)
    # What a layer prints and all that it was made with.
    assert repr(loaded) == repr(saved)
    plain = (bool, int, float, str, list, tuple, dict, type(None))
    for name, value in vars(saved).items():
        if isinstance(value, plain) and not name.startswith(("_parameters", "_backward", "_forward")):
            if name != "units":
                assert vars(loaded)[name] == value, name
    assert loaded.backend_used == saved.backend_used
    assert list(loaded.state_dict()) == list(saved.state_dict())
    for _ in range(2):
        for want, got in zip(run(saved), run(loaded), strict=True):
            assert torch.equal(want, got) and want.dtype == got.dtype
        for layer in (saved, loaded):
            for p in layer.parameters():
                p.grad = None
            if list(layer.parameters()):
                sum(t.float().square().sum() for t in run(layer)).backward()
                torch.optim.SGD(layer.parameters(), 0.1).step()


def test_the_loaded_cell_needs_no_source(tmp_path: Path) -> None:
    """In another process, where the function that wrote the equations is nowhere."""
    saved = KINDS["Cell"]()
    cv.save(saved, tmp_path / "own.safetensors")
    code = (
        "import sys, torch, conveyor as cv\n"
        f"cell = cv.load({str(tmp_path / 'own.safetensors')!r})\n"
        "state = cell(torch.ones(2, 3), gap=torch.ones(2, 1))\n"
        "state.h.sum().backward()\n"
        "print(state.m.flatten().tolist(), cell.weight_ih.grad.abs().sum().item() > 0, 'pickle' in str(cv.load), "
        "cell.unit.cell.name)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    want = saved(torch.ones(2, 3), gap=torch.ones(2, 1)).m.flatten().tolist()
    assert said.strip() == f"{want} True False own"


def test_frozen_shared_and_mode_stay(tmp_path: Path) -> None:
    layer = cv.GRU(4, 4, 2).eval()
    layer.weight_hh_l1 = layer.weight_hh_l0
    layer.bias_ih_l0.requires_grad_(False)
    loaded = cv.load(cv.save(layer, tmp_path / "f"))
    assert loaded.weight_hh_l1 is loaded.weight_hh_l0
    assert [n for n, p in loaded.named_parameters() if not p.requires_grad] == ["bias_ih_l0"]
    assert not loaded.training
    assert torch.equal(loaded(torch.ones(2, 3, 4))[0], layer(torch.ones(2, 3, 4))[0])


def test_a_loaded_layer_can_be_saved_again(tmp_path: Path) -> None:
    first = cv.save(KINDS["Recurrent"](), tmp_path / "first")
    again = cv.save(cv.load(first), tmp_path / "again")
    assert contents(first) == contents(again)


def test_the_file_is_safetensors_that_says_what_it_holds(tmp_path: Path) -> None:
    layer = KINDS["Recurrent"]()
    path = cv.save(layer, tmp_path / "f.safetensors")
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    assert metadata["format"] == "conveyor-layer" and metadata["version"] == "1"
    said = json.loads(metadata["layer"])
    assert said["kind"] == "Recurrent"
    assert said["arguments"]["sizes"] == {"slots": 4, "gap": 2} and said["arguments"]["hidden_size"] == 5
    assert said["cells"] == [{"name": "own", "program": layer.cell.program.text}]
    held = safetensors.torch.load_file(path)
    assert held.keys() == layer.state_dict().keys()


def test_no_random_number_is_drawn(tmp_path: Path) -> None:
    path = cv.save(KINDS["LSTM"](), tmp_path / "f")
    before = torch.get_rng_state()
    cv.load(path)
    assert torch.equal(before, torch.get_rng_state())


def test_nothing_is_overwritten_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "f"
    cv.save(cv.GRU(2, 3), path)
    before = path.read_bytes()
    with pytest.raises(cv.ArgumentError, match="is there already; give another, or overwrite=True"):
        cv.save(cv.LSTM(2, 3), path)
    assert path.read_bytes() == before
    cv.save(cv.LSTM(2, 3), path, overwrite=True)
    assert type(cv.load(path)) is cv.LSTM
    assert os.listdir(tmp_path) == ["f"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize("links", [True, False], ids=["links", "no-links"])
def test_of_two_writers_one_is_refused(tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other writer's file appears after we have looked; also where the file system has no links."""
    path = tmp_path / "f"
    save = safetensors.torch.save

    def slow(*arguments: Any) -> bytes:
        path.write_text("theirs")
        return save(*arguments)

    def refuse(*_: Any) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(safetensors.torch, "save", slow)
    if not links:
        monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(cv.ArgumentError, match="is there already"):
        cv.save(cv.GRU(2, 3), path)
    assert path.read_text() == "theirs" and os.listdir(tmp_path) == ["f"]
    other = tmp_path / "g"
    monkeypatch.setattr(safetensors.torch, "save", save)
    cv.save(cv.GRU(2, 3), other)
    assert type(cv.load(other)) is cv.GRU and sorted(os.listdir(tmp_path)) == ["f", "g"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = cv.save(cv.GRU(2, 3), tmp_path / "f")
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(cv.ArgumentError, match="cannot be written: No space left on device"):
        cv.save(cv.LSTM(2, 3), path, overwrite=True)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["f"]


class Mine(cv.GRU):
    pass


def grown() -> nn.Module:
    layer = cv.GRU(2, 3)
    layer.extra = nn.Linear(2, 2)
    return layer


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (lambda: nn.LSTM(2, 3), "got torch.nn.modules.rnn.LSTM; cv.from_torch makes one"),
        (lambda: 3, "got builtins.int"),
        (lambda: Mine(2, 3), "a subclass or a parametrization is code"),
        (lambda: nn.utils.parametrizations.weight_norm(cv.GRU(2, 3), "weight_hh_l0"), "parametrization is code"),
        (grown, "other parameters than its cell .extra.bias."),
        (lambda: cv.GRU(2, 3, device="meta"), "on the meta device"),
    ],
)
def test_what_a_file_does_not_hold(layer: Callable[[], Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(cv.ArgumentError, match=said) as caught:
        cv.save(layer(), tmp_path / "f")
    assert "\n" not in str(caught.value) and not os.listdir(tmp_path)


def rewritten(path: Path, change: Callable[[dict[str, str], dict[str, Any]], None], sign: bool = True) -> Path:
    """The file with its metadata and description changed, its checksum made right again."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    tensors = safetensors.torch.load_file(path)
    said = json.loads(metadata["layer"])
    change(metadata, said)
    metadata["layer"] = json.dumps(said)
    if sign and metadata["version"] == "1":
        metadata["sha256"] = layer_file._digest(1, metadata["layer"], tensors)
    other = path.with_name("changed")
    other.write_bytes(safetensors.torch.save(tensors, metadata))
    return other


def at(*keys: Any, value: Any) -> Callable[[dict[str, str], dict[str, Any]], None]:
    def change(metadata: dict[str, str], said: dict[str, Any]) -> None:
        place: Any = {"metadata": metadata, **said}
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value
        if len(keys) == 1:
            said[keys[0]] = value

    return change


CONTRIVED = {
    "newer": (at("metadata", "version", value="2"), "has version 2, this conveyor reads up to 1; pip install -U"),
    "no version": (at("metadata", "version", value="one"), "its version is 'one'"),
    "other format": (at("metadata", "format", value="else"), "was not written by cv.save"),
    "kind": (at("kind", value="Module"), "unknown kind of layer 'Module'"),
    "kind of kind": (at("kind", value=["LSTM"]), "'kind' of its description is list, expected str"),
    "a builtin as kind": (at("kind", value="__import__"), "unknown kind"),
    "other kind": (at("kind", value="GRU"), "can't be built here|is damaged"),
    "argument": (at("arguments", "exec", value="1"), "LSTM has no argument 'exec'"),
    "device": (at("arguments", "device", value="cuda"), "is damaged"),
    "size": (at("arguments", "hidden_size", value=10**4), "is torch.float32 .* its layer's is"),
    "large size": (at("arguments", "hidden_size", value=10**9), "is damaged"),
    "huge size": (at("arguments", "hidden_size", value=10**30), "is damaged"),
    "negative": (at("arguments", "hidden_size", value=-1), "hidden_size is a whole number"),
    "layers": (at("arguments", "num_layers", value=10**9), "2 cells for 1000000000 layers"),
    "cells": (at("cell_of_layer", value=[0, 7]), "is damaged"),
    "frozen": (at("frozen", value=["nobody"]), "freezes a parameter that it does not have"),
    "shared": (at("shared", value={"weight_hh_l1": "weight_hh_l0"}), "its tensors are not those of its layer"),
    "backend": (at("arguments", "backend", value="nonsense"), "backend"),
    "program": (at("cells", 0, "program", value="import os"), "not the text of a program"),
    "newer program": (at("cells", 0, "program", value="conveyor-program 9\n"), "upgrade conveyor"),
    "other program": (
        at("cells", 0, "program", value=cv.cells["gru"].program.text),
        "runs other equations in this version",
    ),
}


@pytest.mark.parametrize("what", CONTRIVED)
def test_a_file_made_to_look_like_ours_is_refused(what: str, tmp_path: Path) -> None:
    change, said = CONTRIVED[what]
    path = cv.save(cv.LSTM(2, 3, 2), tmp_path / "f")
    with pytest.raises(cv.ArgumentError, match=said) as caught:
        cv.load(rewritten(path, change))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


def test_a_name_that_would_take_a_methods_place_is_refused(tmp_path: Path) -> None:
    cell = cv.cell(lambda x, h: cv.weight("p") * h + cv.affine("a", x))
    path = cv.save(cv.Cell(cell, 3, 3), tmp_path / "f")
    assert "vector p H" in cell.program.text
    text = cell.program.text.replace("vector p", "vector forward")
    with pytest.raises(cv.ArgumentError, match="has a parameter 'forward'"):
        cv.load(rewritten(path, at("cells", 0, "program", value=text)))


def test_altered_truncated_and_foreign_files(tmp_path: Path) -> None:
    path = cv.save(cv.LSTM(2, 3), tmp_path / "f")
    whole = path.read_bytes()

    def refused(data: bytes, said: str) -> None:
        other = tmp_path / "other"
        other.write_bytes(data)
        with pytest.raises(cv.ArgumentError, match=said) as caught:
            cv.load(other)
        assert "\n" not in str(caught.value) and str(other) in str(caught.value)

    refused(whole[:-4] + bytes([whole[-4] ^ 1]) + whole[-3:], "SHA-256")
    refused(rewritten(path, at("training", value=False), sign=False).read_bytes(), "SHA-256")
    for size in (0, 4, 8, 100, len(whole) - 1):
        refused(whole[:size], "no whole safetensors file")
    refused(whole + b"\0", "no whole safetensors file")
    refused(safetensors.torch.save({"a": torch.ones(2)}), "was not written by cv.save")
    refused(b"\x80\x04\x95 a pickle" * 40, "no whole safetensors file")
    torch.save(cv.LSTM(2, 3).state_dict(), tmp_path / "torch.pt")
    refused((tmp_path / "torch.pt").read_bytes(), "no whole safetensors file")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda at: cv.load(at / "nothing"), "cannot be read: No such file or directory; check the path"),
        (lambda at: cv.load(at), "cannot be read: Is a directory"),
        (lambda at: cv.load(3), "path is the name of a file, got 3"),
        (lambda at: cv.load(""), "path is the name of a file"),
        (lambda at: cv.load(cv.save(cv.GRU(2, 3), at / "f"), device="nowhere"), "device is a torch.device"),
        (lambda at: cv.save(cv.GRU(2, 3), at / "no" / "f"), "cannot be written: No such file or directory"),
        (lambda at: cv.save(cv.GRU(2, 3), at, overwrite=True), "cannot be written: Is a directory"),
        (lambda at: cv.save(cv.GRU(2, 3), at / "f", overwrite="yes"), "overwrite is True or False"),
    ],
)
def test_wrong_arguments(call: Callable[[Path], Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(cv.ArgumentError, match=said) as caught:
        call(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_layer_can_still_be_copied_after_loading(tmp_path: Path) -> None:
    loaded = cv.load(cv.save(cv.Recurrent(cv.cell(own), 3, 5, sizes={"slots": 2}), tmp_path / "f"))
    x, gap = torch.ones(2, 1, 3), torch.ones(2, 1)
    assert torch.equal(copy.deepcopy(loaded)(x, gap=gap)[0], loaded(x, gap=gap)[0])


def test_learned_initial_states_are_kept(tmp_path: Path) -> None:
    layer, x = cv.LSTM(3, 4, bidirectional=True, learn_initial_state=True), torch.randn(5, 2, 3)
    with torch.no_grad():
        layer.initial_c_l0_reverse.normal_()
    cv.save(layer, tmp_path / "layer.safetensors")
    loaded = cv.load(tmp_path / "layer.safetensors")
    assert loaded.learn_initial_state and torch.equal(loaded(x)[0], layer(x)[0])
