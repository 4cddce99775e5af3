"""Where a cell's function may come from: decorators, objects, closures, a REPL, a notebook, text without a file."""

import functools
import linecache
import subprocess
import sys
import textwrap
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import conveyor as cv


def plain(x, h, *, scale=1.0):
    """The docstring."""
    n = cv.tanh(cv.affine("n", x, h))
    h = n * scale
    return h


def counted(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(*args: Any, **keywords: Any) -> Any:
        n = "a variable of the decorator"
        inner.calls += 1
        assert n
        return function(*args, **keywords)

    inner.calls = 0
    return inner


class Equations:
    scale = 1.0

    @staticmethod
    def static(x, h):
        n = cv.tanh(cv.affine("n", x, h))
        h = n * 1.0
        return h

    @classmethod
    def of_class(cls, x, h):
        n = cv.tanh(cv.affine("n", x, h))
        h = n * cls.scale
        return h

    def method(self, x, h):
        n = cv.tanh(cv.affine("n", x, h))
        h = n * self.scale
        return h

    @counted
    def decorated(self, x, h):
        n = cv.tanh(cv.affine("n", x, h))
        h = n * self.scale
        return h

    def __call__(self, x, h):
        n = cv.tanh(cv.affine("n", x, h))
        h = n * self.scale
        return h


ORIGINS = {
    "function": plain,
    "decorated": counted(plain),
    "decorated twice": counted(counted(plain)),
    "partial": functools.partial(plain, scale=1.0),
    "partial of partial": functools.partial(functools.partial(plain), scale=1.0),
    "decorated partial": counted(functools.partial(plain, scale=1.0)),
    "partial of decorated": functools.partial(counted(plain), scale=1.0),
    "cached": functools.lru_cache(plain),
    "staticmethod": Equations.static,
    "staticmethod object": staticmethod(plain),
    "classmethod": Equations.of_class,
    "method": Equations().method,
    "decorated method": Equations().decorated,
    "callable object": Equations(),
    "made of code": types.FunctionType(plain.__code__, {"cv": cv}, "plain", None, None),
}
ORIGINS["made of code"].__kwdefaults__ = {"scale": 1.0}


@pytest.mark.parametrize("origin", ORIGINS)
def test_every_callable_is_a_cell_with_its_names(origin: str) -> None:
    cell = cv.cell(ORIGINS[origin])
    assert set(cell.program.names) == {"n", "n.pre", "h"}
    assert cell.program.hash == cv.cell(plain).program.hash
    assert isinstance(cell.name, str) and cell.name


def test_names_options_and_docstring_are_the_functions() -> None:
    cell = cv.cell(plain)
    assert (cell.name, cell.__doc__, cell.options) == ("plain", "The docstring.", {"scale": 1.0})
    assert cv.cell(name="other")(plain).name == "other"
    assert cv.cell(counted(plain)).name == "plain"
    assert cell.configure(scale=2.0).program != cell.program
    assert cv.cell(functools.partial(plain, scale=3.0)).options == {"scale": 3.0}


def test_a_lambda_has_no_assignments_but_names_its_states() -> None:
    cell = cv.cell(lambda x, h, c: (cv.tanh(cv.affine("a", x, h)) * c, cv.sigmoid(c)))
    assert set(cell.program.names) == {"h", "c", "c.pre"}


def test_helpers_of_another_module_and_of_a_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gates_of_mine.py").write_text(
        textwrap.dedent(
            """
            import conveyor as cv

            def gate(name, *values):
                n = cv.affine(name, *values)
                return cv.sigmoid(n)
            """
        )
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    gates = __import__("gates_of_mine")

    def f(x, h):
        z = gates.gate("z", x, h)
        h = functools.reduce(lambda a, b: a * b, [z, h])
        return h

    program = cv.cell(f).program
    assert set(program.names) == {"z", "z.pre", "h"}
    line = f.__code__.co_firstlineno + 1
    assert program.lines[program.names["z"]] == line, "the line of the equation, not that of the helper"


TYPED = """\
@cv.cell
def typed(x, h):
    n = cv.tanh(cv.affine("n", x, h))
    n = n * 2
    h = n
    return h
"""


@pytest.mark.parametrize(
    "filename", ["<string>", "<ipython-input-3-0a1b2c>", "/tmp/ipykernel_7/12345.py", "", "<stdin>"]
)
def test_text_without_a_file(filename: str) -> None:
    space: dict[str, Any] = {"cv": cv}
    exec(compile(TYPED, filename, "exec"), space)
    assert set(space["typed"].program.names) == {"n@1", "n", "n@1.pre", "h"}
    with pytest.raises(cv.CellError, match=rf"cell typed, line 6 of {filename}: 2 values returned") as raised:
        exec(compile(TYPED.replace("return h", "return h, x"), filename, "exec"), {"cv": cv})
    assert "\n" not in str(raised.value)


def test_a_notebook_shows_the_line_of_its_own_cell() -> None:
    """IPython puts the text of each of its cells into linecache, under a name of its own."""
    text = TYPED.replace("n = n * 2", "n = n[2]")
    filename = "/tmp/ipykernel_7/987654.py"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    try:
        with pytest.raises(cv.CellError, match=r"cell typed, line 4 `n = n\[2\]`: the units of a value"):
            exec(compile(text, filename, "exec"), {"cv": cv})
    finally:
        del linecache.cache[filename]


def interactive(text: str) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-i", "-q"], input=text, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout, done.stderr


def test_a_session_that_is_typed_in() -> None:
    session = "import conveyor as cv\n" + TYPED + "\nprint(sorted(typed.program.names))\n"
    wrong = TYPED.replace("typed", "wrong").replace("n = n * 2", "n = n if n else h") + "\n"
    helper = "def late(v): return cv.tanh(v)\n\n"
    early = TYPED.replace("typed", "early").replace("n * 2", "late(n)") + "\n"
    after = "print(early.program.nodes[early.program.names['n']].op)\n"
    out, err = interactive(session + wrong + early + helper + after)
    assert "['h', 'n', 'n@1', 'n@1.pre']" in out
    assert "cell wrong, line 4" in err and "choose with cv.where(condition, a, b)" in err
    assert "tanh" in out.splitlines()[-1], "a cell may be typed before the helper that it calls"


def test_the_function_is_not_kept_from_changing_what_it_reads_later() -> None:
    """A cell is its program from the moment it is made: what its function reads may change, the cell does not."""
    space: dict[str, Any] = {"cv": cv, "scale": 2.0}
    exec("def f(x, h):\n    h = cv.tanh(cv.affine('a', x, h)) * scale\n    return h\n", space)
    cell = cv.cell(space["f"])
    space["scale"] = 3.0
    assert [n.attr for n in cell.program.nodes if n.op == "const"] == [2.0]
    assert [n.attr for n in cv.cell(space["f"]).program.nodes if n.op == "const"] == [3.0]
