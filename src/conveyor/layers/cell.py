"""Single differentiable steps of a cell, for decoders, control and reinforcement learning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Unpack

import torch
from torch import Tensor, nn

from conveyor import backends
from conveyor.backends.interface import RecurrenceArgs
from conveyor.cells import cells
from conveyor.errors import ArgumentTypeError
from conveyor.frontend import CellDefinition
from conveyor.ir.program import Program
from conveyor.ir.transforms.param_layout import Layout, merged_layout, resolve_widths
from conveyor.ir.transforms.rewrite import without_bias
from conveyor.ir.types import Bias
from conveyor.layers.arguments.checks import check_aux_names, check_input, check_kind, check_state, step_aux
from conveyor.layers.arguments.conversion import as_cell, as_sizes, check_place
from conveyor.layers.arguments.fx_proxies import call_node, is_symbolic
from conveyor.layers.arguments.precision import computed_in, precision_of
from conveyor.layers.call_plan import call_cell
from conveyor.layers.core.layer_direction import LayerDirection
from conveyor.layers.core.module import Module
from conveyor.layers.core.pickling import cell_of, settings_of
from conveyor.layers.initialise import initialise
from conveyor.layers.rnn import OF_SEQUENCES, Options, rnn_cell, torch_layout, with_defaults
from conveyor.scalars import as_flag, as_whole, plain_number
from conveyor.states import state_class
from conveyor.torch_ops import recurrence


class _Step(Module):
    """A cell that runs one step at a time; subclasses define the form of its states."""

    _layout_of: ClassVar[staticmethod[[Program, Mapping[str, int]], Layout]]
    _derived = ("unit", "_state_class", "_plans", "_bound")

    def __init__(
        self,
        cell: CellDefinition,
        input_size: int,
        hidden_size: int,
        bias: bool,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
        sizes: Mapping[str, int],
        options: Mapping[str, Any],
    ) -> None:
        super().__init__()
        chosen = with_defaults(type(self).__name__, options, OF_SEQUENCES)
        bias = as_flag("bias", bias)
        chosen["strict_backend"] = as_flag("strict_backend", chosen["strict_backend"])
        check_place(device, dtype)
        if chosen["backend"] != "auto":
            backends.check_name(chosen["backend"])
        self.input_size = as_whole("input_size", input_size, 1)
        self.hidden_size = as_whole("hidden_size", hidden_size, 1)
        self._options = {name: plain_number(value) for name, value in chosen.items()}
        self._make(cell, bias, sizes)
        self.unit.register(self, device, dtype)
        self.reset_parameters()

    def _make(self, cell: CellDefinition, bias: bool, sizes: Mapping[str, int]) -> None:
        """Make the layer direction and register its parameters."""
        program = cell.program if bias else without_bias(cell.program)
        widths = resolve_widths(program, self.input_size, self.hidden_size, sizes)
        self.unit = LayerDirection(cell, program, type(self)._layout_of(program, widths), "")
        self._state_class = state_class(tuple(s.name for s in program.states))  # says now if a name can't be a field's

    def _settings_of(self, state: Mapping[str, Any]) -> dict[str, Any]:
        unit = state["unit"]
        return settings_of([unit], 1) | {"bias": unit.plain.text == unit.cell.program.text}

    def _build(self, settings: Mapping[str, Any]) -> None:
        (said,) = settings["cells"]
        self._make(cell_of(*said), settings["bias"], settings["sizes"])

    def reset_parameters(self) -> None:
        """Initialise the parameters again, as at construction."""
        o = self._options
        initialise(self, [self.unit], o["init"], o["forget_bias"], o["max_lag"])

    def _all_units(self) -> tuple[LayerDirection, ...]:
        return (self.unit,)

    def _like(self) -> Tensor:
        """Return a tensor with the cell's device and dtype."""
        names = self.unit.names
        return getattr(self, names[0]) if names else torch.empty(0)

    @property
    def backend_used(self) -> str:
        """The backend for the current device and dtype of the parameters."""
        like = self._like()
        options = self._options
        return backends.choose(options["backend"], options["strict_backend"], like.device, computed_in(like.dtype))

    def _step(self, x: Any, state: Any, aux: Mapping[str, Any], fix: str) -> tuple[Tensor, ...]:
        """Run one step; returns the new states, (B, width) each, or (width,) for an input without a batch."""
        like = self._like()
        kind = precision_of(like)
        if kind is None:
            return self._step_checked(like, x, state, aux, fix)
        with torch.autocast(like.device.type, enabled=False):
            given = kind.read_states(state)
            states = self._step_checked(like.float(), kind.read(x), given, aux, fix)
            found: tuple[Tensor, ...] = kind.write_states(states, state)
            return found

    def _step_checked(self, like: Tensor, x: Any, state: Any, aux: Mapping[str, Any], fix: str) -> tuple[Tensor, ...]:
        """Run one step in the dtype of `like`; returns the new states."""
        program, widths = self.unit.program, self.unit.widths
        check_input(x, self.input_size, like, False, (1, 2))
        check_aux_names(aux, [a.name for a in program.aux], f"cell {self.unit.cell.name}", "(B,) or (B, K)")
        rows = x if x.dim() == 2 else x.unsqueeze(0)
        if state is None:
            given = tuple(like.new_zeros((rows.shape[0], widths[s.width])) for s in program.states)
        else:
            given = self._given(state, x, rows, like, fix)
        check_kind("input", x, like)
        for s, tensor in zip(program.states, given, strict=True):
            check_kind(f"state {s.name}", tensor, like)
        whole = {a.name: step_aux(a.name, aux[a.name], x, widths[a.width]).unsqueeze(0) for a in program.aux}
        params = self.unit.bind(self).to(like.dtype)
        args = RecurrenceArgs.of(program, rows.unsqueeze(0), given, params, widths, whole)
        states = recurrence(self.backend_used, args).states
        return states if x.dim() == 2 else tuple(s.squeeze(0) for s in states)

    def _given(self, state: Any, x: Tensor, rows: Tensor, like: Tensor, fix: str) -> tuple[Tensor, ...]:
        states = self.unit.program.states
        if not isinstance(state, tuple | list) or len(state) != len(states):
            names = ", ".join(s.name for s in states)
            got = f"{len(state)} of them" if isinstance(state, tuple | list) else type(state).__name__
            raise ArgumentTypeError(f"state is a tuple of ({names}), got {got}")
        for k, (s, tensor) in enumerate(zip(states, state, strict=True)):
            shape = (*x.shape[:-1], self.unit.widths[s.width])
            check_state(s.name, tensor, shape, x.dim() == 2, like, fix, (k, len(states)))
        return tuple(s if x.dim() == 2 else s.unsqueeze(0) for s in state)

    def _has_bias(self) -> bool:
        return any(isinstance(p, Bias) for p in self.unit.program.params)

    def extra_repr(self) -> str:
        """Describe the cell, its sizes, and whether biases are left out."""
        return f"{self.unit.cell.name}, {self.input_size}, {self.hidden_size}" + (
            "" if self._has_bias() else ", bias=False"
        )


