"""`LSTM`, `GRU` and `RNN` with torch.nn's arguments, shapes, returns and state_dict."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Self, TypedDict, Unpack

import torch
from torch import Tensor

from conveyor.cells import cells
from conveyor.errors import ArgumentError, ArgumentTypeError, TensorError, shown
from conveyor.frontend import CellDefinition
from conveyor.ir.program import Program
from conveyor.ir.transforms.param_layout import Layout, doubled_layout
from conveyor.layers.arguments.conversion import as_sizes, check_as_torch, per_layer
from conveyor.layers.arguments.fx_proxies import call_node, is_symbolic
from conveyor.layers.call_plan import call_stack
from conveyor.layers.concatenated import Gates, fill, sizes_of
from conveyor.layers.core.stack import Fields, Stack
from conveyor.layers.core.torch_names import LSTMNames, RecurrentNames
from conveyor.layers.options import OPTIONS
from conveyor.scalars import plain_number, plain_numbers, whole_number


class Options(TypedDict, total=False):
    """The keyword arguments that torch.nn does not have; see `Recurrent`."""

    forget_bias: float | None
    init: str
    max_lag: int
    learn_initial_state: bool
    variational_dropout: float | Mapping[str, float] | None
    zoneout: float | Mapping[str, float] | None
    connections: str
    gradient_clip: float | Mapping[str, float] | None
    checkpoint_every: int | None
    backend: str
    strict_backend: bool


_OWN = {o.name: o for o in OPTIONS.values() if o.beyond_torch}
# Those that a single step lacks.
OF_SEQUENCES = tuple(name for name, o in _OWN.items() if not o.steps)


def torch_layout(program: Program, widths: Mapping[str, int]) -> Layout:
    """Return the parameter layout of torch: two biases per gate, and its name for the projection's matrix."""
    return doubled_layout(program, widths, {"weight_proj_value": "weight_hr"})


def with_defaults(owner: str, options: Mapping[str, Any], lacking: Collection[str] = ()) -> dict[str, Any]:
    """Fill in the defaults of options; an unknown one, or one that the owner lacks, is an error."""
    known = {name: o.default for name, o in _OWN.items() if name not in lacking}
    for name in options:
        if name not in known:
            torchs = " (proj_size argument is only supported for LSTM, not RNN or GRU)" if name == "proj_size" else ""
            raise ArgumentTypeError(
                f"{owner} has no argument '{name}'; beside torch.nn's it has {', '.join(known)}{torchs}"
            )
    return known | dict(options)


class _TorchLike(Stack, RecurrentNames):
    _layout_of = staticmethod(torch_layout)
    _state_fix: ClassVar[str] = "hx=None or hx of the first {batch} rows, h[:, :{batch}]"

    def __init__(
        self,
        cell: CellDefinition,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        proj_size: int,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
        options: Mapping[str, Any],
    ) -> None:
        check_as_torch(input_size, hidden_size, num_layers, bias=bias, batch_first=batch_first)
        super().__init__(
            per_layer("cell", cell, num_layers),
            input_size,
            per_layer("hidden_size", hidden_size, num_layers),
            bias=bias,
            batch_first=batch_first,
            dropout=dropout,
            bidirectional=bidirectional,
            sizes=as_sizes(None, proj_size),
            device=device,
            dtype=dtype,
            **with_defaults(type(self).__name__, options),
        )
        self.hidden_size = plain_numbers(hidden_size)
        self.proj_size = plain_number(proj_size)

    def _unpack(self, fields: Fields | None, batch: int | None, like: Tensor) -> list[tuple[Tensor, ...]]:
        try:
            return super()._unpack(fields, batch, like)
        except TensorError as error:
            torchs = self._words_of_states(fields or (), batch)
            raise TensorError(f"{error} ({torchs})" if torchs else str(error)) from None

    def _sizes_repr(self) -> str:
        return super()._sizes_repr() + (f", proj_size={self.proj_size}" if self.proj_size else "")

    @classmethod
    def from_concatenated(cls, gates: Gates, **arguments: Any) -> Self:
        """Make a one-layer layer from the textbook form W·[h, x] + b.

        Args:
            gates: For each gate, named as in the equations (LSTM i f g o, GRU r z n, RNN h), its W, (H, H + I) with
                the columns of h first, and b, (H,) or None. torch's second bias becomes zero.
            arguments: Further arguments of the layer.

        Raises:
            ArgumentError: A gate is missing or unknown, or a shape does not fit.
        """
        input_size, hidden_size = sizes_of(gates)
        make: Any = cls  # a subclass's constructor has fewer arguments than this one's
        layer: Self = make(input_size, hidden_size, **arguments)
        if len(layer.units) > 1:
            raise ArgumentError("from_concatenated makes one layer of one direction; stack several of them by hand")
        fill(layer, layer.units[0], gates)
        return layer


