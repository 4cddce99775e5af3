"""`cv.from_onnx`: every attribute of ONNX's recurrent operators, against onnxruntime, the specification and onnx's own numbers."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import conveyor as cv
from conveyor.interop.onnx.exporter.reverse import Reverse
from interop.onnx_spec import FUNCTIONS, GATES, USUAL, Array, activations, given, model, problem, run, specified

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from onnx.backend.test.case.node.gru import GRUHelper
    from onnx.backend.test.case.node.lstm import LSTMHelper
    from onnx.backend.test.case.node.rnn import RNNHelper

HELPERS = {"LSTM": LSTMHelper, "GRU": GRUHelper, "RNN": RNNHelper}


def ours(layer: Any, inputs: dict[str, Array], first: bool = False) -> list[Array]:
    """What a layer makes of a node's inputs, shaped as the node's outputs of layout 0."""
    inner = layer.layer if isinstance(layer, Reverse) else layer
    states = [torch.from_numpy(inputs[n]) for n in ("initial_h", "initial_c") if n in inputs]
    state: Any = None if not states else states[0] if isinstance(inner, cv.GRU | cv.RNN) else tuple(states)
    x = torch.from_numpy(inputs["X"])
    also = {"lengths": torch.from_numpy(inputs["sequence_lens"])} if "sequence_lens" in inputs else {}
    with torch.no_grad():
        y, finals = layer(x.transpose(0, 1) if first else x, state, **also)
    y = y.transpose(0, 1) if first else y
    t, b, width = y.shape
    directions = 2 if inner.bidirectional else 1
    y = y.reshape(t, b, directions, width // directions).transpose(1, 2)
    return [v.numpy() for v in (y, *((finals,) if isinstance(finals, torch.Tensor) else finals))]


def assert_near(got: list[Array], want: list[Array], allowed: float = 1e-5) -> None:
    for a, b in zip(got, want, strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= allowed * max(1.0, np.abs(b).max())


CASES = [
    *((op, {"direction": d}) for op in GATES for d in ("forward", "reverse", "bidirectional")),
    *((op, {"bias": False}) for op in GATES),
    ("LSTM", {"peepholes": True}),
    ("LSTM", {"peepholes": True, "input_forget": 1}),
    ("LSTM", {"input_forget": 1, "direction": "bidirectional"}),
    ("LSTM", {"peepholes": True, "direction": "reverse"}),
    ("GRU", {"linear_before_reset": 1}),
    ("GRU", {"linear_before_reset": 1, "direction": "bidirectional"}),
    ("GRU", {"clip": 0.3}),
    ("GRU", {"clip": 0.3, "linear_before_reset": 1}),
    ("RNN", {"clip": 0.3, "direction": "reverse"}),
    *((op, activations([*USUAL[op][:-1], name])) for op in GATES for name in FUNCTIONS),
    *(("LSTM", activations([name, "Tanh", "Tanh"])) for name in ("HardSigmoid", "Softsign", "Affine")),
    *(("GRU", activations([name, "Tanh"])) for name in ("HardSigmoid", "ScaledTanh")),
    ("LSTM", {"direction": "bidirectional", **activations(["HardSigmoid", "LeakyRelu", "ScaledTanh"] * 2)}),
    ("LSTM", {"activations": ["sigmoid", "TANH", "relu"]}),
    ("LSTM", {"activations": ["HardSigmoid", "Elu", "LeakyRelu"]}),
]  # fmt: skip


def name_of(case: Any) -> str:
    return case if isinstance(case, str) else "-".join(f"{k}_{v}" for k, v in case.items()).replace(" ", "") or "usual"


@pytest.mark.parametrize("lengths", [None, [6, 2, 1]], ids=["even", "lengths"])
@pytest.mark.parametrize(("op", "attributes"), CASES, ids=name_of)
def test_a_node_is_the_layer_that_is_read_from_it(
    op: str, attributes: dict[str, Any], lengths: list[int] | None
) -> None:
    also = {n: v for n, v in attributes.items() if n in ("bias", "peepholes")}
    attributes = {n: v for n, v in attributes.items() if n not in also}
    weights = problem(op, 3, 5, attributes.get("direction", "forward"), **also)
    inputs = given(op, 6, 3, weights)
    if lengths:
        inputs["sequence_lens"] = np.asarray(lengths, np.int32)
    made = model(op, weights, inputs, **attributes)
    read = cv.from_onnx(made)
    assert read.report.difference is not None and read.report.difference <= 1e-5
    got = ours(read["node"], inputs)
    assert_near(got, run(made, inputs))
    names = attributes.get("activations", USUAL[op])
    if not {*names} <= FUNCTIONS.keys() or (op == "LSTM" and names == ["HardSigmoid", "Elu", "LeakyRelu"]):
        defaults = {"activation_alpha": [0.2, 1.0, 0.01], "activation_beta": [0.5]}
        proper = [next(f for f in FUNCTIONS if f.lower() == n.lower()) for n in names]
        attributes |= {"activations": proper} | (defaults if "Elu" in proper else {})
    assert_near(got, specified(op, weights, inputs, **attributes))


@pytest.mark.parametrize(("op", "attributes"), [c for c in CASES if c[1].get("direction") != "reverse"], ids=name_of)
def test_what_was_read_goes_out_as_the_same_node(op: str, attributes: dict[str, Any], tmp_path: Path) -> None:
    """Its equations alone say which operator they are, with which activations and attributes."""
    also = {n: v for n, v in attributes.items() if n in ("bias", "peepholes")}
    attributes = {n: v for n, v in attributes.items() if n not in also}
    weights = problem(op, 3, 5, attributes.get("direction", "forward"), **also)
    inputs = given(op, 6, 3, weights)
    made = model(op, weights, inputs, **attributes)
    report = cv.to_onnx(cv.from_onnx(made)["node"], tmp_path / "m.onnx", lengths="none")
    # A gate is looked for as one thing in the equations, which these three are not.
    spread = op != "RNN" and attributes.get("activations", ["Sigmoid"])[0] in ("Affine", "ScaledTanh", "Softsign")
    assert [row.result for row in report.rows] == ["Scan" if spread else op]
    names = {"initial_h": "h_0", "initial_c": "c_0", "X": "x"}
    y, *finals = run(str(tmp_path / "m.onnx"), {names[n]: v for n, v in inputs.items()})
    t, b, width = y.shape
    want, *rest = run(made, inputs)
    assert_near([y.reshape(t, b, -1, 5).transpose(0, 2, 1, 3), *finals], [want, *rest])
    if spread or "Affine" in attributes.get("activations", ()):
        return  # the last of which goes into the weights
    (node,) = [n for n in onnx.load(tmp_path / "m.onnx").graph.node if n.op_type == op]
    got = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    for name in ("clip", "linear_before_reset", "input_forget", "activation_alpha", "activation_beta"):
        if name in attributes:
            assert got[name] == pytest.approx(attributes[name]), name


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("op", GATES)
@pytest.mark.parametrize("layout", [0, 1], ids=["time-first", "batch-first"])
def test_onnxs_own_numbers(op: str, direction: str, layout: int) -> None:
    """The generators of the test data of the onnx package; layout 1 is what onnxruntime does not run."""
    weights = problem(op, 3, 5, direction, peepholes=op == "LSTM")
    inputs = given(op, 4, 2, weights)
    turned = {n: v.swapaxes(0, 1) if layout else v for n, v in inputs.items()}
    want = list(HELPERS[op](**weights, **turned, direction=direction, layout=layout, linear_before_reset=1).step())
    read = cv.from_onnx(model(op, weights, turned, direction=direction, layout=layout, **({"linear_before_reset": 1} if op == "GRU" else {})))  # fmt: skip
    assert read.nodes["node"].batch_first == bool(layout)
    assert read.nodes["node"].difference <= 1e-5
    got = ours(read["node"], inputs, first=bool(layout))
    for a, b in zip(got, want, strict=False):
        b = b.transpose(1, 2, 0, 3) if layout and b.ndim == 4 else b.swapaxes(0, 1) if layout else b
        assert a.shape == b.shape and np.abs(a - b).max() <= 1e-5


def test_the_layer_is_the_one_that_users_know() -> None:
    def read(op: str, peepholes: bool = False, **attributes: Any) -> Any:
        weights = problem(op, 3, 5, peepholes=peepholes)
        return cv.from_onnx(model(op, weights, given(op, 2, 1, weights), **attributes))["node"]

    assert type(read("LSTM")) is cv.LSTM and type(read("RNN")) is cv.RNN
    assert type(read("GRU", linear_before_reset=1)) is cv.GRU
    assert read("RNN", activations=["Relu"]).nonlinearity == "relu"
    assert read("GRU").units[0].cell.name == "gru_reset_before"
    assert read("LSTM", peepholes=True).units[0].cell.name == "lstm_peephole"
    theirs = torch.nn.LSTM(3, 5)
    theirs.load_state_dict(read("LSTM").state_dict())


@pytest.mark.parametrize("op", GATES)
def test_what_was_read_trains_on_and_goes_out_again(op: str, tmp_path: Path) -> None:
    weights = problem(op, 3, 5, peepholes=op == "LSTM")
    inputs = given(op, 6, 3, weights)
    layer = cv.from_onnx(model(op, weights, inputs))["node"]
    x, want = torch.from_numpy(inputs["X"]), torch.zeros(6, 3, 5)
    optimizer = torch.optim.Adam(layer.parameters(), 0.05)
    losses = []
    for _ in range(5):
        loss = (layer(x)[0] - want).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    report = cv.to_onnx(layer, tmp_path / "again.onnx")
    assert [row.result for row in report.rows] == [op]
    again = cv.from_onnx(tmp_path / "again.onnx")
    (second,) = again.values()
    assert_near(ours(second, inputs), ours(layer, inputs), 1e-6)


def test_double_weights_are_read_though_onnxruntime_does_not_run_them() -> None:
    weights = {n: v.astype(np.float64) for n, v in problem("LSTM", 3, 5).items()}
    inputs = {n: v.astype(np.float64) for n, v in given("LSTM", 4, 2, weights).items()}
    read = cv.from_onnx(model("LSTM", weights, inputs))
    assert read["node"].weight_ih_l0.dtype == torch.float64
    assert read.report.difference is None and "not compared: onnxruntime does not run it" in str(read)
    assert_near(ours(read["node"], inputs), specified("LSTM", weights, inputs), 1e-12)


def test_half_weights() -> None:
    weights = {n: v.astype(np.float16) for n, v in problem("LSTM", 3, 5).items()}
    made = model("LSTM", weights, {"X": np.zeros((4, 2, 3), np.float16)})
    read = cv.from_onnx(made)
    assert read["node"].weight_ih_l0.dtype == torch.float16
    assert read.report.difference is not None and read.report.ok


# Where weights and states come from


def stored(value: Array, name: str) -> onnx.TensorProto:
    return numpy_helper.from_array(np.ascontiguousarray(value), name)


def wrapped(nodes: list[onnx.NodeProto], tensors: list[onnx.TensorProto], free: dict[str, Array]) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "wrapped",
        [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for n, v in free.items()],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)],
        tensors,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def test_weights_that_constants_are_cut_and_glued_to() -> None:
    """As exporters do it: gates in another order, transposed, joined by nodes."""
    w = problem("LSTM", 3, 5)
    inputs = given("LSTM", 4, 2, w)
    i, o, f, c = np.split(w["W"], 4, axis=1)
    nodes = [
        helper.make_node("Constant", [], ["rest"], value=stored(np.concatenate([o, f, c], 1).transpose(0, 2, 1), "v")),
        helper.make_node("Transpose", ["rest"], ["turned"], perm=[0, 2, 1]),
        helper.make_node("Concat", ["first", "turned"], ["W"], axis=1),
        helper.make_node("LSTM", ["X", "W", "R", "B"], ["Y"], hidden_size=5, name="inner"),
    ]
    made = wrapped(nodes, [stored(i, "first"), stored(w["R"], "R"), stored(w["B"], "B")], {"X": inputs["X"]})
    layer = cv.from_onnx(made)["inner"]
    assert_near(ours(layer, {"X": inputs["X"]})[:1], run(made, {"X": inputs["X"]}))


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_what_torchs_own_exporter_writes(kind: str) -> None:
    """Its zeros before the first step are spread over the rows of x by nodes."""
    theirs = getattr(torch.nn, kind)(3, 4, 2, bidirectional=True)
    file = io.BytesIO()
    axes = {"x": {0: "time", 1: "batch"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, of this exporter being the older of two
        torch.onnx.export(theirs, (torch.randn(5, 2, 3),), file, dynamo=False, input_names=["x"], dynamic_axes=axes)
    read = cv.from_onnx(onnx.load_from_string(file.getvalue()))
    assert [type(layer) for layer in read.values()] == [getattr(cv, kind)] * 2
    assert {origin for node in read.nodes.values() for origin in node.initial.values()} == {"zeros"}
    first, second = read.values()
    x = torch.randn(7, 3, 3)
    assert (second(first(x)[0])[0] - theirs(x)[0]).abs().max() <= 1e-5


def test_nodes_inside_branches_and_functions() -> None:
    w = problem("GRU", 3, 5)
    x = given("GRU", 4, 2, w)["X"]
    branch = helper.make_graph(
        [helper.make_node("GRU", ["X", "W", "R"], ["Y_in"], hidden_size=5, name="gru")],
        "then",
        [],
        [helper.make_tensor_value_info("Y_in", TensorProto.FLOAT, None)],
        [stored(w["W"], "W")],
    )
    nodes = [helper.make_node("If", ["yes"], ["Y"], then_branch=branch, else_branch=branch, name="choose")]
    made = wrapped(nodes, [stored(w["R"], "R"), stored(np.asarray(True), "yes")], {"X": x})
    read = cv.from_onnx(made)
    assert set(read) == {"choose.then_branch/gru", "choose.else_branch/gru"}
    want = run(made, {"X": x})
    assert_near(ours(read["choose.then_branch/gru"], {"X": x})[:1], want)

    body = [helper.make_node("GRU", ["x", "w", "r"], ["y"], name="inner", hidden_size=5)]
    function = helper.make_function("own", "Layer", ["x", "w", "r"], ["y"], body, [helper.make_opsetid("", 18)])
    call = helper.make_node("Layer", ["X", "W", "R"], ["Y"], domain="own", name="call")
    made = wrapped([call], [stored(w["R"], "R"), stored(w["W"], "W")], {"X": x})
    made.functions.append(function)
    made.opset_import.append(helper.make_opsetid("own", 1))
    (layer,) = cv.from_onnx(made).values()
    assert_near(ours(layer, {"X": x})[:1], want)


def test_initial_states_and_lengths_of_each_origin() -> None:
    w = problem("LSTM", 3, 5)
    inputs = given("LSTM", 4, 2, w)
    x = {"X": inputs["X"]}
    free = cv.from_onnx(model("LSTM", w, inputs)).nodes["node"]
    assert free.initial == {"h": "from initial_h", "c": "from initial_c"} and free.lengths is None
    assert cv.from_onnx(model("LSTM", w, x)).nodes["node"].initial == {"h": "zeros", "c": "zeros"}

    h = np.repeat(inputs["initial_h"][:, :1], 2, axis=1)
    same = {"initial_h": h, "initial_c": np.zeros_like(h)}
    made = model("LSTM", w | same, x)
    read = cv.from_onnx(made)
    assert read.nodes["node"].initial == {"h": "the layer's own", "c": "zeros"} and read["node"].learn_initial_state
    assert_near(ours(read["node"], x), run(made, x))

    made = model("LSTM", w | {"initial_h": inputs["initial_h"], "initial_c": np.zeros_like(h)}, x)
    node = cv.from_onnx(made).nodes["node"]
    assert torch.equal(node.initial["h"], torch.from_numpy(inputs["initial_h"])) and node.initial["c"] == "zeros"

    lengths = {"sequence_lens": np.asarray([4, 2], np.int32)}
    assert cv.from_onnx(model("LSTM", w | lengths, x)).nodes["node"].lengths.tolist() == [4, 2]
    assert cv.from_onnx(model("LSTM", w, x | lengths)).nodes["node"].lengths == "from sequence_lens"


def test_the_report(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    w = problem("LSTM", 3, 5, "bidirectional", peepholes=True)
    made = model("LSTM", w, given("LSTM", 4, 2, w), direction="bidirectional")
    path = tmp_path / "a model.onnx"
    onnx.save(made, path)
    told: list[Any] = []
    read = cv.from_onnx(path, report=told.append)
    assert told == [read.report] and isinstance(read.report, cv.Report) and read.report.ok
    first, heads, row = str(read).splitlines()
    assert first == f"{path} → 1 layer, largest difference {read.report.difference:.1e}"
    assert heads.split() == ["layer", "from", "to", "sizes", "direction", "note"]
    assert row.split()[:2] == ["node", "LSTM"] and "3 -> 10" in row and "bidirectional" in row
    with caplog.at_level("INFO", "conveyor.interop"):
        cv.from_onnx(path)
    assert str(path) in caplog.text


# What can't be read


def test_one_that_cannot_be_read_leaves_the_others() -> None:
    w = problem("RNN", 3, 3)
    nodes = [
        helper.make_node("RNN", ["X", "W", "R"], ["", "h"], hidden_size=3, name="good"),
        helper.make_node("RNN", ["X", "V", "R"], ["Y"], hidden_size=3, name="bad"),
    ]
    x = given("RNN", 2, 1, w)["X"]
    read = cv.from_onnx(wrapped(nodes, [stored(w["R"], "R"), stored(w["W"], "W")], {"X": x, "V": w["W"]}))
    assert list(read) == ["good"] and "left out" in str(read)
    assert read.refused == {"bad": "its W, 'V', is an input of the graph; only weights that are stored can be read"}
    with pytest.raises(cv.ConversionError, match="node 'bad' could not be read: its W"):
        read["bad"]


WRONG: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {"direction": "sideways"}, "direction is 'sideways', expected one of forward, reverse, bidirectional"),
    ({}, {"direction": 3}, "attribute direction is 3, expected str"),
    ({}, {"clip": -1.0}, "clip is -1.0, expected a positive number"),
    ({}, {"layout": 2}, "layout is 2, expected 0 or 1"),
    ({}, {"activations": ["Tanh"]}, "activations has 1 names, expected 3"),
    ({}, {"activations": ["Sigmoid", "Tanh", "Swish"]}, "activation 'Swish' is unknown; the specification has Sigmoid"),
    ({}, {"activations": ["Sigmoid", "Tanh", "Affine"]}, "activation Affine has no activation_alpha, and runtimes disagree"),
    ({}, {"activations": ["Sigmoid", "Tanh", "ScaledTanh"], "activation_alpha": [1.0]}, "ScaledTanh has no activation_beta"),
    ({"R": np.zeros((1, 20, 4), np.float32)}, {}, "hidden_size is 5, but R has 4 columns"),
    ({"W": np.zeros((1, 19, 3), np.float32)}, {}, "W has shape (1, 19, 3), expected (1, 20, 3)"),
    ({"B": np.zeros((1, 20), np.float32)}, {}, "B has shape (1, 20), expected (1, 40)"),
    ({"W": np.zeros((1, 20, 3), np.float64)}, {}, "its weights are float32, float64; expected one of"),
]  # fmt: skip


@pytest.mark.parametrize(("weights", "attributes", "said"), WRONG, ids=[w[2].split(";")[0] for w in WRONG])
def test_a_node_against_the_specification(weights: dict[str, Array], attributes: dict[str, Any], said: str) -> None:
    right = problem("LSTM", 3, 5)
    made = model("LSTM", right, given("LSTM", 2, 1, right), **attributes)
    for tensor in made.graph.initializer:
        if tensor.name in weights:
            tensor.CopyFrom(stored(weights[tensor.name], tensor.name))
    with pytest.raises(cv.ConversionError) as caught:
        cv.from_onnx(made)
    assert str(caught.value).startswith("an ONNX model: node 'node' could not be read: ") and said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_directions_with_other_activations() -> None:
    w = problem("RNN", 3, 5, "bidirectional")
    made = model("RNN", w, given("RNN", 2, 1, w), direction="bidirectional", activations=["Tanh", "Relu"])
    with pytest.raises(
        cv.ConversionError, match=r"other activations \(Tanh; Relu\), and both directions of a layer run"
    ):
        cv.from_onnx(made)


def test_a_model_without_recurrent_nodes() -> None:
    made = wrapped([helper.make_node("Relu", ["X"], ["Y"])], [], {"X": np.zeros(2, np.float32)})
    with pytest.raises(cv.ConversionError, match="an ONNX model has no LSTM, GRU or RNN node; it has Relu"):
        cv.from_onnx(made)


def test_without_onnxruntime_nothing_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    w = problem("GRU", 3, 5)
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    read = cv.from_onnx(model("GRU", w, given("GRU", 2, 1, w)))
    assert read.report.difference is None and "not compared: onnxruntime is not installed; pip install" in str(read)


def test_without_onnx(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    for call in (lambda: cv.from_onnx("a"), lambda: cv.to_onnx(cv.GRU(2, 3), tmp_path / "a")):
        with pytest.raises(
            cv.ConveyorError, match=r"ONNX files need the package onnx .*; pip install 'conveyor\[onnx\]'"
        ):
            call()
