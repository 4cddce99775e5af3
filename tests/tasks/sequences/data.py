"""Sequences whose truth is known."""

from __future__ import annotations

import numpy as np

from conveyor.tasks.sequences.data.collection import Sequences, Values


def bumps(count: int = 60, seed: int = 0) -> tuple[list[Values], np.ndarray]:
    """Sequences of 12 to 20 steps and 3 channels: noise, but for a bump up or down in channel 1 at steps 4 to 6."""
    random = np.random.default_rng(seed)
    values, labels = [], random.integers(0, 2, count)
    for label in labels:
        x = random.normal(size=(int(random.integers(12, 21)), 3)).astype(np.float32)
        x[4:7, 1] += 4.0 if label else -4.0
        values.append(x)
    return values, np.where(labels, "up", "down")


def with_holes(values: list[Values], share: float = 0.3, seed: int = 1) -> list[Values]:
    random = np.random.default_rng(seed)
    found = []
    for v in values:
        holes = random.random(v.shape) < share
        holes[0, 0] = False
        found.append(np.where(holes, np.float32(np.nan), v))
    return found


def stamps(values: list[Values], seed: int = 2) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [100.0 + np.cumsum(random.uniform(0.5, 2.0, len(v))) for v in values]


def sequences(values: list[Values], labels: object = None, times: object = None) -> Sequences:
    channels = tuple(f"dim_{k}" for k in range(values[0].shape[1]))
    ids = tuple(str(k) for k in range(len(values)))
    return Sequences(values, channels, ids, times, None if labels is None else list(labels))  # type: ignore[arg-type]


def csv_of(values: list[Values], labels: object, times: object = None) -> str:
    lines = ["recording,t,a,b,c,kind"]
    for k, (v, label) in enumerate(zip(values, labels, strict=True)):  # type: ignore[call-overload]
        for t, row in enumerate(v):
            when = t if times is None else times[k][t]  # type: ignore[index]
            cells = ",".join("" if np.isnan(x) else repr(float(x)) for x in row)
            lines.append(f"r{k},{when},{cells},{label}")
    return "\n".join(lines) + "\n"
