"""Pieces in one sequence: `reset` is running them apart."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import conveyor as cv
from support import BUILT_IN, Case, assert_near

T, B, I = 7, 3, 4  # noqa: E741
STARTS = torch.tensor([[0, 1, 0], [0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0], [0, 0, 1]], dtype=torch.bool)
BACKENDS = ("cpu", "reference")


def layer_of(case: Case, backend: str, learned: bool, **options: object) -> cv.Recurrent:
    torch.manual_seed(0)
    hidden = 6 * case.multiple
    layer = cv.Recurrent(
        case.cell, I, hidden, sizes=case.sizes(hidden), backend=backend, strict_backend=True,
        learn_initial_state=learned, dtype=torch.float64, **options,  # type: ignore[arg-type]
    )  # fmt: skip
    with torch.no_grad():
        for name, p in layer.named_parameters():
            if name.startswith("initial_"):
                # A normaliser is a sum of positive numbers.
                p.copy_(torch.rand_like(p) + 0.5 if name.startswith("initial_n") else torch.randn_like(p))
    return layer


def aux_of(layer: cv.Recurrent) -> dict[str, Tensor]:
    return {a.name: torch.rand(T, B, dtype=torch.float64).round() for a in layer.units[0].program.aux}


def apart(layer: cv.Recurrent, x: Tensor, state: tuple[Tensor, ...], aux: dict[str, Tensor]) -> tuple[Tensor, ...]:
    """The pieces of each row, one after another, each by a call of its own; outputs and final states."""
    outputs, finals = [], []
    for row in range(B):
        edges = [0, *(t for t in range(1, T) if STARTS[t, row]), T]
        pieces, held = [], tuple(s[:, row : row + 1] for s in state)
        for a, b in zip(edges, edges[1:], strict=False):
            given = {n: v[a:b, row : row + 1] for n, v in aux.items()}
            y, held = layer(x[a:b, row : row + 1], None if STARTS[a, row] else held, **given)
            pieces.append(y)
        outputs.append(torch.cat(pieces))
        finals.append(held)
    return torch.cat(outputs, 1), *(torch.cat(s, 1) for s in zip(*finals, strict=True))


@pytest.mark.parametrize("learned", [False, True], ids=["zero", "learned"])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", BUILT_IN, ids=lambda c: c.id)
def test_reset_is_running_the_pieces_apart(case: Case, backend: str, learned: bool) -> None:
    layer = layer_of(case, backend, learned)
    x = torch.randn(T, B, I, dtype=torch.float64, requires_grad=True)
    aux = aux_of(layer)
    widths = [layer.units[0].widths[s.width] for s in layer.units[0].program.states]
    state = tuple(torch.rand(1, B, w, dtype=torch.float64).add(0.5).requires_grad_() for w in widths)
    y, final = layer(x, state, reset=STARTS, **aux)
    got, want = (y, *final), apart(layer, x, state, aux)
    cotangents = [torch.randn_like(w) for w in want]
    leaves = [x, *state, *layer.parameters()]
    for a, b in zip(got, want, strict=True):
        assert_near(a, b, 1e-12, "result")
    grads = [torch.autograd.grad(r, leaves, cotangents, allow_unused=True) for r in (got, want)]
    for leaf, a, b in zip(leaves, *grads, strict=True):
        assert_near(*(torch.zeros_like(leaf) if g is None else g for g in (a, b)), 1e-10, "gradient")


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_gradient_crosses_a_reset(backend: str) -> None:
    layer = layer_of(next(c for c in BUILT_IN if c.id == "lstm"), backend, False, bidirectional=True, num_layers=1)
    x = torch.randn(T, B, I, dtype=torch.float64, requires_grad=True)
    y, _ = layer(x, reset=STARTS)
    piece = [2, 3]  # of row 0
    (grad,) = torch.autograd.grad(y[piece, 0].sum(), x)
    outside = torch.ones(T, B, dtype=torch.bool)
    outside[piece, 0] = False
    assert not grad[outside].any() and grad[~outside].all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_reverse_direction_ends_its_pieces_there(backend: str) -> None:
    """Both ways, each piece is what it is alone."""
    layer = layer_of(next(c for c in BUILT_IN if c.id == "gru"), backend, True, bidirectional=True, num_layers=1)
    x = torch.randn(T, B, I, dtype=torch.float64)
    y, _ = layer(x, reset=STARTS)
    for row in range(B):
        edges = [0, *(t for t in range(1, T) if STARTS[t, row]), T]
        for a, b in zip(edges, edges[1:], strict=False):
            assert_near(y[a:b, row], layer(x[a:b, row : row + 1])[0][:, 0], 1e-12, f"row {row} from {a} to {b}")


def test_batch_first_unbatched_and_torch_like_layers() -> None:
    torch.manual_seed(0)
    x = torch.randn(T, B, I)
    layer = cv.LSTM(I, 5, num_layers=2)
    want, final = layer(x, reset=STARTS)
    turned = cv.LSTM(I, 5, num_layers=2, batch_first=True)
    turned.load_state_dict(layer.state_dict())
    assert torch.equal(turned(x.transpose(0, 1), reset=STARTS.t())[0].transpose(0, 1), want)
    y, alone = layer(x[:, 0], reset=STARTS[:, 0])
    assert torch.equal(y, want[:, 0]) and torch.equal(alone.c, final.c[:, 0])
    for kind in (cv.GRU, cv.RNN):
        other = kind(I, 5)
        assert torch.equal(other(x, reset=torch.zeros(T, B, dtype=torch.bool))[0], other(x)[0])


def test_learned_initial_states_are_parameters() -> None:
    layer = cv.LSTM(3, 4, num_layers=2, bidirectional=True, learn_initial_state=True)
    learned = {n: p for n, p in layer.named_parameters() if n.startswith("initial_")}
    assert list(learned) == [f"initial_{s}_l{k}{d}" for k in (0, 1) for d in ("", "_reverse") for s in "hc"]
    assert all(p.shape == (4,) and not p.any() for p in learned.values())
    x = torch.randn(5, 2, 3)
    with torch.no_grad():
        learned["initial_c_l0"].fill_(0.7)
    state = tuple(torch.zeros(4, 2, 4) for _ in range(2))
    state[1][0] = 0.7
    assert torch.equal(layer(x)[0], layer(x, state)[0])
    layer(x)[0].square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in learned.values())
    layer.zero_grad()
    layer(x, state)[0].sum().backward()
    assert all(p.grad is None for p in learned.values())
    stream = cv.LSTM(3, 4, learn_initial_state=True)
    with torch.no_grad():
        stream.initial_h_l0.fill_(0.3)
        flowing = stream.stream(2)
        flowing.reset()
        assert torch.equal(flowing.step(x[0]), stream(x[:1])[0][0])


def test_a_stream_begins_at_the_learned_state() -> None:
    layer = cv.GRU(3, 4, learn_initial_state=True)
    with torch.no_grad():
        layer.initial_h_l0.fill_(0.3)
        x = torch.randn(1, 2, 3)
        assert torch.equal(layer.stream(2).step(x[0]), layer(x)[0][0])


WRONG = {
    "numbers": (torch.zeros(T, B), "torch.float32; .bool() makes booleans"),
    "turned": (torch.zeros(B, T, dtype=torch.bool), f"one of shape ({B}, {T}); reset.t() exchanges its axes"),
    "list": ([True], "list; torch.as_tensor makes one"),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors(name: str) -> None:
    given, got = WRONG[name]
    with pytest.raises(cv.ArgumentError) as caught:
        cv.LSTM(I, 5)(torch.zeros(T, B, I), reset=given)
    assert str(caught.value) == f"reset is a tensor of booleans (T, B) = ({T}, {B}), got {got}"


def test_names_that_every_layer_has() -> None:
    @cv.cell
    def mine(x, h, *, reset):
        h = cv.tanh(cv.affine("a", x, h)) * reset
        return h

    with pytest.raises(cv.ArgumentError, match="cell mine has an auxiliary input 'reset'"):
        cv.Recurrent(mine, 3, 4)
    with pytest.raises(cv.ArgumentError, match="LSTMCell has no argument 'learn_initial_state'"):
        cv.LSTMCell(3, 4, learn_initial_state=True)
