"""`Recurrent` with every built-in cell in every arrangement: against NumPy oracles, and against steps of `cv.Cell`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

import conveyor as cv
from layers.common import assert_all_near, random
from oracles import ORACLES
from support import BUILT_IN, Case, random_aux, random_state

# The number of steps is no width, so that one number a step can't be read as one a unit.
INPUT, HIDDEN, STEPS, BATCH = 3, 4, 5, 2


@dataclass(frozen=True)
class Arrangement:
    id: str
    num_layers: int
    bidirectional: bool
    batch_first: bool = False
    batched: bool = True
    bias: bool = True


ARRANGEMENTS = [
    Arrangement("2-layers-no-bias", 2, False, bias=False),
    Arrangement("2-layers-both-ways-batch-first", 2, True, batch_first=True),
    Arrangement("3-layers-unbatched", 3, False, batched=False),
    Arrangement("both-ways-unbatched-batch-first", 1, True, batched=False, batch_first=True),
]


def make(case: Case, a: Arrangement, backend: str = "auto") -> cv.Recurrent:
    layer = cv.Recurrent(
        case.cell,
        INPUT,
        HIDDEN * case.multiple,
        num_layers=a.num_layers,
        bias=a.bias,
        batch_first=a.batch_first,
        bidirectional=a.bidirectional,
        sizes=case.sizes(HIDDEN * case.multiple),
        dtype=torch.float64,
        backend=backend,
    )
    with torch.no_grad():
        for k, p in enumerate(layer.parameters()):
            p.copy_(0.5 * random(k, *p.shape))
    return layer


def units_of(a: Arrangement) -> Iterator[tuple[int, str]]:
    """Layers and directions in torch's order, as the ends of parameter names."""
    for k in range(a.num_layers):
        for reverse in ("", "_reverse") if a.bidirectional else ("",):
            yield k, f"_l{k}{reverse}"


def step_of(layer: cv.Recurrent, case: Case, a: Arrangement, input_size: int, suffix: str) -> cv.Cell:
    """One unit of a layer as a step of its own, which shares the layer's parameters."""
    hidden_size = HIDDEN * case.multiple
    step = cv.Cell(case.cell, input_size, hidden_size, a.bias, sizes=case.sizes(hidden_size), backend="reference")
    for name, _ in list(step.named_parameters()):
        setattr(step, name, getattr(layer, name + suffix))
    return step


@dataclass
class StackCall:
    """Input, states by unit and auxiliary inputs, time-major with a batch; leaves."""

    x: Tensor
    states: list[tuple[Tensor, ...]]
    aux: dict[str, Tensor]

    def leaves(self) -> dict[str, Tensor]:
        states = {f"state {k} of unit {u}": s for u, unit in enumerate(self.states) for k, s in enumerate(unit)}
        return {"x": self.x, **states, **self.aux}


def state_widths(case: Case, a: Arrangement) -> list[tuple[int, ...]]:
    """For each unit the widths of its states; a state may be as wide as the unit's input."""
    hidden_size, width = HIDDEN * case.multiple, INPUT
    found: list[tuple[int, ...]] = []
    for k in range(a.num_layers):
        known = {"H": hidden_size, "I": width, "1": 1} | case.sizes(hidden_size)
        widths = tuple(known[s.width] for s in case.program.states)
        found += [widths] * (2 if a.bidirectional else 1)
        width = widths[0] * (2 if a.bidirectional else 1)
        assert len(found) == (k + 1) * (2 if a.bidirectional else 1)
    return found


def call_of(case: Case, a: Arrangement) -> StackCall:
    g = torch.Generator().manual_seed(7)
    batch = BATCH if a.batched else 1
    states = [
        tuple(random_state(g, s.name, batch, w) for s, w in zip(case.program.states, widths, strict=True))
        for widths in state_widths(case, a)
    ]
    # One number a row serves layers of any width.
    aux = {i.name: random_aux(g, i.name, STEPS, batch) for i in case.program.aux}
    call = StackCall(random(5, STEPS, batch, INPUT), states, aux)
    for tensor in call.leaves().values():
        tensor.requires_grad_()
    return call


def pack(layer: cv.Recurrent, a: Arrangement, states: list[tuple[Tensor, ...]]) -> tuple[Any, ...]:
    """States of units as the layer takes them: a field a state, stacked, or one tensor a layer if widths differ."""
    fields: list[Any] = []
    per = 2 if a.bidirectional else 1
    for k in range(len(states[0])):
        tensors = [unit[k] if a.batched else unit[k].squeeze(0) for unit in states]
        if len({t.shape[-1] for t in tensors}) == 1:
            fields.append(torch.stack(tensors))
        else:
            fields.append(tuple(torch.stack(tensors[i : i + per]) for i in range(0, len(tensors), per)))
    assert len(fields) == len(layer.state_fields)
    return tuple(fields)


def flat_state(state: Any) -> dict[str, Tensor]:
    found = {}
    for name, value in zip(state._fields, state, strict=True):
        for k, t in enumerate(value if isinstance(value, tuple) else (value,)):
            found[f"{name} {k}"] = t
    return found


def run(layer: cv.Recurrent, a: Arrangement, call: StackCall) -> dict[str, Tensor]:
    """The layer called with everything laid out as the arrangement has it; the output time-major again."""

    def laid(t: Tensor) -> Tensor:
        if not a.batched:
            return t.squeeze(1)
        return t.transpose(0, 1) if a.batch_first else t

    y, state = layer(laid(call.x), pack(layer, a, call.states), **{n: laid(t) for n, t in call.aux.items()})
    assert state._fields == layer.state_fields and isinstance(state, tuple)
    y = y.transpose(0, 1) if a.batched and a.batch_first else y
    return {"y": y, **flat_state(state)}


