"""The author's mistakes beyond the table of `tests/test_language.py`: each names the line and the mend, in one line."""

import math
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import conveyor as cv

MATRIX = "matrix-valued states are not supported"
CHOOSE = r"choose with cv\.where\(condition, a, b\)"
FUNCTIONS = r"the language's functions are cv\.affine"
FOREIGN = "a cell is made of conveyor's own"

# The body of f(x, h, c), on line 3, to what its error says.
BODIES = {
    # Python's own questions about a value
    "return (h if h > 0 else c), c": CHOOSE,
    "return (h or c), c": CHOOSE,
    "return cv.where(not (h > 0), h, c), c": CHOOSE,
    "return cv.where(0 < h < 1, h, c), c": CHOOSE,
    "return min(h, c), c": CHOOSE,
    "return sorted([h, c])[0], c": CHOOSE,
    "return (h if c in (h, x) else c), c": CHOOSE,
    "assert h > 0; return h, c": CHOOSE,
    "return float(h) * c, c": "has no number yet",
    "return [h, c][int(h)], c": "has no number yet",
    "return [h, c][h], c": "has no number yet",
    "return math.tanh(h), c": r"math and float\(\) can't read it; use cv\.tanh",
    "return round(h), c": "__round__",
    "return f'{h:.2f}', c": "format",
    # Matrices and units
    "return (h if 3.0 in h else c), c": MATRIX,
    "return sum(h), c": MATRIX,
    "return max(h), c": MATRIX,
    "return len(h) * h, c": MATRIX,
    "a, b = h; return a, b": MATRIX,
    "return cv.affine('a', *h), c": MATRIX,
    "h[0] = 1; return h, c": MATRIX,
    "return c @ h, c": MATRIX,
    "return h[:, None] * c[None, :], c": MATRIX,
    "return h[..., 1:], c": MATRIX,
    "return h.T @ c, c": "no attribute 'T'",
    # Functions that are not the language's
    "return cv.outer(h, c), c": rf"no attribute 'outer'; {FUNCTIONS}",
    "return h.tanh(), c": rf"no attribute 'tanh'; {FUNCTIONS}",
    "return np.sum(h) * c, c": rf"unknown function np\.sum: {FOREIGN}; use cv\.sum",
    "return np.dot(h, c), c": rf"unknown function np\.dot: {FOREIGN}",
    "return np.outer(h, c), c": rf"unknown function np\.outer: {FOREIGN}",
    "return np.where(h > 0, h, c), c": rf"unknown function np\.where: {FOREIGN}; use cv\.where",
    "return np.maximum(h, c), c": "ufuncs",
    "return np.array([h, c]), c": "got ndarray",
    # Calls of the language
    "return cv.tanh(), c": "missing 1 required positional argument",
    "return cv.where(h > 0, h), c": "missing 1 required positional argument",
    "return cv.affine('a', h, units=3), c": "unexpected keyword argument 'units'",
    "return cv.affine('a', h, blocks=True), c": "blocks is a whole number from 1, got True",
    "return cv.affine('a', h, blocks=2.0), c": "blocks is a whole number from 1, got 2.0",
    "return cv.affine('a', h, size='two words'), c": "size is the name of a width",
    "return cv.affine('a', h, size=True) * h, c": "size is the name of a width",
    "return cv.affine('two words', h), c": "a word such as 'f', got 'two words'",
    "return cv.affine('', h), c": "a word such as 'f', got ''",
    "return cv.affine('a.b', h), c": "a word such as 'f', got 'a.b'",
    "return cv.affine('a', 'h'), c": "takes traced vectors, got str",
    "return cv.affine('a', h > 0), c": r"got a condition; .*cv\.where\(condition, 1, 0\)",
    "return cv.weight(h), c": "weight takes its name first",
    "return cv.weight(), c": "missing 1 required positional argument: 'name'",
    "return cv.layer_norm(h), c": "missing 1 required positional argument: 'v'",
    "return cv.layer_norm('n', cv.sum(h)) * h, c": "layer_norm 'n' goes over the units of a vector, got one number a row",
    "return cv.layer_norm('n', 3.0), c": "takes traced vectors, got float",
    "return cv.mean(cv.sum(h)) * h, c": "mean goes over the units of a vector, got one number a row",
    "return cv.sum(2.0) * h, c": "cv.sum goes over the units of a vector, got one number a row",
    "return cv.max(h, c), c": "takes 1 positional argument but 2 were given",
    "return cv.clip(h, c, 1), c": r"low of clip is a Python number, got Value; use cv\.maximum",
    "return cv.clip(h, 0, 'a'), c": "high of clip is a Python number, got str",
    "return cv.activation('swish')(h), c": "unknown activation 'swish'; known are sigmoid",
    # Operands
    "return h + None, c": "got NoneType",
    "return [1.0] + h, c": "got list",
    "return h * np.ones(3), c": r"got ndarray; learned numbers are cv\.weight or cv\.affine",
    "return np.ones(3) * h, c": r"got ndarray; learned numbers are cv\.weight or cv\.affine",
    "return h * 1j, c": "got complex",
    "return h * 10 ** 400, c": "write it as a float",
    "return h % 2, c": "unsupported operand",
    "return h ** c, c": r"got a traced value; write cv\.exp",
    "return h ** -1, c": r"powers 2 and 0\.5, got -1",
    "return h * cv.tanh, c": "got function",
    # Conditions
    "return -(h > 0), c": "got a condition",
    "return (h > 0) < c, c": "got a condition",
    "return cv.tanh(h > 0), c": "got a condition",
    "return cv.sum(h > 0) * h, c": "got a condition",
    "return cv.where(True, h, c), c": "takes a condition here",
    "return cv.where(h, h > 0, c), c": "takes a condition here",
    "return cv.where(h > 0, h > 0, c), c": "got a condition",
    "return h & c, c": "and takes a condition here",
    "return ~h, c": "not takes a condition here",
    "return (h > 0) | 1, c": "or takes a condition here",
    "return h, h == c": "state c is returned as a condition",
    # One name for two things
    "return cv.weight('a') * cv.affine('a', h), c": "already belongs to a cv.weight, used here for affine",
    "return cv.layer_norm('a', h) * cv.weight('a_gain'), c": "'a_gain' already belongs to a cv.layer_norm",
    "return cv.weight('a_bias') * cv.layer_norm('a', h), c": "'a_bias' already belongs to a cv.weight",
    "return cv.affine('a', h) * cv.affine('a', c, size=1), c": "another affine, of another size",
    "return cv.affine('a', h * 2, blocks=2) + cv.affine('a', h * 2), c": "has blocks=2, used here with 1",
    # Widths
    "return cv.affine('a', x, size='p') + cv.affine('b', h), c + h": "add mixes values of widths|state h has width",
    "return cv.where(x > 0, cv.affine('a', h), 0) + h, c": "the output h would have the input's width|mixes values",
    "v = cv.affine('a', x, size='p'); w = cv.affine('b', x, size='q'); return h, v * w": "mul mixes values of widths p and q",
    # What is returned
    "return (h,), c": "state h takes traced values and Python numbers, got tuple",
    "return h, 'c'": "state c takes traced values and Python numbers, got str",
    "return x, c": r"the input x is returned as state h, the output; return the new h first",
    "return {'h': h, 'c': c}": "1 value returned for 2 states: c is not returned; end the function with `return h, c`",
    "return h, c, c": "3 values returned for 2 states; end the function with `return h, c`",
    "return []": "0 values returned for 2 states: h, c is not returned",
    "pass": "returns nothing; end it with `return h, c`",
    "return missing, c": rf"name 'missing' is not defined; {FUNCTIONS}",
    "return later, c; later = h": "local variable 'later'",
}


