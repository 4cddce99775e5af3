"""The chain of a model's modules, in the order in which data passes.

A model can be exported if it is a chain: each module reads what the one before it gives. `nn.Sequential` is one; any
other module says so with a method `chain()` that returns its modules in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from conveyor.errors import ArgumentError
from conveyor.interop.onnx.exporter.graph import Graph
from conveyor.interop.onnx.exporter.recurrence import Recurrence, as_recurrence
from conveyor.layers.options import check_target

Write = Callable[[Graph, Any, str], str]


@dataclass(frozen=True)
class Plain:
    """A module without states.

    Attributes:
        module: The module.
        write: Adds its nodes for an input.
    """

    module: nn.Module
    write: Write


Stage = Recurrence | Plain


def stages_of(model: nn.Module) -> list[Stage]:
    """Return the stages of a model.

    Raises:
        ArgumentError: It has a module that can't be exported, or no recurrent one.
    """
    modules = list(_walk(model))
    several = sum(as_recurrence("", m) is not None for m in modules) > 1
    names: dict[nn.Module, str] = {module: name for name, module in reversed(list(model.named_modules()))}
    stages: list[Stage] = []
    for place, module in enumerate(modules):
        name = names.get(module, "") or f"stage{place}"
        recurrence = as_recurrence(name.replace(".", "_") if several else "", module)
        if recurrence is not None:
            check_target(recurrence.module, "onnx")
        stages.append(recurrence or _plain(module, name))
    found = [s for s in stages if isinstance(s, Recurrence)]
    if not found:
        raise ArgumentError(f"{type(model).__name__} has no recurrent layer of conveyor; to_onnx exports those")
    if len({s.batch_first for s in found if s.batch_first is not None}) > 1:
        raise ArgumentError("some layers of the model have batch_first and some have not; make them all the same")
    return stages


def _walk(module: nn.Module) -> Iterator[nn.Module]:
    if as_recurrence("", module) is not None or type(module) in KINDS:
        yield module
        return
    if isinstance(module, nn.Sequential):
        inside: Any = list(module)
    elif callable(chain := getattr(module, "chain", None)):
        inside = chain()
        if not isinstance(inside, Sequence) or not all(isinstance(m, nn.Module) for m in inside):
            raise ArgumentError(f"{type(module).__name__}.chain() returns a list of modules in order, got {inside!r}")
    else:
        raise ArgumentError(_unknown(module))
    for inner in inside:
        yield from _walk(inner)


def _unknown(module: nn.Module) -> str:
    kind = type(module).__name__
    if isinstance(module, nn.RNNBase | nn.RNNCellBase):
        return f"torch.nn.{kind} is exported as ours: cv.from_torch(module) makes a layer with the same weights"
    known = ", ".join(k.__name__ for k in KINDS)
    return (
        f"{kind} is a module that to_onnx can't walk; it knows conveyor's layers, nn.Sequential, {known}, and modules"
        " with a method chain() that returns the modules which data passes, in order"
    )


def _plain(module: nn.Module, name: str) -> Plain:
    if isinstance(module, nn.Embedding) and module.max_norm is not None:
        raise ArgumentError(f"{name}: an embedding with max_norm changes its weights as it reads; export without it")
    if isinstance(module, nn.LayerNorm) and len(module.normalized_shape) != 1:
        raise ArgumentError(f"{name}: layer norm over {len(module.normalized_shape)} axes; only over the last one")
    if isinstance(module, nn.Softmax | nn.LogSoftmax) and module.dim != -1:
        raise ArgumentError(f"{name}: {type(module).__name__} over axis {module.dim}; only over the last one, dim=-1")
    return Plain(module, KINDS[type(module)])


# What to do for each kind of module; the last axis of a value holds the units.


def _as_is(g: Graph, module: nn.Module, v: str) -> str:
    return v


def _activation(op: str) -> Write:
    return lambda g, module, v: g.add(op, v)


def _embedding(g: Graph, module: nn.Embedding, v: str) -> str:
    return g.add("Gather", _weight(g, module.weight, "embedding"), v, axis=0)


def _linear(g: Graph, module: nn.Linear, v: str) -> str:
    weight = module.weight.detach().cpu().numpy()
    # A weight that the graph has already, that of an embedding, is not stored a second time.
    stored = g.known(weight)
    turned = g.weight(weight.T, "linear") if stored is None else g.add("Transpose", stored, perm=[1, 0])
    product = g.add("MatMul", v, turned)
    return product if module.bias is None else g.add("Add", product, _weight(g, module.bias, "linear_bias"))


def _layer_norm(g: Graph, module: nn.LayerNorm, v: str) -> str:
    gain = module.weight if module.elementwise_affine else torch.ones(module.normalized_shape)
    given = [_weight(g, gain, "gain")]
    if module.elementwise_affine and module.bias is not None:
        given.append(_weight(g, module.bias, "norm_bias"))
    return g.add("LayerNormalization", v, *given, axis=-1, epsilon=module.eps)


def _weight(g: Graph, parameter: torch.Tensor, hint: str) -> str:
    return g.weight(parameter.detach().cpu().numpy(), hint)


KINDS: dict[type[nn.Module], Write] = {
    nn.Embedding: _embedding,
    nn.Linear: _linear,
    nn.LayerNorm: _layer_norm,
    nn.Dropout: _as_is,
    nn.Identity: _as_is,
    nn.ReLU: _activation("Relu"),
    nn.Tanh: _activation("Tanh"),
    nn.Sigmoid: _activation("Sigmoid"),
    nn.Softmax: lambda g, module, v: g.add("Softmax", v, axis=-1),
    nn.LogSoftmax: lambda g, module, v: g.add("LogSoftmax", v, axis=-1),
}


def width_in(stages: Sequence[Stage]) -> int:
    """Return the input width of the first stage that fixes one."""
    for stage in stages:
        if isinstance(stage, Recurrence):
            return stage.input_size
        if isinstance(stage.module, nn.Linear):
            return stage.module.in_features
        if isinstance(stage.module, nn.LayerNorm):
            return int(stage.module.normalized_shape[0])
    raise ArgumentError("no stage of the model says how wide its input is")


def width_out(stage: Stage, width: int) -> int:
    """Return the width of a stage's output, from that of its input."""
    if isinstance(stage, Recurrence):
        return stage.output_size
    if isinstance(stage.module, nn.Linear):
        return stage.module.out_features
    return stage.module.embedding_dim if isinstance(stage.module, nn.Embedding) else width
