"""Recombines tensors that weight norm, spectral norm and pruning store in parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

Tensors = Mapping[str, Tensor]
_PARAMETRIZED = re.compile(r"((?:.*\.)?)parametrizations\.([^.]+)\.(.+)")


@dataclass(frozen=True)
class Resolved:
    """The tensors by the names of a plain module.

    Attributes:
        tensors: The tensors.
        made: For each recombined tensor the method.
    """

    tensors: dict[str, Tensor]
    made: dict[str, str]


def resolve(tensors: Tensors) -> Resolved:
    """Recombine tensors that torch's hooks or parametrizations store in parts; other tensors are unchanged.

    As the module computes them outside training: weight norm is g·v/|v|, spectral norm W/(uᵀWv) with the vectors that
    were saved, pruning W·mask.
    """
    left = dict(tensors)
    made: dict[str, str] = {}
    for name, parts in _parametrized(tensors).items():
        found = _parametrization({part: tensors[whole] for part, whole in parts.items()})
        if found is not None:
            _take(left, made, name, found, parts.values())
    for name in [*left]:
        for ending, others, kind, combine in _HOOKS:
            base = name.removesuffix(ending)
            parts_of = [base + end for end in (ending, *others)]
            if name.endswith(ending) and base and all(p in left for p in parts_of):
                value = combine(*(left[p] for p in parts_of))
                if value is not None:
                    spare = [base + "_v"] if kind == "spectral norm" and base + "_v" in left else []
                    _take(left, made, base, (value, kind), [*parts_of, *spare])
    return Resolved(left, made)


def _take(
    left: dict[str, Tensor], made: dict[str, str], name: str, found: tuple[Tensor, str], parts: Iterable[str]
) -> None:
    for part in parts:
        left.pop(part, None)
    left[name], made[name] = found


def _parametrized(tensors: Tensors) -> dict[str, dict[str, str]]:
    """Return for each parametrized tensor its parts, by torch's names."""
    found: dict[str, dict[str, str]] = {}
    for whole in tensors:
        match = _PARAMETRIZED.fullmatch(whole)
        if match is not None:
            found.setdefault(match[1] + match[2], {})[match[3]] = whole
    return found


def _parametrization(parts: Tensors) -> tuple[Tensor, str] | None:
    if {*parts} == {"original0", "original1"}:
        value = _weight_norm(parts["original0"], parts["original1"])
        return None if value is None else (value, "weight norm")
    if {*parts} == {"original", "0._u", "0._v"}:
        value = _spectral_norm(parts["original"], parts["0._u"], parts["0._v"])
        return None if value is None else (value, "spectral norm")
    return None


def _weight_norm(g: Tensor, v: Tensor) -> Tensor | None:
    """Compute g·v/|v|, the norm over the axes of which g has one entry."""
    if g.dim() not in (0, v.dim()) or not v.is_floating_point():
        return None
    axes = [k for k in range(v.dim()) if g.dim() == 0 or g.shape[k] == 1]
    if any(g.dim() and k not in axes and g.shape[k] != v.shape[k] for k in range(v.dim())):
        return None
    norm = torch.linalg.vector_norm(v, dim=axes or None, keepdim=g.dim() > 0) if axes else v.abs()
    return v * (g / norm)


def _spectral_norm(weight: Tensor, u: Tensor, v: Tensor | None = None) -> Tensor | None:
    """Compute W/(uᵀWv); u has an entry for each row."""
    matrix = weight.flatten(1) if weight.dim() > 1 else weight.unsqueeze(0)
    if v is None or u.shape != matrix.shape[:1] or v.shape != matrix.shape[1:]:
        return None
    return weight / torch.dot(u, matrix @ v)


def _pruned(weight: Tensor, mask: Tensor) -> Tensor | None:
    return weight * mask.to(weight.dtype) if weight.shape == mask.shape else None


# The ending of the first part, those of the others, what it is, and how they are combined.
_HOOKS: tuple[tuple[str, tuple[str, ...], str, Callable[..., Tensor | None]], ...] = (
    ("_g", ("_v",), "weight norm", _weight_norm),
    ("_orig", ("_u", "_v"), "spectral norm", _spectral_norm),
    ("_orig", ("_mask",), "pruning", _pruned),
)