class _OneState(_TorchLike):
    """A layer with one state, which is a tensor instead of a tuple, as in torch's GRU and RNN."""

    def forward(
        self,
        input: Any,
        hx: Tensor | None = None,
        *,
        lengths: Tensor | None = None,
        reset: Tensor | None = None,
        every_layer: bool = False,
    ) -> tuple[Any, Tensor]:
        """Run over a sequence.

        Args:
            input: (T, B, input_size), (B, T, input_size) with `batch_first`, (T, input_size) for one sequence, or
                torch's `PackedSequence`, which gives one back.
            hx: The initial state, (num_layers x directions, B, hidden_size); None is the layer's own.
            lengths: (B,) whole numbers, each sequence's own length; see `Recurrent.forward`.
            reset: (T, B) booleans where a new piece starts; see `Recurrent.forward`.
            every_layer: Whether the output is a tuple, that of each layer.

        Returns:
            The output (T, B, directions x hidden_size), laid out as the input is, and the final state as `hx`.

        Raises:
            ArgumentError: A shape, dtype or device does not fit.
        """
        if lengths is None and reset is None and every_layer is False:
            found = call_stack(self, input, hx if hx is None else (hx,))
            if found is not None:
                return found[0], found[1]
        if is_symbolic(input):
            return call_node(self, input, hx, lengths=lengths, reset=reset, every_layer=every_layer)  # type: ignore[no-any-return]
        y, fields = self._run(input, None if hx is None else (hx,), {}, reset, lengths, every_layer)
        return y, fields[0]


class LSTM(_TorchLike, LSTMNames):
    """Long short-term memory, in place of torch.nn.LSTM: same arguments, numbers and state_dict.

    Args:
        input_size: Width of the input.
        hidden_size: Width of the hidden state; a list gives one a layer.
        num_layers: The number of stacked layers.
        bias: Whether there are biases (torch's two a gate).
        batch_first: Whether input and output are (B, T, width) instead of (T, B, width). States are not affected.
        dropout: Probability with which each layer's output but the last's is zeroed in training.
        bidirectional: Whether a second direction runs from the end to the start.
        proj_size: Width that h is projected to (Sak, Senior & Beaufays 2014); 0 is no projection.
        device: The device of the parameters.
        dtype: Their type, float32 by default.
        options: `forget_bias`, `init`, `max_lag`, `learn_initial_state`, `variational_dropout`, `zoneout`,
            `connections`, `gradient_clip`, `checkpoint_every`, `backend`, `strict_backend`; see `Recurrent`.

    Raises:
        ArgumentError: An argument has a wrong value.
    """

    mode = "LSTM"

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        **options: Unpack[Options],
    ) -> None:
        sizes, width = as_sizes(None, proj_size), whole_number(hidden_size)
        if sizes and (width is None or proj_size >= width):
            raise ArgumentError(
                f"proj_size is from 0 (none) to less than hidden_size = {hidden_size}, got {proj_size}"
                " (proj_size has to be smaller than hidden_size)"
            )
        cell = cells["lstm_projection"] if sizes else cells["lstm"]
        super().__init__(
            cell, input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, device,
            dtype, options,
        )  # fmt: skip

    def forward(
        self,
        input: Any,
        hx: tuple[Tensor, Tensor] | None = None,
        *,
        lengths: Tensor | None = None,
        reset: Tensor | None = None,
        every_layer: bool = False,
    ) -> tuple[Any, Any]:
        """Run over a sequence.

        Args:
            input: (T, B, input_size), (B, T, input_size) with `batch_first`, (T, input_size) for one sequence, or
                torch's `PackedSequence`, which gives one back.
            hx: The initial (h_0, c_0), (num_layers x directions, B, proj_size or hidden_size) and (…, hidden_size);
                None is the layer's own.
            lengths: (B,) whole numbers, each sequence's own length; see `Recurrent.forward`.
            reset: (T, B) booleans where a new piece starts; see `Recurrent.forward`.
            every_layer: Whether the output is a tuple, that of each layer.

        Returns:
            The output (T, B, directions x width of h), laid out as the input is, and the final states as a named tuple
            (h, c), which unpacks as torch's.

        Raises:
            ArgumentError: A shape, dtype or device does not fit.
        """
        if lengths is None and reset is None and every_layer is False:
            found = call_stack(self, input, hx)
            if found is not None:
                return found[0], tuple.__new__(self._state_class, found[1:])
        if is_symbolic(input):
            return call_node(self, input, hx, lengths=lengths, reset=reset, every_layer=every_layer)  # type: ignore[no-any-return]
        y, fields = self._run(input, hx, {}, reset, lengths, every_layer)
        return y, self._named(fields)


