"""Which units a report shows first, found by probes."""

from __future__ import annotations

import numpy as np
import torch

import conveyor as cv
from conveyor.inspect.labels import inside_quotes
from conveyor.inspect.report.content import LayerValues
from conveyor.inspect.report.informative_units import telling_units


def a_text() -> list[str]:
    """Sentences of unequal length: of a text that repeats itself, shifted labels would be no chance."""
    maker = np.random.default_rng(0)
    words = ["whale", "sea", "she", "(slowly)", "a", "captain", "swam", "of", "the"]
    parts = []
    for _ in range(120):
        said = " ".join(maker.choice(words, maker.integers(2, 12)))
        parts.append(f"“{said}” " if maker.uniform() < 0.4 else f"{said}.\n")
    return list("".join(parts))


TEXT = a_text()


def recorded(planted: bool) -> tuple[cv.Trace, list[LayerValues]]:
    """A record of noise, in which one unit of the reverse direction may follow the quotation marks."""
    torch.manual_seed(0)
    layer = cv.Recurrent("gru", 2, 12, bidirectional=True)
    trace = layer.record(torch.randn(len(TEXT), 1, 2), values=["h"])
    parts = []
    for _, way, part in trace.directions():
        part["h"].copy_(torch.randn(part["h"].shape))
        if planted and way == "reverse":
            part["h"][:, 0, 7] += 4 * inside_quotes(TEXT)
        parts.append(LayerValues(way, part.program, {"h": part["h"][:, 0].numpy()}, (), {}))
    return trace, parts


def test_a_planted_unit_is_shown_first() -> None:
    trace, layers = recorded(True)
    first = telling_units(trace, layers, TEXT)[0]
    assert (first.layer, first.value, first.unit) == (1, "h", 7)
    assert first.reason.startswith("inside quotes (balanced accuracy 0.9")


def test_without_any_those_that_change_slowly_are_shown() -> None:
    trace, layers = recorded(False)
    found = telling_units(trace, layers, TEXT)
    assert found and all(t.reason == "changes slowly" for t in found)


def test_a_text_too_short_to_probe() -> None:
    trace, layers = recorded(True)
    short = [LayerValues(p.label, p.program, {"h": p.values["h"][:6]}, (), {}) for p in layers]
    layer = cv.Recurrent("gru", 2, 12, bidirectional=True)
    found = telling_units(layer.record(torch.randn(6, 1, 2), values=["h"]), short, list("a “b” c")[:6])
    assert all(t.reason == "changes slowly" for t in found)
