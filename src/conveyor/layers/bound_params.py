"""The parameters of a module as plans and streams bind them, and whether they or their values have changed."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from operator import attrgetter, getitem, is_, itemgetter
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook

from conveyor.torch_ops.modes import are_plain

if TYPE_CHECKING:
    from conveyor.layers.core.module import Module


class OptimizerSteps:
    """A count of optimizer steps: fused optimizers write to parameters without raising their version."""

    taken = 0

    @classmethod
    def count(cls, *_: Any) -> None:
        """Add one to the count."""
        cls.taken += 1


register_optimizer_step_post_hook(OptimizerSteps.count)


# Mapped over tensors, these are a call from Python for all of them.
_address = Tensor.data_ptr
_version = attrgetter("_version")
_shape = attrgetter("shape")
_wants_gradient = attrgetter("requires_grad")


class BoundParams:
    """The parameters of a module, and their values' version when last checked.

    Args:
        names: Their names in the module.
        tensors: The tensors that the module holds, or computes, under these names.
        lasts: Whether they persist from call to call.
    """

    def __init__(self, names: Sequence[str], tensors: Sequence[Tensor], lasts: bool = True) -> None:
        # A cell without parameters has none to look up, and what takes one item takes no tuple.
        self._read = itemgetter(*names) if len(names) > 1 else lambda held: tuple([held[name] for name in names])
        self.tensors = tuple(tensors)
        self.lasts = lasts
        self._shapes = list(map(_shape, self.tensors))
        self._wants = list(map(_wants_gradient, self.tensors))
        self.needs_grad = any(self._wants)
        self._has_versions = not any(t.is_inference() for t in self.tensors)
        self._known: tuple[list[int], list[int]] = ([], [])
        self._samples: list[Any] = []
        self._sampled: list[int] = []
        self._seen: Any = None

    @classmethod
    def of(cls, module: Module) -> BoundParams:
        """Bind the current parameters of a module; cached in the module unless they are temporary or computed."""
        held = module._parameters
        names = [name for unit in module._all_units() for name in unit.names]
        tensors = [t for unit in module._all_units() for t in unit.bind(module).tensors]
        lasts = all(type(held.get(name)) is torch.nn.Parameter for name in names)
        bound = cls(names, tensors, lasts)
        if lasts:
            module.__dict__["_bound"] = bound
        return bound

    def is_same(self, held: Mapping[str, Any]) -> bool:
        """Tell whether the module still has the same tensors, with the same `requires_grad`."""
        try:
            now = self._read(held)
        except KeyError:  # a parametrization computes it, or it belongs to a replica
            return False
        return all(map(is_, now, self.tensors)) and list(map(_wants_gradient, now)) == self._wants

    def remember(self) -> None:
        """Remember the version of the values; see `are_known`."""
        self._seen = self.stamp(False)

    def are_known(self, held: Mapping[str, Any]) -> bool:
        """Tell whether the module has the same tensors with the same values as when they were remembered."""
        found, versions, taken, samples = self._seen
        tensors = self.tensors
        try:
            if not all(map(is_, self._read(held), tensors)) or list(map(_address, tensors)) != found:
                return False
        except KeyError:
            return False
        if self._has_versions:
            return bool(OptimizerSteps.taken == taken and list(map(_version, tensors)) == versions)
        return bool(OptimizerSteps.taken == taken and list(map(getitem, self._samples, self._sampled)) == samples)

    def addresses(self, dtype: torch.dtype, stamped: bool = False) -> tuple[list[int] | None, Any]:
        """Read the addresses of their numbers, and if `stamped` the stamp of these.

        Returns:
            The addresses, None if numbers do not lie as code that is compiled for a type reads them; and the stamp.
        """
        found = list(map(_address, self.tensors))
        versions = list(map(_version, self.tensors)) if self._has_versions else []
        if self._known != (found, versions) or not self._has_versions:
            # Written to, which may be a transposition, or given other memory.
            plain = all(t.dtype is dtype and t.is_contiguous() and t.device.type == "cpu" for t in self.tensors)
            if not plain or list(map(_shape, self.tensors)) != self._shapes or not are_plain(self.tensors):
                return None, None
            self._know(found, versions)
        if not stamped:
            return found, None
        return found, (found, versions, OptimizerSteps.taken, list(map(getitem, self._samples, self._sampled)))

    def _know(self, found: list[int], versions: list[int]) -> None:
        if found != self._known[0]:
            kind = ctypes.c_int64 if self.tensors[0].itemsize == 8 else ctypes.c_int32
            sizes = [t.numel() * t.itemsize // ctypes.sizeof(kind) for t in self.tensors]
            views = [(kind * n).from_address(at) for n, at in zip(sizes, found, strict=True)]
            both = zip(views, sizes, strict=True)
            pairs = [(view, k) for view, n in both for k in (n // 8, 3 * n // 8, 5 * n // 8, 7 * n // 8) if n]
            self._samples, self._sampled = [view for view, _ in pairs], [k for _, k in pairs]
        self._known = (found, versions)

    def stamp(self, closely: bool = True) -> Any:
        """Return a version of the parameters' values, which changes when they do.

        torch counts writes to a tensor, but not those of fused optimizers, through `.data`, or to tensors of inference
        mode. So optimizer steps count too; and, `closely` or where torch does not count, four samples of each tensor,
        far apart: a write to all of it, or to one gate's part, is noticed.
        """
        found = list(map(_address, self.tensors))
        versions = list(map(_version, self.tensors)) if self._has_versions else []
        if found != self._known[0]:
            self._know(found, versions)
        closely = closely or not self._has_versions
        samples = list(map(getitem, self._samples, self._sampled)) if closely else []
        return found, versions, OptimizerSteps.taken, samples
