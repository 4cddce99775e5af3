"""A network to be built, in plain arrays: layers of programs between what comes in and what goes out. No torch here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from conveyor.ir.program import Program

Floats = NDArray[np.float32]
Key = tuple[str, str]  # the op that reads a parameter, and its key


@dataclass(frozen=True, eq=False)
class Layer:
    """One recurrent layer.

    Attributes:
        name: The cell's name, for people.
        program: One step of it.
        widths: The numbers of its widths.
        parameters: Its parameters, a matrix (rows, cols / blocks), a bias or vector (width,).
        initial: The states before the first step, (width,) each.
    """

    name: str
    program: Program
    widths: Mapping[str, int]
    parameters: Mapping[Key, Floats]
    initial: tuple[Floats, ...]

    @property
    def input_size(self) -> int:
        """Width of x."""
        return self.widths["I"]

    @property
    def output_size(self) -> int:
        """Width of the first state, the output."""
        return self.widths[self.program.states[0].width]


@dataclass(frozen=True, eq=False)
class Linear:
    """A matrix (outputs, inputs) and a bias (outputs,) or none."""

    weight: Floats
    bias: Floats | None


@dataclass(frozen=True, eq=False)
class Network:
    """A trained network, from the input of a step to its output.

    Attributes:
        embedding: A table (tokens, width) that the token of a step is looked up in, or None.
        projections: Linear maps before the recurrent layers.
        layers: The recurrent layers, the lowest first.
        connections: `plain`, `residual` or `skip`.
        heads: Linear maps behind the layers.
        activation: `softmax`, `sigmoid` or nothing, at the end.
        skips_input: Whether the input is added to the output.
        aux: The auxiliary inputs that the layers read, and their widths.
    """

    embedding: Floats | None
    projections: tuple[Linear, ...]
    layers: tuple[Layer, ...]
    connections: str = "plain"
    heads: tuple[Linear, ...] = ()
    activation: str = ""
    skips_input: bool = False
    aux: Mapping[str, int] = field(default_factory=dict)

    @property
    def input_size(self) -> int:
        """Numbers that a step is given, the auxiliary inputs aside; 1, the token, with an embedding."""
        if self.embedding is not None:
            return 1
        return self.projections[0].weight.shape[1] if self.projections else self.layers[0].input_size

    @property
    def inputs(self) -> int:
        """Numbers that a step is given: the input, then the auxiliary inputs."""
        return self.input_size + sum(self.aux.values())

    @property
    def outputs(self) -> int:
        """Numbers that a step gives."""
        return self.heads[-1].weight.shape[0] if self.heads else self.layers[-1].output_size

    def arrays(self) -> list[Floats]:
        """Every learned array, in a fixed order."""
        found = [] if self.embedding is None else [self.embedding]
        for linear in self.projections:
            found += [linear.weight] + ([] if linear.bias is None else [linear.bias])
        for layer in self.layers:
            found += [layer.parameters[key] for key in sorted(layer.parameters)]
            found += list(layer.initial)
        for linear in self.heads:
            found += [linear.weight] + ([] if linear.bias is None else [linear.bias])
        return found

    @property
    def parameter_count(self) -> int:
        """The number of learned parameters."""
        return sum(a.size for a in self.arrays())

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the equations and sizes."""
        found = hashlib.sha256(f"{self.connections} {self.activation} {self.skips_input} {self.inputs}\n".encode())
        for layer in self.layers:
            sizes = " ".join(f"{k}={v}" for k, v in sorted(layer.widths.items()))
            found.update(f"{layer.program.hash} {sizes}\n".encode())
        return found.hexdigest()

    @property
    def checksum(self) -> str:
        """SHA-256 of the weights."""
        found = hashlib.sha256()
        for array in self.arrays():
            found.update(f"{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
        return found.hexdigest()
