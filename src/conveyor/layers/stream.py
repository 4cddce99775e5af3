"""Streams: a layer that is fed step by step and keeps its states."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook

from conveyor.backends.parameters import Parameters
from conveyor.errors import ArgumentError, ArgumentTypeError, TensorError
from conveyor.layers.core.argument_checks import (
    check_aux_names,
    check_input,
    describe,
    refuse_sparse,
    step_aux,
    wrong_tensor,
)
from conveyor.layers.core.connections import read
from conveyor.layers.core.layer_direction import Unit
from conveyor.layers.core.precision import HALF, computed_in
from conveyor.layers.core.stack import Stack
from conveyor.scalars import as_whole
from conveyor.torch_ops import single_step


class Stream:
    """A layer fed step by step, for inference: what a whole sequence gives, bit for bit, one step after another.

    The layer's parameters are read afresh when they have changed: replaced, or written in place. torch takes no note of
    writing through `.data`; call `refresh` after that.

    Args:
        layer: The layer; it runs in one direction.
        batch_size: How many sequences are fed side by side.

    Raises:
        ArgumentError: The layer runs in both directions, or `batch_size` is no positive number.
    """

    def __init__(self, layer: Stack, batch_size: int = 1) -> None:
        if layer.bidirectional:
            raise ArgumentError(
                "a stream runs forwards in time and this layer runs both ways; make it with bidirectional=False"
            )
        self.layer = layer
        self.batch_size = as_whole("batch_size", batch_size, 1, "a positive number of sequences")
        self._runs: list[_Run] = []
        self.refresh()
        self.reset()

    def refresh(self) -> None:
        """Read the layer's parameters again at the next step; the states stay."""
        states = [r.states for r in self._runs]
        self._units = self.layer.units
        self._like = like = self.layer._like()
        self._dtype, self._device = like.dtype, like.device
        run: type[_Run]
        run = _Compiled if self.layer.backend_used == "cpu" else _Plain
        self._runs = [run(unit, self.layer, self.batch_size) for unit in self.layer.units]
        for r, before in zip(self._runs, states, strict=False):
            if all(s.is_meta <= like.is_meta for s in before):  # what was on the meta device has no numbers
                r.put(before)
        self._out = (self.batch_size, self.layer.output_size)
        self._in = torch.Size((self.batch_size, self.layer.input_size))
        # What lies between layers; the last layer writes to the caller's tensor, unless that has another type.
        self._work = computed_in(self._dtype)
        sizes = [(self.batch_size, r.unit.output_size) for r in self._runs]
        self._between = [like.new_empty(size, dtype=self._work) for size in sizes[:-1]]
        self._last = None if self._work is self._dtype else like.new_empty(self._out, dtype=self._work)

    def _renew(self) -> None:
        """Read parameters that have changed; all anew where their type or device, or the layer's equations, have."""
        like = self.layer._like()
        is_same_kind = like.dtype is self._dtype and like.device == self._device
        if not is_same_kind or self.layer.units is not self._units:
            self.refresh()
            return
        self._like = like
        with torch.no_grad():
            for run in self._runs:
                run.load()

    def step(self, x: Tensor, *, out: Tensor | None = None, **aux: Tensor) -> Tensor:
        """One step.

        Args:
            x: (B, input_size).
            out: Where the output goes, (B, output_size) and contiguous; None makes a new tensor.
            aux: The auxiliary inputs that the cell reads, (B,) or (B, K).

        Returns:
            The output, (B, output_size).

        Raises:
            ArgumentError: A shape, dtype or device does not fit, or the input wants a gradient.
        """
        if self.layer.units is not self._units or any([run.is_stale() for run in self._runs]):
            self._renew()
        like = self._like
        if type(x) is not Tensor or x.shape != self._in or x.dtype is not like.dtype or x.requires_grad or x.is_neg():
            x = self._checked(x)
        elif x.layout is not torch.strided:
            refuse_sparse("input", x)
        if out is None:
            out = torch.empty(self._out, dtype=self._dtype, device=self._device)
        else:
            self._check_out(out)
        if aux or self.layer.aux_names:
            names = self.layer.aux_names
            check_aux_names(aux, names, f"cell {describe(self.layer.units)}", "(B,) or (B, K)")
        if not x.is_contiguous():
            x = x.contiguous()
        if self._last is not None:
            x = x.to(self._work)
        connections, first = self.layer.connections, x
        targets = (*self._between, out if self._last is None else self._last)
        for k, (run, target) in enumerate(zip(self._runs, targets, strict=True)):
            run.step(read(connections, k, x, first), aux, target)
            if connections == "residual" and k:
                target += x
            x = target
        return out if self._last is None else out.copy_(self._last)

    @torch.no_grad()
    def run(self, x: Tensor, **aux: Tensor) -> Tensor:
        """Several steps at once.

        Args:
            x: (T, B, input_size), or (B, T, input_size) if the layer is `batch_first`.
            aux: The auxiliary inputs as the layer takes them.

        Returns:
            The outputs, laid out as the input is.
        """
        if isinstance(x, Tensor) and x.dim() == 3 and x.shape[0 if self.layer.batch_first else 1] != self.batch_size:
            raise TensorError(f"input has shape {tuple(x.shape)}, but this stream feeds {self.batch_size} sequences")
        y: Tensor
        with _as_step_by_step(self._device):
            y, fields = self.layer._run(x, tuple(self.state), aux, training=False)
        self.state = fields
        return y

    def _check_out(self, out: Any) -> None:
        like = self._like
        if not isinstance(out, Tensor):
            raise ArgumentTypeError(f"out is a tensor of shape {self._out} and {like.dtype}, got {type(out).__name__}")
        if out.shape != self._out or out.dtype != like.dtype or not out.is_contiguous() or out.device != like.device:
            raise TensorError(
                f"out is a contiguous tensor of shape {self._out} and {like.dtype}, got {tuple(out.shape)}, {out.dtype}"
            )
        if out.requires_grad or out.is_neg():
            raise TensorError("out wants a gradient or is a negated view; pass a plain tensor")
        torch.autograd.graph.increment_version(out)  # whoever has saved it is told

    def _checked(self, x: Any) -> Tensor:
        """The input, with signs that torch has put off written out."""
        check_input(x, self.layer.input_size, self._like, False, (2,))
        if x.shape[0] != self.batch_size:
            raise TensorError(
                f"input has {x.shape[0]} rows, but this stream feeds {self.batch_size} sequences;"
                f" make it with stream(batch_size={x.shape[0]})"
            )
        if x.requires_grad:
            raise TensorError("input wants a gradient, and a stream gives none; pass x.detach()")
        resolved: Tensor = x.resolve_neg()
        return resolved

    # States

    @property
    def state(self) -> Any:
        """The states, a named tuple of (num_layers, B, width) as the layer returns them; copies."""
        return self.layer._named(self.layer._pack([tuple(s.clone() for s in r.states) for r in self._runs]))

    @state.setter
    def state(self, fields: Any) -> None:
        with torch.no_grad():
            like = self._like.to(self._work)
            fields = _in_type(fields, self._work)
            for run, new in zip(self._runs, self.layer._unpack(fields, self.batch_size, like), strict=True):
                run.put(new)

    def reset(self, mask: Tensor | None = None) -> None:
        """Start anew.

        Args:
            mask: (B,) booleans, true where a sequence starts anew; None is all of them.
        """
        with torch.no_grad():
            initial = self.layer._unpack(None, self.batch_size, self._like)
            rows = None if mask is None else self._mask(mask)
            for run, start in zip(self._runs, initial, strict=True):
                new = (
                    start if rows is None else [torch.where(rows, a, b) for a, b in zip(start, run.states, strict=True)]
                )
                run.put(new)

    def _mask(self, mask: Any) -> Tensor:
        if not isinstance(mask, Tensor) or mask.dtype != torch.bool or tuple(mask.shape) != (self.batch_size,):
            got = f"{tuple(mask.shape)} of {mask.dtype}" if isinstance(mask, Tensor) else type(mask).__name__
            raise wrong_tensor(mask)(f"mask is a tensor of shape ({self.batch_size},) of torch.bool, got {got}")
        _require_numbers("mask", mask)
        return mask.to(self._like.device).unsqueeze(-1)

    def reorder(self, index: Tensor) -> None:
        """Let each row go on from the state of another, as a beam search does.

        Args:
            index: (B,) whole numbers; row k goes on from the state of row `index[k]`.
        """
        kinds = (torch.int64, torch.int32)
        if not isinstance(index, Tensor) or index.dtype not in kinds or tuple(index.shape) != (self.batch_size,):
            got = f"{tuple(index.shape)} of {index.dtype}" if isinstance(index, Tensor) else type(index).__name__
            raise wrong_tensor(index)(f"index is a tensor of shape ({self.batch_size},) of torch.int64, got {got}")
        _require_numbers("index", index)
        index = index.to(self._like.device)
        low, high = int(index.min()), int(index.max())
        if low < 0 or high >= self.batch_size:
            raise ArgumentError(f"index has rows from 0 to {self.batch_size - 1}, got {low if low < 0 else high}")
        for run in self._runs:
            run.put([s.index_select(0, index) for s in run.states])

    def __reduce__(self) -> Any:
        raise TypeError("a stream holds memory of this process; copy its layer, and its state by .state")

    def __repr__(self) -> str:
        return f"Stream({self.layer!r}, batch_size={self.batch_size})"


