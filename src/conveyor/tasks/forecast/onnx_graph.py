"""A forecaster as an ONNX file that takes values as they are: scaling, lags, intervals, missing values are inside."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from conveyor.atomic_write import as_path, check_free, write
from conveyor.errors import ConversionError, DataError
from conveyor.interop.onnx import runtime, to_onnx
from conveyor.interop.onnx.exporter.graph import Graph
from conveyor.tasks.forecast.data.buffer import buffer_panel
from conveyor.tasks.forecast.data.calendar import HARMONICS, phases
from conveyor.tasks.forecast.data.encode import ColumnCode
from conveyor.tasks.forecast.data.panel import Panel
from conveyor.tasks.forecast.model import LEAST_SCALE
from conveyor.tasks.forecast.onnx_join import as_model, join
from conveyor.tasks.forecast.predict import forecast_values, panel_reader
from conveyor.tasks.forecast.run import Trained

_TOLERANCE = 1e-4
_FLOAT = np.dtype("float32")


@dataclass(frozen=True)
class ExportedForecaster:
    """The report on an exported forecaster.

    Attributes:
        path: Of the file.
        inputs: Names of its inputs.
        rows: Values of the target that it reads before the origin.
        difference: Largest difference from our own forecast, in parts of the series' scale; None without onnxruntime.
    """

    path: str
    inputs: tuple[str, ...]
    rows: int
    difference: float | None


def rows_read(trained: Trained) -> int:
    """Values of the target before the origin that a forecast reads."""
    return trained.model.shape.context + max(1, max(trained.encoding.lags, default=0))


def export_forecaster(trained: Trained, path: str | Path, *, overwrite: bool = False) -> ExportedForecaster:
    """Write a forecaster as ONNX.

    The graph's inputs, T = context + horizon: `y` (R, B), the last values, oldest first, NaN where one is missing; each
    future column (T, B) of the window's steps; each past column (context + 1, B) of the steps before the origin; each
    static column (B,); numbers as they are, words as the index of their category (-1: unknown); `phase` (T, B, C), how
    far each step is through the day, the week, the year, for the cycles that the model reads; `location` and `scale`
    (B,) of the series, which one series has inside. `onnx_inputs` makes them from a panel. The output is `quantiles`
    (horizon, B, Q), in the data's own units, with the conformal correction.

    Args:
        trained: the forecaster; its series have a step.
        path: the file.
        overwrite: whether to replace it.

    Raises:
        DataError: the series are irregular.
        ConversionError: the file computes something else.
    """
    if trained.encoding.frequency is None:
        raise DataError("to_onnx: expected a forecaster of series with a step between stamps, got irregular ones")
    target = as_path(path)
    check_free(target, overwrite)
    model = join(_Front(trained).proto(), _core(trained), _back(trained))
    onnx.checker.check_model(model, full_check=True)
    data = model.SerializeToString()
    difference = _difference(trained, data)
    if difference is not None and difference > _TOLERANCE:
        raise ConversionError(
            f"to_onnx: the file's forecasts differ by {difference:.1e} of the scale; it isn't written"
        )
    write(target, data, overwrite)
    return ExportedForecaster(
        str(target), tuple(value.name for value in model.graph.input), rows_read(trained), difference
    )


def _core(trained: Trained) -> onnx.ModelProto:
    """The recurrent layers: x, auxiliary inputs and initial states in, y out."""
    states = "required" if trained.model.initial is not None else "none"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "core.onnx"
        to_onnx(trained.model.recurrent, file, lengths="none", states=states, check=False)
        return onnx.load(file)


class _Front:
    """Builds the graph from raw values to what the layers read."""

    def __init__(self, trained: Trained) -> None:
        self.trained = trained
        self.shape = trained.model.shape
        self.rows = rows_read(trained)
        self.graph = Graph(_FLOAT)
        self.steps = self.shape.context + self.shape.horizon

    def proto(self) -> onnx.ModelProto:
        """The graph."""
        g, shape, model = self.graph, self.shape, self.trained.model
        y = g.give(g.claim("y"), _FLOAT, [self.rows, "batch"])
        self.batch = g.add("Shape", y, start=1, end=2)
        location, scale = self._series_scale()
        missing = g.add("IsNaN", y)
        scaled = g.add("Div", g.add("Sub", y, location), scale)
        z = g.add("Where", missing, g.number(0.0), scaled)
        known = g.add("Cast", g.add("Not", missing), to=onnx.TensorProto.FLOAT)
        before, flags = self._before(z), self._before(known)
        since = self._since(known)
        if shape.simulate:
            zero = g.add("Mul", before, g.number(0.0))
            before, flags, since = zero, zero, zero
        middle, width = self._window(before, flags)
        parts = [self._scaled(before, middle, width, flags), flags, since, *self._past()]
        lags = [self._lag(z, lag) for lag in self.trained.encoding.lags]
        lag_flags = [self._lag(known, lag) for lag in self.trained.encoding.lags]
        parts += [self._scaled(v, middle, width, f) for v, f in zip(lags, lag_flags, strict=True)] + lag_flags
        parts += self._future() + self._calendar()
        if middle is not None and width is not None:
            parts += [self._repeated(middle), self._repeated(g.add("Log", width))]
        features = g.add("Concat", *(self._column(part) for part in parts), axis=2, hint="features")
        self._give("features", features, [self.steps, "batch", len(parts)])
        for name in model.recurrent.aux_names:
            first = flags if name == "mask" else since
            rest = g.weight(np.full((1, 1, len(parts)), 1.0 if name == "mask" else 0.0), f"rest_{name}")
            self._give(name, self._with_first(first, rest, len(parts)), [self.steps, "batch", len(parts)])
        self._states()
        self._base(lags, lag_flags, middle, features)
        self._give("unit", self._ones() if width is None else width, [1, "batch"])
        self._give("series_location", location, [None])
        self._give("series_scale", scale, [None])
        return as_model(g.proto("front"))

    # Inputs

    def _series_scale(self) -> tuple[str, str]:
        g, encoding = self.graph, self.trained.encoding
        one = len(encoding.scales) == 1
        names = []
        for name, values in (("location", encoding.locations), ("scale", encoding.scales)):
            given = g.give(g.claim(name), _FLOAT, ["series"])
            if one:
                g.default(given, np.array(list(values.values()), _FLOAT))
            names.append(given)
        return names[0], names[1]

    def _encoded(self, name: str, code: ColumnCode, rows: list[Any]) -> list[str]:
        """The columns that a raw one becomes."""
        g = self.graph
        raw = g.give(g.claim(name), _FLOAT, rows)
        missing = g.add("IsNaN", raw)
        if code.categories is not None:
            found = [
                g.add("Cast", g.add("Equal", raw, g.number(float(k))), to=onnx.TensorProto.FLOAT)
                for k in range(len(code.categories))
            ]
        else:
            filled = g.add("Where", missing, g.number(code.mean), raw)
            found = [g.add("Div", g.add("Sub", filled, g.number(code.mean)), g.number(code.scale))]
        return found + ([g.add("Cast", missing, to=onnx.TensorProto.FLOAT)] if code.missing else [])

    def _future(self) -> list[str]:
        return [
            column
            for name, code in self.trained.encoding.future.items()
            for column in self._encoded(name, code, [self.steps, "batch"])
        ]

    def _past(self) -> list[str]:
        columns = [
            column
            for name, code in self.trained.encoding.past.items()
            for column in self._encoded(name, code, [self.shape.context + 1, "batch"])
        ]
        return [self._padded(column) for column in columns]

    def _calendar(self) -> list[str]:
        g, cycles = self.graph, self.trained.encoding.cycles
        if not cycles:
            return []
        phase = g.give(g.claim("phase"), _FLOAT, [self.steps, "batch", len(cycles)])
        columns = []
        for k, cycle in enumerate(cycles):
            part = g.add("Squeeze", g.add("Slice", phase, g.whole(k), g.whole(k + 1), g.whole(2)), g.whole(2))
            for harmonic in range(1, HARMONICS[cycle] + 1):
                angle = g.add("Mul", part, g.number(2 * np.pi * harmonic))
                columns += [g.add("Sin", angle), g.add("Cos", angle)]
        return columns

    # Columns over the window

    def _rows(self, value: str, first: int, last: int) -> str:
        g = self.graph
        return g.add("Slice", value, g.whole(first), g.whole(last), g.whole(0))

    def _padded(self, value: str) -> str:
        """Rows up to the origin, and zeros after it."""
        g = self.graph
        zeros = g.add("Mul", self._repeat_rows(value, self.shape.horizon - 1), g.number(0.0))
        return g.add("Concat", value, zeros, axis=0)

    def _repeat_rows(self, value: str, count: int) -> str:
        g = self.graph
        row = self._rows(value, 0, 1)
        return g.add("Expand", row, g.add("Concat", g.whole(count), self.batch, axis=0))

    def _before(self, value: str) -> str:
        """The value of the step before each step up to the origin, zero after it: (T, B)."""
        return self._padded(self._rows(value, self.rows - self.shape.context - 1, self.rows))

    def _lag(self, value: str, lag: int) -> str:
        first = self.rows - self.shape.context - lag
        return self._rows(value, first, first + self.steps)

    def _since(self, known: str) -> str:
        """Logarithm of one more than the steps since the last known value before each step: (T, B)."""
        g, context = self.graph, self.shape.context
        index = np.arange(self.rows, dtype=_FLOAT)[:, None]
        places = g.add("Sub", g.add("Mul", g.weight(index + 1, "places"), known), g.number(1.0))
        places = g.add("Max", places, g.number(0.0))
        steps = np.arange(self.rows - context, self.rows + 1)
        reach = (np.arange(self.rows)[None, :] < steps[:, None]).astype(_FLOAT)[:, :, None]
        seen = g.add("Mul", g.add("Unsqueeze", places, g.whole(0)), g.weight(reach, "reach"))
        last = g.add("ReduceMax", seen, g.whole(1), keepdims=0)
        since = g.add("Sub", g.weight(steps[:, None].astype(_FLOAT), "steps"), last)
        ahead = np.arange(1, self.shape.horizon, dtype=_FLOAT)[:, None]
        later = g.add("Add", self._rows(since, context, context + 1), g.weight(ahead, "ahead"))
        return g.add("Log", g.add("Add", g.add("Concat", since, later, axis=0), g.number(1.0)))

    def _window(self, before: str, flags: str) -> tuple[str | None, str | None]:
        """Mean and deviation of the window, (1, B)."""
        if self.trained.model.variant.scale != "window":
            return None, None
        g, context = self.graph, self.shape.context
        values, known = self._rows(before, 1, context + 1), self._rows(flags, 1, context + 1)
        count = g.add("Max", g.add("ReduceSum", known, g.whole(0), keepdims=1), g.number(1.0))
        middle = g.add("Div", g.add("ReduceSum", g.add("Mul", values, known), g.whole(0), keepdims=1), count)
        apart = g.add("Sub", values, middle)
        squares = g.add("Mul", g.add("Mul", apart, apart), known)
        variance = g.add("Div", g.add("ReduceSum", squares, g.whole(0), keepdims=1), count)
        return middle, g.add("Max", g.add("Sqrt", variance), g.number(LEAST_SCALE))

    def _scaled(self, value: str, middle: str | None, width: str | None, flags: str) -> str:
        if middle is None or width is None:
            return value
        g = self.graph
        return g.add("Mul", g.add("Div", g.add("Sub", value, middle), width), flags)

    def _repeated(self, row: str) -> str:
        g = self.graph
        return g.add("Expand", row, g.add("Concat", g.whole(self.steps), self.batch, axis=0))

    def _column(self, value: str) -> str:
        g = self.graph
        return g.add("Unsqueeze", value, g.whole(2))

    def _with_first(self, first: str, rest: str, width: int) -> str:
        g = self.graph
        sizes = g.add("Concat", g.whole(self.steps), self.batch, g.whole(width - 1), axis=0)
        others = g.add("Expand", g.add("Slice", rest, g.whole(1), g.whole(width), g.whole(2)), sizes)
        return g.add("Concat", self._column(first), others, axis=2)

    def _ones(self) -> str:
        g = self.graph
        return g.add("Expand", g.number(1.0), g.add("Concat", g.whole(1), self.batch, axis=0))

    # What the layers and the end of the graph take

    def _states(self) -> None:
        model, g = self.trained.model, self.graph
        if model.initial is None:
            return
        columns = [
            column
            for name, code in self.trained.encoding.static.items()
            for column in self._encoded(name, code, ["batch"])
        ]
        static = g.add("Concat", *(g.add("Unsqueeze", column, g.whole(1)) for column in columns), axis=1)
        weight = g.weight(model.initial.weight.detach().numpy().T, "initial")
        hidden = g.add("Tanh", g.add("MatMul", static, weight))
        places, start = model.hidden_states(), 0
        filled = {}
        for field, layer, width in places:
            filled[field, layer] = g.add("Slice", hidden, g.whole(start), g.whole(start + width), g.whole(1))
            start += width
        for number, field_name in enumerate(model.recurrent.state_fields):
            widths = [unit.state_width(field_name) for unit in model.recurrent.units]
            if len(set(widths)) > 1:
                raise DataError(f"to_onnx: state {field_name} has other widths in other layers; use one layer")
            layers = [filled.get((number, k)) or self._zeros(width or 0) for k, width in enumerate(widths)]
            stacked = g.add("Concat", *(g.add("Unsqueeze", layer, g.whole(0)) for layer in layers), axis=0)
            self._give(f"{field_name}_0", stacked, [len(layers), "batch", widths[0]])

    def _zeros(self, width: int) -> str:
        g = self.graph
        return g.add("Expand", g.number(0.0), g.add("Concat", self.batch, g.whole(width), axis=0))

    def _base(self, lags: list[str], flags: list[str], middle: str | None, features: str) -> None:
        """Emit the base forecast on the series' scale, and the linear path's part of it on the window's."""
        g, model, context = self.graph, self.trained.model, self.shape.context
        centre = self._repeat_rows(middle, self.shape.horizon) if middle is not None else None
        if centre is None:
            sizes = g.add("Concat", g.whole(self.shape.horizon), self.batch, axis=0)
            centre = g.add("Expand", g.number(0.0), sizes)
        if model.variant.base == "seasonal":
            value = self._rows(lags[model.base_lag], context, self.steps)
            there = self._rows(flags[model.base_lag], context, self.steps)
            centre = g.add("Where", g.add("Greater", there, g.number(0.0)), value, centre)
        self._give("base", centre, [self.shape.horizon, "batch"])
        sizes = g.add("Concat", g.whole(self.shape.horizon), self.batch, axis=0)
        straight = g.add("Expand", g.number(0.0), sizes)
        if model.linear is not None:
            past = g.add("Slice", self._rows(features, 1, context + 1), g.whole(0), g.whole(1), g.whole(2))
            weight = g.weight(model.linear.weight.detach().numpy(), "linear")
            straight = g.add("MatMul", weight, g.add("Squeeze", past, g.whole(2)))
        self._give("straight", straight, [self.shape.horizon, "batch"])

    def _give(self, name: str, value: str, shape: list[Any]) -> None:
        g = self.graph
        g.result(g.named(f"front/{name}", value), _FLOAT, shape)


