"""Widths found by unification, and parameters: their order, sharing, labels and shapes."""

from collections.abc import Callable
from typing import Any

import pytest

import conveyor as cv
from conveyor.ir.types import Bias, Matrix


def inputs(function: Callable[..., Any]) -> dict[str, str]:
    return {i.name: i.width for i in cv.cell(function).program.inputs}


def widths(function: Callable[..., Any]) -> dict[str, str]:
    """The width of each named value, pre-activations aside."""
    program = cv.cell(function).program
    return {n: str(program.nodes[k].type) for n, k in program.names.items() if "." not in n}


def keys(function: Callable[..., Any]) -> list[str]:
    return [f"{type(p).__name__} {p.key}" for p in cv.cell(function).program.params]


# Widths


def test_what_nothing_fixes_is_as_wide_as_the_hidden_state() -> None:
    def f(x, h, c):
        w = cv.weight("w")
        return cv.affine("a", x) * w, cv.tanh(c) * w

    assert inputs(f) == {"x": "I", "h": "H", "c": "H"}
    assert widths(f) == {"w": "H", "h": "H", "c": "H"}


def test_a_state_that_meets_no_vector_is_one_number_a_row() -> None:
    def f(x, h, steps):
        return cv.tanh(cv.affine("a", x, h)), steps + 1

    assert inputs(f) == {"x": "I", "h": "H", "steps": "1"}


def test_a_projection_gives_the_output_its_own_width() -> None:
    def f(x, h, c):
        c = cv.tanh(cv.affine("a", x, h) + c)
        h = cv.affine("proj", c, size="proj", bias=False)
        return h, c

    assert inputs(f) == {"x": "I", "h": "proj", "c": "H"}
    assert cv.cell(f).parameters(3, 8, proj=2) == {
        "weight_ih": (8, 3),
        "weight_hh": (8, 2),
        "weight_proj_c": (2, 8),
        "bias": (8,),
    }


def test_a_state_that_only_the_return_makes_narrow_is_narrow_where_it_was_read() -> None:
    def f(x, h, c):
        early = cv.tanh(h) + cv.weight("w")
        late = cv.affine("late", early, x)
        return cv.affine("back", late, size="narrow"), cv.sigmoid(c) * late

    assert inputs(f) == {"x": "I", "h": "narrow", "c": "H"}
    assert widths(f)["early"] == "narrow" and widths(f)["late"] == "H"
    assert cv.cell(f).parameters(3, 8, narrow=2)["w"] == (2,)


def test_two_states_unified_only_by_swapping_them_at_the_return() -> None:
    def f(x, h, a, b):
        return cv.affine("n", x, h) + 0 * cv.affine("m", a, b), b, cv.tanh(a) + cv.affine("k", x, size="k")

    assert inputs(f) == {"x": "I", "h": "H", "a": "k", "b": "k"}


def test_a_state_of_the_inputs_width() -> None:
    def f(x, h, last):
        change = x - last
        h = cv.tanh(cv.affine("a", change, h))
        return h, x

    assert inputs(f) == {"x": "I", "h": "H", "last": "I"}
    assert cv.cell(f).parameters(3, 8) == {"weight_a_change": (8, 3), "weight_hh": (8, 8), "bias": (8,)}


def test_states_that_are_one_number_a_row() -> None:
    def f(x, h, total, peak):
        gate = cv.sigmoid(cv.affine("gate", x, h, size=1))
        h = gate * cv.tanh(cv.affine("a", x, h))
        total = total + cv.mean(h)
        peak = cv.maximum(peak, cv.max(h))
        return h, total, peak

    assert inputs(f) == {"x": "I", "h": "H", "total": "1", "peak": "1"}
    assert widths(f) == {"gate": "1", "h": "H", "total": "1", "peak": "1"}
    assert cv.cell(f).parameters(3, 8)["bias"] == (1 + 8,)


def test_a_state_that_becomes_one_number_a_row_through_another() -> None:
    def f(x, h, first, second):
        h = cv.tanh(cv.affine("a", x, h)) + second
        return h, cv.sum(h), first

    assert inputs(f) == {"x": "I", "h": "H", "first": "1", "second": "1"}


def test_an_output_that_is_one_number_a_row() -> None:
    def f(x, h):
        return cv.affine("a", x, h, size=1)

    assert inputs(f) == {"x": "I", "h": "1"}
    assert cv.cell(f).parameters(3, 8) == {"weight_ih": (1, 3), "weight_hh": (1, 1), "bias": (1,)}


def test_auxiliary_inputs_take_the_width_of_what_they_are_mixed_with_or_their_own() -> None:
    def f(x, h, *, like_x, like_h, free, scale):
        seen = cv.where(like_x > 0.5, x, 0)
        h = like_h * cv.tanh(cv.affine("a", seen, h, free))
        return h * cv.sum(scale)

    assert inputs(f) == {"x": "I", "h": "H", "like_x": "I", "like_h": "H", "free": "free", "scale": "scale"}
    shapes = cv.cell(f).parameters(3, 8, free=5, scale=2)
    assert shapes["weight_a_free"] == (8, 5)
    assert cv.cell(f).parameters(3, 8)["weight_a_free"] == (8, 1), "a width that nothing fixes is one number"


