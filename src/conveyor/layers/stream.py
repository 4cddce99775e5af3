"""Streams, which run a layer step by step and hold its states."""

from __future__ import annotations

import ctypes
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from conveyor.backends.interface import RecurrenceArgs, RecurrenceSpec
from conveyor.errors import ArgumentError, ArgumentTypeError, TensorError
from conveyor.layers.arguments.checks import (
    check_aux_names,
    check_input,
    describe,
    refuse_sparse,
    step_aux,
    wrong_tensor,
)
from conveyor.layers.arguments.precision import HALF, computed_in
from conveyor.layers.bound_params import BoundParams
from conveyor.layers.core.connections import read
from conveyor.layers.core.layer_direction import LayerDirection
from conveyor.layers.core.stack import Stack
from conveyor.scalars import as_whole
from conveyor.torch_ops import recurrence


class Stream:
    """A layer run step by step, for inference, with the same bits as for the sequence at once.

    The layer's parameters are read anew when they have changed: replaced, or written in place. torch does not notice
    writes through `.data`; call `refresh` after those.

    Args:
        layer: The layer; it runs in one direction.
        batch_size: The number of sequences, B.

    Raises:
        ArgumentError: The layer runs in both directions, or `batch_size` is not a positive integer.
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
        states = self._states()
        self._units = self.layer.units
        self._like = like = self.layer._like()
        self._dtype, self._device = like.dtype, like.device
        layer, units = self.layer, self.layer.units
        if layer.backend_used != "cpu":
            self._runs = [_Plain((unit,), layer, self.batch_size) for unit in units]
        else:
            # All layers at once, where nothing is to be done between them.
            even = layer.connections == "plain" and all(f.even for f in layer._fields) and not layer.aux_names
            parts = [units] if even else [(unit,) for unit in units]
            self._runs = [_Compiled(part, layer, self.batch_size) for part in parts]
        if states and all(s.is_meta <= like.is_meta for own in states for s in own):  # the meta device has no numbers
            self._put(states)
        self._out = (self.batch_size, self.layer.output_size)
        self._in = torch.Size((self.batch_size, self.layer.input_size))
        # What lies between layers; the last layer writes to the caller's tensor, unless that has another type.
        self._work = computed_in(self._dtype)
        sizes = [(self.batch_size, r.units[-1].output_size) for r in self._runs]
        self._between = [like.new_empty(size, dtype=self._work) for size in sizes[:-1]]
        self._output = like.new_empty(self._out)
        plain = len(self._runs) == 1 and self._work is self._dtype and not self.layer.aux_names
        self._only = self._runs[0] if plain and isinstance(self._runs[0], _Compiled) else None
        self._last = None if self._work is self._dtype else like.new_empty(self._out, dtype=self._work)

    def step(self, x: Tensor, *, out: Tensor | None = None, **aux: Tensor) -> Tensor:
        """Run one time step.

        Args:
            x: (B, input_size).
            out: The tensor that receives the output, (B, output_size) and contiguous; None makes a new one.
            aux: The auxiliary inputs that the cell reads, (B,) or (B, K).

        Returns:
            The output, (B, output_size).

        Raises:
            ArgumentError: A shape, dtype or device does not fit, or the input requires a gradient.
        """
        if (
            self._only is not None and self.layer.units is self._units
            and type(x) is Tensor and x.layout is torch.strided and x.shape == self._in and x.dtype is self._dtype
            and not aux and not x.requires_grad and x.is_cpu and not x.is_neg() and x.is_contiguous()
        ):  # fmt: skip
            if out is None:
                out = torch.empty_like(self._output)
            else:
                self._check_out(out)
            if self._only.step(x, aux, out):
                return out
        like = self.layer._like()
        if like.dtype is not self._dtype or like.device != self._device or self.layer.units is not self._units:
            self.refresh()
            like = self._like
        if isinstance(x, Tensor) and x.layout is not torch.strided:
            refuse_sparse("input", x)
        if type(x) is not Tensor or x.shape != self._in or x.dtype is not like.dtype or x.requires_grad or x.is_neg():
            x = self._checked(x)
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
        """Run several time steps at once.

        Args:
            x: (T, B, input_size), or (B, T, input_size) if the layer is `batch_first`.
            aux: The auxiliary inputs as the layer takes them.

        Returns:
            The outputs, laid out as the input is.
        """
        if isinstance(x, Tensor) and x.dim() == 3 and x.shape[0 if self.layer.batch_first else 1] != self.batch_size:
            raise TensorError(f"input has shape {tuple(x.shape)}, but this stream feeds {self.batch_size} sequences")
        y: Tensor
        with torch.autocast(self._device.type, enabled=False):  # as step by step
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
        torch.autograd.graph.increment_version(out)  # so that autograd detects the write

    def _checked(self, x: Any) -> Tensor:
        """Check the input; returns it with a lazy negation resolved."""
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
        return self.layer._named(self.layer._pack([tuple(s.clone() for s in own) for own in self._states()]))

    @state.setter
    def state(self, fields: Any) -> None:
        with torch.no_grad():
            like = self._like.to(self._work)
            fields = _in_type(fields, self._work)
            self._put(self.layer._unpack(fields, self.batch_size, like))

    def _states(self) -> list[Sequence[Tensor]]:
        """Return the states of each layer direction."""
        return [own for run in self._runs for own in run.states]

    def _put(self, states: Sequence[Sequence[Tensor]]) -> None:
        """Set the states of each layer direction."""
        rest = iter(states)
        for run in self._runs:
            run.put([next(rest) for _ in run.units])

    def reset(self, mask: Tensor | None = None) -> None:
        """Reset states to the initial ones.

        Args:
            mask: (B,) booleans, true where a sequence starts; None resets all.
        """
        with torch.no_grad():
            initial = self.layer._unpack(None, self.batch_size, self._like)
            rows = None if mask is None else self._mask(mask)
            if rows is not None:
                pairs = zip(initial, self._states(), strict=True)
                initial = [tuple(torch.where(rows, a, b) for a, b in zip(*pair, strict=True)) for pair in pairs]
            self._put(initial)

    def _mask(self, mask: Any) -> Tensor:
        if not isinstance(mask, Tensor) or mask.dtype != torch.bool or tuple(mask.shape) != (self.batch_size,):
            got = f"{tuple(mask.shape)} of {mask.dtype}" if isinstance(mask, Tensor) else type(mask).__name__
            raise wrong_tensor(mask)(f"mask is a tensor of shape ({self.batch_size},) of torch.bool, got {got}")
        _require_numbers("mask", mask)
        return mask.to(self._like.device).unsqueeze(-1)

    def reorder(self, index: Tensor) -> None:
        """Reorder the states by rows, as a beam search does.

        Args:
            index: (B,) integers; row k gets the state of row `index[k]`.
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
        self._put([[s.index_select(0, index) for s in own] for own in self._states()])

    def __reduce__(self) -> Any:
        raise TypeError("a stream holds memory of this process; copy its layer, and its state by .state")

    def __repr__(self) -> str:
        return f"Stream({self.layer!r}, batch_size={self.batch_size})"


