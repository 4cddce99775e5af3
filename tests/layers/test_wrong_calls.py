"""Wrong calls of layers and steps: one line that names the argument, what was expected, what came, and the mend."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

import conveyor as cv
from conveyor import backends
from layers.common import random

I, H, T, B = 3, 4, 5, 2  # noqa: E741 - the names of the axes


def f32(*shape: int) -> Tensor:
    return random(0, *shape, dtype=torch.float32)


LSTM, GRU, RNN = cv.LSTM(I, H), cv.GRU(I, H), cv.RNN(I, H)
NAMED = cv.Recurrent("lstm", I, H, num_layers=2)
UNEVEN = cv.Recurrent(["lstm", "gru"], I, [H, 6])
STEP, LSTM_STEP, GRU_STEP = cv.Cell("lstm", I, H), cv.LSTMCell(I, H), cv.GRUCell(I, H)
CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    # the input
    "batch first rank": (
        lambda: cv.LSTM(I, H, batch_first=True)(f32(I)),
        "input is (B, T, input_size) or (T, input_size), got 1 dimensions of sizes (3,) (Expected input to be 2D or 3D, got 1D instead)",
    ),
    "integers": (
        lambda: LSTM(torch.zeros(T, B, I, dtype=torch.int64)),
        "input has dtype torch.int64 but the layer's parameters have torch.float32;"
        " convert it with .to(torch.float32) or the layer with .to(torch.int64)"
        " (RNN input dtype (torch.int64) does not match weight dtype (torch.float32). Convert input:"
        " input.to(torch.float32), or convert model: model.to(torch.int64))",
    ),
    "device of x": (
        lambda: LSTM_STEP(f32(B, I).to("meta")),
        "input is on meta but the layer is on cpu; move one with .to('cpu')",
    ),
    "step's width": (
        lambda: GRU_STEP(f32(B, 7)),
        "input's last size is input_size = 3, got 7 in (2, 7);"
        " make the layer with input_size=7 or check the order of the axes"
        " (input has inconsistent input_size: got 7 expected 3)",
    ),
    # the batch of a state
    "smaller last batch, DESIGN's example": (
        lambda: NAMED(f32(T, 8, I), (f32(2, 32, H), f32(2, 32, H))),
        "state h has batch 32 but input has batch 8;"
        " for a smaller last batch pass state=None or state.narrow_batch(8)",
    ),
    "smaller last batch of torch's tuple": (
        lambda: LSTM(f32(T, 8, I), (f32(1, 32, H), f32(1, 32, H))),
        "state h has batch 32 but input has batch 8;"
        " for a smaller last batch pass hx=None or hx of the first 8 rows, h[:, :8] (Expected hidden[0] size (1, 8, 4), got [1, 32, 4])",
    ),
    "second state's batch": (
        lambda: NAMED(f32(T, 8, I), (f32(2, 8, H), f32(2, 9, H))),
        "state c has batch 9 but input has batch 8;"
        " for a smaller last batch pass state=None or state.narrow_batch(8)",
    ),
    "larger last batch": (
        lambda: NAMED(f32(T, 8, I), (f32(2, 1, H), f32(2, 1, H))),
        "state h has batch 1 but input has batch 8; None starts from zeros",
    ),
    "batch of a step": (
        lambda: GRU_STEP(f32(B, I), f32(7, H)),
        "state h has batch 7 but input has batch 2; for a smaller last batch pass hx=None or its first 2 rows"
        " (Input batch size 2 doesn't match hidden0 batch size 7)",
    ),
    # other shapes of a state, as they were given
    "layers": (lambda: NAMED(f32(T, B, I), (f32(3, B, H), f32(2, B, H))), "state h has shape (3, 2, 4), expected (2, 2, 4); None starts from zeros"),
    "without the batch's axis": (lambda: GRU(f32(T, B, I), f32(1, H)), "state h has shape (1, 4), expected (1, 2, 4); None starts from zeros (For batched 3-D input, hx should also be 3-D but got 2-D tensor)"),
    "batch for a single sequence": (lambda: GRU(f32(T, I), f32(1, B, H)), "state h has shape (1, 2, 4), expected (1, 4); None starts from zeros (For unbatched 2-D input, hx should also be 2-D but got 3-D tensor)"),
    "layers of a single sequence": (lambda: GRU(f32(T, I), f32(2, H)), "state h has shape (2, 4), expected (1, 4); None starts from zeros (Expected hidden size (1, 1, 4), got [2, 1, 4])"),
    "width of a single sequence": (lambda: LSTM(f32(T, I), (f32(1, H), f32(1, 7))), "state c has shape (1, 7), expected (1, 4); None starts from zeros (Expected hidden[1] size (1, 1, 4), got [1, 1, 7])"),
    "a number": (lambda: GRU(f32(T, I), torch.tensor(1.0)), "state h has shape (), expected (1, 4); None starts from zeros (For unbatched 2-D input, hx should also be 2-D but got 0-D tensor)"),
    "step with a batch's state": (lambda: GRU_STEP(f32(I), f32(B, H)), "state h has shape (2, 4), expected (4,); None starts from zeros"),
    "step without a batch's state": (lambda: STEP(f32(B, I), (f32(H), f32(H))), "state h has shape (4,), expected (2, 4); None starts from zeros"),
    # kinds and counts
    "dtype of a state": (
        lambda: NAMED(f32(T, B, I), (f32(2, B, H), f32(2, B, H).double())),
        "state c has dtype torch.float64 but the layer's parameters have torch.float32;"
        " convert it with .to(torch.float32) or the layer with .to(torch.float64)",
    ),
    "device of a state": (
        lambda: GRU(f32(T, B, I), f32(1, B, H).to("meta")),
        "state h is on meta but the layer is on cpu; move one with .to('cpu')",
    ),
    "tuple for one state": (lambda: GRU(f32(T, B, I), (f32(1, B, H),)), "state h is a tensor of shape (1, 2, 4), got tuple"),
    "one for two states": (lambda: LSTM_STEP(f32(B, I), f32(B, H)), "state is a tuple of (h, c), got Tensor"),
    "three for two states": (lambda: STEP(f32(B, I), (f32(B, H),) * 3), "state is a tuple of (h, c), got 3 of them"),
    "none among the states": (lambda: STEP(f32(B, I), (f32(B, H), None)), "state c is a tensor of shape (2, 4), got NoneType"),
    "text": (lambda: NAMED(f32(T, B, I), "zeros"), "state is a tuple of (h, c), got str"),
    "one tensor for uneven layers": (
        lambda: UNEVEN(f32(T, B, I), (f32(2, B, H), f32(2, B, H))),
        "state h is a tuple of one tensor a layer, since their widths differ; got Tensor",
    ),
    "width of an uneven layer": (
        lambda: UNEVEN(f32(T, B, I), ((f32(1, B, H), f32(1, B, H)), (f32(1, B, H), None))),
        "state h of layer 1 has shape (1, 2, 4), expected (1, 2, 6); None starts from zeros",
    ),
    # constructors
    "layers as text": (lambda: cv.LSTM(I, H, num_layers="2"), "num_layers is a whole number from 1, got '2'"),
    "layers as a bool": (lambda: cv.LSTM(I, H, num_layers=True), "num_layers is a whole number from 1, got True"),
    "no layers": (lambda: cv.Recurrent(["lstm", "gru"], I, H, num_layers=0), "num_layers is a whole number from 1, got 0"),
    "negative hidden size": (lambda: cv.GRUCell(I, -1), "hidden_size is a whole number from 1, got -1"),
    "hidden size of a layer": (lambda: cv.Recurrent("gru", I, [H, 0], 2), "hidden_size is a whole number from 1, got 0"),
    "list for a step": (lambda: cv.Cell("gru", I, [H]), "hidden_size is a whole number from 1, got [4]"),
    "dropout 2": (lambda: cv.GRU(I, H, dropout=2), "dropout is a probability from 0 to 1, got 2"),
    "dropout nan": (lambda: cv.GRU(I, H, dropout=float("nan")), "dropout is a probability from 0 to 1, got nan"),
    "dropout as a bool": (lambda: cv.GRU(I, H, dropout=True), "dropout is a probability from 0 to 1, got True"),
    "text for a flag": (lambda: cv.RNN(I, H, bidirectional="no"), "bidirectional is True or False, got 'no'"),
    "number for bias": (lambda: cv.LSTMCell(I, H, bias=1), "bias is True or False, got 1"),
    "dtype as text": (lambda: cv.LSTM(I, H, dtype="float32"), "dtype is a floating-point type, got 'float32'"),
    "dtype of a step": (lambda: cv.Cell("gru", I, H, dtype=torch.int64), "dtype is a floating-point type, got torch.int64"),
    "complex dtype": (lambda: cv.GRU(I, H, dtype=torch.complex64), "dtype is a floating-point type, got torch.complex64"),
    "device": (
        lambda: cv.GRUCell(I, H, device="gpu"),
        "device is a torch.device or a name such as 'cpu' or 'cuda:0', got 'gpu'",
    ),
    "projection as text": (lambda: cv.LSTM(I, H, proj_size="2"), "proj_size is a whole number, 0 for no projection, got '2'"),
    "negative projection": (lambda: cv.LSTM(I, H, proj_size=-1), "proj_size is a whole number, 0 for no projection, got -1 (proj_size should be a positive integer or zero to disable projections)"),
    "projection of a cell without": (lambda: cv.Recurrent("gru", I, H, proj_size=2), "sizes has 'proj', which cell gru does not name"),
    "size missing": (
        lambda: cv.Cell("lstm_projection", I, H),
        "sizes lacks 'proj', a width that this cell names; pass sizes={'proj': …}",
    ),
    "size unknown to a step": (
        lambda: cv.Cell("lstm", I, H, sizes={"proj": 2, "k": 3}),
        "sizes has proj, k, which this cell does not name; it names none",
    ),
    "sizes is a number": (lambda: cv.Recurrent("lstm_projection", I, H, sizes=2), "sizes is a dict of a width's name to its number, got int"),
    "size as text": (
        lambda: cv.Recurrent("lstm_projection", I, H, sizes={"proj": "2"}),
        "sizes['proj'] is a whole number from 1, got '2'",
    ),
    "forget_bias": (lambda: cv.LSTM(I, H, forget_bias="1"), "forget_bias is a finite number or None, got '1'"),
    "forget_bias nan": (lambda: cv.LSTM(I, H, forget_bias=float("nan")), "forget_bias is a finite number or None, got nan"),
    "max_lag": (lambda: cv.GRUCell(I, H, max_lag=None), "max_lag is the longest dependency in steps, at least 3, got None"),
    "init": (lambda: cv.Cell("gru", I, H, init=0), "init is one of torch, orthogonal, chrono, got 0"),
    "keyword of a step": (
        lambda: cv.Cell("gru", I, H, dropout=0.5),
        "Cell has no argument 'dropout'; beside torch.nn's it has forget_bias, init, max_lag, backend, strict_backend",
    ),
    "backend": (lambda: cv.Cell("gru", I, H, backend="cuda"), "backend 'cuda' is unknown; expected auto, reference, cpu, triton"),
    "why_not": (lambda: cv.why_not("gpu"), "backend 'gpu' is unknown; expected auto, reference, cpu, triton"),
    "a list's entry": (
        lambda: cv.Recurrent(["lstm", None], I, H),
        "cell is a @cv.cell function or the name of one in cv.cells, got NoneType",
    ),
    "a plain function": (
        lambda: cv.Cell(lambda x, h: h, I, H),
        "cell is a @cv.cell function or the name of one in cv.cells, got function; decorate the function with @cv.cell",
    ),
    "a module's class": (
        lambda: cv.Recurrent(torch.nn.LSTM, I, H),
        "cell is a @cv.cell function or the name of one in cv.cells, got type; decorate the function with @cv.cell",
    ),
    "heads that don't divide": (
        lambda: cv.Cell(cv.cells["slstm"].configure(heads=3), I, H),
        "the matrix of ('z', h) is 4 x 4 and has 3 blocks; choose sizes that are multiples of 3",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_message(name: str) -> None:
    call, message = CALLS[name]
    with pytest.raises(cv.ArgumentError) as raised:
        call()
    assert str(raised.value) == message
    assert isinstance(raised.value, ValueError) and "\n" not in message


@pytest.mark.parametrize(("wrong", "right"), [("lstn", "lstm"), ("gru_reset", "gru_reset_before"), ("mgru", "mgu")])
def test_unknown_cell_suggests_one(wrong: str, right: str) -> None:
    for make in (cv.Recurrent, cv.Cell):
        with pytest.raises(cv.ArgumentError) as raised:
            make(wrong, I, H)
        said = str(raised.value)
        assert said.startswith(f"cell {wrong!r} is not built in; ") and "\n" not in said
        assert f"did you mean {right!r}" in said
    with pytest.raises(cv.ArgumentError, match="write your own with @cv.cell; built in: rnn, indrnn, lstm, "):
        cv.Recurrent("transformer", I, H)


def test_parameter_name_that_is_taken() -> None:
    scope: dict[str, Any] = {"cv": cv}
    exec("@cv.cell\ndef odd(x, h):\n    h = cv.tanh(cv.affine('h', x, h) + cv.weight('bias') * h)\n    return h", scope)
    with pytest.raises(cv.ArgumentError, match="the weight 'bias' has the name of a tensor that every layer has"):
        cv.Recurrent(scope["odd"], I, H)


def test_two_matrices_of_one_name() -> None:
    """weight_a_b_c is that of ("a", b_c) and of ("a_b", c); the two were merged although their widths differ, silently."""

    @cv.cell
    def blurred(x, h, c):
        b_c = cv.affine("u", x, size="wide")
        c = cv.tanh(cv.affine("a", b_c) + cv.affine("a_b", c))
        h = c
        return h, c

    with pytest.raises(cv.ArgumentError, match="two matrices.*5 and 4 wide, would both be named 'weight_a_b_c'"):
        cv.Recurrent(blurred, I, H, sizes={"wide": 5})
    same_width = cv.Recurrent(blurred, I, H, sizes={"wide": H}, dtype=torch.float64)
    x = random(0, T, B, I)
    slow = cv.Recurrent(blurred, I, H, sizes={"wide": H}, dtype=torch.float64, backend="reference")
    slow.load_state_dict(same_width.state_dict())
    torch.testing.assert_close(same_width(x)[0], slow(x)[0], rtol=1e-12, atol=0)


# Backends that can't run


# A step's "auto" is the reference, which runs everything.
STRICT = [(b, m) for m in (cv.LSTM, cv.GRU, cv.RNN) for b in ("auto", "cpu")]
STRICT += [("cpu", m) for m in (cv.LSTMCell, cv.GRUCell, cv.RNNCell)]


@pytest.mark.parametrize(("backend", "module"), STRICT)
def test_strict_backend_says_why_not(backend: str, module: Callable[..., torch.nn.Module]) -> None:
    layer = module(I, H, device="meta", backend=backend, strict_backend=True)
    x = f32(B, I).to("meta")
    reason = cv.why_not("cpu", torch.device("meta"), torch.float32)
    assert reason == "it runs on CPU tensors, and these are on meta"
    message = f'backend="{backend}" can\'t run this layer: {reason}; strict_backend=False lets the reference run it'
    for use in (lambda: layer(x), lambda: layer.backend_used):
        with pytest.raises(cv.BackendError) as raised:
            use()
        assert str(raised.value) == message and isinstance(raised.value, RuntimeError)
    assert layer.to_empty(device="cpu").backend_used == "cpu"


def test_falling_back_is_said_once() -> None:
    backends._say_once.cache_clear()
    layer = cv.LSTM(I, H, device="meta")
    x = torch.zeros(T, B, I, device="meta")
    with pytest.warns(backends.BackendWarning, match="the reference backend runs this layer, not cpu: it ") as said:
        y, _ = layer(x)
    assert len(said) == 1 and y.shape == (T, B, H) and y.dtype == x.dtype and layer.backend == "auto"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(x)
        assert layer.backend_used == "reference"


def test_a_backend_that_is_not_there_yet() -> None:
    reason = cv.why_not("triton")
    assert reason is not None and cv.why_not("cpu") is None is cv.why_not("reference")
    with pytest.raises(cv.BackendError) as raised:
        cv.GRU(I, H, backend="triton", strict_backend=True)(f32(T, B, I))
    assert reason in str(raised.value)


# Anything at all

JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 5), st.floats(), st.text(max_size=4), st.just([]), st.just({}),
    st.lists(st.integers(-1, 4), max_size=3), st.just(torch.float64), st.just(torch.int32), st.just(torch.zeros(2)),
    st.sampled_from(["lstm", "gru", "cpu", "meta", "reference", "orthogonal", "chrono", "tanh"]), st.just(object()),
    st.just({"proj": 2}), st.just(["lstm", "gru"]),
)  # fmt: skip
ARGUMENTS = {
    **{n: JUNK for n in ("num_layers bias batch_first dropout bidirectional proj_size dtype nonlinearity").split()},
    **{n: JUNK for n in "forget_bias init max_lag backend strict_backend sizes".split()},
    **{n: JUNK for n in "variational_dropout zoneout connections gradient_clip checkpoint_every".split()},
    # A device that torch names but that isn't here is torch's to refuse.
    "device": st.sampled_from([None, "cpu", "meta", "nowhere", 1.5, [], torch.device("cpu")]),
}
CLASSES = [cv.LSTM, cv.GRU, cv.RNN, cv.LSTMCell, cv.GRUCell, cv.RNNCell, cv.Recurrent, cv.Cell]


def takes(cls: Any, name: str) -> bool:
    """Whether Python itself lets the keyword through."""
    own = cls.__init__.__code__
    return bool(own.co_flags & 0x08) or name in own.co_varnames[: own.co_argcount + own.co_kwonlyargcount]


@settings(max_examples=400)
@given(st.data())
def test_constructors_refuse_or_make_a_layer_that_runs(data: st.DataObject) -> None:
    cls = data.draw(st.sampled_from(CLASSES))
    names = [n for n in ARGUMENTS if takes(cls, n)]
    chosen = data.draw(st.lists(st.sampled_from(names), max_size=3, unique=True))
    arguments = {n: data.draw(ARGUMENTS[n], label=n) for n in chosen}
    first = [data.draw(st.just("lstm") | JUNK)] if cls in (cv.Recurrent, cv.Cell) else []
    sizes = [data.draw(st.just(n) | JUNK) for n in (I, H)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", backends.BackendWarning)
            warnings.filterwarnings("ignore", "dropout=.* acts between layers")
            layer = cls(*first, *sizes, **arguments)
            check_answer(layer, sizes[0])
    except cv.ConveyorError as error:
        assert "\n" not in str(error) and len(str(error)) > 20


def check_answer(layer: Any, input_size: int) -> None:
    like = next(layer.parameters())
    step = isinstance(layer, cv.Cell | cv.LSTMCell | cv.GRUCell | cv.RNNCell)
    x = torch.zeros((2, input_size) if step else (5, 2, input_size), dtype=like.dtype, device=like.device)
    given = {n: x for n in getattr(layer, "aux_names", ())}
    returned = layer(x, **given)
    if step:
        first = returned[0] if isinstance(returned, tuple) else returned
        assert first.shape == (2, layer.unit.output_size)
    else:
        assert returned[0].shape == (5, 2, layer.output_size)


SHAPES = st.lists(st.sampled_from([0, 1, 2, 3, 4, 5]), max_size=4).map(tuple)
TENSORS = st.builds(
    lambda shape, dtype, device: torch.zeros(shape, dtype=dtype, device=device),
    st.sampled_from([(T, B, I), (T, I), (B, I), (I,), (1, B, H), (1, H), (B, H), (H,)]) | SHAPES,
    st.sampled_from([torch.float32] * 5 + [torch.float64, torch.int64, torch.bool]),
    st.sampled_from(["cpu"] * 9 + ["meta"]),
)
STATES = st.recursive(TENSORS | JUNK, lambda s: st.lists(s, max_size=3).map(tuple), max_leaves=4)


@settings(max_examples=400)
@given(st.sampled_from([LSTM, GRU, RNN, NAMED, UNEVEN, STEP, LSTM_STEP, GRU_STEP]), TENSORS | JUNK, STATES)
@example(GRU, f32(T, I), f32(1, H))
@example(NAMED, f32(T, B, I), (f32(2, B, H), f32(2, B, H)))
@example(UNEVEN, f32(T, B, I), ((f32(1, B, H), f32(1, B, 6)), (f32(1, B, H), f32(1, B, 6))))
def test_calls_refuse_or_answer_rightly(layer: Any, x: Any, state: Any) -> None:
    try:
        returned = layer(x, state)
    except cv.ConveyorError as error:
        assert "\n" not in str(error) and len(str(error)) > 20
        return
    step = layer in (STEP, LSTM_STEP, GRU_STEP)
    y = (returned[0] if isinstance(returned, tuple) else returned) if step else returned[0]
    width = 6 if layer is UNEVEN else H
    assert y.shape == (*x.shape[:-1], width) and x.shape[-1] == I and y.dtype == x.dtype
    assert x.dim() in ((1, 2) if step else (2, 3))
