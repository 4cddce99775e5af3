"""Every recurrent module of a model, swapped in place for ours, or back."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import nn

from conveyor.errors import ArgumentError
from conveyor.interop.common.report import Receiver, Report, tell
from conveyor.interop.torch import describe
from conveyor.interop.torch.convert import OF_OURS, OF_THEIRS, compared, twin, why_not

M = TypeVar("M", bound=nn.Module)

_BASES = (nn.RNNBase, nn.RNNCellBase)
# What a module's users have hung on it: the very dictionaries move, so that a hook's handle still removes it.
_HOOKS = (
    "_forward_hooks _forward_hooks_with_kwargs _forward_hooks_always_called _forward_pre_hooks"
    " _forward_pre_hooks_with_kwargs _backward_hooks _backward_pre_hooks _is_full_backward_hook _state_dict_hooks"
    " _state_dict_pre_hooks _load_state_dict_pre_hooks _load_state_dict_post_hooks"
).split()


def replace(model: M, *, back: bool = False, report: Receiver | None = None) -> M | Any:
    """Swap every recurrent module of torch.nn inside a model for conveyor's, in place, or with `back` the reverse.

    Names, parameters (the very tensors, so an optimizer made before goes on), hooks, dtype, device and training mode
    stay, so that the model's `state_dict` and checkpoints stay valid; a module that stands in several places is swapped
    for one. Each is run before and after on random input. Subclasses, and modules whose weights are parametrized, are
    left alone and reported so, as are `Recurrent` and `Cell` on the way back, since their parameters have other names.

    Args:
        model: A torch module.
        back: Whether conveyor's layers become torch's again.
        report: Called with a `Report` a module, `print` for example; by default they are logged.

    Returns:
        The model; where it is itself a recurrent module, which can't be swapped in place, its counterpart.

    Raises:
        ArgumentError: `model` is no torch module, or a scripted one.
    """
    if not isinstance(model, nn.Module) or isinstance(model, torch.jit.ScriptModule):
        raise ArgumentError(f"model is a torch.nn.Module that is not scripted, got {type(model).__name__}")
    if not isinstance(back, bool):
        raise ArgumentError(f"back is True or False, got {back!r}")
    known = OF_OURS if back else OF_THEIRS

    def swapped(name: str, module: nn.Module) -> nn.Module:
        result, told = module, None
        reason = why_not(module, known)
        if not reason:
            result = twin(module, known[type(module)], _same)
            told = compared(name, module, result)
            for attribute in _HOOKS:
                if attribute in vars(module):
                    vars(result)[attribute] = vars(module)[attribute]
        elif (isinstance(module, tuple(known)) and not _is_ours(module, back)) or _foreign(module, back):
            told = Report(name, describe(module), describe(module), None, 0.0, reason)
        if told is not None:
            tell(told, report)
        return result

    made = {module: swapped(name, module) for name, module in model.named_modules()}
    for parent in made:
        if not isinstance(parent, torch.jit.ScriptModule):  # its code is fixed, and so is what stands in it
            for name, child in parent._modules.items():
                if child is not None:
                    parent._modules[name] = made[child]
    return made[model]


def _same(parameter: nn.Parameter) -> nn.Parameter:
    return parameter


def _foreign(module: nn.Module, back: bool) -> bool:
    """Whether it is a recurrent module of the side that is being swapped, but none that can be."""
    from conveyor.layers import Cell, Recurrent

    return isinstance(module, Recurrent | Cell) if back else isinstance(module, _BASES) and not _is_ours(module, back)


def _is_ours(module: nn.Module, back: bool) -> bool:
    """Whether it is a layer of conveyor's, which has torch's base class too, where torch's are looked for."""
    from conveyor.layers.core.module import Module

    return not back and isinstance(module, Module)
