"""Code for this machine against the equations in float64: every built-in cell, a user's own, sizes and stacks."""

from __future__ import annotations

import numpy as np
import pytest

import conveyor as cv
from build.oracle import data, expected, random_network, run
from conveyor.build.lowering.pack import in_pairs, to_bf16
from conveyor.build.network import Linear, Network
from cpu import cells as hostile

OWN = ["memory_of_conditions", "reductions_in_sequence", "products_in_sequence", "wide_and_narrow", "given_twice"]
OWN += ["ties_of_two"]


def check(network: Network, steps: int = 200, weights: str = "float32", largest: float = 1e-5) -> None:
    x = data(network, steps)
    got, want = run(network, x, weights), expected(network, x)
    np.testing.assert_allclose(got, want, rtol=0, atol=largest * max(1.0, float(np.abs(want).max())))


@pytest.mark.parametrize("name", cv.cells)
def test_every_cell(name: str) -> None:
    inputs, hidden, layers = (5, 5, 1) if name == "gru_d" else (3, 20, 2)
    check(random_network(name, inputs, hidden, layers))


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("hidden", [3, 17])
def test_a_users_own_cell(name: str, hidden: int) -> None:
    cell = getattr(hostile, name)
    # Few steps: where a condition falls the other way in float64, the two go apart for good.
    check(random_network(cell, 4, hidden, 1, seed=3), 60)


@pytest.mark.parametrize("hidden", [1, 2, 7, 8, 9, 15, 16, 31, 33, 64, 100, 300])
@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_sizes(name: str, hidden: int) -> None:
    check(random_network(name, 1, hidden, 1, 1), 60)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("connections", ["plain", "residual", "skip"])
def test_stacks(layers: int, connections: str) -> None:
    check(random_network("gru_reset_before", 6, 12, layers, 3, connections=connections))


@pytest.mark.parametrize("heads", [2, 3, 4, 6])
def test_block_diagonal_matrices(heads: int) -> None:
    check(random_network(cv.cells["slstm"].configure(heads=heads), 3, 48, 1, 2))


@pytest.mark.parametrize("activation", ["", "sigmoid", "softmax"])
@pytest.mark.parametrize("outputs", [1, 3, 4, 5, 40])
def test_heads(activation: str, outputs: int) -> None:
    check(random_network("lstm", 2, 19, 1, outputs, activation=activation))


def test_softmax_sums_to_one_and_orders_as_its_operand() -> None:
    network = random_network("gru", 2, 19, 1, 30, activation="softmax")
    y = run(network, data(network, 50))
    np.testing.assert_allclose(y.sum(1), 1, rtol=1e-6)
    assert (y > 0).all()


def test_the_input_added_to_the_output() -> None:
    check(random_network("lstm", 1, 16, 1, 1, skips_input=True))
    check(random_network("lstm", 9, 16, 1, 9, skips_input=True))


def test_embedding_and_projection() -> None:
    random = np.random.default_rng(0)
    base = random_network("lstm", 12, 20, 1, 50)
    table = random.standard_normal((50, 12)).astype(np.float32)
    check(Network(table, (), base.layers, heads=base.heads, activation="softmax"))
    linear = Linear(random.standard_normal((12, 7)).astype(np.float32), random.standard_normal(12).astype(np.float32))
    check(Network(None, (linear,), base.layers, heads=base.heads))


def test_tokens_beyond_the_table_read_no_other_memory() -> None:
    table = np.eye(6, dtype=np.float32)
    base = random_network("gru", 6, 8)
    network = Network(table, (), base.layers)
    odd = np.array([[-3.0], [99.0], [np.inf], [np.nan], [3e9]], np.float32)
    known = np.array([[0.0], [5.0], [5.0], [0.0], [5.0]], np.float32)
    np.testing.assert_array_equal(run(network, odd), run(network, known))


def test_learned_initial_states() -> None:
    network = random_network("lstm", 2, 13)
    layer = network.layers[0]
    starts = tuple(np.linspace(-1, 1, 13, dtype=np.float32) * k for k in (1, 2))
    network = Network(None, (), (type(layer)(layer.name, layer.program, layer.widths, layer.parameters, starts),))
    check(network)


@pytest.mark.parametrize("weights", ["bf16", "int8"])
@pytest.mark.parametrize("name", ["lstm", "gru", "lstm_layer_norm", "lstm_projection"])
@pytest.mark.parametrize("hidden", [20, 33])
def test_small_weights(name: str, weights: str, hidden: int) -> None:
    check(random_network(name, 18, hidden, 2, 2), weights=weights, largest=0.02)


def test_pairs_of_bf16_are_as_near_as_bf16() -> None:
    """Weights at even places are rounded to bf16; those at odd places, read with a neighbour behind, err no more."""
    random = np.random.default_rng(0)
    values = random.standard_normal((50, 31)).astype(np.float32) * 10.0 ** random.integers(-6, 6, (50, 31))
    values = values.astype(np.float32)
    words = in_pairs(values)
    even = (words.view(np.uint32) << 16).view(np.float32)
    odd = words.view(np.float32)[:, : values.shape[1] // 2]
    np.testing.assert_array_equal(even.view(np.uint32) >> 16, to_bf16(values[:, 0::2]))
    np.testing.assert_allclose(even, values[:, 0::2], rtol=2.0**-8)
    np.testing.assert_allclose(odd, values[:, 1::2], rtol=2.0**-8)


def test_weights_that_are_exact_in_few_bits_give_the_same_numbers() -> None:
    """Weights of few bits are the same in bf16 at even places, with zeros between."""
    network = random_network("gru", 1, 24)
    random = np.random.default_rng(4)
    for array in network.layers[0].parameters.values():
        array[...] = random.integers(-63, 64, array.shape) / 128
        if array.ndim == 2:
            array[:, 1::2] = 0
    check(network)
    check(network, weights="bf16")
