"""Audio plug-ins' files, built as they are: the head, the skip and the states that they begin from included."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import conveyor as cv
from build.oracle import data, run
from conveyor.build.plugin_files import read_plugin_file
from conveyor.build.read import read_network
from conveyor.cli import main
from conveyor.errors import ArgumentError
from interop.test_state_dicts import amp, lists


def played(path: Path, steps: int = 50, width: int = 1) -> tuple[Any, Any]:
    """What a file's network makes of some steps when it is built for this machine, and these steps."""
    modules, adds = read_plugin_file(path)
    network = read_network(modules, skips_input=adds)
    x = data(network, steps)
    assert x.shape == (steps, width)
    return run(network, x), x


@pytest.mark.parametrize("layers", [1, 2])
def test_neural_amp_modelers_files(layers: int, tmp_path: Path) -> None:
    document, play = amp(1, 12, layers)
    (tmp_path / "amp.nam").write_text(json.dumps(document))
    got, x = played(tmp_path / "amp.nam")
    np.testing.assert_allclose(got[:, 0], np.ravel(play(x)), atol=1e-5)


@pytest.mark.parametrize("skip", [0, 1])
@pytest.mark.parametrize("kind", [torch.nn.LSTM, torch.nn.GRU])
def test_guitar_mls_files(kind: Any, skip: int, tmp_path: Path) -> None:
    rec, lin = kind(1, 20), torch.nn.Linear(20, 1)
    state = {f"rec.{k}": v for k, v in rec.state_dict().items()} | {f"lin.{k}": v for k, v in lin.state_dict().items()}
    about = {"model": "SimpleRNN", "unit_type": kind.__name__, "hidden_size": 20, "skip": skip, "input_size": 1}
    (tmp_path / "pedal.json").write_text(json.dumps({"model_data": about, "state_dict": lists(state)}))
    got, x = played(tmp_path / "pedal.json")
    with torch.no_grad():
        want = lin(rec(torch.from_numpy(x)[:, None])[0])[:, 0].numpy() + skip * x
    np.testing.assert_allclose(got, want, atol=1e-5)


def rt_neural(activation: str, dense: list[Any]) -> dict[str, Any]:
    torch.manual_seed(0)
    lstm, order = torch.nn.LSTM(1, 9), [0, 1, 2, 3]

    def theirs(value: torch.Tensor) -> Any:
        return torch.cat([value.chunk(4)[k] for k in order]).t().tolist()

    weights = [theirs(lstm.weight_ih_l0), theirs(lstm.weight_hh_l0), theirs(lstm.bias_ih_l0 + lstm.bias_hh_l0)]
    layers = [
        {"type": "lstm", "activation": "", "shape": [None, None, 9], "weights": weights},
        {"type": "dense", "activation": activation, "shape": [None, None, 2], "weights": dense},
    ]
    return {"in_shape": [None, None, 1], "layers": layers}


def test_rt_neurals_files(tmp_path: Path) -> None:
    dense = [np.linspace(-1, 1, 18).reshape(9, 2).tolist(), [0.5, -0.5]]
    (tmp_path / "m.json").write_text(json.dumps(rt_neural("", dense)))
    linear, x = played(tmp_path / "m.json")
    (tmp_path / "s.aidax").write_text(json.dumps(rt_neural("sigmoid", dense)))
    np.testing.assert_allclose(played(tmp_path / "s.aidax")[0], 1 / (1 + np.exp(-linear)), atol=1e-6)
    layer = cv.from_state_dict(tmp_path / "m.json")["layers.0"]
    with torch.no_grad():
        h = layer(torch.from_numpy(x)[:, None])[0][:, 0].numpy()
    np.testing.assert_allclose(linear, h @ np.array(dense[0]) + np.array(dense[1]), atol=1e-5)


def test_what_is_no_such_model_is_told(tmp_path: Path) -> None:
    dense = [np.zeros((9, 2)).tolist(), [0.0, 0.0]]
    (tmp_path / "tanh.json").write_text(json.dumps(rt_neural("tanh", dense)))
    with pytest.raises(ArgumentError, match="'layers.1' has the activation tanh; expected linear, softmax, sigmoid"):
        cv.build(tmp_path / "tanh.json", tmp_path / "out")
    (tmp_path / "odd.json").write_text(json.dumps(rt_neural("", [[[[1.0]]]])))
    with pytest.raises(ArgumentError, match="'layers.1.weights' has .*expected a linear map"):
        cv.build(tmp_path / "odd.json", tmp_path / "out")
    (tmp_path / "loud.json").write_text(json.dumps(rt_neural("", dense) | {"in_gain": 3.0}))
    with pytest.raises(ArgumentError, match="in_gain is 3.0 dB, expected 0: .*; set it to 0"):
        cv.build(tmp_path / "loud.json", tmp_path / "out")
    with pytest.raises(ArgumentError, match="expected a layer, or a file of .json, .nam, .aidax; got .*; read it by"):
        cv.build(tmp_path / "model.safetensors", tmp_path / "out")


def test_the_command_builds_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "amp.nam").write_text(json.dumps(amp(1, 6, 1)[0]))
    assert main(["build", str(tmp_path / "amp.nam"), "-o", str(tmp_path / "out"), "--emit", "c"]) == 0
    assert "1 numbers in, 1 out a step" in capsys.readouterr().out
    (tmp_path / "bad.nam").write_text("{")
    assert main(["build", str(tmp_path / "bad.nam"), "-o", str(tmp_path / "bad"), "--emit", "c"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
