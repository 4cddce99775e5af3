"""The timed layers: one of conveyor's and its baselines, on the same tensors."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

import conveyor as cv
from conveyor.bench.loop import plain_loop
from conveyor.errors import ArgumentError, BackendError
from conveyor.frontend import CellDefinition
from conveyor.ir.program import Program
from conveyor.ir.transforms.param_layout import merged_layout, named_widths, resolve_widths


class Size(NamedTuple):
    """The sizes T, B, I and H."""

    T: int
    B: int
    I: int  # noqa: E741 - the field's letter
    H: int

    @property
    def label(self) -> str:
        """T×B×H, with the input's width if it differs."""
        return f"{self.T}×{self.B}×{self.H}" if self.I == self.H else f"{self.T}×{self.B}×{self.I}→{self.H}"

    @property
    def facts(self) -> dict[str, float]:
        """The sizes by letter."""
        return dict(zip("TBIH", self, strict=True))


def square(steps: int, batch: int, hidden: int) -> Size:
    """Make a size whose input is as wide as the hidden state."""
    return Size(steps, batch, hidden, hidden)


@dataclass(frozen=True)
class TimedLayer:
    """A layer that is timed on a sequence.

    Attributes:
        forward: Computes the output, (T, B, width).
        leaves: The tensors with gradients: the input and the parameters.
        gradients: The output and all gradients by name, for a gradient of the output.
    """

    forward: Callable[[], Tensor]
    leaves: tuple[Tensor, ...]
    gradients: Callable[[Tensor], Mapping[str, Tensor]]

    def train(self, gradient: Tensor) -> Callable[[], None]:
        """Return a function that runs a forward and a backward pass, with new gradients as after `zero_grad`."""

        def step() -> None:
            for leaf in self.leaves:
                leaf.grad = None
            self.forward().backward(gradient)

        return step

    def infer(self) -> Callable[[], None]:
        """Return a function that runs a forward pass in inference mode."""

        def step() -> None:
            with torch.inference_mode():
                self.forward()

        return step


@dataclass(frozen=True)
class Setting:
    """A cell at a size, with its tensors.

    Attributes:
        cell: The cell.
        size: The size.
        sizes: Numbers for the widths that the cell names.
        dtype: The dtype of all tensors.
        x: The input, (T, B, I), whose gradient is wanted.
        aux: The auxiliary inputs.
    """

    cell: CellDefinition
    size: Size
    sizes: Mapping[str, int]
    dtype: torch.dtype
    x: Tensor
    aux: Mapping[str, Tensor]

    @property
    def program(self) -> Program:
        """The cell's program."""
        return self.cell.program

    @property
    def widths(self) -> Mapping[str, int]:
        """The values of the program's widths."""
        return resolve_widths(self.program, self.size.I, self.size.H, self.sizes)

    @property
    def rows(self) -> int:
        """The rows of all time steps, T x B."""
        return self.size.T * self.size.B

    def gradient(self) -> Tensor:
        """Return a gradient of the output."""
        return torch.randn(self.size.T, self.size.B, self.widths[self.program.states[0].width], dtype=self.dtype)


