"""Trained GRU weights from elsewhere: those of the package g2p-en, which turns letters into sounds."""

import string
from importlib.metadata import files
from pathlib import Path

import numpy as np
import pytest
import torch

import conveyor as cv

LETTERS = ["<pad>", "<unk>", "</s>", *string.ascii_lowercase]
VOWELS = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split()
CONSONANTS = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH".split()
SOUNDS = ["<pad>", "<unk>", "<s>", "</s>", *sorted([*(v + s for v in VOWELS for s in "012"), *CONSONANTS, "UW"])]
START, END = SOUNDS.index("<s>"), SOUNDS.index("</s>")
LONGEST = 20
WORDS = ["activationist", "conveyor", "recurrence", "xylophonic", "a", "strengths", "gradientless", "zzyzx"]


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    place = next(f for f in files("g2p-en") or [] if f.name == "checkpoint20.npz")
    with np.load(Path(str(place.locate()))) as held:
        return {name: held[name] for name in held.files}


def spell(word: str) -> list[int]:
    return [LETTERS.index(letter) for letter in word] + [LETTERS.index("</s>")]


def by_conveyor(weights: dict[str, np.ndarray], word: str) -> str:
    """Encoder as a layer, decoder as a cell, both with the weights as they are."""
    encoder = cv.GRU(256, 256)
    encoder.load_state_dict(
        {f"{kind}_l0": torch.from_numpy(weights[f"enc_{short}"]) for kind, short in KINDS.items()}, strict=True
    )
    decoder = cv.GRUCell(256, 256)
    decoder.load_state_dict({kind: torch.from_numpy(weights[f"dec_{short}"]) for kind, short in KINDS.items()})
    embed, project, bias = (torch.from_numpy(weights[n]) for n in ("dec_emb", "fc_w", "fc_b"))
    with torch.no_grad():
        _, h = encoder(torch.from_numpy(weights["enc_emb"])[spell(word)].unsqueeze(1))
        h, last, sounds = h[0], START, []
        while len(sounds) < LONGEST:
            h = decoder(embed[last].unsqueeze(0), h)
            last = int((h @ project.T + bias).argmax())
            if last == END:
                break
            sounds.append(SOUNDS[last])
    return " ".join(sounds)


KINDS = {"weight_ih": "w_ih", "weight_hh": "w_hh", "bias_ih": "b_ih", "bias_hh": "b_hh"}


def by_numpy(weights: dict[str, np.ndarray], word: str) -> str:
    """The same in NumPy: r, z, n in this order, the reset gate after the product."""

    def step(part: str, x: np.ndarray, h: np.ndarray) -> np.ndarray:
        from_x = np.split(weights[f"{part}_w_ih"].astype(float) @ x + weights[f"{part}_b_ih"], 3)
        from_h = np.split(weights[f"{part}_w_hh"].astype(float) @ h + weights[f"{part}_b_hh"], 3)
        r, z = (1 / (1 + np.exp(-(from_x[k] + from_h[k]))) for k in (0, 1))
        return (1 - z) * np.tanh(from_x[2] + r * from_h[2]) + z * h

    h = np.zeros(256)
    for letter in spell(word):
        h = step("enc", weights["enc_emb"][letter], h)
    last, sounds = START, []
    while len(sounds) < LONGEST:
        h = step("dec", weights["dec_emb"][last], h)
        last = int((weights["fc_w"] @ h + weights["fc_b"]).argmax())
        if last == END:
            break
        sounds.append(SOUNDS[last])
    return " ".join(sounds)


def test_activationist(weights: dict[str, np.ndarray]) -> None:
    assert by_conveyor(weights, "activationist") == "AE2 K T IH0 V EY1 SH AH0 N IH0 S T"


@pytest.mark.parametrize("word", WORDS)
def test_other_words_sound_as_by_hand(weights: dict[str, np.ndarray], word: str) -> None:
    assert by_conveyor(weights, word) == by_numpy(weights, word) != ""
