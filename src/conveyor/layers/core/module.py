"""What every module of conveyor answers to torch's tools."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import NoReturn

from torch import nn

from conveyor import backends
from conveyor.errors import ArgumentError
from conveyor.layers import parameter_groups
from conveyor.layers.core.layer_direction import Unit


class Module(nn.Module):
    """The base of sequence layers and single steps."""

    def __init__(self) -> None:
        super().__init__()
        backends.why_not("cpu")  # found out now: torch.compile reads it, but could not find it out

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
