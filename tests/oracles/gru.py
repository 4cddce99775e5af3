"""Cho et al. 2014, torch.nn.GRU's documentation, and Che et al. 2018 (GRU-D)."""

from types import SimpleNamespace

import numpy as np

from oracles.common import Array, Oracle, pack, sigmoid


def gru() -> Oracle:
    # torch.nn.GRU: n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn)), h' = (1 − z) ⊙ n + z ⊙ h.
    def step(p: SimpleNamespace, x: Array, h: Array) -> tuple[Array]:
        r = sigmoid(p.W_r @ x + p.R_r @ h + p.b_r)
        z = sigmoid(p.W_z @ x + p.R_z @ h + p.b_z)
        n = np.tanh(p.W_n @ x + p.b_in + r * (p.R_n @ h + p.b_hn))
        return (n + z * (h - n),)

    return Oracle(
        step,
        {
            "weight_ih": pack("W_r W_z W_n", "H", "I"),
            "weight_hh": pack("R_r R_z R_n", "H", "H"),
            "bias": pack("b_r b_z b_in b_hn", "H"),
        },
    )


def gru_reset_before() -> Oracle:
    # Cho et al. 2014: h̃ = tanh(W x + U (r ⊙ h)), h' = z ⊙ h + (1 − z) ⊙ h̃ (biases are left out in the paper).
    def step(p: SimpleNamespace, x: Array, h: Array) -> tuple[Array]:
        r = sigmoid(p.W_r @ x + p.R_r @ h + p.b_r)
        z = sigmoid(p.W_z @ x + p.R_z @ h + p.b_z)
        content = np.tanh(p.W_n @ x + p.R_n @ (r * h) + p.b_n)
        return (content + z * (h - content),)

    return Oracle(
        step,
        {
            "weight_ih": pack("W_r W_z W_n", "H", "I"),
            "weight_hh": pack("R_r R_z", "H", "H"),
            "weight_n_value": pack("R_n", "H", "H"),
            "bias": pack("b_r b_z b_n", "H"),
        },
    )


def gru_d() -> Oracle:
    """GRU-D: trainable decays γ = exp(−max(0, W δ + b)), W diagonal for the input's and full for the state's.

    x̂ = m x + (1 − m) (γ_x x' + (1 − γ_x) x̃), with x' the last observation and x̃ the mean; ĥ = γ_h ⊙ h; the mask enters
    each of z, r and h̃ through a matrix V; h = (1 − z) ⊙ ĥ + z ⊙ h̃.
    """

    def step(p: SimpleNamespace, x: Array, h: Array, seen: Array, mask: Array, delta: Array) -> tuple[Array, Array]:
        x_hat, seen = np.empty_like(x), seen.copy()
        for d in range(len(x)):
            decay = np.exp(-max(0.0, p.g_x[d] * delta[d] + p.g_x_bias[d]))
            if mask[d] == 1:
                x_hat[d] = seen[d] = x[d]
            else:
                x_hat[d] = decay * seen[d] + (1 - decay) * p.mean[d]
        h_hat = np.exp(-np.maximum(0.0, p.G_h @ delta + p.b_g)) * h
        z = sigmoid(p.W_z @ x_hat + p.U_z @ h_hat + p.V_z @ mask + p.b_z)
        r = sigmoid(p.W_r @ x_hat + p.U_r @ h_hat + p.V_r @ mask + p.b_r)
        content = np.tanh(p.W_n @ x_hat + p.U_n @ (r * h_hat) + p.V_n @ mask + p.b_n)
        return (1 - z) * h_hat + z * content, seen

    packing = {"weight_decay_h_delta": pack("G_h", "H", "I"), "bias": pack("b_g b_r b_z b_n", "H")}
    for k in "rzn":
        packing[f"weight_{k}_x_hat"] = pack(f"W_{k}", "H", "I")
        packing[f"weight_{k}_h" if k != "n" else "weight_n_value"] = pack(f"U_{k}", "H", "H")
        packing[f"weight_{k}_mask"] = pack(f"V_{k}", "H", "I")
    packing |= {"decay_x": pack("g_x", "I"), "decay_x_bias": pack("g_x_bias", "I"), "x_mean": pack("mean", "I")}
    return Oracle(step, packing, ("h", "x_last"), ("mask", "delta"))