def _in_type(fields: Any, dtype: torch.dtype) -> Any:
    """Cast states of 16 bits to a stream's dtype; a wrong value is returned unchanged, for the checks to find."""
    if isinstance(fields, tuple | list):
        return tuple(_in_type(f, dtype) for f in fields)
    return fields.to(dtype) if isinstance(fields, Tensor) and fields.dtype in HALF else fields


def _require_numbers(name: str, tensor: Tensor) -> None:
    if tensor.is_meta:
        raise TensorError(f"{name} is on the meta device and holds no numbers; make it on the stream's device")


class _Run(ABC):
    """Layer directions that run step by step; those with auxiliary inputs run one by one."""

    def __init__(self, units: Sequence[LayerDirection], layer: Stack, batch: int) -> None:
        self.units = units
        self.layer = layer
        self.batch = batch
        self.aux = [(a.name, units[0].widths[a.width]) for a in units[0].program.aux]

    @property
    @abstractmethod
    def states(self) -> tuple[tuple[Tensor, ...], ...]:
        """The states of each layer direction after the last step, each (B, width)."""

    @abstractmethod
    def put(self, states: Sequence[Sequence[Tensor]]) -> None:
        """Set the states of each layer direction."""

    @abstractmethod
    def step(self, x: Tensor, aux: Mapping[str, Any], output: Tensor) -> Any:
        """Run one time step, and write its output to a tensor."""

    def given(self, x: Tensor, aux: Mapping[str, Any]) -> dict[str, Tensor]:
        """Return the auxiliary inputs of the layer direction, (B, width) each."""
        return {name: step_aux(name, aux[name], x, width) for name, width in self.aux}


class _Plain(_Run):
    """A run by the reference backend."""

    def __init__(self, units: Sequence[LayerDirection], layer: Stack, batch: int) -> None:
        super().__init__(units, layer, batch)
        like, (self._unit,) = layer._like(), units
        self._dtype = computed_in(like.dtype)
        states = self._unit.program.states
        self._states = tuple(like.new_zeros((batch, self._unit.widths[s.width]), dtype=self._dtype) for s in states)

    @property
    def states(self) -> tuple[tuple[Tensor, ...], ...]:
        """The states of the layer direction after the last step."""
        return (self._states,)

    def put(self, states: Sequence[Sequence[Tensor]]) -> None:
        """Set the states of the layer direction."""
        (own,) = states
        self._states = tuple(new.to(old).clone() for new, old in zip(own, self._states, strict=True))

    def step(self, x: Tensor, aux: Mapping[str, Any], output: Tensor) -> None:
        """Run one time step."""
        with torch.no_grad(), _without_autocast(x.device):
            unit, given = self._unit, {n: a.unsqueeze(0) for n, a in self.given(x, aux).items()}
            params = unit.bind(self.layer).to(self._dtype)
            args = RecurrenceArgs.of(unit.program, x.unsqueeze(0), self._states, params, unit.widths, given)
            self._states = recurrence("reference", args).states
            output.copy_(self._states[0])


