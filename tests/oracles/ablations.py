"""Greff et al. 2017: their vanilla LSTM (sec. II-A) with one thing left out or changed.

In the paper's letters: block input z, gates i, f, o, cell c, block output y; W, R, p, b with the gate's index. The
candidate's index is g here, as the tensors of a layer have it.
"""

from types import SimpleNamespace

import numpy as np

from oracles.common import Array, Oracle, pack, sigmoid
from oracles.lstm import gates, peepholes


def variant(
    letters: str,
    peeps: str,
    *,
    input_activation: bool = True,
    output_activation: bool = True,
    coupled: bool = False,
) -> Oracle:
    def net(p: SimpleNamespace, k: str, x: Array, y: Array) -> Array:
        return getattr(p, f"W_{k}") @ x + getattr(p, f"R_{k}") @ y + getattr(p, f"b_{k}")

    def gate(p: SimpleNamespace, k: str, x: Array, y: Array, c: Array) -> Array:
        if k not in letters:
            return np.ones_like(c)
        return sigmoid(net(p, k, x, y) + (getattr(p, f"p_{k}") * c if k in peeps else 0))

    def step(p: SimpleNamespace, x: Array, y: Array, c: Array) -> tuple[Array, Array]:
        z = np.tanh(net(p, "g", x, y)) if input_activation else net(p, "g", x, y)
        i = gate(p, "i", x, y, c)
        f = 1 - i if coupled else gate(p, "f", x, y, c)
        new = z * i + c * f
        o = gate(p, "o", x, y, new)
        return (np.tanh(new) if output_activation else new) * o, new

    return Oracle(step, gates(letters) | peepholes(peeps), ("h", "c"))


def lstm_nig() -> Oracle:
    return variant("fgo", "fo")


def lstm_nfg() -> Oracle:
    return variant("igo", "io")


def lstm_nog() -> Oracle:
    return variant("ifg", "if")


def lstm_niaf() -> Oracle:
    return variant("ifgo", "ifo", input_activation=False)


def lstm_noaf() -> Oracle:
    return variant("ifgo", "ifo", output_activation=False)


def lstm_cifg() -> Oracle:
    return variant("igo", "io", coupled=True)


def lstm_np() -> Oracle:
    return variant("ifgo", "")


def lstm_fgr() -> Oracle:
    # Nine further matrices: R_ab carries gate b of the last step to gate a. z is not among the gates.
    def step(p: SimpleNamespace, x: Array, y: Array, c: Array, i: Array, f: Array, o: Array) -> tuple[Array, ...]:
        z = np.tanh(p.W_g @ x + p.R_g @ y + p.b_g)
        i_new = sigmoid(p.W_i @ x + p.R_i @ y + p.p_i * c + p.b_i + p.R_ii @ i + p.R_if @ f + p.R_io @ o)
        f_new = sigmoid(p.W_f @ x + p.R_f @ y + p.p_f * c + p.b_f + p.R_fi @ i + p.R_ff @ f + p.R_fo @ o)
        c_new = i_new * z + f_new * c
        o_new = sigmoid(p.W_o @ x + p.R_o @ y + p.p_o * c_new + p.b_o + p.R_oi @ i + p.R_of @ f + p.R_oo @ o)
        return o_new * np.tanh(c_new), c_new, i_new, f_new, o_new

    crossed = {f"weight_{to}_{of}": pack(f"R_{to}{of}", "H", "H") for to in "ifo" for of in "ifo"}
    return Oracle(step, gates("ifgo") | peepholes("ifo") | crossed, ("h", "c", "i", "f", "o"))
