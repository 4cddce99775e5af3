"""A report on a forecaster: one page with its scores, forecasts, gates over the horizon, memory and columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from conveyor.errors import ArgumentError, DataError
from conveyor.inspect.activity import memory_length, saturation
from conveyor.inspect.draw.figure import Drawn
from conveyor.inspect.draw.roles import Roles
from conveyor.inspect.report import require_packages
from conveyor.inspect.report.page import mathml
from conveyor.ir.transforms.gate_analysis import keep_gates
from conveyor.layers.recording.record import recording
from conveyor.layers.recording.trace import Trace
from conveyor.tasks.forecast.data.dataset import resolve_columns
from conveyor.tasks.forecast.data.panel import stamp_text
from conveyor.tasks.forecast.data.table import canonical
from conveyor.tasks.forecast.data.windows import WindowReader
from conveyor.tasks.forecast.evaluation.backtest import Rolled, roll
from conveyor.tasks.forecast.evaluation.measures import score_table
from conveyor.tasks.forecast.names import MODEL, NAIVE, RIDGE
from conveyor.tasks.forecast.report import figures
from conveyor.tasks.forecast.report.importance import importance
from conveyor.tasks.forecast.run import Trained
from conveyor.views.diagram import draw
from conveyor.views.diagram.blocks import blocks_of
from conveyor.views.diagram.svg import RULES, variables
from conveyor.views.equations import print_latex

PAGE = "index.html"
_WINDOWS = 28
_SHOWN = 7
_MOST_RECORDED = 256

Say = Callable[[str], None]


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        id: Its anchor.
        name: Its heading.
        words: What it shows.
        drawn: Its figures.
    """

    id: str
    name: str
    words: str
    drawn: tuple[Drawn, ...]


def record_origins(trained: Trained, reader: WindowReader, origins: Tensor, values: Any = None) -> Trace:
    """Record the recurrent layers' named values over windows with these origins (B,), from the fast path.

    Args:
        trained: the forecaster.
        reader: of the windows.
        origins: rows to forecast from.
        values: names of the values that are kept; None keeps all.

    Returns:
        The trace; step `context` is the first of the horizon.
    """
    inputs = reader.inputs(origins)
    with torch.no_grad(), recording(trained.model, values) as traces:
        trained.model(inputs["x"], inputs["static"])
    return traces["recurrent"]


def write_forecast_report(
    trained: Trained, frame: pd.DataFrame, folder: Path, title: str, series: str | None, say: Say
) -> Path:
    """Measure a forecaster on a table and write the report into a folder, which is made.

    Args:
        trained: the forecaster.
        frame: series with what came.
        folder: where; files of the same names are overwritten.
        title: of the page.
        series: that is shown in pictures; None takes the first.
        say: told what is being done.

    Returns:
        The page's path.

    Raises:
        ArgumentError: an optional package is missing, there is no such series, or the folder can't be written.
        DataError: the table cannot be used.
    """
    require_packages()
    config = replace(trained.config, data=resolve_columns(frame, trained.config.data))
    say("forecasting from past origins")
    rolled = roll(trained, config, canonical(frame, config.data), _WINDOWS, trained.model.shape.horizon)
    table = rolled.table
    ids = list(dict.fromkeys(table["unique_id"]))
    chosen = ids[0] if series is None else series
    if chosen not in ids:
        raise ArgumentError(f"series: expected one of {', '.join(ids[:5])}, got {chosen!r}")
    scores = score_table(table, rolled.history, config.model.quantiles, trained.season)
    if not scores:
        raise DataError("data: no value came at any of the last origins; give a table with values at its end")
    say("recording the gates")
    trace = record_origins(trained, rolled.reader, rolled.origins[:_MOST_RECORDED])
    say("dealing columns to other windows")
    moved = importance(trained.model, rolled.reader, rolled.origins, trained.encoding, config.data)
    say("drawing")
    sections = _sections(trained, rolled, table, chosen, trace, moved)
    tables = {"forecasts": table, "columns": pd.DataFrame({"column": list(moved), "growth": list(moved.values())})}
    page = _set_page(trained, title, scores, sections, _sentences(trained, scores, trace, moved), chosen)
    return _write(folder, page, sections, tables)


def _sections(
    trained: Trained, rolled: Rolled, table: pd.DataFrame, series: str, trace: Trace, moved: dict[str, float]
) -> list[Section]:
    unit = trained.config.data.target
    own = table[table["unique_id"] == series]
    last = own[own["cutoff"].isin(sorted(own["cutoff"].unique())[-_SHOWN:])]
    sections = [
        Section(
            "forecasts",
            "Forecasts",
            "The last forecasts, each made from what was known at the line where it begins, and what came.",
            (figures.forecasts(last, series, trained.config.model.quantiles, unit),),
        ),
        Section(
            "errors",
            "Error over the horizon",
            f"The error at each step ahead, over all {len(rolled.origins):,} origins, beside a seasonal naive forecast "
            f"(the value {trained.season:,} steps before) and a ridge regression on the past.",
            (figures.errors_by_step(table, unit),),
        ),
    ]
    gates = _gates(trained, rolled, trace, series)
    if gates is not None:
        sections.append(
            Section(
                "gates",
                "Gates over the horizon",
                "What the gates of the first layer did in the last window of this series. Each row is a unit, each "
                "column a step; right of the white line the model runs on without the target.",
                (gates,),
            )
        )
    memory = _memory(trace)
    if memory:
        words = "How many steps it takes each unit to forget half of what it holds, beside the lengths of the seasons."
        sections.append(
            Section("memory", "Memory", words, (figures.memory_against_seasons(memory, trained.encoding.seasons),))
        )
    if len(rolled.origins) > 1:
        sections.append(
            Section(
                "columns",
                "What moves the forecast",
                "How much larger the loss is when a column's values come from other windows: what the model relies on. "
                "Columns that tell the same stand in for each other and seem to matter less than they do.",
                (figures.importances(moved),),
            )
        )
    return sections


