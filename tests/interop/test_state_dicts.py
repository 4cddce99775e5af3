"""State dicts and files of them: what torch.nn, Keras and NumPy make of the same weights."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

import conveyor as cv
from interop.keras.library import L, built, run, sequences

pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated")


def lists(state: dict[str, torch.Tensor]) -> dict[str, Any]:
    return {n: t.tolist() for n, t in state.items()}


def same(layer: Any, module: nn.Module, width: int = 3) -> None:
    x = torch.randn(5, 2, width, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(layer(x)[0], module.eval()(x)[0], rtol=0, atol=1e-6)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.LSTM(3, 4, 2, bidirectional=True)
        self.head = nn.Linear(8, 2)


def test_a_bare_state_dict() -> None:
    net = Net()
    found = cv.from_state_dict(net.state_dict())
    assert [*found] == ["encoder"] and {*found.rest} == {"head.weight", "head.bias"}
    assert found.notes["encoder"] == ("dropout is not in the file",) and "dropout is not in the file" in str(found)
    same(found["encoder"], net.encoder)
    assert cv.from_state_dict(net.state_dict(), "encoder", batch_first=True).batch_first
    same(cv.from_state_dict({n: t.numpy() for n, t in net.state_dict().items()}, "encoder"), net.encoder)
    same(cv.from_state_dict({"state": {"model": net.state_dict()}, "epoch": 3})["state.model.encoder"], net.encoder)


@pytest.mark.parametrize("form", ["hooks", "parametrizations"])
@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_is_resolved(form: str, dim: Any) -> None:
    module = nn.LSTM(3, 4, 2)
    norm = nn.utils.weight_norm if form == "hooks" else parametrizations.weight_norm
    for name in ("weight_hh_l0", "weight_ih_l1"):
        norm(module, name, dim=dim)
    with torch.no_grad():
        for name, p in module.named_parameters():
            if name.endswith(("_g", "original0")):
                p.mul_(1.7)
    found = cv.from_state_dict(module.state_dict())
    assert "weight norm resolved" in found.notes[""]
    same(found[""], module)


@pytest.mark.parametrize("form", ["hooks", "parametrizations"])
def test_spectral_norm_is_resolved(form: str) -> None:
    net = nn.ModuleDict({"rnn": nn.GRU(3, 4)})
    norm = nn.utils.spectral_norm if form == "hooks" else parametrizations.spectral_norm
    norm(net["rnn"], "weight_hh_l0")
    for _ in range(3):
        net["rnn"](torch.randn(2, 1, 3))  # moves the vectors
    net.eval()
    found = cv.from_state_dict(net.state_dict())
    assert "spectral norm resolved" in found.notes["rnn"] and not found.rest
    same(found["rnn"], net["rnn"])


def test_pruning_is_resolved() -> None:
    module = nn.GRU(3, 4)
    prune.random_unstructured(module, "weight_hh_l0", 0.5)
    same(cv.from_state_dict(module.state_dict())[""], module)


def test_what_is_not_resolved_does_not_block_the_others() -> None:
    net = nn.ModuleDict({"odd": nn.GRU(3, 4), "plain": nn.LSTM(3, 4)})
    parametrizations.orthogonal(net["odd"], "weight_hh_l0")
    found = cv.from_state_dict(net.state_dict())
    assert [*found] == ["plain"] and "no matrices weight_ih_l0 and weight_hh_l0" in found.unread["odd"]
    same(cv.from_state_dict(net.state_dict(), "plain"), net["plain"])
    with pytest.raises(cv.ArgumentError, match="layer 'odd' could not be read"):
        found["odd"]  # noqa: B018
    with pytest.raises(cv.ArgumentError, match="layer: 'odd' could not be read"):
        cv.from_state_dict(net.state_dict(), "odd")


def test_what_is_left_over_of_a_cell_is_said() -> None:
    """A layer-norm cell's state_dict: torch's names and more, of which a plain LSTMCell makes nothing."""
    held = {f"cell.{n}": t for n, t in nn.LSTMCell(3, 4).state_dict().items()}
    held |= {f"cell.ln_{g}.{n}": torch.ones(4) for g in "ifgo" for n in ("weight", "bias")}
    found = cv.from_state_dict(held)
    note = "8 tensors left over (cell.ln_i.weight, cell.ln_i.bias, cell.ln_f.weight, …): a plain LSTMCell does not use them"
    assert found.notes["cell"] == (note,) and note in str(found.reports[0])


def test_the_nonlinearity_is_said_or_asked_for() -> None:
    module = nn.RNN(3, 4, nonlinearity="relu")
    assert cv.from_state_dict(module.state_dict()).notes[""] == ("tanh assumed",)
    found = cv.from_state_dict(module.state_dict(), nonlinearity="relu")
    assert found.notes[""] == ()
    same(found[""], module)


# Files


def test_numpys_archives(tmp_path: Path) -> None:
    net = Net()
    np.savez(tmp_path / "m.npz", **{n: t.numpy() for n, t in net.state_dict().items()})
    same(cv.from_state_dict(tmp_path / "m.npz", "encoder"), net.encoder)
    np.savez(tmp_path / "o.npz", x=np.array([{}], object))
    with pytest.raises(cv.ArgumentError, match="NumPy says: Object arrays cannot be loaded when allow_pickle=False"):
        cv.from_state_dict(tmp_path / "o.npz")


def test_a_state_dict_in_json(tmp_path: Path) -> None:
    net = Net()
    (tmp_path / "m.json").write_text(json.dumps(lists(net.state_dict())))
    same(cv.from_state_dict(tmp_path / "m.json", "encoder"), net.encoder)
    same(cv.from_state_dict(lists(net.state_dict()), "encoder"), net.encoder)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_guitar_mls_files(kind: Any, tmp_path: Path) -> None:
    net = nn.ModuleDict({"rec": kind(1, 20, batch_first=True), "lin": nn.Linear(20, 1)})
    about = {"model": "SimpleRNN", "unit_type": kind.__name__, "hidden_size": 20, "skip": 1, "input_size": 1}
    (tmp_path / "amp.json").write_text(json.dumps({"model_data": about, "state_dict": lists(net.state_dict())}))
    found = cv.from_state_dict(tmp_path / "amp.json", batch_first=True)
    x = torch.randn(1, 30, 1)
    y = found["rec"](x)[0] @ found.rest["lin.weight"].t() + found.rest["lin.bias"] + found.facts["skip"] * x
    torch.testing.assert_close(y, net["lin"](net["rec"](x)[0]) + x, rtol=0, atol=1e-6)
    assert "adds its input to its output (skip)" in found.notes["rec"][0]


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_rt_neurals_files(kind: str, tmp_path: Path) -> None:
    theirs = built(getattr(L, kind)(8, return_sequences=True), 3)
    dense = built(L.Dense(2, activation="tanh"), 8)
    layers = [
        {"type": kind.lower(), "activation": "tanh", "shape": [None, None, 8], "weights": [w.tolist() for w in theirs.get_weights()]},
        {"type": "dense", "activation": "tanh", "shape": [None, None, 2], "weights": [w.tolist() for w in dense.get_weights()]},
    ]  # fmt: skip
    (tmp_path / "m.aidax").write_text(json.dumps({"in_shape": [None, None, 3], "in_skip": 1, "layers": layers}))
    found = cv.from_state_dict(tmp_path / "m.aidax", batch_first=True)
    x = sequences()
    y = found["layers.0"](torch.from_numpy(x))[0]
    np.testing.assert_allclose(y.detach(), run(theirs, x)[0], atol=1e-6)
    head = torch.tanh(y @ found.rest["layers.1.weight"].t() + found.rest["layers.1.bias"])
    np.testing.assert_allclose(head.detach(), run(dense, run(theirs, x)[0])[0], atol=1e-6)
    assert found.facts == {"in_skip": 1, "layers.1.activation": "tanh"}
    if kind == "LSTM":
        assert not found["layers.0"].bias_hh_l0.requires_grad


def amp(width: int, hidden: int, layers: int) -> tuple[dict[str, Any], Any]:
    """A `.nam` file, and its equations in NumPy with names of their own."""
    random = np.random.default_rng(2)
    parts, flat = [], []
    for k in range(layers):
        shape = (4 * hidden, (hidden if k else width) + hidden)
        own = [random.normal(size=s) for s in (shape, 4 * hidden, hidden, hidden)]
        parts.append(own)
        flat += [v.ravel() for v in own]
    head, bias = random.normal(size=hidden), random.normal(size=1)
    weights = np.concatenate([*flat, head, bias]).tolist()

    def play(x: Any) -> Any:
        states = [[h.copy(), c.copy()] for _, _, h, c in parts]
        ys = []
        for value in x:
            for (w, b, _, _), state in zip(parts, states, strict=True):
                i, f, g, o = np.split(w @ np.concatenate([value, state[0]]) + b, 4)
                state[1] = state[1] / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
                state[0] = value = np.tanh(state[1]) / (1 + np.exp(-o))
            ys.append(head @ value + bias)
        return np.stack(ys)

    config = {"input_size": width, "hidden_size": hidden, "num_layers": layers}
    return {
        "version": "0.5.0",
        "architecture": "LSTM",
        "config": config,
        "weights": weights,
        "sample_rate": 48000,
    }, play


@pytest.mark.parametrize("layers", [1, 2])
def test_neural_amp_modelers_files(layers: int, tmp_path: Path) -> None:
    document, play = amp(1, 6, layers)
    (tmp_path / "amp.nam").write_text(json.dumps(document))
    found = cv.from_state_dict(tmp_path / "amp.nam")
    x = np.random.default_rng(0).normal(size=(40, 1))
    y = found["lstm"](torch.from_numpy(x).float().unsqueeze(1))[0][:, 0]
    y = y @ found.rest["head.weight"].t() + found.rest["head.bias"]
    np.testing.assert_allclose(y.detach(), play(x), atol=2e-6)
    assert found.facts["sample_rate"] == 48000 and "begins from the states in the file" in found.notes["lstm"]
    assert found["lstm"].learn_initial_state


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "WaveNet"}, "its architecture is WaveNet, which is not recurrent"),
        ({"weights": [1.0, 2.0]}, "it has 2 weights, and its config says 211"),
        ({"weights": ["a"]}, "weights is no array of numbers"),
        ({"config": {"hidden_size": 0}}, "its config has sizes [1, 0, 1], expected whole numbers from 1"),
    ],
)
def test_contradictory_amps_are_refused(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    (tmp_path / "a.nam").write_text(json.dumps(amp(1, 6, 1)[0] | change))
    with pytest.raises(cv.ArgumentError, match=re.escape(message)):
        cv.from_state_dict(tmp_path / "a.nam")


class Anything:
    """What a pickle names."""


def test_refusals_say_what_a_sound_file_is(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"

    def refusal() -> str:
        with pytest.raises(cv.ArgumentError) as caught:
            cv.from_state_dict(path)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    torch.save({"model": Anything()}, path)
    with pytest.raises(pickle.UnpicklingError) as theirs:
        torch.load(path, weights_only=True)
    assert " ".join(str(theirs.value).split()) in refusal() and "damaged" not in refusal()
    torch.save(Anything(), path, _use_new_zipfile_serialization=False)
    assert "is a pickle that holds more than tensors" in refusal() and "damaged" not in refusal()
    path.write_bytes(pickle.dumps({"a": np.ones(3)}))
    assert "is a pickle" in refusal() and "damaged" not in refusal()
    torch.save(nn.GRU(2, 3).state_dict(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "damaged" in refusal()


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_torch_script_archives_say_the_way(tmp_path: Path) -> None:
    module = nn.GRU(2, 3)
    torch.jit.save(torch.jit.script(module), tmp_path / "m.pt")
    with pytest.raises(cv.ArgumentError, match="is a TorchScript archive, whose code is not loaded here") as caught:
        cv.from_state_dict(tmp_path / "m.pt")
    assert "damaged" not in str(caught.value)
    held = torch.jit.load(tmp_path / "m.pt").state_dict()
    same(cv.from_state_dict(held)[""], module, 2)


def test_safetensors_of_types_that_torch_has_not(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    safetensors.torch.save_file({"a": torch.zeros(4)}, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-2])
    with pytest.raises(cv.ArgumentError, match="it is truncated or damaged"):
        cv.from_state_dict(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "is no JSON: "), ("[1]", "holds a list; expected an object"), ("{}", "its tensors are none"),
     ('{"layers": [3]}', "layers.0 is a int"), ('{"state_dict": 3}', "its state_dict is a int"),
     ('{"layers": [{"type": "lstm", "weights": [[1]]}]}', "layers.0 is a lstm with weights (1,); expected a kernel")],
)  # fmt: skip
def test_odd_json(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(cv.ArgumentError, match=re.escape(message)):
        cv.from_state_dict(tmp_path / "m.json")


def test_a_source_of_another_kind() -> None:
    with pytest.raises(cv.ArgumentError, match="source is a state_dict or the name of a file, got int"):
        cv.from_state_dict(3)  # type: ignore[arg-type]
    with pytest.raises(cv.ArgumentError, match="expected one of a, got 'b'"):
        cv.from_state_dict({"a": nn.GRU(2, 3).state_dict()}, "b")
