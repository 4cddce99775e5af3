"""Which variables become named values, however the function assigns them."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import conveyor as cv
from conveyor.ir.types import Matrix


def ops_by_name(function: Callable[..., Any]) -> dict[str, str]:
    """Named values, but for pre-activations, by the op that makes them."""
    program = cv.cell(function).program
    return {name: program.nodes[node].op for name, node in program.names.items() if not name.endswith(".pre")}


def labels(function: Callable[..., Any]) -> list[str]:
    return [p.key for p in cv.cell(function).program.params if isinstance(p, Matrix)]


def test_every_earlier_value_of_a_loop_is_numbered_in_order() -> None:
    def f(x, h):
        z = cv.affine("z", x, h)
        for function in (cv.tanh, cv.exp, cv.sin):
            z = function(z)
        return z

    assert ops_by_name(f) == {"z@1": "add", "z@2": "tanh", "z@3": "exp", "z": "sin", "h": "sin"}


def test_assignments_on_one_line_are_seen_one_by_one() -> None:
    def f(x, h):
        z = cv.affine("z", x, h); z = cv.tanh(z); z = cv.exp(z)  # fmt: skip # noqa: E702
        return z

    assert ops_by_name(f) == {"z@1": "add", "z@2": "tanh", "z": "exp", "h": "exp"}


def test_a_state_that_is_assigned_is_its_new_value_and_not_the_one_given() -> None:
    def f(x, h, c):
        c = cv.tanh(cv.affine("c", x, h) + c)
        h = cv.sigmoid(c)
        h = h * c
        return h, c

    assert ops_by_name(f) == {"c": "tanh", "h@1": "sigmoid", "h": "mul"}


def test_a_variable_that_only_renames_an_input_is_named() -> None:
    def f(x, h):
        last = h
        h = cv.tanh(cv.affine("a", x)) * last
        return h

    assert ops_by_name(f) == {"last": "input", "h": "mul"}


def test_the_same_value_bound_again_is_no_earlier_value() -> None:
    def f(x, h):
        z = cv.tanh(cv.affine("a", x, h))
        z = z  # noqa: PLW0127
        z = cv.tanh(cv.affine("b", h)) + z
        return z

    assert ops_by_name(f) == {"z@1": "tanh", "z": "add", "h": "add"}


def test_unpacking_chains_and_stars() -> None:
    def f(x, h):
        (a, [b, *rest]), d = (cv.tanh(h), [cv.sin(h), cv.cos(h), cv.exp(h)]), cv.log(h)
        p = q = cv.affine("p", x)
        a, b = b, a
        first, second = rest
        return a + b + first + second + d + p + q

    assert ops_by_name(f) == {
        "a@1": "tanh",
        "a": "sin",
        "b@1": "sin",
        "b": "tanh",
        "d": "log",
        "p": "add",
        "q": "add",
        "first": "cos",
        "second": "exp",
        "h": "add",
    }


def test_augmented_assignment_and_walrus() -> None:
    def f(x, h):
        z = cv.affine("z", x, bias=False)
        z *= 2
        z -= (w := cv.tanh(h))
        return z / w

    assert ops_by_name(f) == {"z@1": "product", "z@2": "mul", "z": "sub", "w": "tanh", "h": "div"}


@contextlib.contextmanager
def giving(value: Any) -> Iterator[Any]:
    yield value


def test_assignments_in_blocks_on_plain_python_values() -> None:
    def f(x, h, *, deep=True):
        if deep:
            a = cv.tanh(h)
        else:
            never = cv.exp(h)  # noqa: F841
        count = 0
        while count < 2:
            b = cv.sin(a)
            count += 1
        with giving(cv.cos(b)) as c:
            d = c * 2
        try:
            {}["missing"]
        except KeyError:
            e = cv.relu(d)
        finally:
            g = cv.abs(e)
        match count:
            case 2:
                k = cv.sqrt(g)
        return k + cv.affine("a", x)

    found = ops_by_name(f)
    assert found == {
        "a": "tanh",
        "b": "sin",
        "c": "cos",
        "d": "mul",
        "e": "relu",
        "g": "abs",
        "k": "sqrt",
        "h": "add",
    }


def test_a_value_that_nothing_uses_is_recorded_all_the_same() -> None:
    def f(x, h):
        unused = cv.exp(cv.affine("unused", h))  # noqa: F841
        return cv.tanh(cv.affine("a", x, h))

    program = cv.cell(f).program
    assert program.nodes[program.names["unused"]].op == "exp"
    assert program.names["unused"] not in program.live()


def test_variables_bound_to_other_things_are_no_named_values() -> None:
    def f(x, h):
        half, word, several = 0.5, "a", [h, x]
        z = cv.tanh(cv.affine(word, *several)) * half
        z = z + 1
        several = None
        return z

    assert ops_by_name(f) == {"z@1": "mul", "z": "add", "h": "add"}


# Comprehensions run in the function's own frame since Python 3.12. Their variables are nobody's names in any version.


def test_variables_of_comprehensions_are_not_assigned_by_the_function() -> None:
    def f(x, h):
        a, b = [cv.tanh(v) for v in (h, cv.affine("a", x))]
        by_name = {k: cv.exp(w) for k, w in (("a", a), ("b", b))}
        nested = [[cv.sin(u) for u in (r, b)] for r in (a,)]
        kinds = {type(s) for s in (a, b)}
        total = sum(q for q in (a, b))
        return by_name["a"] + nested[0][1] + total * len(kinds)

    assert ops_by_name(f) == {"a": "tanh", "b": "tanh", "total": "add", "h": "add"}


def test_a_comprehension_puts_the_variable_of_its_name_back() -> None:
    def f(x, h):
        v = cv.tanh(h)
        w = cv.affine("w", x)
        many = [cv.exp(v) for v, w in ((h, 1), (w, 2)) for v in (v, v * w)]
        inner = [[cv.sin(v) for v in (v,)] for v in (w,)]
        label = cv.affine("label", v)
        v = many[0] + inner[0][0] + label + v
        return v * w

    found = ops_by_name(f)
    assert found == {"v@1": "tanh", "w": "add", "label": "add", "v": "add", "h": "mul"}
    assert labels(f) == ["w.x", "label.v"], "the variable is v again after the comprehensions"


def test_a_captured_variable_of_a_comprehension_is_no_name_either() -> None:
    def f(x, h):
        a = cv.affine("a", x, h)
        later = [lambda: cv.tanh(v) for v in (a, h)]  # noqa: B023
        return later[0]() + later[1]()

    assert ops_by_name(f) == {"a": "add", "h": "add"}


def test_operands_met_in_a_comprehension_have_the_same_label_in_every_version() -> None:
    def f(x, h):
        a, b = [cv.affine("n", v) for v in (h * 2, h * 3)]
        return a + b + x.__class__(x.tracer, h.node, h.width, False)

    assert labels(f) == ["n.value", "n.value2"]


def test_a_walrus_in_a_comprehension_belongs_to_the_function() -> None:
    def f(x, h):
        many = [z := cv.tanh(h), *[z := cv.exp(v) for v in (cv.affine("a", x), h)]]
        return many[0] + z

    # Before Python 3.12 the comprehension is a function of its own, whose last binding alone is seen.
    found = ops_by_name(f)
    assert (found["z@1"], found["z"]) == ("tanh", "exp") and "v" not in found


# Other functions


def test_variables_of_other_functions_stay_theirs() -> None:
    def helper(v):
        z = cv.tanh(v)
        inside = cv.exp(z)
        return inside

    def f(x, h):
        def nested(v):
            z = cv.sin(v)
            return z

        z = helper(cv.affine("z", x, h))
        h = nested(z)
        return h

    assert ops_by_name(f) == {"z": "exp", "h": "sin"}


def test_a_nested_function_may_assign_the_functions_variable() -> None:
    def f(x, h):
        z = cv.affine("z", x, h)

        def rise():
            nonlocal z
            z = cv.tanh(z)

        rise()
        rise()
        z = cv.exp(z)
        return z

    assert ops_by_name(f) == {"z@1": "add", "z@2": "tanh", "z@3": "tanh", "z": "exp", "h": "exp"}


def test_only_the_outermost_call_of_a_recursive_function_names() -> None:
    def f(x, h, *, depth=3):
        z = cv.tanh(cv.affine(f"a{depth}", x, h))
        if depth > 1:
            z = f(x, z, depth=depth - 1)
        last = z * 2
        return last

    program = cv.cell(f).program
    assert [p.key for p in program.params if isinstance(p, Matrix)][:4] == ["a3.x", "a3.h", "a2.x", "a2.z"]
    assert {n: program.nodes[k].op for n, k in program.names.items() if "." not in n} == {
        "z@1": "tanh",
        "z": "mul",
        "last": "mul",
        "h": "mul",
    }
    assert program.nodes[program.names["last"]].args[0] == program.names["z"], "of the first call, not of an inner one"


def make(inner: Any, scale: float) -> Any:
    @cv.cell
    def made(x, h):
        z = cv.affine("z", x, h) * scale
        if inner is not None:
            z = inner(z, h)
        deep = cv.tanh(z)
        return deep

    return made


def test_two_cells_of_one_code_one_inside_the_other() -> None:
    half = make(None, 0.5)
    both = make(half, 2.0)
    nodes = both.program.nodes
    names = {n: nodes[k].op for n, k in both.program.names.items()}
    assert names == {
        "z@1": "mul",
        "z": "tanh",
        "deep": "tanh",
        "h": "tanh",
        "z.pre": "mul",
        "deep.pre": "tanh",
        "h.pre": "tanh",
    }
    constants = {n.attr for n in nodes if n.op == "const"}
    assert constants == {0.5, 2.0} and {n.attr for n in half.program.nodes if n.op == "const"} == {0.5}


def test_a_cell_made_while_another_is_traced_leaves_its_names_alone() -> None:
    def f(x, h):
        before = cv.tanh(cv.affine("a", x, h))

        @cv.cell
        def inner(x, h):
            private = cv.exp(cv.affine("b", x, h))
            return private

        assert "private" in inner.program.names
        between = cv.sin(before)
        h = inner(x, between)
        return h

    assert ops_by_name(f) == {"before": "tanh", "between": "sin", "h": "exp"}


def test_generators_may_make_the_values() -> None:
    def gates(x, h):
        for name in "ab":
            gate = cv.sigmoid(cv.affine(name, x, h))
            yield gate

    def f(x, h):
        a, b = gates(x, h)
        h = a * b
        return h

    assert ops_by_name(f) == {"a": "sigmoid", "b": "sigmoid", "h": "mul"}


# Pre-activations


@pytest.mark.parametrize(
    "function", "sigmoid tanh relu exp log log1p softplus sin cos sqrt abs square sum max detach".split()
)
def test_the_operand_of_the_function_that_yields_f_is_f_pre(function: str) -> None:
    def f(x, h):
        before = cv.affine("a", x, h)
        f = getattr(cv, function)(before)
        return before * f

    names = cv.cell(f).program.names
    assert names["f.pre"] == names["before"] and "before.pre" not in names and "h.pre" not in names


def test_pre_activations_of_functions_made_of_several_operations_and_with_limits() -> None:
    def f(x, h):
        before = cv.affine("a", x, h)
        normed = cv.layer_norm("n", before)
        average = cv.mean(before)
        limited = cv.clip(before, -1, 1)
        chosen = cv.maximum(before, 0.0)
        return normed * average * limited * chosen

    names = cv.cell(f).program.names
    assert names["normed.pre"] == names["average.pre"] == names["limited.pre"] == names["before"]
    assert "chosen.pre" not in names, "of two operands neither is the pre-activation"
