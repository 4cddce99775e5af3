"""What torch does around a call: whether it transforms what is computed, records it, or asks for its tangents."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import torch
from torch import Tensor
from torch.autograd import forward_ad

from conveyor.backends.fork import forked

_PLAIN = (Tensor, torch.nn.Parameter)


def is_traced() -> bool:
    """Whether torch.compile, torch.export or torch.jit.trace make a graph of the call, to run it with other tensors."""
    return torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None


def is_transformed() -> bool:
    """Whether a transform of torch.func is at work."""
    functorch: bool = torch._C._are_functorch_transforms_active()
    return functorch


def asks_for_tangents() -> bool:
    """Whether torch is in forward mode, where tensors may be dual."""
    level: int = forward_ad._current_level
    return level >= 0


def keeps_padding() -> bool:
    """Whether sequences of unequal length stay padded: in a graph, or under a transform, lengths are not known."""
    return is_traced() or is_transformed()


def is_watched() -> bool:
    """Whether torch transforms what is computed, or takes notes of it: a compiled pass has no part in that."""
    return is_traced() or is_transformed() or torch._C._len_torch_dispatch_stack() > 0 or asks_for_tangents()


def are_plain(tensors: Iterable[Tensor]) -> bool:
    """Whether tensors have memory, and their numbers lie there as they are.

    That of a batch of tensors has none, that of a subclass may be a stand-in (a fake tensor, a quantised weight), and
    the minus signs of a conjugate's imaginary part may be put off.
    """
    for tensor in tensors:
        if tensor.is_neg() or not torch._C._has_storage(tensor):
            return False
        if type(tensor) not in _PLAIN and torch._C._dispatch_keys(tensor).has(torch._C.DispatchKey.Python):
            return False
    return True


def survive_fork() -> None:
    """In the child of a fork, go on without the threads of its parent."""
    if forked():
        _work_alone()


@lru_cache(maxsize=1)
def _work_alone() -> None:
    """Let torch work on one thread: in the child of a fork, those that its pool waits for are gone."""
    torch.set_num_threads(1)
