"""States: named tuples that come out and go in, even and uneven, pickled, flattened, narrowed."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils import _pytree as pytree

import conveyor as cv
import conveyor.states
from layers.common import random


def states() -> dict[str, Any]:
    x = random(0, 5, 3, 4, dtype=torch.float32)
    slstm = cv.Recurrent("slstm", 4, 6, num_layers=2, bidirectional=True)
    uneven = cv.Recurrent(["lstm", "gru", "lstm"], 4, [6, 5, 2])
    return {
        "lstm": cv.LSTM(4, 6)(x)[1],
        "slstm": slstm(x)[1],
        "uneven": uneven(x)[1],
        "cell": cv.Cell("slstm", 4, 6)(x[0]),
        "one-field": cv.Recurrent("gru", 4, 6)(x)[1],
    }


@pytest.fixture(scope="module", params=list(states()))
def state(request: pytest.FixtureRequest) -> Any:
    return states()[request.param]


def tensors(state: Any) -> list[Tensor]:
    parts = [t for field in state for t in (field if isinstance(field, tuple) else (field,))]
    return [t for t in parts if t is not None]


def test_is_a_named_tuple_found_by_its_name(state: Any) -> None:
    kind = type(state)
    assert isinstance(state, tuple) and kind.__module__ == "conveyor.states"
    assert getattr(conveyor.states, kind.__name__) is kind
    assert all(getattr(state, name) is value for name, value in zip(kind._fields, state, strict=True))


def test_same_fields_same_class() -> None:
    x = random(0, 5, 3, 4, dtype=torch.float32)
    kinds = {type(s) for s in (cv.LSTM(4, 6)(x)[1], cv.Recurrent("lstm_peephole", 4, 2)(x)[1], cv.LSTMCell(4, 6)(x[0]))}
    assert len(kinds) == 1


def test_pytree_keeps_the_class(state: Any) -> None:
    leaves, spec = pytree.tree_flatten(state)
    assert [t for t in leaves if t is not None] == tensors(state)
    assert type(pytree.tree_unflatten(leaves, spec)) is type(state)
    doubled = pytree.tree_map_only(Tensor, lambda t: 2 * t, state)
    assert type(doubled) is type(state)
    assert all(torch.equal(d, 2 * t) for d, t in zip(tensors(doubled), tensors(state), strict=True))
    assert pytree.treespec_loads(pytree.treespec_dumps(spec)) == spec


def test_detach_cuts_the_graph(state: Any) -> None:
    cut = state.detach()
    assert type(cut) is type(state) and all(t.requires_grad for t in tensors(state))
    assert not any(t.requires_grad for t in tensors(cut))
    assert all(torch.equal(a, b) for a, b in zip(tensors(cut), tensors(state), strict=True))


@pytest.mark.parametrize("size", [0, 2, 3])
def test_narrow_batch(state: Any, size: int) -> None:
    narrow = state.narrow_batch(size)
    assert type(narrow) is type(state)
    for part, whole in zip(tensors(narrow), tensors(state), strict=True):
        assert torch.equal(part, whole[..., :size, :]) and part.shape[-2] == size


@pytest.mark.parametrize("size", [4, -1, 1.5, None])
def test_narrow_batch_to_more_than_there_is(state: Any, size: Any) -> None:
    with pytest.raises(cv.ArgumentError, match=r"from 0 to the state's batch of 3, got "):
        state.narrow_batch(size)


@pytest.mark.parametrize("layer", [cv.LSTM(4, 6), cv.Recurrent(["lstm", "gru"], 4, [6, 5]), cv.LSTMCell(4, 6)])
def test_narrowed_state_runs_a_smaller_last_batch(layer: torch.nn.Module) -> None:
    x = random(0, 5, 3, 4, dtype=torch.float32)
    x = x[0] if isinstance(layer, cv.LSTMCell) else x
    returned = layer(x)
    state = returned if isinstance(layer, cv.LSTMCell) else returned[1]
    rows = x[..., :2, :]
    whole, part = layer(x, state), layer(rows, state.narrow_batch(2))
    flat_whole, flat_part = (pytree.tree_leaves(r) for r in (whole, part))
    for a, b in zip(flat_part, flat_whole, strict=True):
        assert a is b is None or torch.equal(a, b[..., :2, :])


@pytest.mark.parametrize("kind", [tuple, list])
def test_plain_sequences_serve_as_states(kind: type) -> None:
    layer = cv.Recurrent(["lstm", "gru"], 4, [6, 5])
    x = random(0, 5, 3, 4, dtype=torch.float32)
    state = layer(x)[1]
    plain = kind(kind(f) if isinstance(f, tuple) else f for f in state)
    for a, b in zip(tensors(layer(x, plain)[1]), tensors(layer(x, state)[1]), strict=True):
        assert torch.equal(a, b)


def test_copies_and_pickles(state: Any) -> None:
    held = state.detach()
    for clone in (copy.copy(held), copy.deepcopy(held), pickle.loads(pickle.dumps(held))):
        assert type(clone) is type(state)
        assert all(torch.equal(a, b) for a, b in zip(tensors(clone), tensors(state), strict=True))


READ = """
import pickle, sys
for state in pickle.load(sys.stdin.buffer):
    print(type(state).__name__, state._fields, state.narrow_batch(1).detach()[0][0].shape[-2])
