"""Replaces every recurrent module of a model in place, by conveyor's or back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import torch
from torch import nn

from conveyor.errors import ArgumentError
from conveyor.interop.common.report import Receiver, Report, tell
from conveyor.interop.torch.convert import OF_OURS, OF_THEIRS, Pair, compared, describe, twin, why_not

M = TypeVar("M", bound=nn.Module)

_PARAMETER = re.compile(r"(weight_ih|weight_hh|weight_hr)(_l\d+(_reverse)?)?(_g|_v|_orig|_raw)?")
_RECURRENT = re.compile(r"LSTM|GRU|RNN")
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
    for one. Each is run before and after on random input. Left alone and reported so are subclasses, modules whose
    weights are parametrized, quantised or scripted ones, and others that are recurrent by their class or parameters; on
    the way back `Recurrent` and `Cell`, since their parameters have other names.

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
    inside = {id(m) for m in _within_left(model, known, back)}

    def swapped(name: str, module: nn.Module) -> nn.Module:
        result, told = module, None
        reason = why_not(module, known)
        if not reason:
            result = twin(module, known[type(module)], _same)
            told = compared(name, module, result)
            for attribute in _HOOKS:
                if attribute in vars(module):
                    vars(result)[attribute] = vars(module)[attribute]
        else:
            reason = _why_alone(module, reason, known, back)
            said = _described(module)
            told = Report(name, said, said, None, 0.0, reason) if reason and id(module) not in inside else None
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
    """Tell whether a module is recurrent and of the replaced kind, but of a class that cannot be replaced."""
    from conveyor.layers import Cell, Recurrent

    return isinstance(module, Recurrent | Cell) if back else isinstance(module, _BASES) and not _is_ours(module, back)


def _why_alone(module: nn.Module, reason: str, known: Mapping[type, Pair], back: bool) -> str:
    """Return the reason why a recurrent module is not replaced; empty for one that is not recurrent."""
    if (isinstance(module, tuple(known)) and not _is_ours(module, back)) or _foreign(module, back):
        return reason
    return "" if back or type(module).__module__.startswith("conveyor.") else _why_unlike(module)


def _why_unlike(module: nn.Module) -> str:
    """Return the reason why a module of another class is not replaced, if its class or parameters are recurrent."""
    kind = type(module)
    if isinstance(module, torch.jit.ScriptModule):
        name = str(getattr(module, "original_name", ""))
        return "its code is scripted, and so fixed; replace before torch.jit.script" if _is_recurrent(name) else ""
    if any(".quantiz" in c.__module__ or "quantized" in c.__module__ for c in kind.__mro__):
        if not _is_recurrent(kind.__name__):
            return ""
        return "its weights are quantised, and conveyor's layers are not; replace before quantising"
    own = {n for n, _ in module.named_parameters(recurse=False)} | {n for n, _ in module.named_buffers(recurse=False)}
    if any(_PARAMETER.fullmatch(n) for n in own):
        return f"it has the parameters of a recurrent module, but is a class {kind.__name__} of its own"
    wraps = any(isinstance(m, _BASES) for m in module.modules())
    if _is_recurrent(kind.__name__) and own and not wraps:
        return f"its class {kind.__name__} is none of torch.nn's; write its equations with @cv.cell"
    return ""


def _is_recurrent(name: str) -> bool:
    return _RECURRENT.search(name) is not None


def _within_left(model: nn.Module, known: Mapping[type, Pair], back: bool) -> Iterator[nn.Module]:
    """Yield the modules inside those that are not replaced, which need no report of their own."""
    for module in model.modules():
        reason = why_not(module, known)
        if reason and _why_alone(module, reason, known, back):
            yield from (m for m in module.modules() if m is not module and why_not(m, known))


def _described(module: nn.Module) -> str:
    if isinstance(module, torch.jit.ScriptModule):
        return f"scripted {getattr(module, 'original_name', 'module')}"
    return describe(module)


def _is_ours(module: nn.Module, back: bool) -> bool:
    """Tell whether a module is conveyor's while torch's are replaced, since it has torch's base class too."""
    from conveyor.layers.core.module import Module

    return not back and isinstance(module, Module)
