"""Checks of torch's modes around a call: transforms, tracing, dispatch, forward-mode derivatives."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import torch
from torch import Tensor
from torch.autograd import forward_ad

from conveyor.backends.fork import forked

_PLAIN = (Tensor, torch.nn.Parameter)


def is_traced() -> bool:
    """Tell whether torch.compile, torch.export or torch.jit.trace makes a graph of the call."""
    return torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None


def is_transformed() -> bool:
    """Tell whether a transform of torch.func is active."""
    functorch: bool = torch._C._are_functorch_transforms_active()
    return functorch


def asks_for_tangents() -> bool:
    """Tell whether torch is in forward mode, where tensors may be dual."""
    level: int = forward_ad._current_level
    return level >= 0


def keeps_padding() -> bool:
    """Tell whether sequences stay padded: in a graph, or under a transform, lengths are not known."""
    return is_traced() or is_transformed()


def is_watched() -> bool:
    """Tell whether torch intercepts operations (transforms, tracing, dispatch), which a compiled pass bypasses."""
    # Written out: every call asks.
    return (
        torch.compiler.is_compiling()
        or torch._C._are_functorch_transforms_active()
        or torch._C._len_torch_dispatch_stack() > 0
        or torch._C._get_tracing_state() is not None
        or forward_ad._current_level >= 0
    )


def are_plain(tensors: Iterable[Tensor]) -> bool:
    """Tell whether tensors have storage with their values in it.

    A batched tensor has no storage, that of a subclass may be a placeholder (a fake tensor, a quantised weight), and
    the negation of a conjugate's imaginary part may be lazy.
    """
    for tensor in tensors:
        if tensor.is_neg() or not torch._C._has_storage(tensor):
            return False
        if type(tensor) not in _PLAIN and torch._C._dispatch_keys(tensor).has(torch._C.DispatchKey.Python):
            return False
    return True


def survive_fork() -> None:
    """Set torch to one thread in a forked child, which lacks its parent's threads."""
    if forked():
        _work_alone()


@lru_cache(maxsize=1)
def _work_alone() -> None:
    """Set torch to one thread: in a forked child the threads of its pool are gone."""
    torch.set_num_threads(1)
