from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import safetensors.torch
import torch
from torch import nn

import conveyor as cv
from cli.conftest import Failure
from conveyor.cli import main
from conveyor.interop.keras.layer import KerasLayer
from interop.keras.library import L, keras, model, run, save, sequences


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def done(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    assert main([str(a) for a in arguments]) == 0
    found = capsys.readouterr()
    assert found.err == ""
    return found.out


def words(line: str) -> str:
    return " ".join(line.split())


def test_a_keras_file_of_one_layer(capsys: pytest.CaptureFixture[str]) -> None:
    theirs = model(L.Bidirectional(L.LSTM(4, dropout=0.1), name="encoder"))
    save(theirs, Path("m.keras"))
    out = done(capsys, "import", "m.keras")
    heads, _, row, what = map(words, out.splitlines()[:4])
    assert heads == "layer cell sizes direction difference"
    assert re.fullmatch(r"encoder lstm 3 → 4 both \d\.\de-\d\d", row)
    assert what == (
        "encoder: Bidirectional(LSTM(units=4)), last step → KerasLayer(cv.LSTM(3, 4, batch_first=True,"
        " bidirectional=True), return_sequences=False); without its dropout"
    )
    assert "Largest difference on random input: " in out
    assert out.splitlines()[-2:] == ["Wrote m.safetensors", "In Python: cv.load('m.safetensors')"]
    layer = cv.load("m.safetensors")
    assert isinstance(layer, KerasLayer)
    x = sequences()
    np.testing.assert_allclose(layer(torch.from_numpy(x))[0].detach().numpy(), run(theirs.layers[0], x)[0], atol=1e-6)


def test_several_layers_go_into_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    theirs = model(L.LSTM(4, return_sequences=True, name="a"), L.GRU(2, activation="relu", name="b"), L.Dense(1))
    save(theirs, Path("m.h5"))
    out = done(capsys, "import", "m.h5")
    assert sorted(p.name for p in Path("m").iterdir()) == ["a.safetensors", "b.safetensors"]
    assert "gru (candidate_activation=relu)" in out
    out = done(capsys, "import", "m.h5", "--layer", "a", "-o", "deep/only.safetensors")
    assert isinstance(cv.load("deep/only.safetensors"), cv.LSTM)
    assert not any(line.startswith("b") for line in out.splitlines())


def test_weights_alone(capsys: pytest.CaptureFixture[str]) -> None:
    save(model(L.LSTM(4, activation="relu", name="a")), Path("m.weights.h5"))
    assert "the file says no activations, assumed sigmoid and tanh" in done(capsys, "import", "m.weights.h5")
    done(capsys, "import", "m.weights.h5", "--activation", "relu", "--force")
    assert "relu" in cv.load("m.safetensors").units[0].cell.program.text


def test_what_can_not_be_read_is_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    save(model(L.LSTM(4, return_sequences=True, name="a"), L.GRU(2, activation="gelu", name="b")), Path("m.keras"))
    out = done(capsys, "import", "m.keras")
    assert "b left out" in words(out) and "b: GRU: its activation 'gelu' has no like here" in out
    assert Path("m.safetensors").exists()


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2)
        self.decoder = nn.GRUCell(3, 5, bias=False)
        self.plain = nn.RNN(3, 4)
        self.head = nn.Linear(4, 2)


@pytest.mark.parametrize("name", ["m.pt", "m.safetensors", "nested.ckpt"])
def test_a_state_dict_of_torch(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    net = Net()
    if name == "m.safetensors":
        safetensors.torch.save_file(net.state_dict(), name)
    else:
        held = net.state_dict()
        torch.save({"model": held, "step": 3} if "nested" in name else held, name)
    out = done(capsys, "import", name, "-o", "out")
    prefix = "model." if "nested" in name else ""
    assert sorted(p.name for p in Path("out").iterdir()) == sorted(
        f"{prefix}{n}.safetensors" for n in ("encoder", "decoder", "plain")
    )
    encoder = cv.load(f"out/{prefix}encoder.safetensors")
    x = torch.randn(5, 2, 3)
    torch.testing.assert_close(encoder(x)[0], net.encoder(x)[0], rtol=0, atol=1e-6)
    assert "torch.nn.LSTM(3, 4, proj_size=2, num_layers=2, bidirectional=True)" in out
    assert "3 → 4 x 2 layers" in words(out) and "tanh assumed" in out


def test_a_relu_network_of_torch(capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(nn.RNN(3, 4, nonlinearity="relu").state_dict(), "m.pt")
    done(capsys, "import", "m.pt", "--activation", "relu")
    assert cv.load("m.safetensors").nonlinearity == "relu"


def test_an_onnx_file(capsys: pytest.CaptureFixture[str]) -> None:
    layer = cv.GRU(3, 4)
    cv.to_onnx(layer, "m.onnx")
    out = done(capsys, "import", "m.onnx")
    assert "GRU" in out and "3 → 4" in out and "Largest difference" in out
    x = torch.randn(5, 2, 3)
    torch.testing.assert_close(cv.load("m.safetensors")(x)[0], layer(x)[0], rtol=0, atol=1e-6)


def test_an_onnx_file_that_runs_backwards(capsys: pytest.CaptureFixture[str]) -> None:
    node = onnx.helper.make_node("RNN", ["x", "w", "r"], ["y"], hidden_size=2, direction="reverse", name="back")
    held = [
        onnx.numpy_helper.from_array(np.random.default_rng(0).normal(size=s).astype("f4"), n)
        for n, s in (("w", (1, 2, 3)), ("r", (1, 2, 2)))
    ]
    x = onnx.helper.make_tensor_value_info("x", 1, [None, None, 3])
    y = onnx.helper.make_tensor_value_info("y", 1, [None, 1, None, 2])
    graph = onnx.helper.make_graph([node], "g", [x], [y], held)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)]), "m.onnx")
    out = done(capsys, "import", "m.onnx")
    assert "backward" in out
    given = torch.randn(4, 1, 3)
    read = cv.from_onnx("m.onnx")["back"]
    torch.testing.assert_close(cv.load("m.safetensors")(given)[0], read(given)[0], rtol=0, atol=0)


