"""The parameters of a program as a layer keeps them: rows of a few tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from conveyor.backends.param_layout import Key, Part, Places

__all__ = ["Key", "Parameters", "Part", "Places"]


class Parameters(Mapping[Key, Tensor]):
    """A program's parameters by (op, key), cut differentiably from the tensors that hold them.

    Args:
        tensors: What holds them.
        places: Where each stands in them.
    """

    def __init__(self, tensors: Sequence[Tensor], places: Places) -> None:
        self.tensors = tuple(tensors)
        self.places = places

    @classmethod
    def of(cls, params: Mapping[Key, Tensor]) -> Parameters:
        """Parameters that each are a tensor of their own."""
        if isinstance(params, cls):
            return params
        parts = {key: (Part(k, 0, len(tensor)),) for k, (key, tensor) in enumerate(params.items())}
        return cls(tuple(params.values()), Places(parts))

    def to(self, dtype: torch.dtype) -> Parameters:
        """The same parameters in another type."""
        for t in self.tensors:
            if t.dtype is not dtype:
                break
        else:
            return self
        return Parameters([t.to(dtype) for t in self.tensors], self.places)

    @cached_property
    def _cut(self) -> dict[tuple[int, int], Tensor]:
        """Each tensor's parts, by where they begin.

        One split of the whole has a backward pass that writes the gradient once; a slice each would write zeros and
        add.
        """
        found: dict[tuple[int, int], Tensor] = {}
        for k, edges in self.places.edges.items():
            tensor = self.tensors[k]
            rows = tensor.shape[0]
            edges = edges if edges[-1] == rows else (*edges, rows)
            pieces = (
                tensor.split([b - a for a, b in zip(edges, edges[1:], strict=False)]) if len(edges) > 2 else [tensor]
            )
            found |= {(k, start): piece for start, piece in zip(edges, pieces, strict=False)}
        return found

    @cached_property
    def _whole(self) -> dict[Key, Tensor]:
        whole = {}
        for key, parts in self.places.parts.items():
            total = self._cut[parts[0].tensor, parts[0].start]
            for p in parts[1:]:
                total = total + self._cut[p.tensor, p.start]
            whole[key] = total
        return whole

    def __getitem__(self, key: Key) -> Tensor:
        return self._whole[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self.places.parts)

    def __len__(self) -> int:
        return len(self.places.parts)
