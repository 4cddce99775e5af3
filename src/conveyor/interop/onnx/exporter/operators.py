"""Emission of a layer as one of ONNX's recurrent operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from conveyor.interop.onnx.exporter.graph import Array, Graph
from conveyor.interop.onnx.exporter.scan import Steps
from conveyor.interop.onnx.exporter.weights import Weights
from conveyor.operators.recognise import Operator


@dataclass(frozen=True)
class Stacked:
    """The names of the weights of all directions, an axis for the directions in front; see `Weights`."""

    w: str | None
    r: str | None
    b: str | None
    p: str | None


def stacked(g: Graph, weights: Sequence[Weights[Array]]) -> Stacked:
    """Store the weights of each direction in a graph."""

    def store(name: str) -> str | None:
        found = [v for w in weights if (v := getattr(w, name)) is not None]
        return g.weight(np.stack(found), name.upper()) if found else None

    return Stacked(*map(store, "wrbp"))


def emit_operator(
    g: Graph,
    operator: Operator,
    weights: Stacked,
    directions: int,
    width: int,
    x: str,
    states: Sequence[str] | None,
    steps: Steps,
    backwards: bool,
) -> tuple[str, list[str]]:
    """Add a recurrent node for one layer.

    Args:
        g: The graph.
        operator: The operator.
        weights: The weights of all directions.
        directions: Their number.
        width: H.
        x: Its input, (T, B, I).
        states: The initial states, (directions, B, H) each, or None for zeros.
        steps: The sequence.
        backwards: Whether a single direction runs from the end.

    Returns:
        The output, (T, B, directions x H), and the final states, (directions, B, H) each.
    """
    o = operator
    inputs = [x, weights.w or "", weights.r or "", weights.b or ""]
    lengths = None if steps.lengths is None else g.add("Cast", steps.lengths, to=6)  # 6 is int32
    inputs.append(lengths or "")
    count = 2 if operator.name == "LSTM" else 1
    inputs += [""] * count if states is None else list(states)
    inputs += [weights.p] if weights.p else []
    while not inputs[-1]:
        inputs.pop()
    outputs = g.add_many(
        operator.name,
        tuple(inputs),
        1 + count,
        operator.name,
        hidden_size=width,
        direction="bidirectional" if directions == 2 else "reverse" if backwards else "forward",
        **_attributes(o, directions),
    )
    y = outputs[0]
    if directions == 1:
        y = g.add("Squeeze", y, g.whole(1))
    else:
        y = g.add("Transpose", y, perm=[0, 2, 1, 3])
        y = g.add("Reshape", y, g.whole(0, 0, directions * width))
    finals = outputs[1:]
    if steps.lengths is not None and states is not None:
        # onnxruntime ends a row of length zero with zeros rather than with the state that it began with.
        empty = g.add("Equal", g.add("Unsqueeze", steps.lengths, g.whole(0, 2)), g.whole(0))
        finals = [g.add("Where", empty, before, after) for before, after in zip(states, finals, strict=True)]
    return y, finals


def _attributes(o: Operator, directions: int) -> dict[str, Any]:
    every = [*o.activations] * directions
    made: dict[str, Any] = {"activations": [a.name for a in every]}
    # An activation takes the next numbers of each list if it has such numbers at all. They are always written out:
    # runtimes disagree about the defaults.
    for name in ("alpha", "beta"):
        numbers = [n for a in every if (n := getattr(a, name)) is not None]
        made |= {f"activation_{name}": numbers} if numbers else {}
    made |= {} if o.after_reset is None else {"linear_before_reset": 1}
    made |= {"input_forget": 1} if o.coupled else {}
    return made | ({} if o.clip is None else {"clip": o.clip})
