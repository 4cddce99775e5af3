"""A layer as one of ONNX's recurrent operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from conveyor.interop.onnx.exporter.graph import Graph
from conveyor.interop.onnx.exporter.scan import Steps
from conveyor.interop.onnx.exporter.weights import Weights
from conveyor.operators.recognise import Operator


def emit_operator(
    g: Graph,
    operator: Operator,
    weights: Sequence[Weights],
    x: str,
    states: Sequence[str] | None,
    steps: Steps,
    backwards: bool,
) -> tuple[str, list[str]]:
    """A node for one layer.

    Args:
        g: Where the node goes.
        operator: What it is.
        weights: Those of each direction.
        x: Its input, (T, B, I).
        states: The initial states, (directions, B, H) each, or None for zeros.
        steps: The sequence.
        backwards: Whether a single direction runs from the end.

    Returns:
        The output, (T, B, directions x H), and the final states, (directions, B, H) each.
    """
    o = operator
    directions, width = len(weights), weights[0].r.shape[1]
    inputs = [x, g.weight(np.stack([w.w for w in weights]), "W"), g.weight(np.stack([w.r for w in weights]), "R")]
    biases = [w.b for w in weights if w.b is not None]
    inputs.append(g.weight(np.stack(biases), "B") if biases else "")
    lengths = None if steps.lengths is None else g.add("Cast", steps.lengths, to=6)  # 6 is int32
    inputs.append(lengths or "")
    count = 2 if operator.name == "LSTM" else 1
    inputs += [""] * count if states is None else list(states)
    peepholes = [w.p for w in weights if w.p is not None]
    inputs += [g.weight(np.stack(peepholes), "P")] if peepholes else []
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
