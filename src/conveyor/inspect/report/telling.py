"""Which units tell something that a reader can name: chosen on one part of the text, judged on the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from conveyor.inspect.report.content import LayerValues, Telling

_SHIFTS = 20  # of the labels against the text, for what chance alone would give
_LEAST = 0.1  # share of a property's variance below which a unit is no find


def telling_units(layers: Sequence[LayerValues], tokens: Sequence[str]) -> list[Telling]:
    """Units that follow a property of the text, the best first; where none does, those that hold longest.

    A unit is chosen by its correlation with the property on the first 60% of the text. Its r² on the rest is reported
    if it is above what the best of the same choice gives on labels that are shifted against the text.
    """
    found: list[tuple[float, Telling]] = []
    for what, label in properties(tokens).items():
        best = [
            (*_best(np.asarray(layer.values[name], np.float64), label), k, name)
            for k, layer in enumerate(layers)
            for name in _held(layer)
        ]
        score, chance, unit, k, name = max(best, key=lambda b: b[0], default=(0.0, 0.0, 0, 0, ""))
        if score > max(_LEAST, 2 * chance):
            found.append((score, Telling(k, name, unit, f"{what} (r² {score:.2f}, by chance {chance:.2f})")))
    found.sort(key=lambda item: -item[0])
    return [t for _, t in found] or _slow(layers)


def properties(tokens: Sequence[str]) -> Mapping[str, NDArray[np.float64]]:
    """Properties of a text at each token, after it is read; those that never change are left out."""
    text = list(tokens)
    quote, bracket, column, word, sentence = False, 0, 0, 0, 0
    rows = []
    for token in text:
        for c in token:
            if c in '“”"':
                quote = c == "“" or (c == '"' and not quote)
            bracket = max(0, bracket + (c in "([{") - (c in ")]}"))
            column = 0 if c == "\n" else column + 1
            word = word + 1 if c.isalpha() else 0
            sentence = 0 if c in ".!?" else sentence + 1
        rows.append((quote, bracket > 0, column, word, np.log1p(sentence)))
    names = (
        "inside quotation marks",
        "inside brackets",
        "position in the line",
        "letters of the word so far",
        "distance from the sentence's start",
    )
    columns = np.array(rows, dtype=np.float64).T
    return {n: c for n, c in zip(names, columns, strict=True) if c.std() > 0}


def _held(layer: LayerValues) -> tuple[str, ...]:
    """The states, which carry what was read."""
    return tuple(s.name for s in layer.program.states if s.name in layer.values)


def _best(values: NDArray[np.float64], label: NDArray[np.float64]) -> tuple[float, float, int]:
    """The held-out r² of the unit that does best on the first part, what chance gives, and the unit."""
    cut = len(label) * 3 // 5
    shifts = (np.linspace(0.1, 0.9, _SHIFTS) * len(label)).astype(int)
    labels = np.stack([label, *(np.roll(label, s) for s in shifts)])
    units = np.abs(_correlations(values[:cut], labels[:, :cut])).argmax(1)
    scores = _correlations(values[cut:], labels[:, cut:])[np.arange(len(labels)), units] ** 2
    return float(scores[0]), float(scores[1:].max()), int(units[0])


def _correlations(values: NDArray[np.float64], labels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each label with each unit."""
    v, y = values - values.mean(0), labels - labels.mean(1, keepdims=True)
    size = np.sqrt((y**2).sum(1)[:, None] * (v**2).sum(0))
    found: NDArray[np.float64] = np.divide(y @ v, size, out=np.zeros_like(size), where=size > 1e-12)
    return found


def _slow(layers: Sequence[LayerValues], most: int = 4) -> list[Telling]:
    """Units whose state changes least from step to step, as a share of how much it changes altogether."""
    found = []
    for k, layer in enumerate(layers):
        for name in _held(layer)[-1:]:
            v = np.asarray(layer.values[name], np.float64)
            size = v.std(0)
            change = np.divide(
                np.abs(np.diff(v, axis=0)).mean(0), size, out=np.full(v.shape[1], np.inf), where=size > 1e-6
            )
            found += [(change[u], Telling(k, name, int(u), "changes slowly")) for u in np.argsort(change)[:most]]
    return [t for _, t in sorted(found, key=lambda item: item[0])[:most]]