def setting(cell: CellDefinition, size: Size, dtype: torch.dtype = torch.float32) -> Setting:
    """Make a setting of a cell; widths that it names are half the hidden size.

    Raises:
        ArgumentError: The size doesn't fit the cell.
    """
    sizes = {w: max(1, size.H // 2) for w in named_widths(cell.program)}
    widths = resolve_widths(cell.program, size.I, size.H, sizes)
    x = torch.randn(size.T, size.B, size.I, dtype=dtype, requires_grad=True)
    # Between 0 and 1, so that they will do as time gaps and as masks.
    aux = {a.name: torch.rand(size.T, size.B, widths[a.width], dtype=dtype) for a in cell.program.aux}
    return Setting(cell, size, sizes, dtype, x, aux)


def _timed_layer(module: nn.Module, given: Setting, **aux: Tensor) -> TimedLayer:
    def forward() -> Tensor:
        output: Tensor = module(given.x, **aux)[0]
        return output

    return _of(forward, {"x": given.x, **dict(module.named_parameters())})


def _of(
    forward: Callable[[], Tensor], wanted: Mapping[str, Tensor], checked: Callable[[], Tensor] | None = None
) -> TimedLayer:
    """Make a timed layer; `checked` is the forward pass whose leaves are `wanted`, if `forward` has other leaves."""

    def gradients(gradient: Tensor) -> Mapping[str, Tensor]:
        output = (checked or forward)()
        found = torch.autograd.grad(output, list(wanted.values()), gradient, allow_unused=True)
        filled = [torch.zeros_like(t) if g is None else g for g, t in zip(found, wanted.values(), strict=True)]
        return {"output": output, **{f"gradient of {n}": g for n, g in zip(wanted, filled, strict=True)}}

    return TimedLayer(forward, tuple(wanted.values()), gradients)


@dataclass(frozen=True)
class Pair:
    """A conveyor layer and a baseline on the same tensors.

    Attributes:
        ours: The conveyor layer.
        theirs: The baseline.
        truth: Makes the reference backend's layer with the same values, in float64.
    """

    ours: TimedLayer
    theirs: TimedLayer
    truth: Callable[[], TimedLayer]


def _truth(make: Callable[..., nn.Module], module: nn.Module, given: Setting) -> Callable[[], TimedLayer]:
    def exact() -> TimedLayer:
        twin = make(dtype=torch.float64, backend="reference")
        twin.load_state_dict(module.state_dict())
        x = given.x.detach().double().requires_grad_()
        aux = {n: a.double() for n, a in given.aux.items()}
        return _timed_layer(twin, replace(given, x=x, aux=aux, dtype=torch.float64), **aux)

    return exact


def _maker(given: Setting) -> Callable[..., nn.Module]:
    """Return the constructor of the conveyor layer."""
    return partial(cv.Recurrent, given.cell, given.size.I, given.size.H, sizes=given.sizes or None)


def layer(given: Setting) -> TimedLayer:
    """Make the conveyor layer, without a baseline."""
    return _timed_layer(_maker(given)(dtype=given.dtype), given, **given.aux)


# Cells that torch has a layer for: ours, torch's, and what both are told beside their sizes.
_TORCH: dict[str, tuple[Any, Any, Callable[[Size], dict[str, Any]]]] = {
    "lstm": (cv.LSTM, nn.LSTM, lambda size: {}),
    "gru": (cv.GRU, nn.GRU, lambda size: {}),
    "rnn": (cv.RNN, nn.RNN, lambda size: {}),
    "lstm_projection": (cv.LSTM, nn.LSTM, lambda size: {"proj_size": max(1, size.H // 2)}),
}


def has_torch_layer(cell: CellDefinition) -> bool:
    """Tell whether torch.nn has a layer for a cell."""
    return cell.name in _TORCH and cell is cv.cells[cell.name]


def beside_torch(given: Setting) -> Pair:
    """Make the conveyor layer and torch.nn's.

    Raises:
        ArgumentError: torch.nn has no such layer.
    """
    if not has_torch_layer(given.cell):
        raise ArgumentError(
            f"against: torch.nn has no layer for {given.cell.name!r}, it has {', '.join(_TORCH)}; try --against loop"
        )
    ours, theirs, options = _TORCH[given.cell.name]
    make = partial(ours, given.size.I, given.size.H, **options(given.size))
    first = make(dtype=given.dtype)
    second = theirs(given.size.I, given.size.H, dtype=given.dtype, **options(given.size))
    second.load_state_dict(first.state_dict())
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # torch says once that projections miss its fast path, which is what we measure
        second(given.x[:1])
    return Pair(_timed_layer(first, given), _timed_layer(second, given), _truth(make, first, given))


def beside_reference(given: Setting) -> Pair:
    """Make the conveyor layer and the reference backend's."""
    make = _maker(given)
    first, second = (make(dtype=given.dtype, backend=backend) for backend in ("auto", "reference"))
    second.load_state_dict(first.state_dict())
    ours, theirs = (_timed_layer(module, given, **given.aux) for module in (first, second))
    return Pair(ours, theirs, _truth(make, first, given))


def beside_loop(given: Setting, change: Callable[[Any], Any] = lambda run: run) -> Pair:
    """Make the conveyor layer and the best plain loop.

    Args:
        given: The cell and its tensors.
        change: Transforms the loop's function, such as `torch.compile`.
    """
    make = _maker(given)
    module = make(dtype=given.dtype)
    program, widths = given.program, given.widths
    loop = plain_loop(program, widths)
    run = change(loop.run)
    slots = dict(module.named_parameters())
    rows = merged_layout(program, widths).rows
    states = [torch.zeros(given.size.B, widths[s.width], dtype=given.dtype) for s in program.states]

    def packed() -> list[Tensor]:
        params: dict[tuple[str, str], Tensor] = {}
        for key, parts in rows.items():
            cut = [slots[f"{part.slot}_l0"][part.start : part.stop] for part in parts]
            params[key] = sum(cut[1:], cut[0])
        return loop.pack(params)

    leaves = [p.detach().contiguous().requires_grad_() for p in packed()]

    def called(params: list[Tensor]) -> Tensor:
        output: Tensor = run(given.x, states, params, given.aux)[0]
        return output

    theirs = _of(lambda: called(leaves), {"x": given.x, **slots}, lambda: called(packed()))
    theirs = replace(theirs, leaves=(given.x, *leaves))
    return Pair(_timed_layer(module, given, **given.aux), theirs, _truth(make, module, given))


def beside_compiled_loop(given: Setting) -> Pair:
    """Make the conveyor layer and the best plain loop under torch.compile.

    Raises:
        BackendError: At the first call of the baseline, if torch.compile fails here.
    """

    def change(run: Any) -> Any:
        compiled: Callable[..., Any] = torch.compile(run)

        def call(*arguments: Any) -> Any:
            try:
                return compiled(*arguments)
            except Exception as error:
                lines = str(error).strip().splitlines() or [type(error).__name__]
                raise BackendError(f"against: torch.compile fails here: {lines[0]}") from error

        return call

    return beside_loop(given, change)