def _in_type(fields: Any, dtype: torch.dtype) -> Any:
    """States of 16 bits in the type of those that a stream keeps; the rest is left for the checks."""
    if isinstance(fields, tuple | list):
        return tuple(_in_type(f, dtype) for f in fields)
    return fields.to(dtype) if isinstance(fields, Tensor) and fields.dtype in HALF else fields


def _require_numbers(name: str, tensor: Tensor) -> None:
    if tensor.is_meta:
        raise TensorError(f"{name} is on the meta device and holds no numbers; make it on the stream's device")


class _Run(ABC):
    """One unit of a layer that runs step by step."""

    def __init__(self, unit: Unit, layer: Stack, batch: int) -> None:
        self.unit = unit
        self.layer = layer
        self.batch = batch
        self.aux = [(a.name, unit.widths[a.width]) for a in unit.program.aux]

    @property
    @abstractmethod
    def states(self) -> tuple[Tensor, ...]:
        """The states after the last step, each (B, width)."""

    @abstractmethod
    def put(self, states: Sequence[Tensor]) -> None:
        """Set the states."""

    @abstractmethod
    def is_stale(self) -> bool:
        """Whether parameters have been replaced or written to since they were read."""

    @abstractmethod
    def load(self) -> None:
        """Read the parameters afresh, which are of the same type and on the same device."""

    @abstractmethod
    def step(self, x: Tensor, aux: Mapping[str, Any], output: Tensor) -> None:
        """One step, whose output is written to a tensor."""

    def given(self, x: Tensor, aux: Mapping[str, Any]) -> dict[str, Tensor]:
        """The auxiliary inputs of the unit, (B, width) each."""
        return {name: step_aux(name, aux[name], x, width) for name, width in self.aux}


