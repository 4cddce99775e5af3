"""Hochreiter & Schmidhuber 1997; Gers et al. 2000; Graves 2013; Ba et al. 2016; Sak et al. 2014; Greff et al. 2017."""

from types import SimpleNamespace

import numpy as np

from oracles.common import ACTIVATIONS, Array, Oracle, pack, sigmoid


def gates(letters: str, state: str = "H") -> dict:
    """The tensors that hold W, R and b of these gates."""
    return {
        "weight_ih": pack(" ".join(f"W_{k}" for k in letters), "H", "I"),
        "weight_hh": pack(" ".join(f"R_{k}" for k in letters), "H", state),
        "bias": pack(" ".join(f"b_{k}" for k in letters), "H"),
    }


def peepholes(letters: str) -> dict:
    return {f"p_{k}": pack(f"p_{k}", "H") for k in letters}


def lstm(gate_activation: str = "sigmoid", candidate_activation: str = "tanh", cell_activation: str = "tanh") -> Oracle:
    gate, candidate, squash = (ACTIVATIONS[a] for a in (gate_activation, candidate_activation, cell_activation))

    def step(p: SimpleNamespace, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        forget = gate(p.W_f @ x + p.R_f @ h + p.b_f)
        write = gate(p.W_i @ x + p.R_i @ h + p.b_i)
        read = gate(p.W_o @ x + p.R_o @ h + p.b_o)
        memory = forget * c + write * candidate(p.W_g @ x + p.R_g @ h + p.b_g)
        return read * squash(memory), memory

    return Oracle(step, gates("ifgo"), ("h", "c"))


def lstm_peephole() -> Oracle:
    # Graves 2013, eqs. 7-11: the cell-to-gate matrices are diagonal, and o_t sees c_t.
    def step(p: SimpleNamespace, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        write = sigmoid(p.W_i @ x + p.R_i @ h + p.p_i * c + p.b_i)
        forget = sigmoid(p.W_f @ x + p.R_f @ h + p.p_f * c + p.b_f)
        memory = forget * c + write * np.tanh(p.W_g @ x + p.R_g @ h + p.b_g)
        read = sigmoid(p.W_o @ x + p.R_o @ h + p.p_o * memory + p.b_o)
        return read * np.tanh(memory), memory

    return Oracle(step, gates("ifgo") | peepholes("ifo"), ("h", "c"))


def lstm_coupled() -> Oracle:
    # The gate that is learned is the forget gate, as in the issue ("f and 1 − f").
    def step(p: SimpleNamespace, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        forget = sigmoid(p.W_f @ x + p.R_f @ h + p.b_f)
        content = np.tanh(p.W_g @ x + p.R_g @ h + p.b_g)
        read = sigmoid(p.W_o @ x + p.R_o @ h + p.b_o)
        memory = content + forget * (c - content)
        return read * np.tanh(memory), memory

    return Oracle(step, gates("fgo"), ("h", "c"))


def layer_norm(z: Array, gain: Array, bias: Array) -> Array:
    # Ba et al. 2016, eqs. 15-16 of the supplement, with torch's 1e-5 under the root.
    mean = sum(z) / len(z)
    variance = sum((z - mean) ** 2) / len(z)
    return (z - mean) / np.sqrt(variance + 1e-5) * gain + bias


def lstm_layer_norm() -> Oracle:
    """Ba et al. 2016, supplementary eqs. 20-22, a normalisation a gate.

    The paper adds b after normalising, LN(W_h h) + LN(W_x x) + b; here the norms' own biases stand for it.
    """

    def step(p: SimpleNamespace, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        a = {}
        for k in "ifgo":
            w, r, gain_h, bias_h, gain_x, bias_x = (
                getattr(p, n.format(k)) for n in ("W_{}", "R_{}", "{}_h_gain", "{}_h_bias", "{}_x_gain", "{}_x_bias")
            )
            a[k] = layer_norm(r @ h, gain_h, bias_h) + layer_norm(w @ x, gain_x, bias_x)
        memory = sigmoid(a["f"]) * c + sigmoid(a["i"]) * np.tanh(a["g"])
        return sigmoid(a["o"]) * np.tanh(layer_norm(memory, p.c_gain, p.c_bias)), memory

    norms = [f"{k}_{v}" for k in "ifgo" for v in "hx"] + ["c"]
    learned = {f"{n}_{part}": pack(f"{n}_{part}", "H") for n in norms for part in ("gain", "bias")}
    matrices = {name: packed for name, packed in gates("ifgo").items() if name != "bias"}
    return Oracle(step, matrices | learned, ("h", "c"))


def lstm_projection() -> Oracle:
    # Sak et al. 2014: the recurrent and output vector is r_t = W_rm m_t, where m_t = o_t ⊙ tanh(c_t).
    def step(p: SimpleNamespace, x: Array, r: Array, c: Array) -> tuple[Array, Array]:
        write = sigmoid(p.W_i @ x + p.R_i @ r + p.b_i)
        forget = sigmoid(p.W_f @ x + p.R_f @ r + p.b_f)
        memory = forget * c + write * np.tanh(p.W_g @ x + p.R_g @ r + p.b_g)
        read = sigmoid(p.W_o @ x + p.R_o @ r + p.b_o)
        return p.P @ (read * np.tanh(memory)), memory

    return Oracle(step, gates("ifgo", "proj") | {"weight_proj_value": pack("P", "proj", "H")}, ("h", "c"))
