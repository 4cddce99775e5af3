"""Checks in backward for states of an earlier call that were not detached, whose graph is freed; torch names none."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from conveyor.errors import TensorError
from conveyor.torch_ops.modes import is_watched

States = tuple[Tensor, ...]
_FAR = 64  # nodes that are looked at; between a state and what made it lie a few views


def watched(states: Sequence[States], names: Sequence[Sequence[str]]) -> list[States]:
    """Return the same states, intercepted: backward raises `TensorError` where it would reach a freed graph.

    Args:
        states: The initial states of each layer direction.
        names: Their names.
    """
    flat = [(s, n) for own, said in zip(states, names, strict=True) for s, n in zip(own, said, strict=True)]
    if not torch.is_grad_enabled() or is_watched() or all(s.grad_fn is None for s, _ in flat):
        return list(states)
    given = iter(_Watched.apply([n for _, n in flat], *(s for s, _ in flat)))  # type: ignore[no-untyped-call]
    return [tuple(next(given) for _ in own) for own in states]


class _Watched(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, names: list[str], *states: Tensor) -> tuple[Tensor, ...]:
        ctx.names = names
        ctx.set_materialize_grads(False)
        return tuple(s.view_as(s) for s in states)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        makers = [maker for maker, _ in ctx.next_functions]
        gone = {
            n: None
            for n, maker, g in zip(ctx.names, makers, grads, strict=True)
            if g is not None and maker is not None and _is_gone(maker)
        }
        if gone:
            raise TensorError(
                f"state {', '.join(gone)} was carried over from a call through which backward has already gone; carry"
                " state.detach(), or iterate with cv.tbptt, which does (retain_graph=True keeps the graph, if the"
                " gradient is meant to go further back; torch: Trying to backward through the graph a second time)"
            )
        return None, *grads


def _is_gone(maker: Any) -> bool:
    """Tell whether the nearest nodes with saved tensors have been freed."""
    todo, seen = deque([maker]), 0
    while todo and seen < _FAR:
        node = todo.popleft()
        seen += 1
        saves = False
        for name in _saved_by(node.__class__):
            try:
                value = getattr(node, name)
            except RuntimeError as error:
                if "freed" in str(error):
                    return True
                value = error
            held = value if isinstance(value, tuple) else (value,)
            saves = saves or any(isinstance(v, Tensor | RuntimeError) for v in held)
        if not saves:
            todo.extend(following for following, _ in node.next_functions if following is not None)
    return False


@lru_cache(maxsize=1024)
def _saved_by(kind: type) -> tuple[str, ...]:
    """Return the attributes of a node class that hold its saved tensors."""
    return tuple(n for n in dir(kind) if n == "saved_tensors" or n.startswith("_saved_"))