class _Plain(_Run):
    """By the reference."""

    def __init__(self, unit: Unit, layer: Stack, batch: int) -> None:
        super().__init__(unit, layer, batch)
        like = layer._like()
        self._kind, self._dtype = _kind(layer), computed_in(like.dtype)
        states = unit.program.states
        self._states = tuple(like.new_zeros((batch, unit.widths[s.width]), dtype=self._dtype) for s in states)

    @property
    def states(self) -> tuple[Tensor, ...]:
        """The states after the last step."""
        return self._states

    def put(self, states: Sequence[Tensor]) -> None:
        """Set the states."""
        self._states = tuple(new.to(old).clone() for new, old in zip(states, self._states, strict=True))

    def is_stale(self) -> bool:
        """Whether the layer has another type or device: numbers are read at each step."""
        return _kind(self.layer) != self._kind

    def load(self) -> None:
        """Nothing: numbers are read at each step."""

    def step(self, x: Tensor, aux: Mapping[str, Any], output: Tensor) -> None:
        """One step."""
        with torch.no_grad(), _as_step_by_step(x.device):
            unit, given = self.unit, self.given(x, aux)
            params = unit.bind(self.layer).to(self._dtype)
            self._states = single_step("reference", unit.program, x, self._states, params, unit.widths, given)
            output.copy_(self._states[0])


def _as_step_by_step(device: torch.device) -> AbstractContextManager[Any]:
    """Leaves autocast aside: compiled steps take the layer's type whatever it says. The meta device has none."""
    return nullcontext() if device.type == "meta" else torch.autocast(device.type, enabled=False)


def _kind(layer: Stack) -> tuple[torch.dtype, torch.device]:
    like = layer._like()
    return like.dtype, like.device


class _Steps:
    """How many steps optimizers have taken: fused ones write to parameters without a note in their versions."""

    taken = 0

    @classmethod
    def count(cls, *_: Any) -> None:
        """One more."""
        cls.taken += 1


register_optimizer_step_post_hook(_Steps.count)


class _Compiled(_Run):
    """By compiled code, with the weights packed once."""

    def __init__(self, unit: Unit, layer: Stack, batch: int) -> None:
        super().__init__(unit, layer, batch)
        from conveyor.backends.cpu import Resident

        self._resident = Resident(unit.program, self._params(), unit.widths, batch)

    def _params(self) -> Parameters:
        params = self.unit.bind(self.layer)
        held = self.layer._parameters
        # Tensors of inference mode take no note of being written to, and those that a parametrization computes are new
        # at each call: None stands for what is never the same.
        self._steps = _Steps.taken
        self._seen = [
            (name, None if t.is_inference() else t, 0 if t.is_inference() else t._version, t.data_ptr())
            for name, t in zip(self.unit.names, params.tensors, strict=True)
        ]
        # Their memory is not given to another tensor meanwhile, whose address would then be the same.
        self._memory = [t.detach() for t in params.tensors]
        self._held = held
        return params.to(computed_in(self.layer._like().dtype))

    def is_stale(self) -> bool:
        """Whether parameters have been replaced or written to since they were read."""
        if self._steps != _Steps.taken:
            return True
        held = self._held
        for name, tensor, version, address in self._seen:
            if held.get(name) is not tensor or tensor is None:
                return True
            if tensor._version != version or tensor.data_ptr() != address:
                return True
        return False

    def load(self) -> None:
        """Read the parameters afresh, which are of the same type and on the same device."""
        self._resident.load(self._params())

    @property
    def states(self) -> tuple[Tensor, ...]:
        """The states after the last step."""
        return self._resident.states

    def put(self, states: Sequence[Tensor]) -> None:
        """Set the states."""
        for own, new in zip(self._resident.states, states, strict=True):
            own.copy_(new)

    def step(self, x: Tensor, aux: Mapping[str, Any], output: Tensor) -> None:
        """One step."""
        given = (x, *(a.detach().contiguous() for a in self.given(x, aux).values())) if self.aux else (x,)
        self._resident.step(given, output)
