"""Every built-in cell against an independent computation of its equations, through the tensors of a layer."""

import ast
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import conveyor as cv
import oracles
from conveyor.ir.parser import parse
from oracles import ORACLES, Oracle
from oracles.common import ACTIVATIONS
from support import BUILT_IN, Case, assert_near, random, random_aux, random_state

TOLERANCE = 1e-12
BACKENDS = ("reference", "cpu")
SIZES = [(3, 5, 4, 7), (2, 9, 7, 3), (1, 5, 3, 9), (5, 1, 1, 5), (1, 1, 1, 1)]


def names(sizes: tuple[int, ...]) -> str:
    return "-".join(f"{letter}{size}" for letter, size in zip("BTIH", sizes, strict=True))


def widths(case: Case, input_size: int, hidden_size: int) -> dict[str, int]:
    return {"I": input_size, "H": hidden_size, **case.sizes(hidden_size)}


def random_layer(case: Case, input_size: int, hidden_size: int, g: torch.Generator, **arguments: Any) -> cv.Recurrent:
    layer = cv.Recurrent(
        case.cell,
        input_size,
        hidden_size,
        sizes=case.sizes(hidden_size),
        dtype=torch.float64,
        strict_backend=True,
        **arguments,
    )
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(random(g, *parameter.shape, scale=0.7))
    return layer


def tensors(layer: cv.Recurrent, suffix: str = "_l0") -> dict[str, np.ndarray]:
    held = {n: p.detach().numpy() for n, p in layer.named_parameters()}
    return {n.removesuffix(suffix): p for n, p in held.items() if n.endswith(suffix)}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("sizes", SIZES, ids=names)
@pytest.mark.parametrize("case", BUILT_IN, ids=lambda c: c.id)
def test_layer_computes_the_equations(case: Case, sizes: tuple[int, int, int, int], backend: str) -> None:
    batch, length, input_size, hidden_size = sizes
    hidden_size *= case.multiple
    g = torch.Generator().manual_seed(sum(sizes))
    oracle = ORACLES[case.cell.name](**case.options)
    layer = random_layer(case, input_size, hidden_size, g, backend=backend)
    width = widths(case, input_size, hidden_size)
    assert tuple(s.name for s in case.program.states) == oracle.states
    x = random(g, length, batch, input_size)
    states = [random_state(g, s.name, batch, width[s.width]) for s in case.program.states]
    aux = {n: random_aux(g, n, length, batch, input_size) for n in oracle.aux}

    y, final = layer(x, tuple(s.unsqueeze(0) for s in states), **aux)

    want_y, want_final = oracle.run(
        tensors(layer), x.numpy(), [s.numpy() for s in states], {n: a.numpy() for n, a in aux.items()}
    )
    assert_near(y.detach(), torch.from_numpy(want_y), TOLERANCE, "output")
    assert final._fields == oracle.states
    for name, got, want in zip(final._fields, final, want_final, strict=True):
        assert_near(got[0].detach(), torch.from_numpy(want), TOLERANCE, f"final {name}")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", BUILT_IN, ids=lambda c: c.id)
def test_layer_starts_from_zeros(case: Case, backend: str) -> None:
    g = torch.Generator().manual_seed(1)
    hidden_size = 3 * case.multiple
    oracle = ORACLES[case.cell.name](**case.options)
    layer = random_layer(case, 5, hidden_size, g, backend=backend)
    width = widths(case, 5, hidden_size)
    x = random(g, 4, 3, 5)
    aux = {n: random_aux(g, n, 4, 3, 5) for n in oracle.aux}
    y, _ = layer(x, **aux)
    zeros = [np.zeros((3, width[s.width])) for s in case.program.states]
    want, _ = oracle.run(tensors(layer), x.numpy(), zeros, {n: a.numpy() for n, a in aux.items()})
    assert_near(y.detach(), torch.from_numpy(want), TOLERANCE, "output")


