"""Separate parameters of one gate, for optimizers: views of rows of the tensors in which gates are stacked."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any, NoReturn

import torch
from torch import Tensor, nn
from torch.autograd.grad_mode import _unsafe_preserve_version_counter

from conveyor.errors import ArgumentError, ArgumentTypeError, TensorError
from conveyor.layers.core.layer_direction import LayerDirection


class GateRows(nn.Parameter):
    """Rows of a layer's parameter, in its memory, that an optimizer treats as a separate parameter.

    Their gradient is that of the same rows. Once an optimizer has set it to None it stays None until a backward pass
    adds to it, whatever other rows of the tensor have.
    """

    _owner: nn.Parameter
    _layer: weakref.ref[nn.Module]
    _name: str
    _rows: slice
    _cleared: tuple[Tensor, int] | None

    def __new__(cls, layer: nn.Module, name: str, start: int, stop: int) -> GateRows:
        """Make a view of the rows from `start` to before `stop` of a layer's parameter."""
        owner = layer._parameters[name]
        assert owner is not None
        # A detached view counts its versions with the layer's tensor, so that torch and streams see what is written.
        rows: GateRows = Tensor._make_subclass(cls, owner.detach()[start:stop], owner.requires_grad)
        rows._owner, rows._layer, rows._name, rows._rows = owner, weakref.ref(layer), name, slice(start, stop)
        rows._cleared = None
        return rows

    def _whole(self) -> nn.Parameter:
        """Return the layer's parameter, if these rows still share its memory."""
        layer = self._layer()
        start = self._rows.start * self._owner.stride(0) * self._owner.element_size()
        if (layer is not None and layer._parameters.get(self._name) is not self._owner) or (
            self.data_ptr() != self._owner.data_ptr() + start
        ):
            raise TensorError(
                f"these rows of {self._name} are no more in the layer, whose tensors were moved or replaced since; ask"
                " for parameters_of again and give them to a new optimizer"
            )
        return self._owner

    @property
    def grad(self) -> Tensor | None:
        """The gradient of these rows: a view of the parameter's, or None."""
        found = self._whole().grad
        if self._cleared is not None:
            cleared, version = self._cleared
            if found is cleared and found._version == version:
                return None
            self._cleared = None
        return None if found is None else found.detach()[self._rows]

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        owner = self._whole()
        if value is not None:
            if owner.grad is None:
                owner.grad = torch.zeros_like(owner)
            owner.grad.detach()[self._rows].copy_(value)
            self._cleared = None
        elif owner.grad is not None:
            held = owner.grad
            # Without a new version: what other rows have noted stays true.
            with torch.no_grad(), _unsafe_preserve_version_counter(held):
                held[self._rows].zero_()
            self._cleared = held, held._version

    def __deepcopy__(self, memo: Any) -> NoReturn:
        raise ArgumentTypeError("rows of a layer's parameter can't be copied apart from it; copy the layer and ask it")

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise ArgumentTypeError("rows of a layer's parameter can't be pickled apart from it; pickle the layer")


def parameters_of(layer: nn.Module, units: Iterable[LayerDirection], names: Iterable[str]) -> list[nn.Parameter]:
    """Return the parameters of gates, in all layers and directions.

    Args:
        layer: The module that holds the parameters.
        units: Its layer directions.
        names: The names of affine maps, `cv.weight`s or `cv.layer_norm`s in the cell's equations.
    """
    units, wanted = list(units), set(_checked(units, names))
    return [
        rows
        for unit in units
        for name, start, stop, owners in _pieces(unit)
        if owners & wanted
        for rows in [_rows(layer, name, start, stop)]
    ]


def parameters_except(layer: nn.Module, units: Iterable[LayerDirection], names: Iterable[str]) -> list[nn.Parameter]:
    """Return all parameters but those of these gates; arguments as of `parameters_of`."""
    units, wanted = list(units), set(_checked(units, names))
    found: list[nn.Parameter] = []
    inside = set()
    for unit in units:
        pieces = list(_pieces(unit))
        cut = {name for name, _, _, owners in pieces if owners & wanted}
        inside |= {name for name, _, _, _ in pieces}
        for name in dict.fromkeys(name for name, _, _, _ in pieces):
            if name not in cut:
                found.append(_rows(layer, name, 0, _height(layer, name)))
        found += [
            _rows(layer, name, start, stop)
            for name, start, stop, owners in pieces
            if name in cut and not owners & wanted
        ]
    return found + [p for name, p in layer._parameters.items() if p is not None and name not in inside]


def _pieces(unit: LayerDirection) -> Iterable[tuple[str, int, int, set[str]]]:
    """Iterate over the pieces of each tensor, with the names in the equations whose parameter each is part of."""
    pieces: dict[tuple[str, int, int], set[str]] = {}
    for key, rows in unit.layout.rows.items():
        for r in rows:
            owners = pieces.setdefault((r.slot + unit.suffix, r.start, r.stop), set())
            owners.add(unit.plain.param[key].name)
    return [(*place, owners) for place, owners in pieces.items()]


def _checked(units: list[LayerDirection], names: Iterable[str]) -> list[str]:
    known = list(dict.fromkeys(p.name for u in units for p in u.plain.params))
    asked = list(names)
    if not asked:
        raise ArgumentError(f"names of gates are missing; this layer has {', '.join(known)}")
    for name in asked:
        if name not in known:
            raise ArgumentError(f"gate {name!r} is none of this layer's, which are {', '.join(known)}")
    return asked


def _height(layer: nn.Module, name: str) -> int:
    held = layer._parameters.get(name)
    if held is None:
        raise ArgumentError(
            f"{name} is no parameter now but computed from others (a parametrization, weight_norm); give those to the"
            " optimizer"
        )
    return len(held)


def _rows(layer: nn.Module, name: str, start: int, stop: int) -> nn.Parameter:
    whole = _height(layer, name)
    held = layer._parameters[name]
    assert held is not None
    return held if (start, stop) == (0, whole) else GateRows(layer, name, start, stop)