def _back(trained: Trained) -> onnx.ModelProto:
    """The graph from the layers' output to quantiles in the data's units."""
    g, model = Graph(_FLOAT), trained.model
    g.scope.append("back")
    horizon, levels = model.shape.horizon, len(model.quantiles)
    hidden = g.give("back/y", _FLOAT, [model.shape.context + horizon, "batch", model.recurrent.output_size])
    base = g.give("back/base", _FLOAT, [horizon, "batch"])
    straight = g.give("back/straight", _FLOAT, [horizon, "batch"])
    unit = g.give("back/unit", _FLOAT, [1, "batch"])
    location, scale = g.give("back/location", _FLOAT, [None]), g.give("back/scale", _FLOAT, [None])
    ahead = g.add("Slice", hidden, g.whole(model.shape.context), g.whole(2**31 - 1), g.whole(0))
    weight, bias = (p.detach().numpy() for p in (model.head.weight, model.head.bias))
    out = g.add("Add", g.add("MatMul", ahead, g.weight(weight.T, "head")), g.weight(bias, "bias"))
    m = model.median
    middle = g.add("Slice", out, g.whole(m), g.whole(m + 1), g.whole(2))
    parts = [middle]
    if m:
        below = g.add("Softplus", g.add("Slice", out, g.whole(0), g.whole(m), g.whole(2)))
        parts.insert(0, g.add("Sub", middle, g.add("CumSum", below, g.constant(np.array(2)), reverse=1)))
    if m + 1 < levels:
        above = g.add("Softplus", g.add("Slice", out, g.whole(m + 1), g.whole(levels), g.whole(2)))
        parts.append(g.add("Add", middle, g.add("CumSum", above, g.constant(np.array(2)))))
    q = g.add("Concat", *parts, axis=2) if len(parts) > 1 else middle
    q = g.add("Add", q, g.add("Unsqueeze", straight, g.whole(2)))
    q = g.add("Mul", q, g.add("Unsqueeze", unit, g.whole(2)))
    q = g.add("Add", q, g.add("Unsqueeze", base, g.whole(2)))
    if trained.conformal is not None:
        # Moving quantiles along their own pair's width is linear; running maxima keep them in order.
        q = g.add("MatMul", q, g.weight(trained.conformal.matrix().T, "conformal"))
        q = _ordered(g, q, m, levels)
    column = g.whole(1)
    q = g.add("Mul", q, g.add("Unsqueeze", scale, column))
    g.result(
        g.named("quantiles", g.add("Add", q, g.add("Unsqueeze", location, column))), _FLOAT, [horizon, "batch", levels]
    )
    return as_model(g.proto("back"))


