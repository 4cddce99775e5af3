"""One layer of each kind that a file can hold, with what sets it apart from the defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

import conveyor as cv


def own(x, h, m, *, gap):  # type: ignore[no-untyped-def]
    """A cell of no library: decay by time gap, a projection-sized memory, a fixed first value, a norm."""
    keep = cv.exp(-cv.softplus(cv.affine("decay", gap)))
    z = cv.sigmoid(cv.layer_norm("z", cv.affine("z", x, h, m)))
    h = keep * (1 - z) * h + z * cv.tanh(cv.affine("n", x, h)) + cv.weight("u") * h
    m = cv.clip(cv.affine("memory", h, size="slots") + m, -3, 3)
    return h, m


def nothing(x, h):  # type: ignore[no-untyped-def]
    return h * 0.5


KINDS: Mapping[str, Callable[[], Any]] = {
    "LSTM": lambda: cv.LSTM(3, 5, 2, dropout=0.25, bidirectional=True, batch_first=True, proj_size=2, forget_bias=1.0),
    "GRU": lambda: cv.GRU(3, 5, bias=False, dtype=torch.float64, backend="reference"),
    "RNN": lambda: cv.RNN(3, 5, 3, nonlinearity="relu", init="orthogonal", backend="reference").to(torch.bfloat16),
    "LSTMCell": lambda: cv.LSTMCell(3, 5, init="chrono", max_lag=50),
    "GRUCell": lambda: cv.GRUCell(3, 5, bias=False),
    "RNNCell": lambda: cv.RNNCell(3, 5, nonlinearity="relu"),
    "Recurrent": lambda: cv.Recurrent(cv.cell(own), 3, 5, 2, bidirectional=True, sizes={"slots": 4, "gap": 2}),
    "a-cell-a-layer": lambda: cv.Recurrent(["lstm", "gru", cv.cell(own)], 3, [5, 6, 7], sizes={"slots": 4}, bias=False),
    "Cell": lambda: cv.Cell(cv.cell(own), 3, 5, sizes={"slots": 4, "gap": 1}, strict_backend=True),
    "regularised": lambda: cv.Recurrent(
        "lstm", 3, 5, 2, dropout=0.25, variational_dropout={"recurrent": 0.2, "output": 0.1}, zoneout={"c": 0.1},
        connections="skip", gradient_clip=1.0, checkpoint_every=2,
    ),
    "no-parameters": lambda: cv.Recurrent(cv.cell(nothing), 5, 5),
}


def run(layer: Any) -> list[torch.Tensor]:
    """What a layer makes of an input; dropout draws the same."""
    generator = torch.Generator().manual_seed(3)
    like = next(iter(layer.parameters()), torch.zeros(1))
    units = getattr(layer, "units", None) or (layer.unit,)
    lead = (4,) if hasattr(layer, "unit") else (4, 6)
    x = torch.randn(*lead, layer.input_size, generator=generator).to(like)
    widths = {a.name: unit.widths[a.width] for unit in units for a in unit.program.aux}
    aux = {name: torch.rand(*lead, width, generator=generator).to(like) for name, width in widths.items()}
    torch.manual_seed(5)
    return [t for t in torch.utils._pytree.tree_leaves(layer(x, **aux)) if t is not None]


def contents(path: Path) -> tuple[dict[str, str], dict[str, bytes]]:
    """All that a file says: safetensors writes metadata in any order."""
    with safe_open(path, framework="pt") as file:
        return file.metadata(), {n: file.get_tensor(n).view(torch.uint8).numpy().tobytes() for n in file.keys()}  # noqa: SIM118