@pytest.mark.parametrize("body", BODIES)
def test_the_line_the_reason_and_the_mend_in_one_line(body: str) -> None:
    space: dict[str, Any] = {"cv": cv, "np": np, "math": math}
    exec(compile(f"def f(x, h, c):\n    h = h + 0\n    {body}\n", "<here>", "exec"), space)
    with pytest.raises(cv.CellError, match=BODIES[body]) as raised:
        cv.cell(space["f"]).program  # noqa: B018 - an unknown plain name waits for the first use
    message = str(raised.value)
    assert message.startswith("cell f, line 3 of <here>: ") and "\n" not in message


TORCH = {
    "return torch.tanh(h)": rf"unknown function torch\.tanh: {FOREIGN}; use cv\.tanh",
    "return torch.nn.functional.softplus(h)": r"unknown function torch\.softplus",
    "return torch.stack([h, h])": r"unknown function torch\.stack",
    "return torch.ones(3) * h": r"got Tensor; learned numbers are cv\.weight or cv\.affine",
    "return h + torch.ones(3)": "got Tensor",
    "return torch.ones(3, 3) @ h": "got Tensor",
    "return torch.nn.Linear(3, 3)(h)": "got Parameter; learned numbers are cv",
    "return torch.sigmoid(input=h)": r"unknown function torch\.sigmoid",
}