def test_an_output_that_meets_only_an_auxiliary_input_gives_it_the_hidden_size() -> None:
    def f(x, h, *, dt):
        return h * cv.exp(-dt * cv.weight("rate"))

    assert inputs(f) == {"x": "I", "h": "H", "dt": "H"}
    assert cv.cell(f).parameters(3, 8) == {"rate": (8,)}


def test_an_auxiliary_input_alone_with_other_states_keeps_its_width() -> None:
    def f(x, h, seen, clock, *, dt):
        h = cv.tanh(cv.affine("a", x, h, seen))
        return h, seen + dt, clock + cv.sum(dt)

    assert inputs(f) == {"x": "I", "h": "H", "seen": "dt", "clock": "1", "dt": "dt"}


def test_sizes_of_one_name_are_one_width_across_maps() -> None:
    def f(x, h):
        mixed = cv.affine("a", x, size="k") * cv.affine("b", h, size="k")
        deep = cv.layer_norm("n", mixed) * cv.weight("w") + 1
        return cv.affine("out", deep)

    assert widths(f) == {"mixed": "k", "deep": "k", "h": "H"}
    shapes = cv.cell(f).parameters(3, 8, k=5)
    assert shapes == {
        "weight_ih": (5, 3),
        "weight_hh": (5, 8),
        "weight_out_deep": (8, 5),
        "bias": (5 + 5 + 8,),
        "n_gain": (5,),
        "n_bias": (5,),
        "w": (5,),
    }
    with pytest.raises(cv.ArgumentError, match=r"sizes lacks 'k'.*pass sizes=\{'k': …\}"):
        cv.cell(f).parameters(3, 8)
    with pytest.raises(cv.ArgumentError, match="sizes has m, which this cell does not name; it names k"):
        cv.cell(f).parameters(3, 8, k=5, m=2)
    with pytest.raises(cv.ArgumentError, match=r"sizes\['k'\] is a whole number from 1, got 0"):
        cv.cell(f).parameters(3, 8, k=0)


def test_comparisons_have_the_width_of_what_they_compare() -> None:
    def f(x, h):
        wide, row, both = h > 0, cv.sum(h) > 0, (h > 0) & (cv.sum(h) > 0)
        from_x = x > 0
        return cv.where(wide | row | ~both, h, 0) + cv.affine("a", cv.where(from_x, x, 1))

    assert widths(f) == {"wide": "bool H", "row": "bool 1", "both": "bool H", "from_x": "bool I", "h": "H"}


# Parameters


def test_parameters_stand_in_order_of_appearance() -> None:
    def f(x, h):
        p = cv.weight("p")
        z = cv.affine("z", h, x)
        a = cv.affine("a", x)
        return cv.layer_norm("n", z) * a + p

    assert keys(f) == [
        "Vector p",
        "Matrix z.h",
        "Matrix z.x",
        "Bias z",
        "Matrix a.x",
        "Bias a",
        "Vector n_gain",
        "Vector n_bias",
    ]


def test_a_matrix_belongs_to_its_name_and_operand_and_a_bias_to_each_call() -> None:
    def f(x, h):
        a = cv.affine("n", x, h)
        b = cv.affine("n", h)
        c = cv.affine("n", x, bias=False)
        d = cv.affine("n", h, x)
        return a + b + c + d

    assert keys(f) == ["Matrix n.x", "Matrix n.h", "Bias n", "Bias n#2", "Bias n#3"]
    biases = [p for p in cv.cell(f).program.params if isinstance(p, Bias)]
    assert [(b.index, b.operands) for b in biases] == [(0, ("x", "h")), (1, ("h",)), (2, ("h", "x"))]
    program = cv.cell(f).program
    assert sum(n.op == "product" for n in program.nodes) == 2, "the products are made once"
    assert cv.cell(f).parameters(3, 8) == {"weight_ih": (8, 3), "weight_hh": (8, 8), "bias": (24,)}
    assert cv.cell(f).parameters(3, 8, bias=False) == {"weight_ih": (8, 3), "weight_hh": (8, 8)}


def test_weights_and_norms_are_shared_by_their_names() -> None:
    def f(x, h):
        a = cv.affine("a", x, h)
        n = cv.layer_norm("n", a) + cv.layer_norm("n", a)
        return n * cv.weight("w") + cv.weight("w") * cv.weight("v")

    assert keys(f)[3:] == ["Vector n_gain", "Vector n_bias", "Vector w", "Vector v"]
    gain = cv.cell(f).program.param[("vector", "n_gain")]
    assert (gain.initial, cv.cell(f).program.param[("vector", "n_bias")].initial) == (1.0, 0.0)
    assert cv.cell(f).program.param[("vector", "w")].initial is None


