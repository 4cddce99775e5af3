"""`checkpoint_every`: the same numbers with only the states between chunks kept, and how much memory that takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import conveyor as cv
from layers.features import (
    BACKENDS,
    F64,
    LENGTHS,
    SOME,
    STARTS,
    B,
    I,
    T,
    assert_same,
    aux_of,
    flat,
    gradients,
    layer_of,
    state_of,
)
from support import Case

MIB = 2**20
EVERYTHING = {"dropout": 0.3, "variational_dropout": 0.3, "zoneout": 0.2, "gradient_clip": 0.5}
LAYERS: dict[str, dict[str, Any]] = {
    "one": {},
    "two-both-ways": {"num_layers": 2, "bidirectional": True, "learn_initial_state": True, **EVERYTHING},
    "three": {"num_layers": 3, "connections": "residual", **EVERYTHING},
}
CALLS: dict[str, dict[str, Any]] = {
    "whole": {},
    "lengths": {"lengths": LENGTHS},
    "pieces": {"reset": STARTS},
    "both": {"lengths": LENGTHS, "reset": STARTS},
}


def run(
    layer: cv.Recurrent, every: int | None, state: Any, x: Any, given: dict[str, Any]
) -> tuple[list[Any], list[Any]]:
    layer.checkpoint_every = every
    torch.manual_seed(3)
    results = flat(layer(x, state, every_layer=True, **given))
    return results, gradients(results, [x, *flat(state), *layer.parameters()])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("case", "kind"), [(c, k) for c in SOME for k in LAYERS], ids=lambda v: getattr(v, "id", v))
def test_same_numbers_as_without(case: Case, kind: str, backend: str) -> None:
    layer = layer_of(case, backend, **LAYERS[kind])
    x, aux, state = torch.randn(T, B, I, dtype=F64, requires_grad=True), aux_of(layer), state_of(layer)
    for given in CALLS.values():
        want = run(layer, None, state, x, {**given, **aux})
        for every in (3,) if kind == "one" else (1, 3, T):
            got = run(layer, every, state, x, {**given, **aux})
            assert_same(got[0], want[0], 1e-12, "result")
            assert_same(got[1], want[1], 1e-10, "gradient")
            if backend == "cpu" and not aux:
                assert all(map(torch.equal, got[0], want[0])), "results are the same bit for bit"
                n = 1 + len(flat(state))
                assert all(map(torch.equal, got[1][:n], want[1][:n])), "so are gradients of the input and the states"


def test_packed_sequences_batch_first_and_static_inputs() -> None:
    layer = layer_of("gru_d", "cpu", num_layers=2, bidirectional=True, batch_first=True)
    x = torch.randn(B, T, I, dtype=F64, requires_grad=True)
    aux = {n: torch.rand(B, 1, dtype=F64).round() for n in layer.aux_names}
    found = []
    for every in (None, 2):
        layer.checkpoint_every = every
        y, final = layer(x, **aux)
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, LENGTHS.clamp(min=1), True, False)
        z, last = layer(packed, **aux)
        results = [y, *flat(final), z.data, *flat(last)]
        found.append((results, gradients(results, [x, *layer.parameters()])))
    assert_same(found[1][0], found[0][0], 1e-12, "result")
    assert_same(found[1][1], found[0][1], 1e-10, "gradient")


@pytest.mark.parametrize("backend", BACKENDS)
def test_second_derivatives_functional_and_no_gradient(backend: str) -> None:
    layer = layer_of("gru", backend, checkpoint_every=2)
    x = torch.randn(5, 2, I, dtype=F64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: layer(x)[0], (x,), atol=1e-6, rtol=1e-4)
    with torch.no_grad():
        y = layer(x)[0]
    assert_same([layer(x)[0]], [y], 1e-12, "output")

    def loss(parameters: Any, x: Any) -> Any:
        return torch.func.functional_call(layer, parameters, (x,))[0].square().sum()

    parameters = dict(layer.named_parameters())
    theirs = torch.func.grad(loss)({n: p.detach() for n, p in parameters.items()}, x.detach())
    other = {n: p.detach().clone().requires_grad_() for n, p in parameters.items()}
    ours = torch.autograd.grad(loss(other, x), list(other.values()))
    assert_same(list(ours), list(theirs.values()), 1e-10, "gradient")


def test_what_is_written_into_is_noticed() -> None:
    layer = cv.LSTM(I, 5, checkpoint_every=2)
    x = torch.randn(T, B, I)
    y, _ = layer(x)
    x.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


WRONG = (0, -1, 2.5, True, "3")


@pytest.mark.parametrize("every", WRONG)
def test_errors(every: Any) -> None:
    with pytest.raises(cv.ArgumentError, match="checkpoint_every is a number of steps from 1, or None, got"):
        cv.LSTM(I, 5, checkpoint_every=every)
    with pytest.raises(cv.ArgumentError, match="T is a whole number from 0, got"):
        cv.LSTM(I, 5).memory_estimate(-1, 3)


# Memory, in processes of their own


def measured(steps: int, batch: int, width: int, **options: Any) -> tuple[float, float]:
    """Bytes beyond the input, the output and their gradients: what they were, and what was estimated."""
    script = Path(__file__).with_name("measure_memory.py")
    command = [sys.executable, str(script), str(steps), str(batch), str(width), json.dumps(options)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    found = json.loads(said.stdout)
    return found["beyond"], found["estimate"]


ESTIMATED: dict[str, tuple[int, int, int, dict[str, Any]]] = {
    "chunks": (8000, 8, 128, {"checkpoint_every": 1000}),
}
MORE: dict[str, tuple[int, int, int, dict[str, Any]]] = {
    "plain": (1000, 32, 128, {}),
    "masks": (1000, 32, 128, {"num_layers": 2, "dropout": 0.2, "zoneout": 0.1, "variational_dropout": 0.3}),
    "both ways": (1000, 32, 128, {"num_layers": 2, "bidirectional": True}),
    "both ways in chunks": (1000, 32, 128, {"num_layers": 2, "bidirectional": True, "checkpoint_every": 50}),
    "three in chunks": (2000, 32, 128, {"num_layers": 3, "checkpoint_every": 64}),
    "skip": (2000, 32, 128, {"num_layers": 2, "connections": "skip"}),
    "reference": (1000, 16, 64, {"backend": "reference"}),
    "reference in chunks": (4000, 16, 64, {"backend": "reference", "checkpoint_every": 256}),
}


def check_estimate(steps: int, batch: int, width: int, options: dict[str, Any]) -> None:
    took, estimate = measured(steps, batch, width, **options)
    assert 0.5 * estimate - 4 * MIB <= took <= 1.25 * estimate + 4 * MIB, (took / MIB, estimate / MIB)


@pytest.mark.parametrize("name", ESTIMATED)
def test_the_estimate_is_what_is_taken(name: str) -> None:
    check_estimate(*ESTIMATED[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", MORE)
def test_the_estimate_is_what_is_taken_in_other_arrangements(name: str) -> None:
    check_estimate(*MORE[name])


@pytest.mark.slow
def test_a_hundred_thousand_steps_in_64_mib() -> None:
    took, estimate = measured(100_000, 8, 128, checkpoint_every=316)
    assert took <= 64 * MIB and estimate <= 64 * MIB, (took / MIB, estimate / MIB)


def test_what_an_estimate_says() -> None:
    layer = cv.LSTM(128, 128)
    whole = layer.memory_estimate(100_000, 8)
    layer.checkpoint_every = 316
    chunks = layer.memory_estimate(100_000, 8)
    assert whole.input == whole.output == 2 * 4 * 100_000 * 8 * 128 == chunks.input
    assert chunks.beyond < 64 * MIB < whole.beyond and chunks.total == chunks.input + chunks.output + chunks.beyond
    assert str(chunks).startswith(f"{chunks.total / MIB:,.1f} MiB (input 781.2, output 781.2, saved ")
    empty = layer.memory_estimate(0, 8)
    assert empty.input == empty.output == 0
