"""The whole model as one ONNX graph: from raw values, NaN where one is missing, to probabilities or values."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from conveyor.atomic_write import as_path, check_free, write
from conveyor.errors import ConversionError
from conveyor.interop.common.rounding import TWO_LIBRARIES
from conveyor.interop.onnx import runtime
from conveyor.interop.onnx.exporter.graph import IR_VERSION, OPSET, Graph
from conveyor.interop.onnx.exporter.interface import Interface
from conveyor.interop.onnx.exporter.layer import LayerWriter
from conveyor.interop.onnx.exporter.recurrence import as_recurrence
from conveyor.interop.onnx.exporter.scan import Steps
from conveyor.interop.onnx.options import Options
from conveyor.interop.onnx.report import Row
from conveyor.layers import Recurrent
from conveyor.tasks.sequences.data.collection import Sequences
from conveyor.tasks.sequences.trained import Definition, Trained

_OPTIONS = Options(None, None, False, "required", "none", (), False)
_NO_ROUNDING = 100 * TWO_LIBRARIES


@dataclass(frozen=True)
class Written:
    """The report on a written file.

    Args:
        path: the file.
        inputs: names of the graph's inputs: `x` (batch, time, C), `lengths` (batch,), and `times` (batch, time) if the
            model reads time stamps.
        outputs: names of its outputs: `probabilities` and `logits`, or `values`.
        rows: what became of each recurrent layer.
        difference: largest difference from the model on random sequences; None without onnxruntime.
    """

    path: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    rows: tuple[Row, ...]
    difference: float | None


def write_onnx(trained: Trained, path: Any, *, overwrite: bool = False) -> Written:
    """Write a trained model as an ONNX file (operator set 18), and compare it with the model in onnxruntime.

    Raises:
        ArgumentError: the path cannot be used.
        ConversionError: the graph does not give the model's numbers; nothing is written then.
    """
    target = as_path(path)
    check_free(target, overwrite)
    builder = _Builder(trained)
    proto = builder.build()
    onnx.checker.check_model(proto, full_check=True)
    data = proto.SerializeToString()
    difference = _compare(trained, data)
    write(target, data, overwrite)
    inputs, outputs = (tuple(v.name for v in values) for values in (proto.graph.input, proto.graph.output))
    return Written(str(target), inputs, outputs, tuple(builder.rows), difference)


class _Inner(Interface):
    """The interface of layers inside a larger graph: final states are values, not outputs."""

    def __init__(self, graph: Graph, steps: Steps) -> None:
        super().__init__(graph, _OPTIONS, False)
        self.steps = steps
        self.finals: dict[str, str] = {}

    def final(self, name: str, value: str, count: int | None, width: int) -> None:
        """Keep a final state."""
        self.finals[name] = value


class _Builder:
    def __init__(self, trained: Trained) -> None:
        self.trained = trained
        self.features = trained.definition.features
        self.g = Graph(np.dtype(np.float32))
        self.rows: list[Row] = []

    def build(self) -> onnx.ModelProto:
        g = self.g
        raw = g.add("Transpose", g.give("x", np.float32, ["batch", "time", self.features.channels]), perm=[1, 0, 2])
        self.lengths = g.give("lengths", np.int64, ["batch"])
        batch = g.add("Shape", raw, start=1, end=2)
        self.count = g.add("Shape", raw, start=0, end=1)
        steps = g.add("Range", g.constant(np.asarray(0)), g.add("Squeeze", self.count), g.constant(np.asarray(1)))
        valid = g.add("Less", g.add("Unsqueeze", steps, g.whole(1)), g.add("Unsqueeze", self.lengths, g.whole(0)))
        self.steps = Steps(batch, self.lengths, g.add("Unsqueeze", valid, g.whole(2), hint="valid"))
        scaled = self._scaled(raw)
        mask = g.add("Not", g.add("IsNaN", scaled), hint="observed")
        y, last = self._layers(scaled, mask, self._stamps(steps, batch))
        self._outputs(self._head(y, last))
        proto = helper.make_model(
            g.proto("conveyor"),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="conveyor",
            producer_version=version("conveyor"),
        )
        definition = self.trained.definition
        told = {"task": definition.task, "channels": json.dumps(definition.channels)}
        if definition.classes is not None:
            told["classes"] = json.dumps(definition.classes.names)
        helper.set_model_props(proto, told)
        return proto

    def _double(self, values: Any, hint: str) -> str:
        return self.g.constant(np.asarray(values, np.float64), hint)

    def _scaled(self, raw: str) -> str:
        """Standardise in double precision, as large means need."""
        g, scaling = self.g, self.features.scaling
        wide = g.add("Sub", g.add("Cast", raw, to=TensorProto.DOUBLE), self._double(scaling.mean, "mean"))
        return g.add("Cast", g.add("Div", wide, self._double(scaling.deviation, "deviation")), to=TensorProto.FLOAT)

    def _stamps(self, steps: str, batch: str) -> str:
        """Time in usual gaps, (T, B, 1) double."""
        g = self.g
        if not self.features.timed:
            counted = g.add("Unsqueeze", g.add("Cast", steps, to=TensorProto.DOUBLE), g.whole(1, 2))
            return g.add("Expand", counted, g.add("Concat", g.whole(1), batch, g.whole(1), axis=0))
        given = g.add("Transpose", g.give("times", np.float64, ["batch", "time"]), perm=[1, 0])
        first = g.add("Slice", given, g.whole(0), g.whole(1), g.whole(0))
        counted = g.add("Div", g.add("Sub", given, first), self._double(self.features.scaling.gap, "gap"))
        return g.add("Unsqueeze", counted, g.whole(2))

    def _layers(self, scaled: str, mask: str, stamps: str) -> tuple[str, str]:
        """The outputs (T, B, H) and the last states (B, H)."""
        g, model = self.g, self.trained.model
        filled = g.add("Where", mask, scaled, g.number(0.0))
        if self.features.kind != "decay":
            return self._run("", model.recurrent, self._read(filled, mask, stamps), {})
        seen = g.add("Cast", mask, to=TensorProto.FLOAT)
        y, last = self._run("forward", model.recurrent, filled, {"mask": seen, "delta": self._gaps(mask, stamps)})
        if model.reverse is None:
            return y, last
        # Booleans can't be turned everywhere, so the numbers are.
        back = self._turn(seen)
        gaps = self._gaps(g.add("Greater", back, g.number(0.0)), self._turn(g.add("Neg", stamps)))
        turned, begun = self._run("reverse", model.reverse, self._turn(filled), {"mask": back, "delta": gaps})
        return g.add("Concat", y, self._turn(turned), axis=-1), g.add("Concat", last, begun, axis=-1)

    def _read(self, filled: str, mask: str, stamps: str) -> str:
        g = self.g
        if self.features.kind == "mask":
            gaps = g.add("Log", g.add("Add", self._gaps(mask, stamps), g.number(1.0)))
            return g.add(
                "Concat", self._carried(filled, mask), g.add("Cast", mask, to=TensorProto.FLOAT), gaps, axis=-1
            )
        if not self.features.timed:
            return filled
        first = g.add("Slice", stamps, g.whole(0), g.whole(1), g.whole(0))
        before = g.add("Concat", first, g.add("Slice", stamps, g.whole(0), g.whole(-1), g.whole(0)), axis=0)
        gap = g.add("Cast", g.add("Sub", stamps, before), to=TensorProto.FLOAT)
        return g.add("Concat", filled, g.add("Log", g.add("Add", gap, g.number(1.0))), axis=-1)

    def _turn(self, value: str) -> str:
        return self.g.add("ReverseSequence", value, self.lengths, time_axis=0, batch_axis=1)

    def _gaps(self, mask: str, stamps: str) -> str:
        """Time since each channel was last observed, (T, B, C)."""
        g = self.g
        wide = g.add("Expand", stamps, g.add("Shape", mask))
        first = g.add("Squeeze", g.add("Slice", wide, g.whole(0), g.whole(1), g.whole(0)), g.whole(0))

        def step(body: Graph, last: str, seen: str, now: str) -> tuple[str, str]:
            return body.add("Where", seen, now, last), body.add("Sub", now, last)

        return g.add("Cast", self._scan("gaps", first, mask, wide, np.float64, step), to=TensorProto.FLOAT)

    def _carried(self, filled: str, mask: str) -> str:
        """Each channel's last observed value, (T, B, C)."""
        g = self.g
        first = g.add("Squeeze", g.add("Slice", filled, g.whole(0), g.whole(1), g.whole(0)), g.whole(0))

        def step(body: Graph, last: str, seen: str, now: str) -> tuple[str, str]:
            new = body.add("Where", seen, now, last)
            return new, new

        return self._scan("carried", first, mask, filled, np.float32, step)

    def _scan(
        self,
        name: str,
        first: str,
        mask: str,
        values: str,
        kind: type[np.floating[Any]],
        step: Callable[[Graph, str, str, str], tuple[str, str]],
    ) -> str:
        g, width = self.g, self.features.channels
        body = g.body()
        last = body.give(body.unique(f"{name}_last"), kind, [None, width])
        seen = body.give(body.unique(f"{name}_seen"), bool, [None, width])
        now = body.give(body.unique(f"{name}_now"), kind, [None, width])
        for result in step(body, last, seen, now):
            body.result(result, kind, [None, width])
        found = g.add_many("Scan", (first, mask, values), 2, name, num_scan_inputs=2, body=body.proto(g.unique(name)))
        return found[1]

    def _run(self, name: str, layers: Recurrent, x: str, aux: dict[str, str]) -> tuple[str, str]:
        g = self.g
        recurrence = as_recurrence(name, layers)
        assert recurrence is not None, "recurrent layers are exported as such"
        interface = _Inner(g, self.steps)
        writer = LayerWriter(interface, recurrence)
        g.scope += [name] if name else []
        y = writer.write(x, {n: aux[n] for n in layers.aux_names}, None)
        self.rows += writer.rows
        unit = len(layers.units) - 1
        field = recurrence.field(unit, layers.units[unit].program.states[0].name)
        rows = len(field.units)
        parts = [
            g.add("Gather", interface.finals[field.final], g.constant(np.asarray(rows - k)), axis=0)
            for k in range(layers.num_directions, 0, -1)
        ]
        g.scope.clear()
        return y, parts[0] if len(parts) == 1 else g.add("Concat", *parts, axis=-1)

    def _head(self, y: str, last: str) -> str:
        g, head = self.g, self.trained.model.head
        if not self.trained.definition.tagged:
            count = g.add("Unsqueeze", g.add("Cast", self.lengths, to=TensorProto.FLOAT), g.whole(1))
            mean = g.add("Div", g.add("ReduceSum", y, g.whole(0), keepdims=0), count)
            y = g.add("Concat", last, mean, axis=-1)
        weight, bias = (p.numpy(force=True) for p in (head.weight, head.bias))
        return g.add("Add", g.add("MatMul", y, g.weight(weight.T, "head")), g.weight(bias, "head_bias"))

    def _outputs(self, found: str) -> None:
        g, definition = self.g, self.trained.definition
        lead: list[int | str | None] = ["batch", "time"] if definition.tagged else ["batch"]
        shape: list[int | str | None] = [*lead, definition.outputs]
        if definition.scale is not None:
            wide = g.add(
                "Mul", g.add("Cast", found, to=TensorProto.DOUBLE), self._double(definition.scale.deviation, "d")
            )
            found = g.add("Add", wide, self._double(definition.scale.mean, "target_mean"))
            g.result(g.named("values", g.add("Cast", found, to=TensorProto.FLOAT)), np.float32, shape)
            return
        found = g.add("Transpose", found, perm=[1, 0, 2]) if definition.tagged else found
        found = g.add("Div", found, g.number(self.trained.temperature))
        g.result(g.named("probabilities", g.add("Softmax", found, axis=-1)), np.float32, shape)
        g.result(g.named("logits", found), np.float32, shape)