def test_computed_operands_are_called_by_their_variables_or_numbered() -> None:
    def f(x, h):
        r = cv.sigmoid(cv.affine("r", x, h))
        gated = r * h
        a = cv.affine("n", gated)
        b = cv.affine("n", h * 2)
        c = cv.affine("n", h * 3, h * 2)
        d = cv.affine("m", h * 3)
        return a + b + c + d

    assert [k for k in keys(f) if "Matrix" in k][2:] == [
        "Matrix n.gated",
        "Matrix n.value",
        "Matrix n.value2",
        "Matrix m.value",
    ]
    assert set(cv.cell(f).parameters(3, 8)) == {
        "weight_ih",
        "weight_hh",
        "weight_n_gated",
        "weight_n_value",
        "weight_n_value2",
        "weight_m_value",
        "bias",
    }


def test_an_operand_keeps_its_matrix_when_it_gets_a_variable_later() -> None:
    def f(x, h):
        a = cv.affine("n", h * x.__class__.__mul__(h, 2))
        gated = h * (h * 2)
        b = cv.affine("n", gated, bias=False)
        del gated
        other = h * (h * 2)
        return a * b + cv.affine("n", other, bias=False)

    assert keys(f) == ["Matrix n.value", "Bias n"]


def test_a_variable_that_no_longer_holds_an_operand_does_not_name_it() -> None:
    def f(x, h):
        gated = h * 2
        gated = 5.0
        other = h * 3
        del other
        return cv.affine("n", h * 2) * gated + cv.affine("n", h * 3, bias=False)

    assert keys(f) == ["Matrix n.value", "Bias n", "Matrix n.value2"]


def test_two_operands_of_one_label_need_two_names() -> None:
    def f(x, h):
        a = cv.affine("a", h)
        h = cv.tanh(a)
        return cv.affine("a", h)

    with pytest.raises(
        cv.CellError, match=r"'a' is used for two different values called 'h'; give one .* another name"
    ):
        cv.cell(f)


def test_a_renamed_input_is_the_same_operand() -> None:
    def f(x, h):
        last = h
        return cv.affine("a", last, x) + cv.affine("a", h, bias=False)

    assert keys(f) == ["Matrix a.h", "Matrix a.x", "Bias a"]


def test_the_input_is_x_whatever_the_function_calls_it() -> None:
    def f(u, v):
        return cv.tanh(cv.affine("a", u, v))

    program = cv.cell(f).program
    assert [(i.role, i.name) for i in program.inputs] == [("input", "x"), ("state", "v")]
    assert keys(f) == ["Matrix a.x", "Matrix a.v", "Bias a"]


def test_block_diagonal_matrices_are_stored_as_their_blocks() -> None:
    def f(x, h, *, heads=4):
        return cv.tanh(cv.affine("a", x) + cv.affine("a", h, blocks=heads, bias=False))

    cell = cv.cell(f)
    assert cell.parameters(3, 8) == {"weight_ih": (8, 3), "weight_hh": (8, 2), "bias": (8,)}
    assert cell.configure(heads=1).parameters(3, 8)["weight_hh"] == (8, 8)
    with pytest.raises(cv.ArgumentError, match=r"\('a', h\) is 6 x 6 and has 4 blocks; .*multiples of 4"):
        cell.parameters(3, 6)


def test_matrices_of_unequal_blocks_do_not_share_a_tensor() -> None:
    def f(x, h):
        return cv.affine("a", x, h) + cv.affine("b", h, blocks=2)

    assert cv.cell(f).parameters(3, 8) == {
        "weight_ih": (8, 3),
        "weight_hh": (8, 8),
        "weight_b_h": (8, 4),
        "bias": (16,),
    }


def test_a_parameter_that_nothing_reads_is_not_learned() -> None:
    def f(x, h):
        cv.affine("unused", x)
        cv.weight("idle")
        kept = cv.affine("kept", h)  # noqa: F841
        return cv.tanh(cv.affine("a", x, h))

    assert keys(f) == ["Matrix kept.h", "Bias kept", "Matrix a.x", "Matrix a.h", "Bias a"]


@pytest.mark.parametrize("name", list(cv.cells))
def test_parameters_follow_the_program_of_every_cell(name: str) -> None:
    """Rows of the tensors add up to those of the program's matrices, biases and vectors."""
    program = cv.cells[name].program
    number = {"1": 1, "I": 3, "H": 8, "proj": 4} | {i.name: 5 for i in program.aux}
    shapes = cv.cells[name].parameters(3, 8, **{w: number[w] for w in program.widths if w not in "1IH"})
    cells = {"Matrix": 0, "Bias": 0, "Vector": 0}
    for p in program.params:
        size = number[p.rows] * number[p.cols] // p.blocks if isinstance(p, Matrix) else number[p.width]
        cells[type(p).__name__] += size
    total = sum(shape[0] * (shape[1] if len(shape) == 2 else 1) for shape in shapes.values())
    assert total == sum(cells.values())
    assert shapes.get("bias", (0,)) == (cells["Bias"],)
