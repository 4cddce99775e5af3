"""Files of Keras 2: its configurations written out here, and the weights of textgenrnn, which its author trained."""

from __future__ import annotations

import copy
import json
from importlib.metadata import files
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

import conveyor as cv
from interop.keras.library import I, L, run, sequences
from interop.keras.test_live import assert_same, ours

pytestmark = pytest.mark.usefixtures("in_this_process")
H = 4
BAR = 2.0  # nats a character
Array = np.ndarray[Any, Any]


def write(
    path: Path, layers: list[tuple[str, dict[str, Any], dict[str, Array]]], version: str, nested: bool = False
) -> Path:
    """A whole model as Keras 2 saved it: one group a layer, names with `:0`."""
    with h5py.File(path, "w") as root:
        entries = [{"class_name": kind, "config": config} for kind, config, _ in layers]
        # Before 2.2.3 a Sequential's configuration was the list itself.
        config = entries if nested else {"name": "sequential_1", "layers": entries}
        root.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": config}).encode()
        root.attrs["keras_version"] = version.encode()
        weights = root.create_group("model_weights")
        weights.attrs["layer_names"] = [c["name"].encode() for _, c, _ in layers]
        for _, config_, arrays in layers:
            group = weights.create_group(config_["name"])
            group.attrs["weight_names"] = [f"{config_['name']}/{n}:0".encode() for n in arrays]
            for name, array in arrays.items():
                group[f"{config_['name']}/{name}:0"] = array
    return path


def arrays(gates: int, bias: tuple[int, ...] | None = None, width: int = I) -> dict[str, Array]:
    generator = np.random.default_rng(gates)
    made = {"kernel": (width, gates * H), "recurrent_kernel": (H, gates * H), "bias": bias or (gates * H,)}
    return {n: generator.normal(0, 0.7, shape).astype("float32") for n, shape in made.items()}


def sigmoid(v: Array) -> Array:
    return 1 / (1 + np.exp(-v))