class _TorchStep(_Step):
    """A cell with torch's two biases per gate."""

    _layout_of = staticmethod(torch_layout)


class Cell(_Step):
    """One differentiable step of any cell.

    Args:
        cell: A cell, or the name of one in `conveyor.cells`.
        input_size: Width of the input.
        hidden_size: Width of the hidden state.
        bias: Whether `affine` adds biases.
        device: The device of the parameters.
        dtype: Their type, float32 by default.
        sizes: Numbers for the widths that the cell names.
        options: `forget_bias`, `init`, `max_lag`, `backend`, `strict_backend`; see `Recurrent`.

    Raises:
        ArgumentError: An argument has a wrong value.
    """

    _layout_of = staticmethod(merged_layout)

    def __init__(
        self,
        cell: CellDefinition | str,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        sizes: Mapping[str, int] | None = None,
        **options: Unpack[Options],
    ) -> None:
        known = as_sizes(sizes, 0)
        super().__init__(as_cell(cell), input_size, hidden_size, bias, device, dtype, known, options)

    def forward(self, x: Tensor, state: Any = None, **aux: Tensor) -> Any:
        """Run one step.

        Args:
            x: (B, input_size), or (input_size,) without a batch.
            state: The states, each (B, width), as this cell returns them or a plain tuple; None is zeros.
            aux: The auxiliary inputs that the cell reads, (B,) or (B, K).

        Returns:
            A named tuple of the new states, the first of which is the output.

        Raises:
            ArgumentError: A shape, dtype or device does not fit.
        """
        if not aux and (state is None or isinstance(state, tuple | list)):
            found = call_cell(self, x, state or ())
            if found is not None:
                return tuple.__new__(self._state_class, found)
        if is_symbolic(x):
            return call_node(self, x, state, aux=aux)
        states = self._step(x, state, aux, "state=None or its first {batch} rows")
        return self._state_class(*states)


