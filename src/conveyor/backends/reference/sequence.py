"""The reference backend: plain torch operations, a time loop in Python. It is the definition that others agree with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from conveyor.backends.interface import Gradients, Parameters, RecurrenceArgs, Residuals
from conveyor.backends.reference.evaluate import Evaluator
from conveyor.ir.program import Program
from conveyor.ir.transforms.plan import Plan, plan


@lru_cache(maxsize=256)
def _planned(program: Program, keep: tuple[int, ...] = ()) -> Plan:
    return plan(program, keep)


def forward(args: RecurrenceArgs) -> Residuals:
    """Run a program over a sequence.

    Returns:
        The outputs and final states, differentiable by autograd; and the recorded values.
    """
    if args.varlen is not None:
        return _packed(args)
    program, x, states = args.program, args.x, args.states
    kept = _Keeper(program, args.widths, args.keep)
    trail = _trail(args, args.parameters, kept)
    output = program.states[0].name
    outputs = [given[output] for given in trail[1:]]
    stacked = torch.stack(outputs) if outputs else states[0].new_zeros((0, *states[0].shape))
    rows = (x.shape[0], states[0].shape[0])
    finals = [trail[-1][i.name] for i in program.states]
    if not outputs:
        stacked, *finals = _tied((stacked, *finals), (x, *args.aux, *args.params))
    return Residuals(stacked, tuple(finals), kept.values(rows, stacked))


def _tied(results: Sequence[Tensor], read: Sequence[Tensor]) -> list[Tensor]:
    """Ties the results of zero time steps to the tensors that steps would read, so that these get zero gradients."""
    if not torch.is_grad_enabled() or not any(t.requires_grad for t in read):
        return list(results)
    nothing = sum(t.reshape(-1)[:0].sum() for t in read)
    return [r - nothing for r in results]  # minus, which leaves -0.0 as it is


class _Keeper:
    """Records the values of some nodes, step by step."""

    def __init__(self, program: Program, widths: Mapping[str, int], keep: tuple[int, ...]) -> None:
        self.nodes = keep
        self._widths = {n: widths.get(program.nodes[n].type.width, 1) for n in keep}
        self._found: dict[int, list[Tensor]] = {n: [] for n in keep}

    def take(self, values: Mapping[int, Tensor], rows: int) -> None:
        """Record the values of one time step, for its first `rows` rows."""
        for n, found in self._found.items():
            found.append(values[n].detach().expand(rows, self._widths[n]))

    def values(self, rows: tuple[int, ...], like: Tensor) -> dict[int, Tensor]:
        """Return all recorded values, in the dtype of `like`."""
        return {
            n: (torch.cat(found).to(like.dtype) if found else like.new_empty(0)).view(*rows, self._widths[n])
            for n, found in self._found.items()
        }


def _packed(args: RecurrenceArgs) -> Residuals:
    program, states, varlen = args.program, args.states, args.varlen
    assert varlen is not None
    run = Evaluator(_planned(program, args.keep), args.parameters, args.widths, args.x)
    kept = _Keeper(program, args.widths, args.keep)
    whole = run.whole({n: v.unsqueeze(0) for n, v in {"x": args.x, **args.aux_by_name}.items()})
    sizes = list(varlen.sizes)
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
        output, *finals = _tied((output, *finals), (args.x, *args.aux, *args.params))
    return Residuals(output, tuple(finals), kept.values((len(output),), output))


def _trail(args: RecurrenceArgs, params: Parameters, kept: _Keeper | None = None) -> list[dict[str, Tensor]]:
    """Return the state history: the states before each time step, and after the last."""
    program, x = args.program, args.x
    run = Evaluator(_planned(program, kept.nodes if kept else ()), params, args.widths, x)
    run.hoist(_given(args))
    trail = [{i.name: s for i, s in zip(program.states, args.states, strict=True)}]
    for t in range(x.shape[0]):
        values = run.step(t, trail[t])
        if kept is not None:
            kept.take(values, x.shape[1])
        trail.append({o.name: values[o.args[0]].expand_as(trail[t][o.name]) for o in program.outputs})
    return trail


def _given(args: RecurrenceArgs) -> dict[str, Tensor]:
    return {"x": args.x} | {n: a.expand(args.x.shape[0], -1, -1) for n, a in args.aux_by_name.items()}


def backward(args: RecurrenceArgs, derived: Program, grad_output: Tensor, grad_states: Sequence[Tensor]) -> Gradients:
    """Run the backward program of a program over a sequence, from the last step to the first.

    Args:
        args: The arguments of the forward pass; padded.
        derived: Its backward program, from `conveyor.ir.transforms.autodiff.differentiate`.
        grad_output: Gradient of the loss with respect to the outputs, (T, B, width).
        grad_states: Gradient with respect to each final state, (B, width).

    Returns:
        The gradients; a value that the outputs don't depend on has gradient zero.
    """
    program, x, params = args.program, args.x, args.parameters
    run = Evaluator(_planned(derived), params, args.widths, x)
    given = _given(args)
    run.hoist(given)
    before = _trail(args, params)
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
    tensors = tuple(torch.zeros_like(t) for t in args.params)
    for key, parts in params.layout.parts.items():
        for p in parts:
            tensors[p.tensor][p.start : p.stop] += d_params[key]
    return Gradients(d_x, tuple(grads[n] for n in names), tuple(d_aux.values()), tensors)


def _outer(g: Tensor, v: Tensor, blocks: int) -> Tensor:
    """Sum g ⊗ v over the batch, block by block: (B, rows), (B, cols) → (rows, cols / blocks)."""
    parts = torch.einsum("bkr,bkc->krc", g.unflatten(-1, (blocks, -1)), v.unflatten(-1, (blocks, -1)))
    return parts.flatten(0, 1)
