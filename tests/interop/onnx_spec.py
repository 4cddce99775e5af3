"""ONNX's recurrent operators in NumPy, from the text of their specification, and models of one node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Array = NDArray[Any]
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
USUAL = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}
ORDER = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
OUTPUTS = ("Y", "Y_h", "Y_c")


def sigmoid(v: Array) -> Array:
    return 1 / (1 + np.exp(-v))


FUNCTIONS: Mapping[str, Callable[[Array, float, float], Array]] = {
    "Relu": lambda v, a, b: np.maximum(v, 0),
    "Tanh": lambda v, a, b: np.tanh(v),
    "Sigmoid": lambda v, a, b: sigmoid(v),
    "Affine": lambda v, a, b: a * v + b,
    "LeakyRelu": lambda v, a, b: np.where(v >= 0, v, a * v),
    "ThresholdedRelu": lambda v, a, b: np.where(v >= a, v, 0),
    "ScaledTanh": lambda v, a, b: a * np.tanh(b * v),
    "HardSigmoid": lambda v, a, b: np.minimum(np.maximum(a * v + b, 0), 1),
    "Elu": lambda v, a, b: np.where(v >= 0, v, a * (np.exp(v) - 1)),
    "Softsign": lambda v, a, b: v / (1 + np.abs(v)),
    "Softplus": lambda v, a, b: np.log(1 + np.exp(v)),
}
# How many numbers each takes.
NUMBERS = {"Affine": 2, "LeakyRelu": 1, "ThresholdedRelu": 1, "ScaledTanh": 2, "HardSigmoid": 2, "Elu": 1}
CHOSEN = {"Affine": (0.7, 0.1), "LeakyRelu": (0.2,), "ThresholdedRelu": (0.3,), "ScaledTanh": (1.5, 0.6), "HardSigmoid": (0.3, 0.4), "Elu": (0.8,)}  # fmt: skip


def activations(names: list[str]) -> dict[str, Any]:
    """The attributes of a node with these, their numbers as in CHOSEN."""
    alpha = [CHOSEN[n][0] for n in names if NUMBERS.get(n, 0) > 0]
    beta = [CHOSEN[n][1] for n in names if NUMBERS.get(n, 0) > 1]
    made: dict[str, Any] = {"activations": names}
    return made | ({"activation_alpha": alpha} if alpha else {}) | ({"activation_beta": beta} if beta else {})


def problem(op: str, i: int, h: int, direction: str = "forward", seed: int = 0, **also: bool) -> dict[str, Array]:
    """Random weights; with `bias`, `peepholes` those too."""
    random = np.random.default_rng(seed)
    d, g = 2 if direction == "bidirectional" else 1, GATES[op]

    def draw(*shape: int) -> Array:
        return random.uniform(-0.7, 0.7, shape).astype(np.float32)

    made = {"W": draw(d, g * h, i), "R": draw(d, g * h, h)}
    made |= {"B": draw(d, 2 * g * h)} if also.get("bias", True) else {}
    return made | ({"P": draw(d, 3 * h)} if also.get("peepholes") else {})


def given(op: str, t: int, b: int, weights: Mapping[str, Array], seed: int = 1) -> dict[str, Array]:
    """A random sequence and initial states."""
    random = np.random.default_rng(seed)
    d, _, h = weights["R"].shape
    states = ("initial_h", "initial_c") if op == "LSTM" else ("initial_h",)
    made = {"X": random.standard_normal((t, b, weights["W"].shape[2]))}
    made |= {n: random.standard_normal((d, b, h)) for n in states}
    return {n: v.astype(np.float32) for n, v in made.items()}


def model(op: str, stored: Mapping[str, Array], free: Mapping[str, Array], **attributes: Any) -> onnx.ModelProto:
    """One node; `stored` are constants of the file, `free` inputs of any batch and time."""
    names = [n if n in stored or n in free else "" for n in ORDER]
    while not names[-1]:
        names.pop()
    outputs = list(OUTPUTS[: 3 if op == "LSTM" else 2])
    node = helper.make_node(op, names, outputs, name="node", hidden_size=stored["R"].shape[2], **attributes)
    kind = helper.np_dtype_to_tensor_dtype
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info(n, kind(v.dtype), [None] * v.ndim) for n, v in free.items()],
        [helper.make_tensor_value_info(n, kind(stored["W"].dtype), None) for n in outputs],
        [numpy_helper.from_array(v, n) for n, v in stored.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def session(made: onnx.ModelProto | str) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    data = made if isinstance(made, str) else made.SerializeToString()
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def run(made: onnx.ModelProto | str, inputs: Mapping[str, Array]) -> list[Array]:
    return list(session(made).run(None, dict(inputs)))


def specified(op: str, weights: Mapping[str, Array], inputs: Mapping[str, Array], **a: Any) -> list[Array]:
    """Y (T, D, B, H), Y_h and, of an LSTM, Y_c, in float64, as the specification says."""
    w = {n: v.astype(np.float64) for n, v in weights.items()}
    given_ = {n: v.astype(np.float64) for n, v in inputs.items()}
    d, _, h = w["R"].shape
    x = given_["X"]
    names = a.get("activations", USUAL[op] * d)
    alphas, betas = list(a.get("activation_alpha", [])), list(a.get("activation_beta", []))
    functions = []
    for name in names:
        alpha = alphas.pop(0) if NUMBERS.get(name, 0) > 0 else 0.0
        beta = betas.pop(0) if NUMBERS.get(name, 0) > 1 else 0.0
        functions.append((FUNCTIONS[name], alpha, beta))
    bound = a.get("clip", np.inf)
    lengths = inputs.get("sequence_lens", np.full(x.shape[1], x.shape[0]))
    ys, hs, cs = np.zeros((x.shape[0], d, x.shape[1], h)), [], []
    for k in range(d):
        own = functions[k * len(USUAL[op]) : (k + 1) * len(USUAL[op])]
        acts = [lambda v, f=f: f[0](np.clip(v, -bound, bound), f[1], f[2]) for f in own]
        backwards = a.get("direction", "forward") == "reverse" or k == 1
        last_h, last_c = np.zeros((x.shape[1], h)), np.zeros((x.shape[1], h))
        for row in range(x.shape[1]):
            state = [given_[n][k, row] if n in given_ else np.zeros(h) for n in ("initial_h", "initial_c")]
            steps = range(int(lengths[row]))
            for t in reversed(steps) if backwards else steps:
                state = _step(op, {n: v[k] for n, v in w.items()}, x[t, row], state, acts, a)
                ys[t, k, row] = state[0]
            last_h[row], last_c[row] = state
        hs.append(last_h)
        cs.append(last_c)
    return [ys, np.stack(hs)] + ([np.stack(cs)] if op == "LSTM" else [])


def _step(op: str, w: Mapping[str, Array], x: Array, state: list[Array], acts: list[Any], a: Mapping[str, Any]) -> Any:
    h, c = state
    n = len(h)
    wb, rb = np.split(w.get("B", np.zeros(2 * GATES[op] * n)), 2)
    wx, rh = w["W"] @ x + wb, w["R"] @ h
    if op == "RNN":
        return [acts[0](wx + rh + rb), c]
    if op == "LSTM":
        p_i, p_o, p_f = np.split(w.get("P", np.zeros(3 * n)), 3)
        i, o, f, g = np.split(wx + rh + rb, 4)
        i = acts[0](i + p_i * c)
        f = 1 - i if a.get("input_forget") else acts[0](f + p_f * c)
        c = f * c + i * acts[1](g)
        return [acts[0](o + p_o * c) * acts[2](c), c]
    (xz, xr, xn), (hz, hr, hn), (bz, br, bn) = np.split(wx, 3), np.split(rh, 3), np.split(rb, 3)
    z, r = acts[0](xz + hz + bz), acts[0](xr + hr + br)
    if a.get("linear_before_reset"):
        new = acts[1](xn + r * (hn + bn))
    else:
        new = acts[1](xn + w["R"][2 * n :] @ (r * h) + bn)
    return [(1 - z) * new + z * h, c]