"""


def test_pickles_in_a_fresh_process() -> None:
    """One that has made no layer, so that the classes are made when they are looked for."""
    held = [s.detach() for s in states().values() if s[0].__class__ is Tensor and s[0].dim() == 3]
    assert len(held) == 3
    sent = pickle.dumps([*held, states()["uneven"].detach()])
    done = subprocess.run([sys.executable, "-c", READ], input=sent, capture_output=True, check=True)
    assert done.stdout.decode().splitlines() == [
        "State__h__c ('h', 'c') 1",
        "State__h__c__n__m ('h', 'c', 'n', 'm') 1",
        "State__h ('h',) 1",
        "State__h__c ('h', 'c') 1",
    ]


def test_safe_loading_of_a_file_is_possible(tmp_path: Any) -> None:
    state = states()["lstm"].detach()
    torch.save(state, tmp_path / "state.pt")
    loaded = torch.load(tmp_path / "state.pt", weights_only=True)
    assert type(loaded) is type(state) and torch.equal(loaded.h, state.h)


SAVE = """
import conveyor as cv
import torch
layer = cv.LSTM(4, 6)
torch.save({"hidden": layer(torch.ones(5, 3, 4))[1], "model": layer.state_dict()}, "run.pt")
torch.save(cv.Recurrent("slstm", 4, 6)(torch.ones(5, 3, 4))[1], "other.pt")
"""
LOADS = {
    "conveyor first": "import conveyor as cv\nimport torch",
    "torch first": "import torch\nimport conveyor as cv",
    "after a layer": "import conveyor as cv\nimport torch\ncv.GRU(2, 3)",
}
LOAD = """
held = torch.load("run.pt")
layer = cv.LSTM(4, 6)
layer.load_state_dict(held["model"])
wanted = layer(torch.ones(5, 3, 4))[1]
assert type(held["hidden"]).__name__ == "State__h__c" and torch.equal(held["hidden"].c, wanted.c)
layer(torch.ones(5, 3, 4), held["hidden"])
print(torch.load("other.pt")._fields)
"""


@pytest.mark.parametrize("imports", LOADS)
def test_torch_load_takes_states_by_its_defaults(imports: str, tmp_path: Any) -> None:
    """In a process that has made no layer, too, whichever package is imported first."""
    subprocess.run([sys.executable, "-c", SAVE], check=True, cwd=tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", LOADS[imports] + LOAD], check=True, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.strip() == "('h', 'c', 'n', 'm')"


def test_built_in_states_are_known_beforehand() -> None:
    fields = {tuple(s.name for s in cv.cells[name].program.states) for name in cv.cells}
    assert fields == set(conveyor.states.BUILT_IN)


def test_a_state_of_ones_own_cell_loads_once_its_layer_is_made(tmp_path: Any) -> None:
    @cv.cell
    def odd(x, h, trace):
        trace = 0.5 * trace + h
        h = cv.tanh(cv.affine("h", x, trace))
        return h, trace

    state = cv.Recurrent(odd, 3, 4)(torch.zeros(2, 1, 3))[1]
    torch.save({"hidden": state}, tmp_path / "run.pt")
    assert torch.equal(torch.load(tmp_path / "run.pt")["hidden"].trace, state.trace)


def test_made_from_one_iterable(state: Any) -> None:
    """As a tuple is made, which torch.nn's states are: `type(state)(v.detach() for v in state)`."""
    kind = type(state)
    for made in (
        kind(v for v in state),
        kind(iter(state)),
        kind(list(state)),
        kind(tuple(state)),
        kind(map(id, state)),
    ):
        assert type(made) is kind and len(made) == len(state)
    for made in (kind(v for v in state), kind(state), kind(*state), kind(**state._asdict()), kind._make(state)):
        assert all(a is b for a, b in zip(made, state, strict=True))
    if len(state) > 1:
        mixed = kind(state[0], **{n: v for n, v in list(state._asdict().items())[1:]})
        assert all(a is b for a, b in zip(mixed, state, strict=True))


def test_what_makes_no_state(state: Any) -> None:
    kind = type(state)
    for call in (lambda: kind(), lambda: kind(*state, 1), lambda: kind(v for v in (*state, 1)), lambda: kind(q=1)):
        with pytest.raises(TypeError, match=r"states are \(h"):
            call()