def _ordered(g: Graph, q: str, middle: int, levels: int) -> str:
    columns = [g.add("Slice", q, g.whole(k), g.whole(k + 1), g.whole(2)) for k in range(levels)]
    for k in range(middle + 1, levels):
        columns[k] = g.add("Max", columns[k], columns[k - 1])
    for k in range(middle - 1, -1, -1):
        columns[k] = g.add("Min", columns[k], columns[k + 1])
    return g.add("Concat", *columns, axis=2) if levels > 1 else q


def onnx_inputs(trained: Trained, panel: Panel) -> dict[str, Any]:
    """Make the graph's inputs for forecasts from the end of each series of a panel.

    Args:
        trained: the forecaster.
        panel: of `read_panel`, with the free rows that it reads.
    """
    encoding, shape = trained.encoding, trained.model.shape
    end, context = panel.end, shape.context
    past = end[None, :] + np.arange(-rows_read(trained), 0)[:, None]
    window = end[None, :] + np.arange(-context, shape.horizon)[:, None]
    before = end[None, :] + np.arange(-context - 1, 0)[:, None]
    inputs = {"y": panel.y[past].astype(_FLOAT)}
    for name, code in encoding.future.items():
        inputs[name] = _raw(panel.columns[name], code)[window]
    for name, code in encoding.past.items():
        inputs[name] = _raw(panel.columns[name], code)[before]
    if encoding.static and trained.model.initial is not None:
        inputs |= {name: _raw(panel.static[name], code) for name, code in encoding.static.items()}
    if encoding.cycles:
        found = phases(panel.stamps[window.reshape(-1)])
        stacked = [found[cycle].reshape(window.shape) for cycle in encoding.cycles]
        inputs["phase"] = np.stack(stacked, 2).astype(_FLOAT)
    inputs["location"] = np.array([encoding.locations[name] for name in panel.ids], _FLOAT)
    inputs["scale"] = np.array([encoding.scales[name] for name in panel.ids], _FLOAT)
    return inputs


