"""What every module of conveyor answers to torch's tools."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NoReturn

from torch import nn

from conveyor import backends
from conveyor.errors import ArgumentError
from conveyor.layers import parameter_groups
from conveyor.layers.core.layer_direction import Unit


class Module(nn.Module):
    """The base of sequence layers and single steps."""

    def __init__(self) -> None:
        super().__init__()
        self._forget()
        backends.why_not("cpu")  # found out now: torch.compile reads it, but could not find it out

    _plans: dict[Any, Any]  # of calls by their signatures, see `conveyor.layers.call_plan`
    _bound: Any  # the parameters that they were last called with

    def _forget(self) -> None:
        """Forget the plans of calls."""
        self.__dict__["_plans"], self.__dict__["_bound"] = {}, None

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name != "training":  # which is a part of a signature
            self._forget()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_plans": {}, "_bound": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._forget()

    @abstractmethod
    def _all_units(self) -> Sequence[Unit]:
        """What runs, layer by layer."""

    def parameters_of(self, *gates: str) -> list[nn.Parameter]:
        """The parameters of gates, in all layers and directions: a group for an optimizer.

        Gates lie side by side in a layer's tensors. What comes back are rows of these, in the same memory, which an
        optimizer takes for parameters of their own; matrices have two dimensions, biases one.

        Args:
            gates: Names of affine maps in the cell's equations ("f", the LSTM's forget gate), or of a `cv.weight` or
                `cv.layer_norm`.

        Raises:
            ArgumentError: The cells have no such gate, or a parametrization computes the tensor.
        """
        return parameter_groups.parameters_of(self, self._all_units(), gates)

    def parameters_except(self, *gates: str) -> list[nn.Parameter]:
        """All parameters but those of these gates: the group beside that of `parameters_of`.

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