@pytest.mark.parametrize("body", TORCH)
def test_torch_functions_and_tensors_in_the_equations(body: str) -> None:
    import torch

    space: dict[str, Any] = {"cv": cv, "torch": torch}
    exec(compile(f"def f(x, h):\n    {body}\n", "<here>", "exec"), space)
    with pytest.raises(cv.CellError, match=TORCH[body]) as raised:
        cv.cell(space["f"])
    assert str(raised.value).startswith("cell f, line 2 of <here>: ") and "\n" not in str(raised.value)


SIGNATURES = {
    "def f(x): return x": "cell f has no state: .* write def f\\(x, h\\)",
    "def f(): return 1": "cell f has no state",
    "def f(h, x): return h": "x stands among the states; the input comes first",
    "def f(u, h, *, x): return h": "x stands among the auxiliary inputs; the input comes first",
    "def f(x, *states): return states": r"\*states can't be read as states; name each",
    "def f(x, h, **more): return h": r"\*more can't be read as states",
    "def f(x, h, c=None): return h, c": r"state c has a default; put options after a \*",
    "def f(x=1, h=2): return h": "has a default",
    "def f(x, h):\n    yield h": "yields its values one by one; end it with `return h`",
    "f = 'lstm'": r"cv\.cell takes a function, got 'lstm'; write @cv\.cell",
    "f = 3": r"cv\.cell takes a function, got 3",
}


@pytest.mark.parametrize("source", SIGNATURES)
def test_parameters_that_make_no_cell(source: str) -> None:
    space: dict[str, Any] = {}
    exec(source, space)
    with pytest.raises(cv.CellError, match=SIGNATURES[source]) as raised:
        cv.cell(space["f"])
    assert "\n" not in str(raised.value)


def test_the_line_within_an_equation_of_several() -> None:
    def f(x, h):
        good = cv.tanh(
            cv.affine("a", x, h)
            + cv.weight("w")
            * x  # the fifth line below the def
        )  # fmt: skip
        return good

    line = f.__code__.co_firstlineno + 4
    with pytest.raises(cv.CellError, match=rf"line ({line}|{line - 1}|{line - 2}) ") as raised:
        cv.cell(f)
    assert "widths H and I" in str(raised.value)


# Errors that are the user's own


def _helper_that(error: Callable[[], Any]) -> Any:
    def helper(v: Any) -> Any:
        error()
        return v

    return helper


@pytest.mark.parametrize(
    ("fails", "kind"),
    [
        (lambda: 1 / 0, ZeroDivisionError),
        (lambda: {}["k"], KeyError),
        (lambda: [][3], IndexError),
        (lambda: int("a"), ValueError),
        (lambda: 1 + "a", TypeError),
        (lambda: None.missing, AttributeError),
        (lambda: open("/no/such/file"), FileNotFoundError),
        (lambda: next(iter(())), StopIteration),
        (lambda: exec("raise KeyboardInterrupt"), KeyboardInterrupt),
    ],
)
def test_errors_within_a_helper_keep_their_type_and_traceback(
    fails: Callable[[], Any], kind: type[BaseException]
) -> None:
    helper = _helper_that(fails)

    def f(x, h):
        return helper(cv.tanh(cv.affine("a", x, h)))

    with pytest.raises(kind) as raised:
        cv.cell(f)
    assert type(raised.value) is kind
    functions = [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]
    assert functions.index("f") < functions.index("helper") < functions.index("<lambda>")


@pytest.mark.parametrize(
    "body", ["return h * (1 / 0)", "return {}['k']", "raise OSError('mine')", "raise StopIteration"]
)
def test_errors_of_the_function_itself_that_are_no_mistakes_of_the_language(body: str) -> None:
    space: dict[str, Any] = {}
    exec(f"def f(x, h):\n    {body}\n", space)
    with pytest.raises((ZeroDivisionError, KeyError, OSError, StopIteration)) as raised:
        cv.cell(space["f"])
    assert not isinstance(raised.value, cv.ConveyorError)


