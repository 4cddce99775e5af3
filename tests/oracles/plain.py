"""Elman 1990; Le, Jaitly & Hinton 2015; Li et al. 2018."""

from types import SimpleNamespace

from oracles.common import ACTIVATIONS, Array, Oracle, pack, relu


def rnn(nonlinearity: str = "tanh") -> Oracle:
    activation = ACTIVATIONS[nonlinearity]

    def step(p: SimpleNamespace, x: Array, h: Array) -> tuple[Array]:
        return (activation(p.W @ x + p.R @ h + p.b),)

    return Oracle(step, {"weight_ih": pack("W", "H", "I"), "weight_hh": pack("R", "H", "H"), "bias": pack("b", "H")})


def indrnn() -> Oracle:
    # Li et al. 2018: h_t = relu(W x_t + u ⊙ h_{t-1} + b).
    def step(p: SimpleNamespace, x: Array, h: Array) -> tuple[Array]:
        return (relu(p.W @ x + p.u * h + p.b),)

    return Oracle(step, {"weight_ih": pack("W", "H", "I"), "bias": pack("b", "H"), "u": pack("u", "H")})