def lstm(w: dict[str, Array], x: Array, gate: Any) -> Array:
    h = c = np.zeros((len(x), H), "float32")
    made = []
    for step in x.transpose(1, 0, 2):
        i, f, g, o = np.split(step @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"], 4, 1)
        c = gate(f) * c + gate(i) * np.tanh(g)
        h = gate(o) * np.tanh(c)
        made.append(h)
    return np.stack(made, 1)


def old_hard_sigmoid(v: Array) -> Array:
    return np.clip(0.2 * v + 0.5, 0, 1)


CONFIG = {"units": H, "activation": "tanh", "use_bias": True, "return_sequences": True}


@pytest.mark.parametrize("nested", [False, True], ids=["2.2.4", "a list of layers"])
def test_the_hard_sigmoid_of_keras_2(nested: bool, tmp_path: Path) -> None:
    w = arrays(4)
    config = CONFIG | {"name": "lstm_1", "recurrent_activation": "hard_sigmoid"}
    found = cv.from_keras(write(tmp_path / "m.h5", [("LSTM", config, w)], "2.2.4", nested))
    x = sequences()
    assert_same([lstm(w, x, old_hard_sigmoid)], ours(found["lstm_1"], x))


def test_weights_alone_of_keras_before_2_3_have_it_by_default(tmp_path: Path) -> None:
    for version, gate in (("2.2.4", old_hard_sigmoid), ("2.2.4-tf", sigmoid), ("2.3.1", sigmoid)):
        w = arrays(4)
        whole = write(tmp_path / f"{version}.h5", [("LSTM", CONFIG | {"name": "lstm_1"}, w)], version)
        path = tmp_path / f"{version}.weights.h5"
        with h5py.File(whole) as source, h5py.File(path, "w") as target:
            source.copy("model_weights/lstm_1", target)
            target.attrs["layer_names"] = [b"lstm_1"]
            target.attrs["keras_version"] = version
        found = cv.from_keras(path)
        x = sequences()
        assert_same([lstm(w, x, gate)], ours(found["lstm_1"], x))
        assert "assumed" in found.notes["lstm_1"][0]


def cudnn(w: dict[str, Array], gates: int) -> dict[str, Array]:
    """The same weights as CuDNNLSTM and CuDNNGRU keep them: matrices of a gate (H, I) in memory, two biases."""
    inputs = [np.ascontiguousarray(k.T).reshape(k.shape) for k in np.split(w["kernel"], gates, 1)]
    recurrent = [k.T for k in np.split(w["recurrent_kernel"], gates, 1)]
    return {"kernel": np.hstack(inputs), "recurrent_kernel": np.hstack(recurrent), "bias": w["bias"].reshape(-1)}


def test_cudnn_layers(tmp_path: Path) -> None:
    w = arrays(4)
    halves = {"bias": np.concatenate([w["bias"] * 0.25, w["bias"] * 0.75])}
    config = {"name": "a", "units": H, "return_sequences": True}
    path = write(tmp_path / "m.h5", [("CuDNNLSTM", config, cudnn(w | halves, 4))], "2.2.4")
    x = sequences()
    assert_same([lstm(w, x, sigmoid)], ours(cv.from_keras(path)["a"], x))

    w = arrays(3, (2, 3 * H))
    path = write(tmp_path / "g.h5", [("CuDNNGRU", config, cudnn(w, 3))], "2.2.4")
    layer = L.GRU(H, return_sequences=True)
    layer.build((None, None, I))
    layer.set_weights([*w.values()])
    assert_same(run(layer, x), ours(cv.from_keras(path)["a"], x))


def test_gru_had_no_reset_after(tmp_path: Path) -> None:
    w = arrays(3)
    config = CONFIG | {"name": "gru_1", "recurrent_activation": "sigmoid"}
    layer = L.GRU(H, return_sequences=True, reset_after=False)
    layer.build((None, None, I))
    layer.set_weights([*w.values()])
    x = sequences()
    found = cv.from_keras(write(tmp_path / "m.h5", [("GRU", config, w)], "2.1.6"))
    assert_same(run(layer, x), ours(found["gru_1"], x))


def test_keras_1_is_refused(tmp_path: Path) -> None:
    config = {"name": "lstm_1", "output_dim": H, "inner_activation": "hard_sigmoid"}
    with pytest.raises(cv.ArgumentError, match="it was written by Keras 1; load and save it with Keras 2 first"):
        cv.from_keras(write(tmp_path / "m.h5", [("LSTM", config, arrays(4))], "1.2.2"))


# textgenrnn's language model: characters to characters, trained by Max Woolf on titles from Reddit, CuDNNLSTM layers


def packaged(name: str) -> Path:
    place = next(f for f in files("textgenrnn") or [] if f.name == name)
    return Path(str(place.locate()))


class TextGen:
    """Its model, with our layers: two LSTMs, skip connections, attention over the last 40 characters."""

    def __init__(self, layers: Any) -> None:
        self.layers = layers
        self.vocabulary = json.loads(packaged("textgenrnn_vocab.json").read_text(encoding="utf-8"))
        with h5py.File(packaged("textgenrnn_weights.hdf5")) as root:

            def held(path: str) -> torch.Tensor:
                return torch.from_numpy(np.asarray(root[path]))

            self.embedding = held("embedding/embedding/embeddings:0")
            self.attention = held("attention/attention/attention_W:0")
            self.kernel, self.bias = held("output/output/kernel:0"), held("output/output/bias:0")

    def log_probabilities(self, texts: list[list[int]]) -> torch.Tensor:
        rows = torch.tensor([([0] * 40 + t)[-40:] for t in texts])
        with torch.no_grad():
            embedded = self.embedding[rows]
            first, _ = self.layers["rnn_1"](embedded)
            second, _ = self.layers["rnn_2"](first)
            joined = torch.cat([embedded, first, second], -1)
            weights = (joined @ self.attention).softmax(1)
            return ((joined * weights).sum(1) @ self.kernel + self.bias).log_softmax(-1)

    def nats(self, text: str) -> float:
        """What a character of a text costs on average, the first of them left out."""
        ids = [self.vocabulary["<s>"], *(self.vocabulary[c] for c in text)]
        told = self.log_probabilities([ids[:k] for k in range(1, len(ids))])
        return -float(told[range(len(ids) - 1), ids[1:]][3:].mean())

    def likeliest(self, start: str, length: int) -> str:
        ids = [self.vocabulary["<s>"], *(self.vocabulary[c] for c in start)]
        letters = {v: k for k, v in self.vocabulary.items()}
        for _ in range(length):
            ids.append(int(self.log_probabilities([ids]).argmax()))
        return "".join(letters[k] for k in ids[1:])


TITLES = [
    "What is the best thing to do when you are in the world?",
    "My friend made this picture of a cat and a dog",
    "The new president of the United States is a good man",
]


@pytest.fixture(scope="module")
def textgenrnn() -> Any:
    return cv.from_keras(packaged("textgenrnn_weights.hdf5"))


def test_textgenrnn_writes_english(textgenrnn: Any) -> None:
    assert list(textgenrnn) == ["rnn_1", "rnn_2"] and all(r.ok for r in textgenrnn.reports)
    assert [repr(k) for k in textgenrnn.values()] == [
        "LSTM(100, 128, batch_first=True)",
        "LSTM(128, 128, batch_first=True)",
    ]
    model = TextGen(textgenrnn)
    cost = [model.nats(t) for t in TITLES]
    assert max(cost) < BAR, cost
    assert model.likeliest("What is the ", 14) == "What is the best state of "


def test_weights_of_textgenrnn_in_another_order_write_none(textgenrnn: Any) -> None:
    """What tells the right order: with two gates exchanged the text costs as much as letters by chance."""
    for a, b in ((0, 1), (1, 2), (0, 3)):
        wrong = {}
        for name, layer in textgenrnn.items():
            state = {n: t.clone() for n, t in layer.state_dict().items()}
            for t in state.values():
                t[a * 128 : (a + 1) * 128], t[b * 128 : (b + 1) * 128] = (
                    t[b * 128 : (b + 1) * 128].clone(),
                    t[a * 128 : (a + 1) * 128].clone(),
                )
            wrong[name] = cv.LSTM(layer.input_size, 128, batch_first=True)
            wrong[name].load_state_dict(state)
        model = TextGen(wrong)
        assert min(model.nats(t) for t in TITLES) > 1.5 * BAR


def test_textgenrnn_goes_to_keras_3(textgenrnn: Any, tmp_path: Path) -> None:
    for name, layer in textgenrnn.items():
        theirs = L.LSTM(128, return_sequences=True)
        theirs.build((None, None, layer.input_size))
        cv.to_keras(layer, theirs)
        x = sequences(layer.input_size, time=40)
        # Its weights are large: what torch's own LSTM loses in float32 is the measure.
        with torch.no_grad():
            double = copy.deepcopy(layer).double()(torch.from_numpy(x).double())[0].numpy()
            lost = np.abs(cv.to_torch(layer)(torch.from_numpy(x))[0].numpy() - double).max()
        assert np.abs(run(theirs, x)[0] - double).max() <= 2 * lost < 1e-4
        assert np.abs(ours(layer, x)[0] - double).max() <= 2 * lost
        cv.to_keras(layer, tmp_path / f"{name}.keras")
