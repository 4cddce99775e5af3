"""Layers on each other, fed step by step."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from conveyor.errors import ArgumentError, ConveyorError, shown
from conveyor.runtime.description import RuntimeUnit, units_of
from conveyor.runtime.resident import ResidentStep
from conveyor.runtime.safetensors import read_layer_file


def load(path: str | os.PathLike[str]) -> RuntimeLayer:
    """Reads a layer that `cv.save` wrote, to run it step by step without torch.

    Args:
        path: The file; a `Recurrent`, `LSTM`, `GRU` or `RNN` of one direction.

    Raises:
        ArgumentError: The file is missing, foreign, damaged or of a later version, or its layer has no step.
    """
    file = read_layer_file(path)
    try:
        connections, units = units_of(file)
    except ConveyorError:
        raise
    # Past the checksum a file is one of ours or was made to look so; whatever is wrong, the file is.
    except Exception as error:
        raise ArgumentError(f"path: {path} holds a layer that can't be run here: {error}") from error
    return RuntimeLayer(units, connections)


class RuntimeLayer:
    """A trained layer that runs one sequence step by step and keeps its states.

    Attributes:
        input_size: Width of the input.
        output_size: Width of the output.
        dtype: The type in which it computes.
    """

    def __init__(self, units: tuple[RuntimeUnit, ...], connections: str) -> None:
        self.input_size, self.output_size = units[0].widths["I"], units[-1].output_size
        tensors = [t for u in units for t in u.tensors]
        self.dtype = tensors[0].dtype if tensors else np.dtype(np.float32)
        self._units, self._connections = units, connections
        self._x = np.zeros(self.input_size, self.dtype)
        widths = {a.name: u.widths[a.width] for u in units for a in u.program.aux}
        self._aux = {name: np.zeros(w, self.dtype) for name, w in widths.items()}
        self._outputs = [np.zeros(u.output_size, self.dtype) for u in units]
        self._reads = [self._x]
        self._reads += [np.zeros(u.widths["I"], self.dtype) for u in units[1:]] if connections == "skip" else []
        self._reads += self._outputs[:-1] if connections != "skip" else []
        self._steps = [
            ResidentStep(u, x, y, [self._aux[a.name] for a in u.program.aux])
            for u, x, y in zip(units, self._reads, self._outputs, strict=True)
        ]
        self._shape = (self.input_size,)

    def step(self, x: ArrayLike, **aux: ArrayLike) -> NDArray[Any]:
        """Runs one step.

        Args:
            x: (input_size,); a number where that is 1.
            aux: The auxiliary inputs that the cells read, (width,) each.

        Returns:
            The output, (output_size,), a new array.

        Raises:
            ArgumentError: A shape does not fit, or an auxiliary input is missing or unknown.
        """
        try:
            self._x[...] = x
        except (ValueError, TypeError) as error:
            raise ArgumentError(f"x: expected ({self.input_size},) numbers, got {_form(x)}") from error
        if aux or self._aux:
            self._set_aux(aux)
        for k, run in enumerate(self._steps):
            if k and self._connections == "skip":
                below = self._outputs[k - 1]
                self._reads[k][: len(below)] = below
                self._reads[k][len(below) :] = self._x
            run.step()
            if k and self._connections == "residual":
                self._outputs[k] += self._outputs[k - 1]
        return self._outputs[-1].copy()

    def run(self, x: ArrayLike, **aux: ArrayLike) -> NDArray[Any]:
        """Runs some steps one after another: x (T, input_size) and aux (T, width) to (T, output_size)."""
        steps = np.asarray(x, self.dtype)
        if steps.ndim != 2 or steps.shape[1] != self.input_size:
            raise ArgumentError(f"x: expected (T, {self.input_size}) numbers, got {_form(x)}")
        given = {name: np.asarray(value) for name, value in aux.items()}
        if any(len(value) != len(steps) for value in given.values()):
            raise ArgumentError(
                f"aux: expected {len(steps)} steps of each, as x has, got {[len(v) for v in given.values()]}"
            )
        out = np.empty((len(steps), self.output_size), self.dtype)
        for t in range(len(steps)):
            out[t] = self.step(steps[t], **{name: value[t] for name, value in given.items()})
        return out

    def _set_aux(self, aux: Mapping[str, ArrayLike]) -> None:
        if aux.keys() != self._aux.keys():
            raise ArgumentError(f"aux: expected {', '.join(self._aux) or 'none'}, got {', '.join(aux) or 'none'}")
        for name, value in aux.items():
            try:
                self._aux[name][...] = value
            except (ValueError, TypeError) as error:
                raise ArgumentError(f"{name}: expected {self._aux[name].shape} numbers, got {_form(value)}") from error

    @property
    def states(self) -> tuple[dict[str, NDArray[Any]], ...]:
        """The states of each layer by name, (width,) each; they may be written in place between steps."""
        return tuple(
            {s.name: a for s, a in zip(u.program.states, run.states[run.turn], strict=True)}
            for u, run in zip(self._units, self._steps, strict=True)
        )

    def reset(self) -> None:
        """Starts a new sequence."""
        for run in self._steps:
            run.reset()


def _form(value: Any) -> str:
    return str(np.shape(value)) if isinstance(value, np.ndarray | list | tuple) else shown(value)