def test_is_used_as_a_tuple(state: Any) -> None:
    first, *rest = state
    assert first is state[0] and rest == list(state[1:]) and isinstance(state, tuple)
    assert type(state[:1]) is tuple and state[:1] == (state[0],) and len(state + state) == 2 * len(state)
    assert type(state + (1,)) is tuple and (*state,) == tuple(state) and list(reversed(state))[-1] is first
    changed = state._replace(**{state._fields[0]: 5})
    assert type(changed) is type(state) and changed[0] == 5
    assert {n: v is getattr(state, n) for n, v in state._asdict().items()} == dict.fromkeys(state._fields, True)


def test_a_lone_field_of_several_layers_stays_one_field() -> None:
    """Where layers differ in width, the only field is a tuple itself."""
    state = cv.Recurrent("gru", 4, [6, 5], 2)(random(0, 5, 3, 4, dtype=torch.float32))[1]
    assert len(state) == 1 and len(state.h) == 2
    for made in (type(state)(state.h), type(state)(v for v in state), pickle.loads(pickle.dumps(state.detach()))):
        assert len(made) == 1 and [t.shape for t in made.h] == [t.shape for t in state.h]
    leaves, spec = pytree.tree_flatten(state)
    assert [t.shape for t in pytree.tree_unflatten(leaves, spec).h] == [t.shape for t in state.h]


@pytest.mark.parametrize("name", ["detach", "narrow_batch", "a__b", "a_"])
def test_names_that_no_field_can_have(name: str) -> None:
    scope: dict[str, Any] = {"cv": cv}
    exec(
        f"@cv.cell\ndef odd(x, h, {name}, c):\n"
        f"    {name} = cv.tanh(cv.affine('k', x, {name}))\n    h = {name} + c\n    return h, {name}, c\n",
        scope,
    )
    for make in (cv.Recurrent, cv.Cell):
        with pytest.raises(cv.ArgumentError, match=f"state '{name}' can't be a field.*rename it"):
            make(scope["odd"], 3, 4)


def test_shapes_of_even_and_uneven_states() -> None:
    layer = cv.Recurrent(["lstm", "gru", "lstm"], 4, [6, 5, 5], bidirectional=True)
    y, state = layer(random(0, 5, 3, 4, dtype=torch.float32))
    assert y.shape == (5, 3, 10) and state._fields == ("h", "c")
    assert [tuple(h.shape) for h in state.h] == [(2, 3, 6), (2, 3, 5), (2, 3, 5)]
    assert state.c[1] is None and [tuple(state.c[k].shape) for k in (0, 2)] == [(2, 3, 6), (2, 3, 5)]
    unbatched = layer(random(0, 5, 4, dtype=torch.float32))[1]
    assert [tuple(h.shape) for h in unbatched.h] == [(2, 6), (2, 5), (2, 5)]
    again = layer(random(0, 5, 4, dtype=torch.float32), unbatched)[1]
    assert [h.shape for h in again.h] == [h.shape for h in unbatched.h]


def test_state_that_later_layers_have() -> None:
    """The first layer's cell has no c: the fields are the union, in order of appearance."""
    layer = cv.Recurrent(["gru", "lstm"], 4, 6)
    _, state = layer(random(0, 5, 3, 4, dtype=torch.float32))
    assert state._fields == ("h", "c") and state.h.shape == (2, 3, 6)
    assert state.c[0] is None and state.c[1].shape == (1, 3, 6)


def test_gradients_reach_given_states_of_every_layer() -> None:
    layer = cv.Recurrent(["lstm", "gru"], 4, [6, 5]).double()
    x = random(0, 5, 3, 4)
    h = tuple(random(k, 1, 3, w).requires_grad_() for k, w in enumerate([6, 5]))
    c = (random(9, 1, 3, 6).requires_grad_(), None)
    layer(x, (h, c))[0].sum().backward()
    assert all(t.grad is not None and (t.grad != 0).all() for t in (*h, c[0]))


@pytest.mark.parametrize("steps", [0, 1])
@pytest.mark.parametrize("batch", [0, 1])
def test_empty_sequences_and_batches(steps: int, batch: int) -> None:
    for layer in (cv.LSTM(4, 6, bidirectional=True), cv.Recurrent("slstm", 4, 6, num_layers=2)):
        x = random(0, steps, batch, 4, dtype=torch.float32).requires_grad_()
        y, state = layer(x)
        width = 12 if isinstance(layer, cv.LSTM) else 6
        assert y.shape == (steps, batch, width) and all(s.shape == (2, batch, 6) for s in state)
        (y.sum() + sum(s.sum() for s in state)).backward()
        assert x.grad is not None and x.grad.shape == x.shape
        if steps == 0:
            assert all((s == 0).all() for s in state)
