"""The reference backend: plain torch operations, a time loop in Python. It is the definition that others agree with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from conveyor.backends.ragged import Ragged
from conveyor.backends.reference.evaluate import Evaluator, Params
from conveyor.backends.results import Gradients, Result
from conveyor.ir.program import Program
from conveyor.ir.transforms.plan import Plan, plan


@lru_cache(maxsize=256)
def _planned(program: Program, keep: tuple[int, ...] = ()) -> Plan:
    return plan(program, keep)


def forward(
    program: Program,
    x: Tensor,
    states: Sequence[Tensor],
    params: Params,
    widths: Mapping[str, int],
    aux: Mapping[str, Tensor] | None = None,
    ragged: Ragged | None = None,
    keep: tuple[int, ...] = (),
) -> Result:
    """Run a program over a sequence.

    Args:
        program: A forward program.
        x: The input, (T, B, I).
        states: The initial states, each (B, width), in the program's order.
        params: The parameters by (op, key): matrices (rows, cols / blocks), biases and vectors (width,).
        widths: The numbers of the program's widths.
        aux: The auxiliary inputs by name, each (T, B, width) or, if the same at each step, (1, B, width).
        ragged: How sequences of unequal length are packed; the input, the auxiliary inputs and the output are then
            (rows, width), and final states those at each sequence's own end.
        keep: Nodes whose values at each step are asked for.

    Returns:
        The outputs and final states, differentiable by autograd; and the values that were asked for.
    """
    if ragged is not None:
        return _packed(program, x, states, params, widths, aux or {}, ragged, keep)
    kept = _Keeper(program, widths, keep)
    trail = _trail(program, x, states, params, widths, aux, kept)
    output = program.states[0].name
    outputs = [given[output] for given in trail[1:]]
    stacked = torch.stack(outputs) if outputs else states[0].new_zeros((0, *states[0].shape))
    rows = (x.shape[0], states[0].shape[0])
    finals = [trail[-1][i.name] for i in program.states]
    if not outputs:
        stacked, *finals = _tied((stacked, *finals), (x, *(aux or {}).values(), *params.values()))
    return Result(stacked, tuple(finals), kept.values(rows, stacked))


def _tied(results: Sequence[Tensor], read: Sequence[Tensor]) -> list[Tensor]:
    """Ties the results of no steps to what steps would have read, so that these have gradients, of zero."""
    if not torch.is_grad_enabled() or not any(t.requires_grad for t in read):
        return list(results)
    nothing = sum(t.reshape(-1)[:0].sum() for t in read)
    return [r - nothing for r in results]  # minus, which leaves -0.0 as it is


class _Keeper:
    """Collects the values of some nodes, step by step."""

    def __init__(self, program: Program, widths: Mapping[str, int], keep: tuple[int, ...]) -> None:
        self.nodes = keep
        self._widths = {n: widths.get(program.nodes[n].type.width, 1) for n in keep}
        self._found: dict[int, list[Tensor]] = {n: [] for n in keep}

    def take(self, values: Mapping[int, Tensor], rows: int) -> None:
        """The values of a step for so many rows."""
        for n, found in self._found.items():
            found.append(values[n].detach().expand(rows, self._widths[n]))

    def values(self, rows: tuple[int, ...], like: Tensor) -> dict[int, Tensor]:
        """All of them, in the type of `like`."""
        return {
            n: (torch.cat(found).to(like.dtype) if found else like.new_empty(0)).view(*rows, self._widths[n])
            for n, found in self._found.items()
        }


def _packed(
    program: Program,
    x: Tensor,
    states: Sequence[Tensor],
    params: Params,
    widths: Mapping[str, int],
    aux: Mapping[str, Tensor],
    ragged: Ragged,
    keep: tuple[int, ...],
) -> Result:
    run = Evaluator(_planned(program, keep), params, widths, x)
    kept = _Keeper(program, widths, keep)
    whole = run.whole({n: v.unsqueeze(0) for n, v in {"x": x, **aux}.items()})
    sizes = list(ragged.sizes)
    run.hoisted = {n: v for n, v in whole.items() if v.dim() < 3}
    run.varying = {n: v.squeeze(0).split(sizes) for n, v in whole.items() if v.dim() == 3}
    held = {i.name: s for i, s in zip(program.states, states, strict=True)}
    first = program.states[0].name
    outputs = []
    for t, rows in enumerate(sizes):
        before = {n: s[:rows] for n, s in held.items()}
        values = run.step(t, before)
        kept.take(values, rows)
        after = {o.name: values[o.args[0]].expand_as(before[o.name]) for o in program.outputs}
        outputs.append(after[first])
        held = {n: torch.cat((new, held[n][rows:])) for n, new in after.items()}
    output = torch.cat(outputs) if outputs else held[first].new_zeros((0, held[first].shape[1]))
    finals = [held[i.name] for i in program.states]
    if not outputs:
        output, *finals = _tied((output, *finals), (x, *aux.values(), *params.values()))
    return Result(output, tuple(finals), kept.values((len(output),), output))


def _trail(
    program: Program,
    x: Tensor,
    states: Sequence[Tensor],
    params: Params,
    widths: Mapping[str, int],
    aux: Mapping[str, Tensor] | None,
    kept: _Keeper | None = None,
) -> list[dict[str, Tensor]]:
    """The states before each step, and after the last."""
    run = Evaluator(_planned(program, kept.nodes if kept else ()), params, widths, x)
    run.hoist(_given(x, aux))
    trail = [{i.name: s for i, s in zip(program.states, states, strict=True)}]
    for t in range(x.shape[0]):
        values = run.step(t, trail[t])
        if kept is not None:
            kept.take(values, x.shape[1])
        trail.append({o.name: values[o.args[0]].expand_as(trail[t][o.name]) for o in program.outputs})
    return trail


def _given(x: Tensor, aux: Mapping[str, Tensor] | None) -> dict[str, Tensor]:
    return {"x": x} | {n: a.expand(x.shape[0], -1, -1) for n, a in (aux or {}).items()}


def backward(
    program: Program,
    derived: Program,
    x: Tensor,
    states: Sequence[Tensor],
    params: Params,
    widths: Mapping[str, int],
    grad_output: Tensor,
    grad_states: Sequence[Tensor],
    aux: Mapping[str, Tensor] | None = None,
) -> Gradients:
    """Run the backward program of `program` over a sequence, from the last step to the first.

    Args:
        program: The forward program.
        derived: Its backward program, from `conveyor.ir.transforms.autodiff.differentiate`.
        x: As in `forward`.
        states: As in `forward`.
        params: As in `forward`.
        widths: As in `forward`.
        grad_output: Gradient of the loss with respect to the outputs, (T, B, width).
        grad_states: Gradient with respect to each final state, (B, width).
        aux: As in `forward`.

    Returns:
        The gradients; a value that the outputs don't depend on has gradient zero.
    """
    run = Evaluator(_planned(derived), params, widths, x)
    given = _given(x, aux)
    run.hoist(given)
    before = _trail(program, x, states, params, widths, aux)
    names = [i.name for i in program.states]
    grads = dict(zip(names, grad_states, strict=True))
    d_x = torch.zeros_like(x)
    d_aux = {n: torch.zeros_like(a) for n, a in given.items() if n != "x"}
    d_params = {key: torch.zeros_like(p) for key, p in params.items()}
    for t in reversed(range(x.shape[0])):
        received = {f"grad.{n}": g for n, g in grads.items()} | {f"grad_output.{names[0]}": grad_output[t]}
        values = run.step(t, before[t] | received)
        for out in derived.outputs:
            value = values[out.args[0]]
            if out.role == "grad_state":
                grads[out.name] = value.expand_as(grads[out.name])
            elif out.role == "grad_input":
                d_x[t] = value
            elif out.role == "grad_aux":
                d_aux[out.name][t] = value
            elif out.role == "grad_matrix":
                blocks = derived.param[("product", out.name)].blocks  # type: ignore[union-attr]
                d_params[("product", out.name)] += _outer(value, values[out.args[1]], blocks)
            else:
                key = (out.role.removeprefix("grad_"), out.name)
                d_params[key] += value.expand(x.shape[1], -1).sum(0)
    return Gradients(d_x, tuple(grads[n] for n in names), d_aux, d_params)


def _outer(g: Tensor, v: Tensor, blocks: int) -> Tensor:
    """The sum over the batch of g ⊗ v, block by block: (B, rows), (B, cols) → (rows, cols / blocks)."""
    parts = torch.einsum("bkr,bkc->krc", g.unflatten(-1, (blocks, -1)), v.unflatten(-1, (blocks, -1)))
    return parts.flatten(0, 1)
