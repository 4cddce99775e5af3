"""The language: named values, widths, parameters, options, and the author's mistakes."""

import code
import functools
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import conveyor as cv
from conveyor.program import Matrix


def names(cell: Any) -> dict[str, str]:
    """Named values by the op that makes them."""
    return {name: cell.program.nodes[node].op for name, node in cell.program.names.items()}


# Named values


def test_every_assigned_variable_is_named_and_pre_activations_too() -> None:
    named = cv.cells["lstm"].program.names
    assert set(named) == {"i", "f", "g", "o", "c", "h", "i.pre", "f.pre", "g.pre", "o.pre"}
    nodes = cv.cells["lstm"].program.nodes
    assert nodes[named["f"]].args == (named["f.pre"],)
    assert dict(cv.cells["lstm"].program.names)["h"] == cv.cells["lstm"].program.outputs[0].args[0]


def test_a_name_assigned_again_is_its_last_value() -> None:
    @cv.cell
    def again(x, h):
        z = cv.affine("z", x, h)
        z = cv.sigmoid(z)
        z = z * h
        h = cv.tanh(z)
        return h

    assert names(again) == {"z@1": "add", "z@2": "sigmoid", "z@2.pre": "add", "z": "mul", "h": "tanh", "h.pre": "mul"}


def test_all_ways_to_assign() -> None:
    @cv.cell
    def ways(x, h, c):
        a, b = cv.affine("a", x), cv.affine("b", h)
        first = second = a + b
        a += b
        (walrus := cv.tanh(a))
        for _ in range(2):
            looped = cv.sigmoid(walrus)
        if True:
            inside = looped * 2
        try:
            tried = inside + 1
        finally:
            last = tried * tried
        listed = [cv.tanh(v) for v in (first, last)]
        return listed[0] + second, c + listed[1]

    named = cv.cells and ways.program.names
    for name in ("a", "a@1", "b", "first", "second", "walrus", "looped", "inside", "tried", "last"):
        assert name in named
    assert named["first"] == named["second"], "two names may share a value"
    assert ways.program.nodes[named["h"]].op == "add", "a state that no variable names is named by its state"


def helper(v: Any) -> Any:
    inner = cv.sigmoid(v)
    return inner * 2


def make_closure(scale: float) -> Any:
    @cv.cell
    def closed(x, h):
        g = helper(cv.affine("g", x, h)) * scale
        return g

    return closed


def test_helpers_closures_and_two_cells_of_one_code() -> None:
    half, double = make_closure(0.5), make_closure(2.0)
    assert "g" in half.program.names and "inner" not in half.program.names
    assert half.program != double.program


def test_wrapped_partial_bound_and_callable_objects() -> None:
    def plain(x, h, *, k=1.0):
        n = cv.tanh(cv.affine("n", x, h)) * k
        return n

    @functools.wraps(plain)
    def wrapped(*args, **kwargs):
        return plain(*args, **kwargs)

    class Box:
        def method(self, x, h):
            n = cv.tanh(cv.affine("n", x, h)) * 1.0
            return n

        def __call__(self, x, h):
            n = cv.tanh(cv.affine("n", x, h)) * 1.0
            return n

    for function in (plain, wrapped, functools.partial(plain, k=1.0), Box().method, Box()):
        cell = cv.cell(function)
        assert "n" in cell.program.names and cell.program == cv.cell(plain).program
    assert cv.cell(lambda x, h: cv.tanh(cv.affine("n", x, h))).program.names["h"] >= 0


SOURCE = """
import conveyor as cv
@cv.cell
def typed(x, h):
    n = cv.tanh(cv.affine("n", x, h))
    h = n * 2
    return h
"""


def test_exec_and_notebooks_need_no_source() -> None:
    for filename in ("<string>", "<ipython-input-1-abc>", "no/such/file.py"):
        space: dict[str, Any] = {}
        exec(compile(SOURCE, filename, "exec"), space)
        assert set(space["typed"].program.names) == {"n", "n.pre", "h"}
    console = code.InteractiveConsole()
    assert not console.push("\n".join(SOURCE.strip().splitlines()[:1]))
    assert not console.runsource("\n".join(SOURCE.strip().splitlines()[1:]) + "\n", symbol="exec")
    assert set(console.locals["typed"].program.names) == {"n", "n.pre", "h"}


def test_a_real_interactive_session() -> None:
    typed = SOURCE.replace("    return h\n", "    return h\n\n") + "print(sorted(typed.program.names))\n"
    done = subprocess.run([sys.executable, "-i", "-q"], input=typed, capture_output=True, text=True, check=True)
    assert "['h', 'n', 'n.pre']" in done.stdout


