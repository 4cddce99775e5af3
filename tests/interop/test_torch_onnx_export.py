"""torch.onnx.export of models with our layers inside, by both exporters, run by onnxruntime at other sizes."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

import conveyor as cv

pytestmark = pytest.mark.filterwarnings("ignore")  # the exporters' own
I, H = 3, 8  # noqa: E741 - the field's letter for the input's width
ANY = torch.export.Dim.DYNAMIC
EXPORTERS = ["dynamo", "torchscript"]
RECURRENT = ("LSTM", "GRU", "RNN", "Scan", "Loop")


class Model(nn.Module):
    """A user's own: no chain that `to_onnx` could walk."""

    def __init__(self, layer: nn.Module, width: int = H) -> None:
        super().__init__()
        self.below, self.layer, self.head = nn.Linear(I, 5), layer, nn.Linear(width, 2)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.layer(self.below(x).tanh())
        return self.head(y) + y.mean()


def export(
    model: nn.Module, given: dict[str, Tensor], exporter: str, path: Path, axes: dict[str, dict[int, str]]
) -> Any:
    """The session of an exported model; `axes` names those of any size."""
    values = tuple(given.values())
    if exporter == "dynamo":
        shapes = tuple({k: ANY for k in axes.get(n, {})} for n in given)
        torch.onnx.export(
            model, values, path, dynamo=True, input_names=[*given], dynamic_shapes=shapes, verbose=False, external_data=False
        )  # fmt: skip
    else:
        torch.onnx.export(model, values, path, dynamo=False, input_names=[*given], dynamic_axes=axes, opset_version=18)
    onnx.checker.check_model(path, full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def same(model: nn.Module, session: Any, given: dict[str, Tensor], atol: float = 1e-5) -> None:
    """The graph's first output is the model's, on other input than that it was traced on."""
    with torch.no_grad():
        want = model(*given.values())
    got = session.run(None, {n: v.numpy() for n, v in given.items()})
    for g, w in zip(got, want if isinstance(want, tuple) else [want], strict=True):
        np.testing.assert_allclose(g, w.numpy(), atol=atol)


def kinds(path: Path) -> list[str]:
    model = onnx.load(path)
    nodes = [*model.graph.node, *(n for f in model.functions for n in f.node)]
    return [n.op_type for n in nodes if n.op_type in RECURRENT]


AXES = {"x": {0: "first", 1: "second"}}
LAYERS: dict[str, tuple[Callable[[], nn.Module], str, int]] = {
    "lstm": (lambda: cv.LSTM(5, H), "LSTM", H),
    "gru of two layers both ways": (lambda: cv.GRU(5, H, 2, bidirectional=True, batch_first=True), "GRU", 2 * H),
    "rnn": (lambda: cv.RNN(5, H, nonlinearity="relu"), "RNN", H),
    "peepholes": (lambda: cv.Recurrent("lstm_peephole", 5, H), "LSTM", H),
    "one bias": (lambda: cv.Recurrent("gru", 5, H), "GRU", H),
    "no bias": (lambda: cv.LSTM(5, H, bias=False), "LSTM", H),
    "coupled": (lambda: cv.Recurrent("lstm_coupled", 5, H), "LSTM", H),
    "projection": (lambda: cv.LSTM(5, H, proj_size=4), "Scan", 4),
    "layer norm": (lambda: cv.Recurrent("lstm_layer_norm", 5, H), "Scan", H),
    "blocks": (lambda: cv.Recurrent("slstm", 5, H), "Scan", H),
    "skip and learned states": (lambda: cv.LSTM(5, H, 2, connections="skip", learn_initial_state=True), "LSTM", H),
    "zoneout": (lambda: cv.GRU(5, H, zoneout=0.2), "Scan", H),
}


def model_of(name: str) -> Model:
    torch.manual_seed(0)
    make, _, width = LAYERS[name]
    model = Model(make(), width).eval()
    for p in model.parameters():
        nn.init.normal_(p, std=0.4)
    return model


def check(name: str, exporter: str, tmp_path: Path) -> None:
    model, path = model_of(name), tmp_path / "m.onnx"
    session = export(model, {"x": torch.randn(4, 6, I)}, exporter, path, AXES)
    for shape in ((9, 2), (1, 1), (3, 11)):
        same(model, session, {"x": torch.randn(*shape, I)})
    wanted = LAYERS[name][1]
    wanted = "Loop" if (wanted, exporter) == ("Scan", "torchscript") else wanted
    assert {*kinds(path)} == {wanted}


@pytest.mark.parametrize("name", LAYERS)
def test_every_kind_of_layer_by_torchscript(name: str, tmp_path: Path) -> None:
    check(name, "torchscript", tmp_path)


@pytest.mark.parametrize("name", ["gru of two layers both ways", "layer norm"])
def test_an_operator_and_a_scan_by_dynamo(name: str, tmp_path: Path) -> None:
    check(name, "dynamo", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
def test_every_kind_of_layer_by_dynamo(name: str, tmp_path: Path) -> None:
    check(name, "dynamo", tmp_path)


class Ragged(nn.Module):
    """Lengths and states in and out."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor, lengths: Tensor, h: Tensor, c: Tensor) -> Any:
        y, state = self.layer(x, (h, c), lengths=lengths)
        return y, *state


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("cell", ["lstm", "lstm_layer_norm"])
def test_lengths_and_states_are_inputs(exporter: str, cell: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Ragged(cv.Recurrent(cell, I, H, bidirectional=True)).eval()

    def given(batch: int, time: int) -> dict[str, Tensor]:
        lengths = torch.randint(0, time + 1, (batch,))
        lengths[0] = time
        states = {n: torch.randn(2, batch, H) for n in "hc"}
        return {"x": torch.randn(time, batch, I), "lengths": lengths, **states}

    axes = {"x": {0: "time", 1: "batch"}, "lengths": {0: "batch"}, "h": {1: "batch"}, "c": {1: "batch"}}
    session = export(model, given(3, 5), exporter, tmp_path / "m.onnx", axes)
    for batch, time in ((4, 7), (2, 3)):
        same(model, session, given(batch, time))


class Episodes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = cv.GRU(I, H)

    def forward(self, x: Tensor, reset: Tensor) -> Any:
        return self.layer(x, reset=reset)[0]


class Steps(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = cv.LSTMCell(I, H)

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> Any:
        state = self.cell(x, (h, c))
        return state.h, state.c


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_resets_and_single_steps(exporter: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model: nn.Module = Episodes().eval()

    def given(time: int, batch: int) -> dict[str, Tensor]:
        return {"x": torch.randn(time, batch, I), "reset": torch.rand(time, batch) < 0.3}

    axes = {"x": {0: "time", 1: "batch"}, "reset": {0: "time", 1: "batch"}}
    session = export(model, given(5, 3), exporter, tmp_path / "m.onnx", axes)
    same(model, session, given(8, 2))
    model = Steps().eval()

    def rows(batch: int) -> dict[str, Tensor]:
        return {"x": torch.randn(batch, I), "h": torch.randn(batch, H), "c": torch.randn(batch, H)}

    session = export(model, rows(3), exporter, tmp_path / "s.onnx", {n: {0: "batch"} for n in "xhc"})
    same(model, session, rows(5))


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_weights_that_are_computed_and_other_types(exporter: str, tmp_path: Path) -> None:
    model = model_of("lstm")
    parametrizations.weight_norm(model.layer, "weight_hh_l0")
    session = export(model, {"x": torch.randn(4, 6, I)}, exporter, tmp_path / "m.onnx", AXES)
    same(model, session, {"x": torch.randn(2, 9, I)})
    double = model_of("lstm").double()
    session = export(double, {"x": torch.randn(4, 6, I).double()}, exporter, tmp_path / "d.onnx", AXES)
    same(double, session, {"x": torch.randn(2, 9, I).double()}, 1e-12)
    assert {*kinds(tmp_path / "d.onnx")} == {"Scan" if exporter == "dynamo" else "Loop"}


def test_what_dynamo_writes_is_read_back(tmp_path: Path) -> None:
    model = model_of("lstm")
    export(model, {"x": torch.randn(4, 6, I)}, "dynamo", tmp_path / "m.onnx", AXES)
    (read,) = cv.from_onnx(tmp_path / "m.onnx").values()
    x = torch.randn(5, 2, 5)
    torch.testing.assert_close(read(x)[0], model.layer(x)[0], rtol=0, atol=1e-6)


def test_an_exported_program_in_a_process_that_makes_no_layer(tmp_path: Path) -> None:
    model = model_of("lstm")
    x = torch.randn(4, 6, I)
    torch.export.save(torch.export.export(model, (x,), dynamic_shapes=({0: ANY, 1: ANY},)), tmp_path / "m.pt2")
    code = f"""
        import sys, torch, conveyor.torch_ops
        assert not {{"onnx", "onnxscript"}} & {{*sys.modules}}, "nothing of ONNX is loaded unasked"
        program = torch.export.load({str(tmp_path / "m.pt2")!r})
        torch.onnx.export(program, (), {str(tmp_path / "m.onnx")!r}, dynamo=True, verbose=False)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, capture_output=True)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    x = torch.randn(3, 8, I)
    got = session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]
    np.testing.assert_allclose(got, model(x).detach().numpy(), atol=1e-5)