@pytest.mark.parametrize("case", BUILT_IN, ids=lambda c: c.id)
def test_parameters_are_packed_as_documented(case: Case) -> None:
    input_size, hidden_size = 4, 5 * case.multiple
    oracle: Oracle = ORACLES[case.cell.name](**case.options)
    width = widths(case, input_size, hidden_size)
    want = {name: packed.shape(width) for name, packed in oracle.packing.items()}
    assert case.cell.parameters(input_size, hidden_size, **case.sizes(hidden_size)) == want
    layer = cv.Recurrent(case.cell, input_size, hidden_size, sizes=case.sizes(hidden_size))
    assert {n: tuple(p.shape) for n, p in layer.named_parameters()} == {f"{n}_l0": s for n, s in want.items()}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", BUILT_IN, ids=lambda c: c.id)
def test_without_bias_is_with_bias_zero(case: Case, backend: str) -> None:
    g = torch.Generator().manual_seed(2)
    hidden_size = 3 * case.multiple
    layer = random_layer(case, 4, hidden_size, g, bias=False, backend=backend)
    oracle = ORACLES[case.cell.name](**case.options)
    shape = {"H": hidden_size}
    zero = {name: np.zeros(packed.shape(shape)) for name, packed in oracle.packing.items() if name == "bias"}
    width = widths(case, 4, hidden_size)
    assert "bias_l0" not in dict(layer.named_parameters())
    x = random(g, 5, 2, 4)
    states = [random_state(g, s.name, 2, width[s.width]) for s in case.program.states]
    aux = {n: random_aux(g, n, 5, 2, 4) for n in oracle.aux}
    y, _ = layer(x, tuple(s.unsqueeze(0) for s in states), **aux)
    want, _ = oracle.run(
        tensors(layer) | zero, x.numpy(), [s.numpy() for s in states], {n: a.numpy() for n, a in aux.items()}
    )
    assert_near(y.detach(), torch.from_numpy(want), TOLERANCE, "output")


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_layers_of_two_directions_compose_the_equations(backend: str) -> None:
    g = torch.Generator().manual_seed(3)
    case = next(c for c in BUILT_IN if c.id == "lstm_peephole")
    layer = random_layer(case, 4, 3, g, num_layers=2, bidirectional=True, backend=backend)
    oracle = ORACLES["lstm_peephole"]()
    x = random(g, 6, 2, 4)
    h_0, c_0 = random(g, 4, 2, 3), random(g, 4, 2, 3)
    y, final = layer(x, (h_0, c_0))
    below = x.numpy()
    for k in (0, 1):
        there, (h, c) = oracle.run(tensors(layer, f"_l{k}"), below, [h_0[2 * k].numpy(), c_0[2 * k].numpy()])
        back, (h_back, c_back) = oracle.run(
            tensors(layer, f"_l{k}_reverse"), below[::-1].copy(), [h_0[2 * k + 1].numpy(), c_0[2 * k + 1].numpy()]
        )
        below = np.concatenate([there, back[::-1]], -1)
        got_states = (final.h[2 * k], final.c[2 * k], final.h[2 * k + 1], final.c[2 * k + 1])
        for got, want in zip(got_states, (h, c, h_back, c_back), strict=True):
            assert_near(got.detach(), torch.from_numpy(want), TOLERANCE, f"final state of layer {k}")
    assert_near(y.detach(), torch.from_numpy(below), TOLERANCE, "output")


@pytest.mark.parametrize("backend", BACKENDS)
def test_gru_d_ignores_what_stands_where_nothing_was_observed(backend: str) -> None:
    g = torch.Generator().manual_seed(4)
    layer = random_layer(next(c for c in BUILT_IN if c.id == "gru_d"), 4, 3, g, backend=backend)
    x = random(g, 6, 2, 4)
    mask = random_aux(g, "mask", 6, 2, 4)
    delta = random_aux(g, "delta", 6, 2, 4)
    assert 0 < mask.mean() < 1
    hidden = x.masked_fill(mask == 0, float("nan"))
    assert torch.equal(layer(x, mask=mask, delta=delta)[0], layer(hidden, mask=mask, delta=delta)[0])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("forget_activation", ["exp", "sigmoid"])