def _compare(trained: Trained, data: bytes) -> float | None:
    """The largest difference from the model on random sequences of unequal length; None without onnxruntime."""
    session = runtime.session(data)
    if session is None:
        return None
    name = "values" if trained.definition.scale is not None else "logits"
    given, sequences = _random(trained.definition)
    asked = {i.name for i in session.get_inputs()}
    (got,) = runtime.run(session, [name], {n: v for n, v in given.items() if n in asked})
    worst = 0.0
    for k, want in enumerate(trained.outputs(sequences)):
        mine = got[k, : len(want)] if trained.definition.tagged else got[k]
        size = max(1.0, float(np.abs(want).max()))
        worst = max(worst, float(np.abs(mine - want).max()) / size)
    if not worst <= _NO_ROUNDING:
        raise ConversionError(f"the graph gives other numbers than the model, by {worst:.1e} of their size")
    return worst


def _random(definition: Definition) -> tuple[dict[str, Any], Sequences]:
    features = definition.features
    random = np.random.default_rng(0)
    lengths = np.array([1, 9, 5], np.int64)
    shape = (len(lengths), int(lengths.max()), features.channels)
    x = features.scaling.mean + random.standard_normal(shape) * features.scaling.deviation
    x = x.astype(np.float32)
    if features.kind != "plain":
        holes = random.random(shape) < 0.4
        holes[:, 0, 0] = False
        x[holes] = np.nan
    times = np.cumsum(random.uniform(0.5, 2.0, shape[:2]), axis=1) * features.scaling.gap
    sequences = Sequences(
        [x[k, :n].astype(np.float64) for k, n in enumerate(lengths)],
        definition.channels,
        tuple(map(str, range(len(lengths)))),
        [times[k, :n] for k, n in enumerate(lengths)],
    )
    return {"x": x, "lengths": lengths, "times": times}, sequences
