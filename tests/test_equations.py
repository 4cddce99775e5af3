"""Programs printed as equations, plain and as LaTeX."""

import numpy as np
import pytest

import conveyor as cv


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


@pytest.mark.parametrize("name", list(cv.cells))
def test_every_cell_prints_a_line_for_each_named_value(name: str) -> None:
    cell = cv.cells[name]
    named = {n.split("@")[0] for n in cell.program.names if not n.endswith(".pre")}
    lines = cell.equations().splitlines()
    assert {line.split("[")[0].split("@")[0] for line in lines} >= {s.name for s in cell.program.states}
    assert len(cell.latex().splitlines()) == len(lines) + 2 and len(lines) <= len(cell.program.names) + len(named)
    assert cell.latex().count("{") == cell.latex().count("}")
