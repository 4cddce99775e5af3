"""Auxiliary inputs of sequence layers and of steps: every layout that is read, and those that are refused."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import conveyor as cv
from layers.common import assert_all_near, random

T, B, I, H, K = 5, 2, 3, 4, 6  # noqa: E741 - the names of the axes


@cv.cell
def informed(x, h, *, gap, context):
    """`gap` has the hidden size, since it meets h; `context` a width of its own."""
    h = cv.exp(-cv.square(gap)) * h
    h = cv.tanh(cv.affine("h", x, h, context))
    return h


def make(**arguments: object) -> cv.Recurrent:
    return cv.Recurrent(informed, I, H, sizes={"context": K}, dtype=torch.float64, **arguments)


def step_of(layer: cv.Recurrent) -> cv.Cell:
    step = cv.Cell(informed, I, H, sizes={"context": K}, dtype=torch.float64)
    step.load_state_dict({n.removesuffix("_l0"): p for n, p in layer.state_dict().items()})
    return step


def by_steps(layer: cv.Recurrent, x: Tensor, gap: Tensor, context: Tensor) -> Tensor:
    """x (T, B, I), gap (T, B, H), context (T, B, K)."""
    step, state, outputs = step_of(layer), None, []
    for t in range(len(x)):
        state = step(x[t], state, gap=gap[t], context=context[t])
        outputs.append(state.h)
    return torch.stack(outputs)


def spread(aux: Tensor, width: int) -> Tensor:
    """(T, B, width) of each layout that a time-major batch may have."""
    if aux.shape == (T, B):
        return aux[:, :, None].expand(T, B, width)
    return (aux if aux.dim() == 3 else aux[None]).expand(T, B, width)


GAPS = {"(T, B)": (T, B), "(T, B, 1)": (T, B, 1), "(T, B, H)": (T, B, H), "(B, 1)": (B, 1), "(B, H)": (B, H)}
CONTEXTS = {"(T, B)": (T, B), "(T, B, K)": (T, B, K), "(B, K)": (B, K)}


@pytest.mark.parametrize("context_shape", CONTEXTS.values(), ids=CONTEXTS)
@pytest.mark.parametrize("gap_shape", GAPS.values(), ids=GAPS)
@pytest.mark.parametrize("backend", ["auto", "reference"])
def test_layouts(backend: str, gap_shape: tuple[int, ...], context_shape: tuple[int, ...]) -> None:
    layer = make(backend=backend)
    x, gap, context = random(0, T, B, I), random(1, *gap_shape), random(2, *context_shape)
    want = by_steps(layer, x, spread(gap, H), spread(context, K))
    leaves = [gap.requires_grad_(), context.requires_grad_()]
    got = layer(x, gap=gap, context=context)[0]
    assert_all_near({"y": got.detach()}, {"y": want.detach()})
    cotangent = random(3, T, B, H)
    ours = torch.autograd.grad(got, leaves, cotangent)
    theirs = torch.autograd.grad(by_steps(layer, x, spread(gap, H), spread(context, K)), leaves, cotangent)
    assert_all_near(dict(zip("gc", ours, strict=True)), dict(zip("gc", theirs, strict=True)), 1e-10)


@pytest.mark.parametrize("shape", [(T, B), (T, B, 1), (T, B, H)], ids=str)
def test_batch_first_exchanges_time_and_batch(shape: tuple[int, ...]) -> None:
    layer = make(batch_first=True)
    x, gap, context = random(0, T, B, I), random(1, *shape), random(2, B, K)
    want = by_steps(layer, x, spread(gap, H), spread(context, K))
    got = layer(x.transpose(0, 1), gap=gap.transpose(0, 1), context=context)[0]
    assert_all_near({"y": got.transpose(0, 1)}, {"y": want})
    with pytest.raises(cv.ArgumentError, match=r"'gap' has shape .* expected \(2, 5\) \(B, T\)"):
        layer(x.transpose(0, 1), gap=gap, context=context)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("shape", [(T,), (T, 1), (T, H), (H,), (1,)], ids=str)
def test_without_a_batch(shape: tuple[int, ...], batch_first: bool) -> None:
    layer = make(batch_first=batch_first)
    x, gap, context = random(0, T, I), random(1, *shape), random(2, K)
    whole = gap[:, None] if shape == (T,) else gap
    want = by_steps(layer, x[:, None], whole.expand(T, H)[:, None], context.expand(T, 1, K))
    assert_all_near({"y": layer(x, gap=gap, context=context)[0]}, {"y": want[:, 0]})


def test_without_a_batch_as_long_as_wide() -> None:
    """(T,) where T = H: it was read as (H,), the same at each step."""
    layer, x, context = make(), random(0, H, I), random(2, K)
    gap = random(1, H)
    with pytest.raises(cv.ArgumentError, match=r"'gap' of shape \(4,\) may be \(T,\) or \(K,\)"):
        layer(x, gap=gap, context=context)
    want = by_steps(layer, x[:, None], gap[:, None, None].expand(H, 1, H), context.expand(H, 1, K))
    assert_all_near({"y": layer(x, gap=gap.unsqueeze(-1), context=context)[0]}, {"y": want[:, 0]})


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("batch", [1, 2])
def test_a_sequence_of_one_step_is_not_ambiguous(batch: int, batch_first: bool) -> None:
    """(B, T) = (B, 1) is one number a row either way."""
    layer = make(batch_first=batch_first)
    x, gap, context = random(0, 1, batch, I), random(1, 1, batch), random(2, batch, K)
    want = by_steps(layer, x, gap[..., None].expand(1, batch, H), context[None])

    def laid(t: Tensor) -> Tensor:
        return t.transpose(0, 1) if batch_first else t

    assert_all_near({"y": laid(layer(laid(x), gap=laid(gap), context=context)[0])}, {"y": want})


@pytest.mark.parametrize("batch_first", [False, True])
def test_two_readings_are_refused_and_the_mends_work(batch_first: bool) -> None:
    layer = make(batch_first=batch_first)
    steps, batch = (H, 2) if batch_first else (H, H)
    order = "(B, T)" if batch_first else "(T, B)"
    x, gap, context = random(0, steps, batch, I), random(1, steps, batch), random(2, batch, K)

    def laid(t: Tensor) -> Tensor:
        return t.transpose(0, 1) if batch_first else t

    with pytest.raises(cv.ArgumentError) as raised:
        layer(laid(x), gap=laid(gap), context=context)
    assert f"may be {order} or (B, K)" in str(raised.value) and "\n" not in str(raised.value)
    by_time = layer(laid(x), gap=laid(gap).unsqueeze(-1), context=context)[0]
    want = by_steps(layer, x, gap[..., None].expand(steps, batch, H), context.expand(steps, batch, K))
    assert_all_near({"y": laid(by_time)}, {"y": want})
    static = laid(gap) if batch_first else gap
    by_row = layer(laid(x), gap=laid(static.expand(steps, batch, H)), context=context)[0]
    want = by_steps(layer, x, static.expand(steps, batch, H), context.expand(steps, batch, K))
    assert_all_near({"y": laid(by_row)}, {"y": want})


@pytest.mark.parametrize("shape", [(), (B,), (T,), (B, T), (T, B, 2), (T, B, H, 1), (B, 3), (1, B, H)], ids=str)
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(cv.ArgumentError) as raised:
        make()(random(0, T, B, I), gap=random(1, *shape), context=random(2, B, K))
    assert f"'gap' has shape {shape}, expected (5, 2) (T, B), (5, 2, 4) or (2, 4)" in str(raised.value)


@pytest.mark.parametrize("shape", [(B,), (B, 1), (B, H)], ids=str)
def test_step(shape: tuple[int, ...]) -> None:
    layer = make()
    x, gap, context = random(0, B, I), random(1, *shape), random(2, B, K)
    whole = gap[:, None] if shape == (B,) else gap
    got = step_of(layer)(x, gap=gap, context=context).h
    want = layer(x[None], gap=whole.expand(1, B, H), context=context[None])[0][0]
    assert_all_near({"h": got}, {"h": want})


@pytest.mark.parametrize("shape", [(), (1,), (H,)], ids=str)
def test_step_without_a_batch(shape: tuple[int, ...]) -> None:
    layer = make()
    x, gap, context = random(0, I), random(1, *shape), random(2, K)
    got = step_of(layer)(x, gap=gap, context=context).h
    want = layer(x[None], gap=gap.expand(H).expand(1, H), context=context[None])[0][0]
    assert_all_near({"h": got}, {"h": want})


@pytest.mark.parametrize("shape", [(), (1,), (B, 2), (1, B), (1, B, H), (H,)], ids=str)
def test_step_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(cv.ArgumentError) as raised:
        step_of(make())(random(0, B, I), gap=random(1, *shape), context=random(2, B, K))
    assert str(raised.value) == f"auxiliary input 'gap' has shape {shape}, expected (2,) or (2, 4)"


@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.float32])
def test_other_dtypes_are_converted(dtype: torch.dtype) -> None:
    layer = make()
    x, gap, context = random(0, T, B, I), (random(1, T, B) > 0).to(dtype), random(2, B, K)
    assert torch.equal(layer(x, gap=gap, context=context)[0], layer(x, gap=gap.double(), context=context)[0])


def test_missing_unknown_and_wrong_kinds() -> None:
    layer, step = make(), step_of(make())
    x, gap, context = random(0, T, B, I), random(1, T, B), random(2, B, K)
    with pytest.raises(
        cv.ArgumentError, match=r"'context' is missing; pass context=, a \(T, B\) or \(T, B, K\) tensor"
    ):
        layer(x, gap=gap)
    with pytest.raises(cv.ArgumentError, match=r"'gap' is missing; pass gap=, a \(B,\) or \(B, K\) tensor"):
        step(x[0], context=context)
    with pytest.raises(cv.ArgumentError, match=r"'gap' is missing; pass gap=, a \(T,\) or \(T, K\) tensor"):
        layer(x[:, 0], context=context[0])
    with pytest.raises(cv.ArgumentError, match=r"'gap' is missing; pass gap=, a \(B, T\) or \(B, T, K\) tensor"):
        make(batch_first=True)(x, context=context)
    with pytest.raises(
        cv.ArgumentError, match="no auxiliary input or argument 'gaps'; its auxiliary inputs: gap, context"
    ):
        layer(x, gap=gap, context=context, gaps=gap)
    with pytest.raises(cv.ArgumentError, match="'gap' is a tensor, got list"):
        layer(x, gap=gap.tolist(), context=context)
    with pytest.raises(cv.ArgumentError, match="'gap' is on meta but input is on cpu; move it with .to.'cpu'."):
        layer(x, gap=gap.to("meta"), context=context)


def test_width_that_nothing_names_is_one() -> None:
    layer = cv.Recurrent(informed, I, H, dtype=torch.float64)
    assert layer.weight_h_context_l0.shape == (H, 1)
    x, gap, context = random(0, T, B, I), random(1, T, B), random(2, T, B)
    whole = layer(x, gap=gap, context=context[..., None])[0]
    assert torch.equal(layer(x, gap=gap, context=context)[0], whole)


def test_both_directions_see_the_same_steps() -> None:
    layer = make(bidirectional=True, num_layers=2)
    x, gap, context = random(0, T, B, I), random(1, T, B), random(2, T, B, K)
    y = layer(x, gap=gap, context=context)[0]
    turned = make(bidirectional=True, num_layers=2)
    swap = {n: n.removesuffix("_reverse") if n.endswith("_reverse") else f"{n}_reverse" for n in layer.state_dict()}
    with torch.no_grad():
        for name, p in turned.named_parameters():
            source = layer.get_parameter(swap[name])
            # What reads the layer below finds its two directions exchanged.
            halves = source.shape[1] == 2 * H if source.dim() == 2 else False
            p.copy_(source.roll(H, 1) if halves else source)
    back = turned(x.flip(0), gap=gap.flip(0), context=context.flip(0))[0].flip(0)
    assert_all_near({"y": back.roll(H, -1)}, {"y": y})


def test_gru_d_needs_both_of_its_inputs() -> None:
    layer = cv.Recurrent("gru_d", I, H, dtype=torch.float64)
    x, mask, delta = random(0, T, B, I), (random(1, T, B, I) > 0), random(2, T, B, I).abs()
    for given, missing in (({"mask": mask}, "delta"), ({"delta": delta}, "mask"), ({}, "mask")):
        with pytest.raises(cv.ArgumentError, match=f"auxiliary input '{missing}' is missing; pass {missing}="):
            layer(x, **given)
    with pytest.raises(cv.ArgumentError, match="'gap'.*its auxiliary inputs: mask, delta"):
        layer(x, mask=mask, delta=delta, gap=delta)
    turned = cv.Recurrent("gru_d", I, H, dtype=torch.float64, batch_first=True)
    turned.load_state_dict(layer.state_dict())
    got = turned(*(t.transpose(0, 1) for t in (x,)), mask=mask.transpose(0, 1), delta=delta.transpose(0, 1))[0]
    assert_all_near({"y": got.transpose(0, 1)}, {"y": layer(x, mask=mask, delta=delta)[0]})
