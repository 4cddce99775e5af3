"""Which backend runs a layer, why another does not, and how that is said."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator

import pytest
import torch

import conveyor as cv
from conveyor import backends
from conveyor.backends import BackendWarning

FLOATS = [pytest.param(d, id=str(d).removeprefix("torch.")) for d in (torch.float32, torch.float64)]
HALF = [pytest.param(d, id=str(d).removeprefix("torch.")) for d in (torch.bfloat16, torch.float16)]
CELLS = (cv.LSTMCell, cv.GRUCell, cv.RNNCell)
LAYERS = (cv.LSTM, cv.GRU, cv.RNN, *CELLS)


@pytest.fixture(autouse=True)
def nothing_said_yet() -> Iterator[None]:
    backends._say_once.cache_clear()
    yield
    backends._say_once.cache_clear()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kind", LAYERS, ids=lambda k: k.__name__)
def test_the_compiled_backend_is_the_first_choice(kind: type, dtype: torch.dtype) -> None:
    for options in ({}, {"strict_backend": True}) if kind not in CELLS else ():
        assert kind(2, 3, dtype=dtype, **options).backend_used == "cpu"
    for options in ({"backend": "cpu"}, {"backend": "cpu", "strict_backend": True}):
        assert kind(2, 3, dtype=dtype, **options).backend_used == "cpu"
    assert kind(2, 3, dtype=dtype, backend="reference").backend_used == "reference"


def test_any_cell_is_compiled() -> None:
    for name in cv.cells:
        sizes = {"proj": 2} if name == "lstm_projection" else None
        assert cv.Recurrent(name, 4, 4, sizes=sizes).backend_used == "cpu"
        assert cv.Cell(name, 4, 4, sizes=sizes, backend="cpu").backend_used == "cpu"


def test_the_choice_is_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    import conveyor.torch_ops as ops
    from conveyor.backends import cpu

    ran: list[str] = []
    compiled, plain = cpu.Launch.forward, ops.reference.forward
    monkeypatch.setattr(cpu.Launch, "forward", lambda *a, **k: (ran.append("cpu"), compiled(*a, **k))[1])
    monkeypatch.setattr(ops.reference, "forward", lambda *a, **k: (ran.append("reference"), plain(*a, **k))[1])
    for backend in ("auto", "cpu", "reference"):
        layer = cv.GRU(2, 3, backend=backend)
        layer(torch.zeros(1, 1, 2))
        with torch.no_grad():
            layer(torch.zeros(1, 1, 2))
    assert ran == ["cpu"] * 4 + ["reference"] * 2


@pytest.mark.parametrize("dtype", HALF)
def test_types_of_16_bits_are_compiled(dtype: torch.dtype) -> None:
    layer, x = cv.LSTM(2, 3, dtype=dtype), torch.ones(2, 1, 2, dtype=dtype)
    y, _ = layer(x)
    assert layer.backend_used == "cpu" and y.dtype == dtype and y.isfinite().all()


def test_another_device_falls_back_and_says_so_once() -> None:
    layer, x = cv.LSTM(2, 3, device="meta"), torch.ones(2, 1, 2, device="meta")
    with pytest.warns(BackendWarning) as said:
        layer(x)
        layer(x)
        assert layer.backend_used == "reference"
        cv.GRU(2, 3, device="meta")(x)
    assert [str(w.message) for w in said] == [
        "the reference backend runs this layer, not cpu: it runs on CPU tensors, and these are on meta"
    ]


def test_each_reason_is_said() -> None:
    with pytest.warns(BackendWarning) as said:
        for backend in ("cpu", "triton", "cpu"):
            assert cv.GRU(2, 3, device="meta", backend=backend).backend_used == "reference"
    assert len(said) == 2


def test_no_device_falls_back() -> None:
    layer = cv.LSTM(2, 3, device="meta")
    with pytest.warns(BackendWarning, match="it runs on CPU tensors, and these are on meta"):
        y, state = layer(torch.empty(4, 5, 2, device="meta"))
    assert y.shape == (4, 5, 3) and y.device.type == "meta" and state.c.shape == (1, 5, 3)


def test_a_layer_that_moves_changes_its_backend() -> None:
    layer = cv.GRU(2, 3)
    assert layer.backend_used == "cpu"
    with pytest.warns(BackendWarning):
        assert layer.to("meta").backend_used == "reference"
    assert layer.to_empty(device="cpu").backend_used == "cpu"
    assert layer.to(torch.float64).backend_used == "cpu"


def test_triton_falls_back_too() -> None:
    with pytest.warns(BackendWarning, match="not triton: this version of conveyor has no Triton backend yet"):
        assert cv.GRU(2, 3, backend="triton").backend_used == "reference"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"backend": "cpu", "device": "meta"}, "it runs on CPU tensors, and these are on meta"),
        ({"backend": "triton"}, "this version of conveyor has no Triton backend yet"),
    ],
    ids=["meta", "triton"],
)
@pytest.mark.parametrize("kind", [cv.LSTM, cv.LSTMCell], ids=lambda k: k.__name__)
def test_strict_raises_with_the_reason(kind: type, options: dict[str, object], reason: str) -> None:
    layer = kind(2, 3, strict_backend=True, **options)
    name = options["backend"]
    want = f'backend="{name}" can\'t run this layer: {reason}; strict_backend=False lets the reference run it'
    x = torch.zeros(1, 1, 2) if kind is cv.LSTM else torch.zeros(1, 2)
    for ask in (
        lambda: layer.backend_used,
        lambda: layer(x.to(**{k: v for k, v in options.items() if k != "backend"})),
    ):
        with pytest.raises(cv.BackendError) as caught:
            ask()
        assert str(caught.value) == want


def test_strict_choice_of_auto_raises_too() -> None:
    with pytest.raises(cv.BackendError, match='backend="auto" can.t run this layer: it runs on CPU tensors'):
        _ = cv.LSTM(2, 3, strict_backend=True, device="meta").backend_used


def test_why_not() -> None:
    assert cv.why_not("reference") is None
    assert cv.why_not("cpu") is None
    assert cv.why_not("cpu", torch.device("cpu"), torch.float32) is None
    assert cv.why_not("cpu", dtype=torch.float64) is None
    assert cv.why_not("reference", torch.device("meta"), torch.bfloat16) is None
    assert cv.why_not("cpu", torch.device("cpu"), torch.bfloat16) is None
    assert "and float64, and this is torch.int64" in str(cv.why_not("cpu", dtype=torch.int64))
    assert "CPU tensors" in str(cv.why_not("cpu", torch.device("cuda", 0)))
    assert "Triton" in str(cv.why_not("triton"))


@pytest.mark.parametrize("name", ["", "auto", "CPU", "cuda", "numpy"])
def test_an_unknown_name(name: str) -> None:
    with pytest.raises(cv.ArgumentError, match="is unknown; expected auto, reference, cpu, triton"):
        cv.why_not(name)
    if name != "auto":
        with pytest.raises(cv.ArgumentError, match="is unknown; expected auto, reference, cpu, triton"):
            cv.LSTM(2, 3, backend=name)


def test_without_llvmlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    backends._tried.clear()
    try:
        assert "llvmlite can't be imported" in str(cv.why_not("cpu"))
        with pytest.warns(BackendWarning, match="pip install llvmlite"):
            assert cv.LSTM(2, 3).backend_used == "reference"
        with pytest.raises(cv.BackendError, match="llvmlite can't be imported"):
            _ = cv.LSTM(2, 3, strict_backend=True).backend_used
    finally:
        backends._tried.clear()


def test_a_warning_that_is_an_error_comes_again() -> None:
    layer = cv.GRU(2, 3, device="meta")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            with pytest.raises(BackendWarning):
                _ = layer.backend_used
