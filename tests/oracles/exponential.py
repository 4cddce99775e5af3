"""Beck et al. 2024, xLSTM: the sLSTM."""

from types import SimpleNamespace

import numpy as np

from oracles.common import Array, Oracle, pack, sigmoid


def slstm(heads: int = 1, forget_activation: str = "exp") -> Oracle:
    """The equations before stabilisation, in the true memory c·exp(m) and the true normaliser n·exp(m).

    The paper's stabiliser m only scales the stored c and n, and leaves h as it is; so the recurrence runs without it
    here, and the stored values are found from m at the end of the step.
    """

    def mixed(r: Array, h: Array) -> Array:
        size = len(h) // heads
        result = np.empty_like(h)
        for k in range(heads):
            own = slice(k * size, (k + 1) * size)
            result[own] = r[own] @ h[own]
        return result

    def step(p: SimpleNamespace, x: Array, h: Array, c: Array, n: Array, m: Array) -> tuple[Array, ...]:
        z = np.tanh(p.W_z @ x + mixed(p.R_z, h) + p.b_z)
        o = sigmoid(p.W_o @ x + mixed(p.R_o, h) + p.b_o)
        i = np.exp(p.W_i @ x + mixed(p.R_i, h) + p.b_i)
        f_tilde = p.W_f @ x + mixed(p.R_f, h) + p.b_f
        f = np.exp(f_tilde) if forget_activation == "exp" else sigmoid(f_tilde)
        memory = f * (c * np.exp(m)) + i * z
        normaliser = f * (n * np.exp(m)) + i
        m = np.where(n > 0, np.maximum(np.log(f) + m, np.log(i)), np.log(i))
        return o * memory / normaliser, memory / np.exp(m), normaliser / np.exp(m), m

    return Oracle(
        step,
        {
            "weight_ih": pack("W_z W_o W_i W_f", "H", "I"),
            "weight_hh": pack("R_z R_o R_i R_f", "H", "H", blocks=heads),
            "bias": pack("b_z b_o b_i b_f", "H"),
        },
        ("h", "c", "n", "m"),
    )
