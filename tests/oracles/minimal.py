"""Zhou et al. 2016; van der Westhuizen & Lasenby 2018; Collins et al. 2017; Feng et al. 2024."""

from types import SimpleNamespace

import numpy as np

from oracles.common import Array, Oracle, pack, sigmoid
from oracles.lstm import gates


def mgu() -> Oracle:
    # f = σ(W_f [h, x] + b_f); h̃ = tanh(W_h [f ⊙ h, x] + b_h); h' = (1 − f) ⊙ h + f ⊙ h̃.
    def step(p: SimpleNamespace, x: Array, h: Array) -> tuple[Array]:
        f = sigmoid(p.R_f @ h + p.W_f @ x + p.b_f)
        content = np.tanh(p.R_n @ (f * h) + p.W_n @ x + p.b_n)
        return (h + f * (content - h),)

    return Oracle(
        step,
        {
            "weight_ih": pack("W_f W_n", "H", "I"),
            "weight_hh": pack("R_f", "H", "H"),
            "weight_n_value": pack("R_n", "H", "H"),
            "bias": pack("b_f b_n", "H"),
        },
    )


def janet(beta: float = 1.0) -> Oracle:
    # s = U_f h + W_f x + b_f; c̃ = tanh(U_c h + W_c x + b_c); c' = σ(s) ⊙ c + (1 − σ(s − β)) ⊙ c̃; h' = c'.
    def step(p: SimpleNamespace, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        s = p.R_f @ h + p.W_f @ x + p.b_f
        content = np.tanh(p.R_g @ h + p.W_g @ x + p.b_g)
        new = sigmoid(s) * c + sigmoid(beta - s) * content
        return new, new

    return Oracle(step, gates("fg"), ("h", "c"))


def ugrnn() -> Oracle:
    # c = tanh(W^ch h + W^cx x + b^c); g = σ(W^gh h + W^gx x + b^g); h' = g ⊙ h + (1 − g) ⊙ c.
    def step(p: SimpleNamespace, x: Array, h: Array) -> tuple[Array]:
        content = np.tanh(p.R_n @ h + p.W_n @ x + p.b_n)
        keep = sigmoid(p.R_z @ h + p.W_z @ x + p.b_z)
        return (keep * h + (1 - keep) * content,)

    return Oracle(step, gates("nz"))


def min_gru() -> Oracle:
    # z = σ(Linear(x)); h̃ = Linear(x); h' = (1 − z) ⊙ h + z ⊙ h̃.
    def step(p: SimpleNamespace, x: Array, h: Array) -> tuple[Array]:
        z = sigmoid(p.W_z @ x + p.b_z)
        return (h + z * (p.W_n @ x + p.b_n - h),)

    return Oracle(step, {"weight_ih": pack("W_z W_n", "H", "I"), "bias": pack("b_z b_n", "H")})


def min_lstm() -> Oracle:
    # f, i = σ(Linear(x)); f', i' = f / (f + i), i / (f + i); h' = f' ⊙ h + i' ⊙ h̃, h̃ = Linear(x).
    def step(p: SimpleNamespace, x: Array, h: Array) -> tuple[Array]:
        f = sigmoid(p.W_f @ x + p.b_f)
        i = sigmoid(p.W_i @ x + p.b_i)
        content = p.W_n @ x + p.b_n
        return ((f * h + i * content) / (f + i),)

    return Oracle(step, {"weight_ih": pack("W_f W_i W_n", "H", "I"), "bias": pack("b_f b_i b_n", "H")})