def _without_autocast(device: torch.device) -> AbstractContextManager[Any]:
    """Disable autocast, which compiled steps ignore; the meta device has none."""
    return nullcontext() if device.type == "meta" else torch.autocast(device.type, enabled=False)


class _Compiled(_Run):
    """A run by compiled code, with the weights packed once."""

    def __init__(self, units: Sequence[LayerDirection], layer: Stack, batch: int) -> None:
        super().__init__(units, layer, batch)
        from conveyor.backends.cpu import Launch, Signature
        from conveyor.backends.cpu.runtime import workspace

        specs = tuple(RecurrenceSpec(u.program, u._layout) for u in units)
        dtype = computed_in(layer._like().dtype)
        self._launch = launch = Launch(Signature(specs, 1, batch, dtype, False, True, False, True, True))
        (self._group,) = launch.groups(1, (batch * specs[0].widths["I"], specs[0].widths["I"]), True)
        sizes = [(len(units), batch, w) for w in launch.state_widths]
        self._buffers = tuple(tuple([torch.zeros(size, dtype=dtype) for size in sizes]) for _ in range(2))
        self._turn = 0
        self._history = torch.empty(launch.history_numbers(1), dtype=dtype)
        weights = sum(f.resident for f in self._group.frames)
        self._own = workspace.acquire(self._group.workspace), workspace.acquire(weights + 1)
        self._aux = specs[0].aux
        self._input = launch.positions(self._group, "x 0")
        self._output = launch.positions(self._group, "y")
        self._places = [launch.positions(self._group, f"aux {n}") for n in self._aux]
        self.load()

    def load(self) -> None:
        """Read the parameters anew."""
        launch = self._launch
        names = [n for u in self.units for n in u.names]
        tensors: list[Tensor] = []
        for u in self.units:
            tensors += u.bind(self.layer).tensors
        # What a parametrization computes is new at each call.
        lasts = all(n in self.layer._parameters for n in names)
        self._bound = BoundParams(names, tensors) if names and lasts else None
        if self._bound is not None:
            self._bound.remember()
        # Packed weights are copies, but biases and the like are read where they are.
        self._slots = [t.detach().to(launch.signature.dtype).contiguous() for t in tensors]
        at, packed = ctypes.addressof(self._own[1]), []
        for frame in self._group.frames:
            packed.append(at)
            at += frame.resident
        fixed = [ctypes.addressof(self._own[0]), 0, launch.zero, 0, self._history.data_ptr(), 0]
        fixed += [t.data_ptr() for t in self._slots]
        pairs = (self._buffers, self._buffers[::-1])
        states = [[t.data_ptr() for pair in both for t in pair] for both in pairs]
        self._tables = [self._group.table([*fixed, *own, *packed, *[0] * len(self._aux)]) for own in states]
        self._is_packed = False
        # Of small work nothing is left to decide once the weights are packed.
        self._alone: list[Any] = [None, None]

    @property
    def states(self) -> tuple[tuple[Tensor, ...], ...]:
        """The states of each layer direction after the last step."""
        return tuple(zip(*(t.unbind(0) for t in self._buffers[self._turn]), strict=True))

    def put(self, states: Sequence[Sequence[Tensor]]) -> None:
        """Set the states of each layer direction."""
        for own, new in zip(self.states, states, strict=True):
            for s, n in zip(own, new, strict=True):
                s.copy_(n)

    def step(self, x: Tensor, aux: Mapping[str, Any], output: Tensor) -> bool:
        """Run one time step; returns False, without running, if the layer's dtype or device has changed."""
        bound = self._bound
        if bound is None or not bound.are_known(self.layer._parameters):
            like = self.layer._like()
            if computed_in(like.dtype) is not self._launch.signature.dtype or like.device.type != "cpu":
                return False
            with torch.no_grad():
                self.load()
        turn = self._turn
        table = self._tables[turn]
        for place in self._input:
            table[place] = x.data_ptr()
        for place in self._output:
            table[place] = output.data_ptr()
        if self._aux:
            given = {n: a.detach().contiguous() for n, a in self.given(x, aux).items()}
            for name, places in zip(self._aux, self._places, strict=True):
                for place in places:
                    table[place] = given[name].data_ptr()
        if self._alone[turn] is None:
            self._group.run_on(table, self._is_packed)
            if self._is_packed:
                self._alone[turn] = self._group.calls(table)
            self._is_packed = True
        else:
            for run, jobs, bases, thread, threads in self._alone[turn] or ():
                run(jobs, bases, thread, threads)
        self._turn = 1 - turn
        return True