def _raw(values: Any, code: ColumnCode) -> Any:
    if code.categories is None:
        return values.astype(_FLOAT)
    place = {category: float(k) for k, category in enumerate(code.categories)}
    return np.array([np.nan if v is None else place.get(v, -1.0) for v in values], _FLOAT)


def _difference(trained: Trained, data: bytes) -> float | None:
    """Run the graph beside our own model on made-up values, some of them missing."""
    session = runtime.session(data)
    if session is None:
        return None
    step = trained.encoding.step
    assert step is not None, "asked for before"
    generator = np.random.default_rng(0)
    worst = 0.0
    name = next(iter(trained.encoding.scales))
    scale, location = trained.encoding.scales[name], trained.encoding.locations[name]
    rows, horizon = rows_read(trained) + 2, trained.model.shape.horizon
    for share in (0.0, 0.3):
        y = location + scale * generator.normal(size=rows)
        y[generator.random(rows) < share] = np.nan
        columns = {
            key: _made_up(code, rows + horizon, generator, share)
            for key, code in (trained.encoding.future | trained.encoding.past).items()
        }
        static = {key: _made_up(code, 1, generator, 0.0) for key, code in trained.encoding.static.items()}
        first = 0 if step.is_integer else np.datetime64("2024-03-01T00:00:00", "us")
        stamps = step.grid(first, rows + horizon)
        panel = buffer_panel(name, stamps, np.append(y, np.full(horizon, np.nan)), columns, static, horizon)
        ours = forecast_values(trained, panel, panel_reader(trained, panel))
        fed = {k: v for k, v in onnx_inputs(trained, panel).items() if k in {i.name for i in session.get_inputs()}}
        theirs = runtime.run(session, ["quantiles"], fed)[0]
        worst = max(worst, float(np.abs(theirs - ours).max() / scale))
    return worst


def _made_up(code: ColumnCode, count: int, generator: np.random.Generator, share: float) -> Any:
    if code.categories is None:
        values = code.mean + code.scale * generator.normal(size=count)
        values[generator.random(count) < (share if code.missing else 0.0)] = np.nan
        return values
    return np.array(generator.choice(np.array(code.categories), size=count), dtype=object)