def test_an_earlier_tracer_is_put_back_also_after_an_error() -> None:
    def tracer(frame: Any, event: str, arg: Any) -> Any:
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        assert "n" in cv.cell(lambda x, h: cv.tanh(cv.affine("n", x, h))).program.param[("product", "n.x")].name
        assert sys.gettrace() is tracer
        with pytest.raises(cv.CellError):
            cv.cell(lambda x, h: h[0])
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)


def test_threads_trace_at_once() -> None:
    found: list[set[str]] = []

    def trace() -> None:
        for _ in range(20):
            space: dict[str, Any] = {}
            exec(SOURCE, space)
            found.append(set(space["typed"].program.names))

    threads = [threading.Thread(target=trace) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [{"n", "n.pre", "h"}] * 80


def test_names_take_no_part_in_the_structure() -> None:
    space: dict[str, Any] = {}
    exec(SOURCE.replace("n =", "m =").replace("n * 2", "m * 2"), space)
    other: dict[str, Any] = {}
    exec(SOURCE, other)
    a, b = space["typed"].program, other["typed"].program
    assert a == b and hash(a) == hash(b) and a.hash == b.hash and a.names != b.names


# Widths and parameters


def test_widths() -> None:
    @cv.cell
    def wide(x, h, last, total, *, dt, mask):
        seen = cv.where(mask > 0, x, last)
        gate = cv.sigmoid(cv.affine("gate", h, size=1))
        h = cv.affine("out", cv.tanh(cv.affine("h", seen, h, dt, size="wide")), size="narrow") * gate
        total = total + cv.sum(h)
        return h, seen, total

    p = wide.program
    assert {i.name: i.width for i in p.inputs} == {
        "x": "I",
        "h": "narrow",
        "last": "I",
        "total": "1",
        "dt": "dt",
        "mask": "I",
    }
    assert wide.parameters(3, 4, wide=5, narrow=2, dt=7) == {
        "weight_hh": (6, 2),
        "weight_h_seen": (5, 3),
        "weight_h_dt": (5, 7),
        "weight_out_value": (2, 5),
        "bias": (8,),
    }


def test_sharing_and_biases() -> None:
    @cv.cell
    def shared(x, h):
        a = cv.affine("a", x, h)
        b = cv.affine("a", x) * cv.affine("a", h, bias=False)
        h = cv.weight("w") * a + cv.weight("w") * b
        return h

    keys = [(type(p).__name__, p.key) for p in shared.program.params]
    assert keys == [("Matrix", "a.x"), ("Matrix", "a.h"), ("Bias", "a"), ("Bias", "a#2"), ("Vector", "w")]
    gru = [p.key for p in cv.cells["gru"].program.params if not isinstance(p, Matrix)]
    assert gru == ["r", "z", "n", "n#2"], "torch's GRU has two biases for n"


def test_options() -> None:
    lstm = cv.cells["lstm"]
    other = lstm.configure(candidate_activation="sigmoid")
    assert other.options["candidate_activation"] == "sigmoid" and lstm.options["candidate_activation"] == "tanh"
    assert names(other)["g"] == "sigmoid" and names(lstm)["g"] == "tanh"
    with pytest.raises(cv.CellError, match="no option 'activation'; its options: gate_activation"):
        lstm.configure(activation="relu")
    with pytest.raises(cv.CellError, match=r"unknown activation 'swoosh'; known are sigmoid, tanh"):
        lstm.configure(gate_activation="swoosh")


def test_cells_inside_cells_and_helpers_defined_later() -> None:
    @cv.cell
    def outer(x, h, c):
        h, c = cv.cells["lstm"](x, h, c)
        return h, c

    assert outer.program == cv.cells["lstm"].program
    space: dict[str, Any] = {"cv": cv}
    exec("@cv.cell\ndef late(x, h):\n    h = later(cv.affine('n', x, h))\n    return h\n", space)
    exec("def later(v):\n    return cv.tanh(v)\n", space)
    assert names(space["late"])["h"] == "tanh"


def test_printing() -> None:
    cell = cv.cells["lstm_peephole"]
    assert (
        cell.latex().startswith("\\begin{align*}\n")
        and r"c_{t} &= f_{t} \odot c_{t-1} + i_{t} \odot g_{t}" in cell.latex()
    )
    assert cell._repr_latex_() == cell.latex()
    assert "c[t] = f[t] * c[t-1] + i[t] * g[t]" in cell.equations()
    assert str(cell.program) == cell.program.text and "; f.pre" in cell.program.text


def test_brackets_in_equations_keep_the_meaning() -> None:
    @cv.cell
    def odd(x, h):
        a = cv.affine("a", x)
        b = h - (a - h)
        d = -(a + b)
        e = a / (b * d)
        g = a / b / d
        k = (a + b) * (a - (b + d))
        h = cv.where((a > b) & ~(a >= d), e + g, k) ** 2
        return h

    lines = dict(line.split(" = ", 1) for line in odd.equations().splitlines())
    rng = np.random.default_rng(0)
    a, before = rng.normal(size=9), rng.normal(size=9)
    b = before - (a - before)
    d = -(a + b)
    values = {"b": b, "d": d, "e": a / (b * d), "g": a / b / d, "k": (a + b) * (a - (b + d))}
    for name, value in values.items():
        text = lines[f"{name}[t]"].replace("h[t-1]", "before").replace("[t]", "")
        np.testing.assert_allclose(eval(text, {"a": a, "before": before, **values}), value)
    h = lines["h[t]"].replace("[t]", "")
    space = {"a": a, **values, "where": np.where, "square": np.square}
    np.testing.assert_allclose(
        eval(h, space), np.where((a > b) & ~(a >= d), values["e"] + values["g"], values["k"]) ** 2
    )


# Mistakes


MISTAKES: dict[str, tuple[str, str]] = {
    "state not returned": (
        "def f(x, h, c):\n    return h",
        r"line 2.*1 value returned for 2 states: c is not returned; .*return h, c",
    ),
    "too many": ("def f(x, h):\n    return h, x", r"2 values returned for 1 states"),
    "nothing": ("def f(x, h):\n    h = cv.tanh(h)", r"returns nothing; end it with `return h`"),
    "arity": ("def f(x, h):\n    return cv.tanh(h, h)", r"line 2.*tanh\(\) takes 1 positional argument but 2"),
    "if": (
        "def f(x, h):\n    if h > 0:\n        h = x\n    return h",
        r"line 2.*choose with cv.where\(condition, a, b\)",
    ),
    "and": ("def f(x, h):\n    return cv.where(h > 0 and h < 1, h, 0)", r"combine conditions with & \| ~"),
    "max": ("def f(x, h):\n    return max(h, 0)", r"cv.maximum or cv.minimum"),
    "unknown of cv": (
        "def f(x, h):\n    return cv.swish(h)",
        r"line 2.*no attribute 'swish'; the language's functions are cv.affine",
    ),
    "unknown": ("def f(x, h):\n    return swish(h)", r"line 2.*name 'swish' is not defined; the language's functions"),
    "torch": (
        "import torch\ndef f(x, h):\n    return torch.tanh(h)",
        r"line 3.*unknown function torch.tanh.*use cv.tanh",
    ),
    "numpy": (
        "import numpy as np\ndef f(x, h):\n    return np.tanh(h)",
        r"line 3.*does not support ufuncs.*the language's functions",
    ),
    "math": ("import math\ndef f(x, h):\n    return math.tanh(h)", r"line 3.*use cv.tanh"),
    "name for two": (
        "def f(x, h):\n    return cv.affine('a', x) + cv.weight('a')",
        r"'a' already belongs to a cv.affine, used here for weight",
    ),
    "name of two sizes": (
        "def f(x, h):\n    return cv.affine('a', x) + cv.affine('a', h, size='k')",
        r"another affine, of another size",
    ),
    "name of two norms": (
        "def f(x, h):\n    return cv.layer_norm('a', cv.affine('b', x)) + cv.layer_norm('a', h)",
        r"'a_gain' already belongs",
    ),
    "label of two values": (
        "def f(x, h):\n    a = cv.affine('a', h)\n    h = a * 2\n    return cv.affine('a', h)",
        r"'a' is used for two different values called 'h'",
    ),
    "other blocks": (
        "def f(x, h):\n    return cv.affine('a', h) + cv.affine('a', h, blocks=2)",
        r"has blocks=1, used here with 2",
    ),
    "x among states": ("def f(h, x):\n    return h", r"x stands among the states; the input comes first"),
    "x returned": ("def f(x, h):\n    return x", r"the input x is returned as state h, the output"),
    "no state": ("def f(x):\n    return x", r"cell f has no state"),
    "matrix": ("def f(x, h, s):\n    return h @ s, s", r"matrix-valued states are not supported"),
    "index": ("def f(x, h):\n    return h[:, None]", r"matrix-valued states are not supported"),
    "widths": (
        "def f(x, h):\n    h = cv.tanh(cv.affine('a', x)) + x\n    return h",
        r"line 2.*add mixes values of widths H and I",
    ),
    "output of input width": (
        "def f(x, h):\n    h = h * x\n    return h",
        r"the output h would have the input's width",
    ),
    "state widths": (
        "def f(x, h):\n    a = h * cv.affine('a', x)\n    return cv.affine('b', a, size='k')",
        r"state h has width H where it is read and k",
    ),
    "condition as number": (
        "def f(x, h):\n    return h + (h > 0)",
        r"add takes numbers, got a condition; .*cv.where\(condition, 1, 0\)",
    ),
    "condition returned": ("def f(x, h):\n    return h > 0", r"state h is returned as a condition"),
    "number as condition": (
        "def f(x, h):\n    return cv.where(h, h, 0)",
        r"where takes a condition here, such as a > b",
    ),
    "string": ("def f(x, h):\n    return h + 'a'", r"add takes traced values and Python numbers, got str"),
    "tensor": (
        "import torch\ndef f(x, h):\n    return h * torch.ones(3)",
        r"got Tensor; learned numbers are cv.weight or cv.affine",
    ),
    "no name": ("def f(x, h):\n    return cv.affine(x, h)", r"affine takes its name first"),
    "no value": ("def f(x, h):\n    return cv.affine('a')", r"multiplies no value; write cv.affine\('a', x, h\)"),
    "size": (
        "def f(x, h):\n    return cv.affine('a', x, size=7)",
        r"size is the name of a width such as 'proj', or 1, got 7",
    ),
    "blocks": ("def f(x, h):\n    return cv.affine('a', x, blocks=0)", r"blocks is a whole number from 1, got 0"),
    "number in affine": ("def f(x, h):\n    return cv.affine('a', 3.0)", r"takes traced vectors, got float"),
    "star": ("def f(x, *states):\n    return states", r"\*states can't be read as states"),
    "default": ("def f(x, h, k=1):\n    return h", r"state k has a default; put options after a \*"),
    "power": ("def f(x, h):\n    return h ** 3", r"powers 2 and 0.5, got 3; write cv.exp\(3 \* cv.log\(v\)\)"),
    "clip": ("def f(x, h):\n    return cv.clip(h, 1, 0)", r"clip to \[1, 0\]: low lies above high"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_show_the_line_and_the_mend(name: str) -> None:
    source, message = MISTAKES[name]
    space: dict[str, Any] = {"cv": cv}
    exec(source, space)
    with pytest.raises(cv.CellError, match=message) as raised:
        cv.cell(space["f"]).program  # noqa: B018 - an unknown plain name waits for the first use
    assert "\n" not in str(raised.value)


def test_the_source_of_the_line_is_shown_where_it_is_at_hand() -> None:
    with pytest.raises(cv.CellError, match=r"line \d+ `h = cv\.tanh\(h\) \+ x  # here`"):

        @cv.cell
        def wrong(x, h):
            h = cv.tanh(cv.affine("a", x, h))
            h = cv.tanh(h) + x  # here
            return h


def test_errors_of_the_authors_own_code_pass_through() -> None:
    def divides(x, h):
        return h * (1 / 0)

    with pytest.raises(ZeroDivisionError):
        cv.cell(divides)


def outside(call: Callable[[], Any]) -> str:
    with pytest.raises(cv.CellError) as raised:
        call()
    return str(raised.value)


def test_the_language_outside_a_cell() -> None:
    assert "only work inside a @cv.cell function" in outside(lambda: cv.tanh(1.0))
    leaked: list[Any] = []
    cv.cell(lambda x, h: (leaked.append(h), cv.tanh(cv.affine("a", x, h)))[1])
    assert "traced in another cell" in outside(lambda: cv.cell(lambda x, h: h + leaked[0]))


def test_constants_are_numbers_of_any_python_kind() -> None:
    @cv.cell
    def counted(x, h):
        h = cv.tanh(cv.affine("a", x, h) * np.float32(0.5) + True + 2) - np.int64(1)
        return h

    assert sorted(n.attr for n in counted.program.nodes if n.op == "const") == [0.5, 1.0, 2.0]


def test_source_text_of_cells_dedented() -> None:
    space: dict[str, Any] = {"cv": cv}
    exec(textwrap.dedent(SOURCE), space)
    assert space["typed"].__doc__ is None and repr(space["typed"]) == "<cell typed>"