class LSTMCell(_TorchStep, nn.LSTMCell):
    """One step of the LSTM, in place of torch.nn.LSTMCell: same arguments, numbers and state_dict.

    Args:
        input_size: Width of the input.
        hidden_size: Width of the hidden state.
        bias: Whether there are biases (torch's two a gate).
        device: The device of the parameters.
        dtype: Their type, float32 by default.
        options: `forget_bias`, `init`, `max_lag`, `backend`, `strict_backend`; see `Recurrent`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(cells["lstm"], input_size, hidden_size, bias, device, dtype, {}, options)
        self.bias = bias

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> Any:
        """Run one step: (B, input_size) and (h, c), each (B, hidden_size), to a named tuple of the new (h, c)."""
        if hx is None or isinstance(hx, tuple | list):
            found = call_cell(self, input, hx or ())
            if found is not None:
                return tuple.__new__(self._state_class, found)
        if is_symbolic(input):
            return call_node(self, input, hx)
        states = self._step(input, hx, {}, "hx=None or its first {batch} rows")
        return self._state_class(*states)


class _OneStateStep(_TorchStep):
    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Run one step: (B, input_size) and h, (B, hidden_size), to the new h."""
        states = () if hx is None else (hx,)
        found = call_cell(self, input, states)
        if found is not None:
            return found[0]
        if is_symbolic(input):
            return call_node(self, input, hx)  # type: ignore[no-any-return]
        return self._step(input, states or None, {}, "hx=None or its first {batch} rows")[0]


class GRUCell(_OneStateStep, nn.GRUCell):
    """One step of the GRU, in place of torch.nn.GRUCell: same arguments, numbers and state_dict.

    Args:
        input_size: Width of the input.
        hidden_size: Width of the hidden state.
        bias: Whether there are biases (torch's two a gate).
        device: The device of the parameters.
        dtype: Their type, float32 by default.
        options: `forget_bias`, `init`, `max_lag`, `backend`, `strict_backend`; see `Recurrent`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(cells["gru"], input_size, hidden_size, bias, device, dtype, {}, options)
        self.bias = bias


class RNNCell(_OneStateStep, nn.RNNCell):
    """One step of the plain recurrent network, in place of torch.nn.RNNCell: same arguments, numbers and state_dict.

    Args:
        input_size: Width of the input.
        hidden_size: Width of the hidden state.
        bias: Whether there are biases (torch's two).
        nonlinearity: `tanh` or `relu`.
        device: The device of the parameters.
        dtype: Their type, float32 by default.
        options: `init`, `backend`, `strict_backend`; see `Recurrent`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(rnn_cell(nonlinearity), input_size, hidden_size, bias, device, dtype, {}, options)
        self.bias = bias
        self.nonlinearity = nonlinearity
