"""The base class of all modules, and its methods for torch's tools."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NoReturn

from torch import nn

from conveyor import backends
from conveyor.errors import ArgumentError
from conveyor.layers import parameter_groups
from conveyor.layers.core.layer_direction import LayerDirection
from conveyor.layers.core.pickling import SETTINGS, plain_state

_PLANS = ("_plans", "_bound")  # of a module's attributes, those that are worked out again


class Module(nn.Module):
    """The base class of sequence layers and single steps."""

    def __init__(self) -> None:
        # Not torch.nn's LSTM or LSTMCell, which may come behind: what they make is made by our own subclasses.
        nn.Module.__init__(self)
        self._forget()
        backends.why_not("cpu")  # found out now: torch.compile reads it, but could not find it out

    _plans: dict[Any, Any]  # of calls by their signatures, see `conveyor.layers.call_plan`
    _bound: Any  # the parameters that they were last called with

    def _forget(self) -> None:
        """Clear the cached call plans."""
        self.__dict__["_plans"], self.__dict__["_bound"] = {}, None

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name != "training":  # which is a part of a signature
            self._forget()

    # What a pickle leaves out, since it follows from what stands in it.
    _derived: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def _settings_of(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings, read from the module's attributes or from a pickle of an earlier version."""

    @abstractmethod
    def _build(self, settings: Mapping[str, Any]) -> None:
        """Rebuild from settings the attributes that a pickle leaves out."""

    def __getstate__(self) -> dict[str, Any]:
        return plain_state(self.__dict__, (*self._derived, *_PLANS), self._settings_of(self.__dict__))

    def __setstate__(self, state: dict[str, Any]) -> None:
        settings = state[SETTINGS] if SETTINGS in state else self._settings_of(state)
        kept = {name: value for name, value in state.items() if name != SETTINGS and name not in self._derived}
        nn.Module.__setstate__(self, kept)
        self._forget()
        self._build(settings)

    @abstractmethod
    def _all_units(self) -> Sequence[LayerDirection]:
        """Return all layer directions, layer by layer."""

    def parameters_of(self, *gates: str) -> list[nn.Parameter]:
        """Return the parameters of gates, in all layers and directions: a group for an optimizer.

        Gates are stacked in a layer's tensors. The results are views of their rows, in the same memory, which an
        optimizer treats as separate parameters; matrices have two dimensions, biases one.

        Args:
            gates: Names of affine maps in the cell's equations ("f", the LSTM's forget gate), or of a `cv.weight` or
                `cv.layer_norm`.

        Raises:
            ArgumentError: The cells have no such gate, or a parametrization computes the tensor.
        """
        return parameter_groups.parameters_of(self, self._all_units(), gates)

    def parameters_except(self, *gates: str) -> list[nn.Parameter]:
        """Return all parameters but those of these gates: the complement of `parameters_of`.

        Args:
            gates: As in `parameters_of`.

        Raises:
            ArgumentError: The cells have no such gate, or a parametrization computes the tensor.
        """
        return parameter_groups.parameters_except(self, self._all_units(), gates)

    def __prepare_scriptable__(self) -> NoReturn:
        raise ArgumentError(
            f"torch.jit.script reads Python source, and {type(self).__name__} makes code of its own; use torch.export,"
            " or torch.jit.trace, whose graph takes any number of steps"
        )
