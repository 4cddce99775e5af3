"""Calls that torch.fx traces: a layer becomes one node of the graph, as torch.nn's layers do."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.fx import Proxy

from conveyor.errors import TensorError


def is_symbolic(value: Any) -> bool:
    """Tests whether a value is a proxy of torch.fx."""
    return isinstance(value, Proxy)


def call_node(module: nn.Module, *values: Any, aux: Any = None, **named: Any) -> Any:
    """Add the call of a module to the graph that torch.fx is tracing.

    torch.fx treats modules defined in torch.nn as leaves, and runs the forward of others on proxies, which calls this.

    Args:
        module: The module.
        values: The arguments of the call, the first of which is symbolic; None for those that were left out.
        aux: The auxiliary inputs by name, or None.
        named: Arguments by name; those that are None or False were left out.

    Returns:
        The proxy of the result.

    Raises:
        TensorError: The module is itself what torch.fx traces.
    """
    tracer: Any = values[0].tracer
    if tracer.root is module:
        raise TensorError(
            f"torch.fx traces what stands around a layer, and was given the {type(module).__name__} itself; trace the"
            " model that has it, or torch.nn.Sequential(layer)"
        )
    while values[-1] is None:
        values = values[:-1]
    given = {name: value for name, value in named.items() if value is not None and value is not False} | (aux or {})
    return tracer.create_proxy("call_module", tracer.path_of_module(module), values, given)