def _gates(trained: Trained, rolled: Rolled, trace: Trace, series: str) -> Drawn | None:
    number = rolled.panel.ids.index(series)
    of = rolled.reader.encoded.series[rolled.origins[: trace.layer(0).initial[_first_state(trace)].shape[0]]]
    own = (of == number).nonzero().reshape(-1)
    part = trace.layer(0)
    roles = Roles(blocks_of(part.program))
    names = [gate.name for gate in roles.gates if gate.name in part]
    if not names or not len(own):
        return None
    column = int(own[-1])
    origin = int(rolled.origins[column])
    shape = trained.model.shape
    stamps = [stamp_text(s) for s in rolled.panel.stamps[origin - shape.context : origin + shape.horizon]]
    titles = {block.name: roles.title(block) for block in roles.blocks.of.values() if block.name}
    values = {name: part[name][:, column].float().numpy(force=True) for name in names}
    return figures.gate_maps(values, stamps, shape.context, titles)


def _first_state(trace: Trace) -> str:
    return next(iter(trace.layer(0).initial))


def _memory(trace: Trace) -> dict[str, Any]:
    found = {}
    for k, _, part in trace.directions():
        if keep_gates(part.program):
            lengths = memory_length(trace, k)
            for state, steps in lengths.items():
                found[f"layer {k + 1}" + (f", {state}" if len(lengths) > 1 else "")] = steps.numpy(force=True)
    return found


def _sentences(trained: Trained, scores: dict[str, Any], trace: Trace, moved: dict[str, float]) -> list[str]:
    """Describe the measures in words."""
    said = []
    own = scores[MODEL]["MAE"]
    for name in (NAIVE, RIDGE):
        if name in scores and scores[name]["MAE"] and own is not None:
            part = own / scores[name]["MAE"] - 1
            beside = "below" if part < 0 else "above"
            said.append(f"Its mean absolute error is {abs(part):.0%} {beside} that of the {name}.")
    for name, value in scores[MODEL].items():
        if name.startswith("coverage") and value is not None:
            nominal = int(name.split()[1])
            said.append(f"Its {nominal} % interval holds {value:.0%} of what came.")
            break
    if moved:
        first = next(iter(moved))
        said.append(f"It relies most on “{first}”: without it the loss is {moved[first]:.0%} larger.")
        idle = [name for name, value in moved.items() if abs(value) < 0.005]
        if idle:
            said.append(f"It could do without {', '.join(f'“{name}”' for name in idle)}.")
    for name, gate in saturation(trace).items():
        shut, wide = float(gate.shut.mean()), float(gate.open.mean())
        said.append(f"Gate {name} is nearly shut at {shut:.0%} of its values, open at {wide:.0%}.")
    return said


def _set_page(
    trained: Trained, title: str, scores: dict[str, Any], sections: list[Section], sentences: list[str], series: str
) -> str:
    from jinja2 import Environment
    from markupsafe import Markup

    def own(name: str) -> str:
        return resources.files("conveyor.tasks.forecast.report").joinpath(name).read_text(encoding="utf-8")

    style = resources.files("conveyor.inspect.report").joinpath("style.css").read_text(encoding="utf-8")
    config, encoding = trained.config, trained.encoding
    unit = trained.model.recurrent.units[0]
    facts = [
        ("cell", unit.cell.name),
        ("layers", str(config.model.num_layers)),
        ("units a layer", str(unit.output_size)),
        ("parameters", f"{sum(p.numel() for p in trained.model.parameters()):,}"),
        ("step", "irregular" if encoding.step is None else encoding.step.words()),
        ("reads", f"{trained.context:,} steps"),
        ("forecasts", f"{config.data.horizon:,} steps"),
        ("lags", ", ".join(f"{lag:,}" for lag in encoding.lags) or "none"),
        ("chosen", trained.model.variant.words()),
        ("series", f"{len(encoding.scales):,}, shown: {series}"),
    ]
    names = list(scores[MODEL])
    rows = [(model, [_number(values.get(name)) for name in names]) for model, values in scores.items()]
    latex = print_latex(unit.program).removeprefix("\\begin{align*}\n").removesuffix("\n\\end{align*}\n")
    return (
        Environment(autoescape=True, trim_blocks=True)
        .from_string(own("page.html"))
        .render(
            title=title,
            style=Markup(variables(":root") + RULES + style),
            facts=facts,
            sentences=sentences,
            names=names,
            rows=rows,
            equations=[Markup(mathml(line.replace("&", "", 1))) for line in latex.split(" \\\\\n")],
            diagram=Markup(draw(unit.program, f"Diagram of the cell {unit.cell.name}", standalone=False)),
            cell=unit.cell.name,
            sections=[(s, [(d, Markup(d.inline())) for d in s.drawn]) for s in sections],
            version=version("conveyor"),
        )
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.4g}".replace("-", "−")


def _write(folder: Path, page: str, sections: list[Section], tables: dict[str, pd.DataFrame]) -> Path:
    try:
        for name in ("data", "figures"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for drawn in (d for section in sections for d in section.drawn):
            drawn.save(folder / "figures")
        for name, table in tables.items():
            table.to_parquet(folder / "data" / f"{name}.parquet", index=False)
            table.to_csv(folder / "data" / f"{name}.csv", index=False)
        (folder / PAGE).write_text(page, encoding="utf-8")
    except OSError as error:
        raise ArgumentError(f"output: {folder} cannot be written ({error.strerror}); name another") from error
    return folder / PAGE