class GRU(_OneState):
    """Gated recurrent unit, in place of torch.nn.GRU: same arguments, numbers and state_dict.

    The reset gate acts after the recurrent product, as in torch and cuDNN; Cho et al. 2014 have it before: use
    `Recurrent("gru_reset_before", …)` for that.

    Args:
        input_size: Width of the input.
        hidden_size: Width of the hidden state; a list gives one a layer.
        num_layers: The number of stacked layers.
        bias: Whether there are biases (torch's two a gate).
        batch_first: Whether input and output are (B, T, width) instead of (T, B, width). States are not affected.
        dropout: Probability with which each layer's output but the last's is zeroed in training.
        bidirectional: Whether a second direction runs from the end to the start.
        device: The device of the parameters.
        dtype: Their type, float32 by default.
        options: `forget_bias`, `init`, `max_lag`, `learn_initial_state`, `variational_dropout`, `zoneout`,
            `connections`, `gradient_clip`, `checkpoint_every`, `backend`, `strict_backend`; see `Recurrent`.

    Raises:
        ArgumentError: An argument has a wrong value.
    """

    mode = "GRU"

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(
            cells["gru"], input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device,
            dtype, options,
        )  # fmt: skip


class RNN(_OneState):
    """The plain recurrent network (Elman 1990), in place of torch.nn.RNN: same arguments, numbers and state_dict.

    Args:
        input_size: Width of the input.
        hidden_size: Width of the hidden state; a list gives one a layer.
        num_layers: The number of stacked layers.
        nonlinearity: `tanh` or `relu`.
        bias: Whether there are biases (torch's two).
        batch_first: Whether input and output are (B, T, width) instead of (T, B, width). States are not affected.
        dropout: Probability with which each layer's output but the last's is zeroed in training.
        bidirectional: Whether a second direction runs from the end to the start.
        device: The device of the parameters.
        dtype: Their type, float32 by default.
        options: `init`, `learn_initial_state`, `variational_dropout`, `zoneout`, `connections`, `gradient_clip`,
            `checkpoint_every`, `backend`, `strict_backend`; see `Recurrent`.

    Raises:
        ArgumentError: An argument has a wrong value.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(
            rnn_cell(nonlinearity), input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0,
            device, dtype, options,
        )  # fmt: skip
        self.nonlinearity = nonlinearity

    @property
    def mode(self) -> str:  # type: ignore[override]
        """The name that torch has for the kind of layer: RNN_TANH or RNN_RELU."""
        return f"RNN_{self.nonlinearity.upper()}"


def rnn_cell(nonlinearity: str) -> CellDefinition:
    """Return the plain cell with this nonlinearity, one of the two that torch has."""
    if nonlinearity not in ("tanh", "relu"):
        torchs = f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'"
        raise ArgumentError(f"nonlinearity is 'tanh' or 'relu', got {shown(nonlinearity)} ({torchs})")
    return cells["rnn"].configure(nonlinearity=nonlinearity)