def test_nothing_is_overwritten_unasked(failure: Failure, capsys: pytest.CaptureFixture[str]) -> None:
    save(model(L.LSTM(4, name="a")), Path("m.keras"))
    Path("m.safetensors").write_text("mine")
    assert "output: m.safetensors is there already; name another, or overwrite it with --force" in failure(
        "import", "m.keras"
    )
    assert Path("m.safetensors").read_text() == "mine"
    done(capsys, "import", "m.keras", "--force")
    assert isinstance(cv.load("m.safetensors"), KerasLayer)


class Anything:
    """What torch.save pickles by name."""


def write(name: str, content: Any) -> str:
    if isinstance(content, bytes):
        Path(name).write_bytes(content)
    elif name.endswith(".safetensors"):
        safetensors.torch.save_file(content, name)
    else:
        torch.save(content, name)
    return name


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (lambda: "no.keras", (), "no.keras cannot be read: No such file or directory"),
        (lambda: "no.pt", (), "no.pt cannot be read: No such file or directory"),
        (lambda: "no.safetensors", (), "cannot be read: No such file or directory"),
        (lambda: "no.onnx", (), "path: no.onnx is not there"),
        (lambda: "no.xyz", (), "no.xyz cannot be read"),
        (lambda: write("a.txt", b"text"), (), "FILE: expected one of .keras, .h5, .hdf5, .onnx, .pt"),
        (lambda: write("a.keras", b"junk"), (), "a.keras is no .keras, .h5 or .weights.h5 file of Keras"),
        (lambda: write("a.onnx", b"junk"), (), "a.onnx"),
        (lambda: write("a.pt", b"junk"), (), "a.pt is damaged, or holds more than tensors"),
        (lambda: write("a.pt", {"x": Anything()}), (), "holds more than tensors, which is not unpickled"),
        (lambda: write("a.safetensors", b"junk"), (), "a.safetensors is no whole safetensors file"),
        (lambda: write("a.pt", nn.Linear(2, 3).state_dict()), (), "a.pt has no parameters of torch.nn's LSTM, GRU or RNN; its tensors are weight, bias"),
        (lambda: write("a.pt", {}), (), "its tensors are none"),
        (lambda: write("a.pt", {"r.weight_ih_l0": torch.zeros(8, 3)}), (), "'r.' has weight_ih_l0, but no matrices weight_ih_l0 and weight_hh_l0"),
        (lambda: write("a.pt", {"weight_ih_l0": torch.zeros(10, 3), "weight_hh_l0": torch.zeros(10, 5)}), (), "of shape (10, 5), of no module of torch.nn"),
        (lambda: write("a.pt", {"weight_ih_l0": torch.zeros(8, 3), "weight_hh_l0": torch.zeros(8, 2), "weight_ih_l99999999": torch.zeros(1)}), (), "has not the parameters of a torch.nn.LSTM"),
        (lambda: write("a.pt", {k: v.long() for k, v in nn.GRU(2, 3).state_dict().items()}), (), "expected one floating type"),
        (lambda: str(cv.save(cv.GRU(2, 3), "a.safetensors")), (), "was written by cv.save: there is nothing to import"),
        (lambda: write("a.pt", nn.GRU(2, 3).state_dict()), ("--layer", "x"), "--layer: expected one of a, got x"),
        (lambda: write("a.pt", nn.RNN(2, 3).state_dict()), ("--activation", "gelu"), "nonlinearity of torch.nn.RNN is tanh or relu, got 'gelu'"),
        (lambda: write("a.pt", nn.GRU(2, 3).state_dict()), ("--recurrent-activation", "tanh"), "expected with a Keras file of weights alone"),
        (lambda: write("a.pt", nn.GRU(2, 3).state_dict()), ("-o", "a.pt/x"), "output: a.pt cannot be made"),
        (lambda: write("a.pt", Net().state_dict()), ("-o", "a.pt"), "3 layers go into a folder, and a.pt is a file"),
        (lambda: write("a.pt", nn.GRU(2, 3).state_dict()), ("-o", "."), "is there already"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(make: Any, arguments: tuple[str, ...], message: str, failure: Failure) -> None:
    assert message in failure("import", make(), *arguments)


def test_a_layer_that_computes_something_else_is_not_written(failure: Failure, monkeypatch: pytest.MonkeyPatch) -> None:
    import conveyor.interop.keras.equations as equations

    save(model(L.LSTM(4, name="a")), Path("m.keras"))
    monkeypatch.setitem(equations._FUNCTIONS, "sigmoid", torch.tanh)
    assert "they do not compute the same" in failure("import", "m.keras")
    assert not Path("m.safetensors").exists()


def test_keras_is_not_needed() -> None:
    save(model(L.LSTM(4, name="a")), Path("m.keras"))
    code = (
        "import sys; sys.modules.update(keras=None, tensorflow=None)\n"
        "from conveyor.cli import main; sys.exit(main(['import', 'm.keras']))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    done_ = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done_.returncode == 0 and "Wrote m.safetensors" in done_.stdout, done_.stderr
    assert keras.__name__ == "keras"


def test_what_a_state_dict_does_not_tell_is_told_or_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    net = Net()
    write("m.pt", net.state_dict())
    out = done(capsys, "import", "m.pt", "--layer", "encoder")
    assert "Input time first, (T, B, input), which the file does not tell; --batch-first makes it (B, T, input)" in out
    assert "Not in a layer: head.weight, head.bias" in out
    assert not cv.load("m.safetensors").batch_first
    out = done(capsys, "import", "m.pt", "--layer", "encoder", "--batch-first", "--force")
    assert "Input rows first, (B, T, input), as --batch-first says" in out
    assert cv.load("m.safetensors").batch_first


def test_one_odd_group_does_not_block_the_file(failure: Failure, capsys: pytest.CaptureFixture[str]) -> None:
    net = Net()
    nn.utils.parametrizations.orthogonal(net.decoder, "weight_hh")
    nn.utils.parametrizations.weight_norm(net.plain, "weight_hh_l0")
    write("m.pt", net.state_dict())
    out = done(capsys, "import", "m.pt", "-o", "out")
    assert sorted(p.name for p in Path("out").iterdir()) == ["encoder.safetensors", "plain.safetensors"]
    assert "decoder left out" in words(out) and "decoder: a group of tensors; not read: 'decoder.' has weight_ih" in out
    assert "weight norm resolved" in out
    x = torch.randn(5, 2, 3)
    torch.testing.assert_close(cv.load("out/plain.safetensors")(x)[0], net.plain(x)[0], rtol=0, atol=1e-6)
    assert "--layer: decoder could not be read: 'decoder.' has weight_ih" in failure(
        "import", "m.pt", "--layer", "decoder"
    )


def test_a_json_file_of_an_amp(capsys: pytest.CaptureFixture[str]) -> None:
    net = nn.ModuleDict({"rec": nn.LSTM(1, 4), "lin": nn.Linear(4, 1)})
    state = {n: t.tolist() for n, t in net.state_dict().items()}
    Path("amp.json").write_text(json.dumps({"model_data": {"skip": 1}, "state_dict": state}))
    out = done(capsys, "import", "amp.json")
    assert "The file also says: skip=1" in out and "Not in a layer: lin.weight, lin.bias" in out
    assert isinstance(cv.load("amp.safetensors"), cv.LSTM)


def test_the_form_of_a_keras_gru_is_asked_for(failure: Failure, capsys: pytest.CaptureFixture[str]) -> None:
    save(model(L.GRU(4, use_bias=False, reset_after=False, name="a")), Path("m.weights.h5"))
    assert "say reset_after=True" in failure("import", "m.weights.h5")
    done(capsys, "import", "m.weights.h5", "--reset-before")
    assert cv.load("m.safetensors").units[0].cell.name == "gru_reset_before"
    write("a.pt", nn.GRU(2, 3).state_dict())
    assert "--reset-after: expected with a Keras file" in failure("import", "a.pt", "--reset-after")
    assert "--batch-first: expected with a file of torch" in failure("import", "m.weights.h5", "--batch-first")
