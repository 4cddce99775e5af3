"""The page of a report: one HTML file with its style, script, figures and values inside."""

from __future__ import annotations

import json
from importlib import resources
from importlib.metadata import version
from typing import Any

import numpy as np

from conveyor.inspect.draw.figure import Drawn
from conveyor.inspect.draw.text import STYLE, coloured_spans
from conveyor.inspect.draw.walk import Column, Step
from conveyor.inspect.report.content import InformativeUnit, Report
from conveyor.inspect.report.quantised import pack
from conveyor.views.diagram import draw
from conveyor.views.diagram.markup import well_formed
from conveyor.views.diagram.svg import RULES, variables
from conveyor.views.equations import print_latex

_FIGURES = (
    ("gates", "Gates over time", "What the gates did while the text was read. Each row is a unit, each column a step."),
    (
        "memory",
        "Memory lengths",
        "How long a unit holds what it has stored: the number of steps in which its keep gate, at its usual opening,"
        " halves the old content.",
    ),
    (
        "flow",
        "Gradient flow",
        "How much of the loss's gradient reaches the steps before. Where the curve falls to nothing, training cannot"
        " link what was read there with what is predicted now. Untrained cells of the same size are shown side by side"
        " with their usual first values and, marked chrono, with first values made for lags of that length.",
    ),
)


def set_page(report: Report, *, token_name: str = "character") -> str:
    """Render the HTML of a report.

    Args:
        report: The contents.
        token_name: The word for a token.
    """
    from jinja2 import Environment
    from markupsafe import Markup

    template = Environment(autoescape=True, trim_blocks=True).from_string(_file("template.html"))
    figures = [(i, n, w, [_figure(d) for d in report.figures[i]]) for i, n, w in _FIGURES if report.figures.get(i)]
    layers = pack(report.layers, report.telling)
    first = _first(report, layers)
    sections = [
        ("diagnosis", "Diagnosis"),
        ("equations", "Equations"),
        ("diagram", "Diagram"),
        ("walk", "One step"),
        ("text", "Text"),
        *((i, n) for i, n, _, _ in figures),
    ]
    data = {
        "layers": layers,
        "tokens": list(map(well_formed, report.tokens)),
        "context": 24 if token_name == "character" else 6,
    }
    page = template.render(
        report=report,
        style=Markup(variables(":root") + RULES + STYLE + _file("style.css")),
        script=Markup(_file("script.js")),
        data=Markup(_json(data)),
        sections=sections,
        cells=[
            {
                "label": c.label,
                "name": c.name,
                "equations": [Markup(mathml(line)) for line in _lines(print_latex(c.program))],
                "diagram": Markup(draw(c.program, f"Diagram of the cell {c.name}", standalone=False)),
            }
            for c in report.cells
        ],
        steps=[_step(step, report) for step in report.walk.steps],
        units=report.walk.units,
        walk_units=", ".join(map(str, report.walk.units)),
        options=_options(report, first),
        first=first,
        figures=figures,
        token_name=token_name,
        version=version("conveyor"),
    )
    return well_formed(page)


def mathml(latex: str, *, block: bool = False) -> str:
    """Convert LaTeX to MathML."""
    from latex2mathml.converter import convert

    return str(convert(latex, display="block" if block else "inline"))


def _lines(latex: str) -> list[str]:
    body = latex.removeprefix("\\begin{align*}\n").removesuffix("\n\\end{align*}\n")
    return [line.replace("&", "", 1) for line in body.split(" \\\\\n")]


def _file(name: str) -> str:
    return resources.files("conveyor.inspect.report").joinpath(name).read_text(encoding="utf-8")


def _json(data: Any) -> str:
    """Encode JSON that is safe inside a script element."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _figure(drawn: Drawn) -> dict[str, Any]:
    from markupsafe import Markup

    names = f"figures/{drawn.name}.svg, {drawn.name}.png"
    return {"title": drawn.title, "words": drawn.words, "inline": Markup(drawn.inline()), "files": names}


def _step(step: Step, report: Report) -> dict[str, Any]:
    from markupsafe import Markup

    return {
        "number": step.number,
        "title": step.title,
        "words": step.words,
        "equation": Markup(mathml(step.latex)) if step.latex else "",
        "rows": [_row(c, report) for c in step.columns],
    }


def _row(column: Column, report: Report) -> dict[str, Any]:
    from markupsafe import Markup

    tone = report.walk.tones.get(column.name)
    numbers = [_number(column.numbers[min(u, len(column.numbers) - 1)]) for u in report.walk.units]
    heading = Markup(mathml(column.latex)) if column.latex else column.text
    return {"heading": heading, "tone": tone, "numbers": numbers, "result": column.result}


def _number(v: float) -> str:
    told = f"{v:.3f}" if v == 0 or 0.0005 <= abs(v) < 1000 else f"{v:.1e}".replace("e-0", "e-").replace("e+0", "e")
    return told.replace("-", "−")


def _first(report: Report, layers: list[dict[str, Any]]) -> dict[str, Any]:
    """Choose the unit that colours the text at first."""
    from markupsafe import Markup

    start = report.telling[0] if report.telling else InformativeUnit(0, next(iter(report.layers[0].values)), 0, "")
    v = report.layers[start.layer].values[start.value][:, start.unit]
    label = f"Unit {start.unit} of {start.value}, {report.layers[start.layer].label}"
    told = f"{label}: from {np.min(v):.2f} to {np.max(v):.2f}.".replace("-", "−")
    return {
        "layer": start.layer,
        "value": start.value,
        "unit": start.unit,
        "most": layers[start.layer]["values"][start.value]["units"][-1],
        "told": told,
        "spans": Markup(coloured_spans(report.tokens, v)),
    }


def _options(report: Report, first: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for k, layer in enumerate(report.layers):
        for name in layer.values:
            title = layer.titles.get(name, "")
            where = f"{layer.label}: " if len(report.layers) > 1 else ""
            found.append(
                {
                    "key": json.dumps([k, name], separators=(",", ":")),
                    "label": f"{where}{name}" + (f" ({title[0].lower()}{title[1:]})" if title else ""),
                    "first": (k, name) == (first["layer"], first["value"]),
                }
            )
    return found