def test_a_mistake_of_the_language_within_a_helper_names_the_equation_that_calls_it() -> None:
    def helper(v: Any) -> Any:
        return v[0]

    def f(x, h):
        a = cv.affine("a", x, h)
        return helper(a)  # here

    with pytest.raises(cv.CellError, match=r"line \d+ `return helper\(a\)  # here`: the units"):
        cv.cell(f)


def test_a_helper_called_with_a_wrong_number_of_arguments() -> None:
    def helper(v: Any) -> Any:
        return v

    def f(x, h):
        return helper(x, h)

    with pytest.raises(cv.CellError, match=r"line \d+ `return helper\(x, h\)`: .*takes 1 positional argument but 2"):
        cv.cell(f)


def test_a_helper_of_a_helper_may_be_written_further_down() -> None:
    space: dict[str, Any] = {"cv": cv}
    exec("def first(v): return second(v)\n@cv.cell\ndef f(x, h): return first(cv.affine('a', x, h))\n", space)
    with pytest.raises(NameError, match="'second' is not defined"):
        space["f"].program  # noqa: B018 - the error of the helper, as it is
    exec("def second(v): return cv.tanh(v)\n", space)
    assert space["f"].program.nodes[-1].op == "tanh"


# Values out of place


def leak() -> tuple[Any, Any]:
    kept: list[Any] = []

    @cv.cell
    def leaky(x, h):
        h = cv.tanh(cv.affine("a", x, h))
        kept.append(h)
        return h

    assert leaky.program
    return leaky, kept[-1]


@pytest.mark.parametrize(
    "body",
    [
        "return old * h",
        "return h * old",
        "return old * 2 + h",
        "return cv.tanh(old) + h",
        "return cv.affine('a', x, old)",
        "return cv.layer_norm('n', old)",
        "return cv.mean(old) * h",
        "return cv.where(old > 0, h, 0)",
        "return old",
        "return abs(old) + h",
        "return old ** 2 + h",
    ],
)
def test_values_that_leaked_from_another_cell_are_refused_on_the_line_that_uses_them(body: str) -> None:
    _, old = leak()
    space: dict[str, Any] = {"cv": cv, "old": old}
    exec(compile(f"def f(x, h):\n    {body}\n", "<here>", "exec"), space)
    with pytest.raises(cv.CellError, match="^cell f, line 2 of <here>: .* was traced in another cell or call"):
        cv.cell(space["f"])


def test_a_value_of_an_outer_cell_does_not_enter_a_cell_made_inside_it() -> None:
    def outer(x, h):
        a = cv.tanh(cv.affine("a", x, h))

        def inner(x, h):
            return h * a

        cv.cell(inner)
        return a

    with pytest.raises(cv.CellError, match=r"cell inner, line \d+ .*was traced in another cell"):
        cv.cell(outer)


@pytest.mark.parametrize(
    "use",
    [
        lambda v: cv.tanh(v),
        lambda v: cv.affine("a", v),
        lambda v: cv.weight("w"),
        lambda v: cv.layer_norm("n", v),
        lambda v: cv.mean(v),
        lambda v: cv.where(v, v, v),
        lambda v: v + 1,
        lambda v: v > 1,
        lambda v: cv.activation("no such"),
    ],
)
def test_the_language_outside_a_cell_says_so(use: Callable[[Any], Any]) -> None:
    _, old = leak()
    with pytest.raises(cv.CellError, match=r"only work inside a @cv\.cell function"):
        use(old)


def test_after_a_mistake_the_next_cell_is_traced_as_ever() -> None:
    for _ in range(3):
        with pytest.raises(cv.CellError):
            cv.cell(lambda x, h: h[0])
        with pytest.raises(ZeroDivisionError):
            cv.cell(lambda x, h: h / (1 // 0))
    with pytest.raises(cv.CellError, match="only work inside"):
        cv.tanh(1.0)
    leaky, _ = leak()
    assert set(leaky.program.names) == {"h", "h.pre"}


def test_an_unknown_option_names_those_there_are() -> None:
    cell = cv.cell(lambda x, h, *, k=1, word="a": cv.affine(word, x, h) * k)
    with pytest.raises(cv.CellError, match=r"has no option 'kk'; its options: k, word"):
        cell.configure(kk=2)
    with pytest.raises(cv.CellError, match=r"has no option 'k'; its options: none"):
        leak()[0].configure(k=2)
    with pytest.raises(cv.CellError, match="a word such as 'f', got 3"):
        cell.configure(word=3)
    assert cell.configure(k=2, word="b").program.params[0].key == "b.x"