def by_steps(layer: cv.Recurrent, case: Case, a: Arrangement, call: StackCall) -> dict[str, Tensor]:
    """The same from steps of `cv.Cell`, layers and directions put together here."""
    x, finals = call.x, []
    for k in range(a.num_layers):
        outputs = []
        for u, (layer_index, suffix) in enumerate(units_of(a)):
            if layer_index != k:
                continue
            step, state = step_of(layer, case, a, x.shape[-1], suffix), call.states[u]
            order = range(STEPS - 1, -1, -1) if suffix.endswith("_reverse") else range(STEPS)
            rows: dict[int, Tensor] = {}
            for t in order:
                state = step(x[t], state, **{n: v[t] for n, v in call.aux.items()})
                rows[t] = state[0]
            outputs.append(torch.stack([rows[t] for t in range(STEPS)]))
            finals.append(tuple(state))
        x = torch.cat(outputs, -1)
    packed = type(layer(call.x[:0, 0], **{n: v[:0, 0] for n, v in call.aux.items()})[1])(*pack(layer, a, finals))
    return {"y": x if a.batched else x.squeeze(1), **flat_state(packed)}


def gradients(layer: cv.Recurrent, call: StackCall, outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    leaves = call.leaves() | dict(layer.named_parameters())
    reached = {n: o for n, o in outputs.items() if o.requires_grad}
    cotangents = [random(50 + k, *o.shape) for k, o in enumerate(reached.values())]
    found = torch.autograd.grad(list(reached.values()), list(leaves.values()), cotangents, materialize_grads=True)
    return dict(zip(leaves, found, strict=True))


def detached(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {n: t.detach() for n, t in tensors.items()}


def arranged() -> Iterator[Any]:
    for case in BUILT_IN:
        for a in ARRANGEMENTS:
            yield pytest.param(case, a, id=f"{case.id}-{a.id}")


@pytest.mark.parametrize(("case", "arrangement"), list(arranged()))
def test_layer_equals_its_steps(case: Case, arrangement: Arrangement) -> None:
    """Outputs, final states and all gradients; the layer compiled, the steps by the reference."""
    layer, call = make(case, arrangement), call_of(case, arrangement)
    got, want = run(layer, arrangement, call), by_steps(layer, case, arrangement, call)
    assert_all_near(detached(got), detached(want))
    assert_all_near(gradients(layer, call, got), gradients(layer, call, want), 1e-10)


@pytest.mark.parametrize("backend", ["auto", "reference"])
@pytest.mark.parametrize("case", BUILT_IN, ids=lambda c: c.id)
def test_layer_equals_the_papers_equations(case: Case, backend: str) -> None:
    """Two layers, both ways, batch first: outputs and final states by the NumPy oracle of the cell."""
    a = ARRANGEMENTS[1]
    layer, call = make(case, a, backend), call_of(case, a)
    call = StackCall(
        call.x.detach(),
        [tuple(s.detach() for s in u) for u in call.states],
        {n: t.detach() for n, t in call.aux.items()},
    )
    oracle = ORACLES[case.cell.name](**case.options)
    x, finals = call.x.numpy(), []
    for k in range(a.num_layers):
        outputs = []
        for u, (layer_index, suffix) in enumerate(units_of(a)):
            if layer_index != k:
                continue
            tensors = {
                n.removesuffix(suffix): p.detach().numpy() for n, p in layer.named_parameters() if n.endswith(suffix)
            }
            turn = slice(None, None, -1) if suffix.endswith("_reverse") else slice(None)
            # The auxiliary inputs of built-in cells have the width of x.
            aux = {n: t.unsqueeze(-1).expand(STEPS, BATCH, x.shape[-1]).numpy()[turn] for n, t in call.aux.items()}
            y, final = oracle.run(tensors, x[turn], [s.numpy() for s in call.states[u]], aux)
            outputs.append(torch.from_numpy(y[turn].copy()))
            finals.append(tuple(torch.from_numpy(s) for s in final))
        x = torch.cat(outputs, -1).numpy()
    got = detached(run(layer, a, call))
    packed = pack(layer, a, finals)
    want = [torch.from_numpy(x), *(t for f in packed for t in (f if isinstance(f, tuple) else (f,)))]
    assert_all_near(got, dict(zip(got, want, strict=True)))


@pytest.mark.parametrize("case", BUILT_IN, ids=lambda c: c.id)
def test_state_passed_on_continues_the_run(case: Case) -> None:
    """In three pieces, one of them empty: outputs, the last state and all gradients are those of one run."""
    a = Arrangement("", 2, False)
    layer, call = make(case, a), call_of(case, a)
    whole = run(layer, a, call)
    outputs, state = [], pack(layer, a, call.states)
    for piece in (slice(0, 1), slice(1, 1), slice(1, STEPS)):
        y, state = layer(call.x[piece], state, **{n: t[piece] for n, t in call.aux.items()})
        outputs.append(y)
    pieces = {"y": torch.cat(outputs), **flat_state(state)}
    assert_all_near(detached(pieces), detached(whole))
    assert_all_near(gradients(layer, call, pieces), gradients(layer, call, whole), 1e-10)


def test_without_bias_there_is_none() -> None:
    for case in BUILT_IN:
        layer = make(case, ARRANGEMENTS[0])
        assert not any(name.startswith("bias_") for name, _ in layer.named_parameters()), case.id


def test_uneven_states_are_met() -> None:
    """These tests would say less if no cell had states of several widths."""
    layer = make(next(c for c in BUILT_IN if c.id == "gru_d"), ARRANGEMENTS[1])
    assert {f.name: f.even for f in layer._fields} == {"h": True, "x_last": False}