def test_slstm_stays_finite_where_its_exponentials_would_not(forget_activation: str, backend: str) -> None:
    g = torch.Generator().manual_seed(5)
    case = Case("slstm", cv.cells["slstm"].configure(forget_activation=forget_activation))
    layer = random_layer(case, 2, 3, g, backend=backend)
    big = torch.cat([torch.zeros(6), torch.full((3,), 900.0), torch.full((3,), 800.0)]).double()  # z, o, i, f
    with torch.no_grad():
        layer.bias_l0.copy_(big)
    assert torch.exp(torch.tensor(800.0, dtype=torch.float64)).isinf()
    y, final = layer(random(g, 20, 2, 2))
    assert torch.isfinite(y).all() and all(torch.isfinite(s).all() for s in final)
    assert (y.abs() <= 1).all()  # o and the weighted mean of z lie within [-1, 1]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_those_of_keras_and_onnx(name: str, backend: str) -> None:
    @cv.cell
    def applied(x, h):
        h = cv.activation(name)(cv.affine("a", x)) + 0.0 * h
        return h

    v = torch.tensor([-4.0, -3.0, -2.5, -1.0, -0.3, 0.0, 0.2, 1.0, 2.5, 3.0, 4.0], dtype=torch.float64)
    size = len(v)  # a unit each, as some go over the units
    layer = cv.Recurrent(applied, size, size, bias=False, dtype=torch.float64, backend=backend, strict_backend=True)
    with torch.no_grad():
        layer.weight_ih_l0.copy_(torch.eye(size))
    y, _ = layer(v.view(1, 1, -1))
    assert_near(y.detach().flatten(), torch.from_numpy(ACTIVATIONS[name](v.numpy())), TOLERANCE, name)


def test_every_activation_has_an_oracle() -> None:
    from conveyor.frontend import activations

    assert activations._ACTIVATIONS.keys() == ACTIVATIONS.keys()


def test_every_cell_has_an_oracle() -> None:
    assert set(cv.cells) == set(ORACLES)
    assert {c.cell.name for c in BUILT_IN} == set(ORACLES)


def test_oracles_do_not_read_conveyor() -> None:
    files = sorted(Path(oracles.__file__).parent.glob("*.py"))
    assert len(files) > 5
    found = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module).partition(".")[0])
    assert found == {"__future__", "collections", "dataclasses", "types", "numpy", "oracles"}


@pytest.mark.parametrize("name", list(cv.cells))
def test_docstring_names_a_source_with_its_year(name: str) -> None:
    text = cv.cells[name].__doc__
    assert text is not None
    assert re.search(r"[A-Z]\w+ (et al\. )?(19|20)\d\d\b", text), text
    first = text.strip().splitlines()[0]
    assert first.endswith((".", ")", ":")) or "." in first, first


@pytest.mark.parametrize("case", BUILT_IN, ids=lambda c: c.id)
def test_program_verifies_and_survives_its_text(case: Case) -> None:
    program = case.program
    program.verify()
    again = parse(program.text)
    assert again == program
    assert again.hash == program.hash
    assert again.text == program.text
    assert dict(again.names) == dict(program.names)
    assert dict(again.calls) == dict(program.calls)


@pytest.mark.parametrize("name", list(cv.cells))
def test_cell_is_found_by_its_own_name(name: str) -> None:
    assert cv.cells[name].name == name


def test_slstm_writes_first_memory_however_small_its_input_gate_is_beside_the_forget_gate() -> None:
    # o·tanh(z), whatever i: with the forget gate in the stabiliser of an empty memory this was 0 / 0.
    layer = cv.Recurrent("slstm", 1, 1, dtype=torch.float64)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.bias_l0.copy_(torch.tensor([1.0, 0.0, -800.0, 0.0]))  # z, o, i, f
    y, _ = layer(torch.zeros(1, 1, 1, dtype=torch.float64))
    assert y.item() == pytest.approx(0.5 * math.tanh(1.0), rel=1e-12)