def test_without_onnx_the_error_says_so_and_compiling_goes_on() -> None:
    code = """
        import sys, torch
        sys.modules.update(onnx=None, onnxscript=None)
        import conveyor as cv
        layer, x = torch.nn.Sequential(cv.GRU(3, 4)), torch.randn(5, 2, 3)
        torch.export.export(layer, (x,))
        torch.jit.trace(layer, (x,))
        try:
            torch.onnx.export(layer, (x,), "m.onnx", dynamo=False, opset_version=18)
        except cv.ConversionError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, capture_output=True, text=True)
    assert "needs the package onnx" in done.stdout and "cv.replace(model, back=True)" in done.stdout


def test_an_old_operator_set_names_the_way(tmp_path: Path) -> None:
    with pytest.raises(cv.ConversionError, match=r"operator set 18: opset_version=18; cv.replace\(model, back=True\)"):
        torch.onnx.export(
            model_of("lstm"), (torch.randn(4, 6, I),), tmp_path / "m.onnx", dynamo=False, opset_version=17
        )


def test_back_to_torch_is_the_way_that_is_named(tmp_path: Path) -> None:
    model = model_of("lstm")
    want = model(x := torch.randn(4, 6, I)).detach()
    session = export(cv.replace(model, back=True), {"x": x}, "torchscript", tmp_path / "m.onnx", AXES)
    np.testing.assert_allclose(session.run(None, {"x": x.numpy()})[0], want.numpy(), atol=1e-5)
