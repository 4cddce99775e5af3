"""Silero VAD, a voice activity detector that others trained and published: its LSTM as ours, over a minute of sound.

The wheel has the network's weights (safetensors, 16 kHz) and its own ONNX models. The network around the LSTM (a short-time
Fourier transform as a convolution, four convolutions, one more at the end) is made here by torch's functions.
"""

from __future__ import annotations

from importlib.metadata import files
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

import conveyor as cv
from interop.onnx_spec import session

RATE, CHUNK, CONTEXT, SECONDS = 16_000, 512, 64, 60


def published(name: str) -> Path:
    return Path(str(next(f for f in files("silero-vad") or [] if f.name == name).locate()))


def sound() -> Tensor:
    """A minute of voice-like and other sounds: harmonics of a gliding pitch under formants, in syllables, and noise."""
    generator = torch.Generator().manual_seed(0)
    t = torch.arange(SECONDS * RATE) / RATE
    pitch = 120 + 30 * torch.sin(2 * torch.pi * 0.3 * t)
    phase = 2 * torch.pi * torch.cumsum(pitch / RATE, 0)
    formants = (
        (600 + 200 * torch.sin(2 * torch.pi * 0.7 * t), 100),
        (1500 + 500 * torch.sin(2 * torch.pi * 0.5 * t), 150),
    )
    voice = torch.zeros_like(t)
    for k in range(1, 25):
        gain = sum(torch.exp(-(((k * pitch - centre) / (2 * width)) ** 2)) for centre, width in formants)
        voice += (gain + 0.02) * torch.sin(k * phase)
    syllables = torch.sin(2 * torch.pi * 3 * t).clamp(min=0) * (torch.sin(2 * torch.pi * 0.11 * t) > 0)
    noise = torch.randn(t.shape, generator=generator)
    return 0.2 * voice * syllables + 0.003 * noise + 0.1 * noise * (torch.sin(2 * torch.pi * 0.05 * t) > 0.95)


def chunks(wave: Tensor) -> Tensor:
    """Pieces of 512 samples, each behind the last 64 before it: (T, 576)."""
    padded = functional.pad(wave[: len(wave) // CHUNK * CHUNK], (CONTEXT, 0))
    return padded.unfold(0, CONTEXT + CHUNK, CHUNK)


def features(w: dict[str, Tensor], x: Tensor) -> Tensor:
    """What the LSTM is given for each piece: (T, 128)."""
    x = functional.pad(x.unsqueeze(1), (0, 64), mode="reflect")
    x = functional.conv1d(x, w["stft_conv.weight"], stride=128)
    x = (x[:, :129].square() + x[:, 129:].square()).sqrt()
    for k, stride in enumerate((1, 2, 2, 1), 1):
        x = functional.conv1d(x, w[f"conv{k}.weight"], w[f"conv{k}.bias"], stride=stride, padding=1).relu()
    return x.squeeze(-1)


def chance(w: dict[str, Tensor], h: Tensor) -> Tensor:
    """The chance of speech, from the LSTM's output."""
    return torch.sigmoid(h.relu() @ w["final_conv.weight"][0] + w["final_conv.bias"]).squeeze(-1)


# Names of the weights in the published ONNX model, and in the published safetensors file.
NAMES = {
    "model.stft.forward_basis_buffer": "stft_conv.weight",
    "model.decoder.decoder.2.weight": "final_conv.weight",
    "model.decoder.decoder.2.bias": "final_conv.bias",
    **{f"model.encoder.{k}.reparam_conv.{n}": f"conv{k + 1}.{n}" for k in range(4) for n in ("weight", "bias")},
    **{f"model.decoder.rnn.{n}": f"lstm_cell.{n}" for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")},
}


def theirs(made: onnx.ModelProto, pieces: Tensor) -> np.ndarray[Any, Any]:
    """What their own model says, piece by piece."""
    ready = session(made)
    state, found = np.zeros((2, 1, 128), np.float32), []
    for piece in pieces.numpy():
        y, state = ready.run(None, {"input": piece[None], "state": state, "sr": np.asarray(RATE, np.int64)})
        found.append(y[0, 0])
    return np.asarray(found)


@pytest.mark.parametrize("weights", ["onnx", "safetensors"])
@torch.no_grad()
def test_a_minute_of_sound_gives_what_their_own_model_says(weights: str, tmp_path: Path) -> None:
    """With the weights of the ONNX file, and with those of the safetensors file, which are of another training."""
    made = onnx.load(published("silero_vad_16k_op15.onnx"))
    stored = {t.name: t for t in made.graph.initializer if t.name in NAMES}
    assert stored.keys() == NAMES.keys()
    if weights == "safetensors":
        held = load_file(published("silero_vad_16k.safetensors"))
        for name, tensor in stored.items():
            tensor.CopyFrom(numpy_helper.from_array(held[NAMES[name]].numpy(), name))
    w = {NAMES[n]: torch.from_numpy(numpy_helper.to_array(t).copy()) for n, t in stored.items()}
    pieces = chunks(sound())
    assert len(pieces) == SECONDS * RATE // CHUNK
    want = theirs(made, pieces)
    assert want.min() < 0.1 and want.max() > 0.7, "the sound has both"
    seen = features(w, pieces).unsqueeze(1)

    def same(h: Tensor) -> None:
        assert np.abs(chance(w, h[:, 0]).numpy() - want).max() <= 1e-5

    layer = cv.LSTM(128, 128)
    layer.load_state_dict({f"{n.removeprefix('lstm_cell.')}_l0": v for n, v in w.items() if n.startswith("lstm_cell.")})
    same(layer(seen)[0])
    stream = layer.stream()
    same(torch.stack([stream.step(x) for x in seen]))
    # Out of their model, and through one of ours.
    read = cv.from_onnx(made)
    assert read.report.ok and read.report.difference is not None and not read.refused
    for found in read.values():
        same(found(seen)[0])
    cv.to_onnx(layer, tmp_path / "m.onnx")
    same(torch.from_numpy(session(str(tmp_path / "m.onnx")).run(["y"], {"x": seen.numpy()})[0]))


@pytest.mark.parametrize("name", ["silero_vad_16k_sequence.onnx", "silero_vad_openvino_16k.onnx"])
def test_their_other_files_hold_the_same_lstm(name: str) -> None:
    first, *_ = cv.from_onnx(published("silero_vad_16k_op15.onnx")).values()
    (other,) = cv.from_onnx(published(name)).values()
    x = torch.randn(20, 2, 128)
    assert (first(x)[0] - other(x)[0]).abs().max() <= 1e-5


def test_both_rates_of_the_published_model_are_read() -> None:
    """Its LSTMs stand in branches within branches: for two rates, with the state given and without."""
    read = cv.from_onnx(published("silero_vad.onnx"))
    assert len(read) == 4 and not read.refused
    assert {node.initial["h"] for node in read.nodes.values()} == {"from state", "from input"}
