"""The base of all sequence layers: stacked layers, two directions, dropout between them, and their states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from conveyor import backends
from conveyor.errors import ArgumentError, ArgumentTypeError
from conveyor.frontend import CellDefinition
from conveyor.ir.program import Program
from conveyor.ir.transforms.param_layout import Layout, resolve_widths
from conveyor.ir.transforms.rewrite import RESET, without_bias
from conveyor.layers.arguments.aux_inputs import AuxInputs, StateField
from conveyor.layers.arguments.checks import (
    check_aux_names,
    check_input,
    check_state,
    describe,
    sequence_aux,
    sequence_reset,
)
from conveyor.layers.arguments.conversion import check_flags, check_place
from conveyor.layers.arguments.lengths import Packing, check_lengths, unpacked_form
from conveyor.layers.arguments.nested import is_nested, run_nested
from conveyor.layers.arguments.precision import computed_in, precision_of
from conveyor.layers.checkpointing import TimeDirection
from conveyor.layers.core import connections as joined
from conveyor.layers.core.freed_graph import watched
from conveyor.layers.core.layer_call import DirectionCall, LayerCall, StackCall
from conveyor.layers.core.layer_direction import LayerDirection
from conveyor.layers.core.memory_and_records import MemoryAndRecords
from conveyor.layers.core.pickling import cell_of, settings_of
from conveyor.layers.initialise import initialise
from conveyor.layers.recording.recorder import recorder_of
from conveyor.layers.regularisation import masks as masking
from conveyor.layers.regularisation.dropout import warn_of_one_layer
from conveyor.layers.regularisation.module import RegularisedModule
from conveyor.scalars import as_flag, as_whole, plain_number, plain_numbers
from conveyor.states import state_class
from conveyor.torch_ops.modes import is_traced, keeps_padding

LayoutOf = Callable[[Program, Mapping[str, int]], Layout]
_ARGUMENTS = ("reset", "lengths", "every_layer")  # of every layer, so no cell's auxiliary inputs
Fields = tuple[Any, ...]  # one entry a state: a tensor, or a tuple of one tensor a layer


class Stack(MemoryAndRecords, RegularisedModule):
    """Stacked recurrent layers; `Recurrent`, `LSTM`, `GRU` and `RNN` differ in arguments and returns.

    Attributes:
        units: The layer directions, layer by layer, forward direction first.
        state_fields: The names of the states, in order; the first is the output.
    """

    _state_fix: ClassVar[str] = "state=None or state.narrow_batch({batch})"
    _layout_of: ClassVar[staticmethod[[Program, Mapping[str, int]], Layout]]
    _derived = ("units", "state_fields", "aux_names", "_state_class", "_fields", "_first", "_rates", "_plans", "_bound")

    def __init__(
        self,
        cells: Sequence[CellDefinition],
        input_size: int,
        hidden_sizes: Sequence[int],
        *,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        sizes: Mapping[str, int],
        forget_bias: float | None,
        init: str,
        max_lag: int,
        learn_initial_state: bool,
        variational_dropout: float | Mapping[str, float] | None,
        zoneout: float | Mapping[str, float] | None,
        connections: str,
        gradient_clip: float | Mapping[str, float] | None,
        checkpoint_every: int | None,
        backend: str,
        strict_backend: bool,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        warn_of_one_layer(self.dropout, len(cells))
        check_place(device, dtype)
        if backend != "auto":
            backends.check_name(backend)
        self.input_size = as_whole("input_size", input_size, 1)
        self.num_layers = len(cells)
        self.bias = as_flag("bias", bias)
        self.batch_first = as_flag("batch_first", batch_first)
        self.bidirectional = as_flag("bidirectional", bidirectional)
        self.num_directions = 2 if bidirectional else 1
        self.backend = backend
        self.strict_backend = as_flag("strict_backend", strict_backend)
        self.init = init
        self.forget_bias = None if forget_bias is None else plain_number(forget_bias)
        self.max_lag = plain_number(max_lag)
        self.learn_initial_state = as_flag("learn_initial_state", learn_initial_state)
        self.connections = joined.check_connections(connections)
        self.checkpoint_every = checkpoint_every
        rates = (variational_dropout, zoneout, gradient_clip)
        self._variational, self._zoneout, self._clip = map(plain_numbers, rates)
        self._make(cells, hidden_sizes, sizes)
        for unit in self.units:
            unit.register(self, device, dtype)
        self.reset_parameters()

    def _make(self, cells: Sequence[CellDefinition], hidden_sizes: Sequence[int], sizes: Mapping[str, int]) -> None:
        """Make the layer directions and register their parameters."""
        self.units = self._make_units(cells, type(self)._layout_of, self.input_size, hidden_sizes, sizes)
        self.state_fields = tuple(dict.fromkeys(s.name for u in self.units for s in u.program.states))
        self._change_units()
        # Says now, rather than at the first call, if a name can't be a field's.
        self._state_class = state_class(self.state_fields)
        self.aux_names = tuple(dict.fromkeys(a.name for u in self.units for a in u.program.aux))
        self._fields = tuple(self._field(name) for name in self.state_fields)
        self._first = next((name for unit in self.units for name in unit.names), None)

    def _settings_of(self, state: Mapping[str, Any]) -> dict[str, Any]:
        return settings_of(state["units"], state["num_directions"])

    def _build(self, settings: Mapping[str, Any]) -> None:
        made = [cell_of(*said) for said in settings["cells"]]
        self._make(made, settings["hidden_sizes"], settings["sizes"])

    def _make_units(
        self,
        cells: Sequence[CellDefinition],
        layout_of: LayoutOf,
        input_size: int,
        hidden_sizes: Sequence[int],
        sizes: Mapping[str, int],
    ) -> tuple[LayerDirection, ...]:
        units: list[LayerDirection] = []
        used: set[str] = set()
        width = input_size
        for k, (cell, hidden_size) in enumerate(zip(cells, hidden_sizes, strict=True)):
            program = cell.program if self.bias else without_bias(cell.program)
            # With a cell a layer, each is given those of the named sizes that it knows.
            own = {n: s for n, s in sizes.items() if n in program.widths}
            used |= own.keys()
            reads = joined.width_read(self.connections, k, width, input_size)
            layout = layout_of(program, resolve_widths(program, reads, hidden_size, own))
            directions = ("", "_reverse") if self.bidirectional else ("",)
            for name in _ARGUMENTS:
                if any(a.name == name for a in program.aux):
                    raise ArgumentError(
                        f"cell {cell.name} has an auxiliary input '{name}', which every layer has for something else;"
                        " rename it"
                    )
            units += [LayerDirection(cell, program, layout, f"_l{k}{d}", self.learn_initial_state) for d in directions]
            below, width = width, units[-1].output_size * len(directions)
            joined.check_width(self.connections, k, below, width)
        for name in sizes:
            if name not in used:
                raise ArgumentError(f"sizes has '{name}', which cell {describe(units)} does not name")
        return tuple(units)

    def reset_parameters(self) -> None:
        """Initialise the parameters again, as at construction."""
        initialise(self, self.units, self.init, self.forget_bias, self.max_lag)

    # Widths

    @property
    def output_size(self) -> int:
        """The width of the layer's output, both directions side by side."""
        return self.units[-1].output_size * self.num_directions

    @property
    def backend_used(self) -> str:
        """The backend for the current device and dtype of the parameters."""
        like = self._like()
        return backends.choose(self.backend, self.strict_backend, like.device, computed_in(like.dtype))

    # Running

    def _like(self) -> Tensor:
        """Return a tensor with the layer's device and dtype."""
        return torch.empty(0) if self._first is None else getattr(self, self._first)

    def _run(
        self,
        x: Any,
        fields: Fields | None,
        aux: Mapping[str, Any],
        reset: Any = None,
        lengths: Any = None,
        every_layer: bool = False,
        training: bool | None = None,
    ) -> tuple[Any, Fields]:
        """Run a call; returns the output and the final states in the input's form: batched, batch first, packed.

        With `every_layer` the output of each layer; `training` defaults to the layer's mode.
        """
        check_flags(every_layer=every_layer)
        training = self.training if training is None else training
        like = self._like()
        kind = precision_of(like)
        if kind is None:
            return self._run_checked(like, x, fields, aux, reset, lengths, every_layer, training)
        with torch.autocast(like.device.type, enabled=False):
            y, finals = self._run_checked(
                like.float(), kind.read(x), kind.read_states(fields), aux, reset, lengths, every_layer, training
            )
            return kind.write(y), kind.write_states(finals, fields)

    def _run_checked(
        self,
        like: Tensor,
        x: Any,
        fields: Fields | None,
        aux: Mapping[str, Any],
        reset: Any,
        lengths: Any,
        every_layer: bool,
        training: bool,
    ) -> tuple[Any, Fields]:
        """Run a call in the dtype of `like`."""
        if isinstance(x, PackedSequence):
            return self._run_packed(like, x, fields, aux, reset, lengths, every_layer, training)
        if is_nested(x):

            def run(padded: Tensor, own: Tensor) -> tuple[Any, Fields]:
                return self._run_checked(like, padded, fields, aux, reset, own, every_layer, training)

            return run_nested(run, x, self.input_size, self.batch_first, lengths)
        check_input(x, self.input_size, like, self.batch_first)
        batched = x.dim() == 3
        self._check_aux(aux, batched)
        if not batched:
            x = x.unsqueeze(1)
        elif self.batch_first:
            x = x.transpose(0, 1)
        packing = own = None
        if lengths is not None:
            lengths = check_lengths(lengths, x, batched)
            if keeps_padding():
                own = lengths
            else:
                packing = Packing.of(lengths, x.shape[0])
        given = self._given(x, aux, reset, lengths, batched)
        initial = self._initial(fields, x.shape[1] if batched else None, like)
        if packing is None:
            outputs, finals = self._run_layers(x, initial, given, None, x.shape, every_layer, training, own)
        else:
            rows, finals = self._run_rows(packing.pack(x), initial, given, packing, x.shape, every_layer, training)
            outputs = [packing.unpack(r, x.shape[1]) for r in rows]
        packed = self._pack(finals)
        if not batched:
            outputs, packed = [y.squeeze(1) for y in outputs], self._map_fields(packed, lambda s: s.squeeze(-2))
        elif self.batch_first:
            outputs = [y.transpose(0, 1) for y in outputs]
        return (tuple(outputs) if every_layer else outputs[0]), packed

    def _run_packed(
        self,
        like: Tensor,
        x: PackedSequence,
        fields: Fields | None,
        aux: Mapping[str, Any],
        reset: Any,
        lengths: Any,
        every_layer: bool,
        training: bool,
    ) -> tuple[Any, Fields]:
        if lengths is not None:
            raise ArgumentError("lengths were given twice: packed sequences have theirs; leave out lengths=")
        if is_traced():
            raise ArgumentError(
                "input is packed sequences, which can't stand in a graph that torch compiles, exports or traces; pass"
                " padded ones with lengths="
            )
        check_input(x.data, self.input_size, like, False, (2,))
        self._check_aux(aux, True)
        packing, own = unpacked_form(x)
        # Only the shape of the padded form is looked at: auxiliary inputs and resets come padded.
        shape = x.data.new_empty(()).expand(packing.steps, len(own), self.input_size)
        given = self._given(shape, aux, reset, own, True)
        initial = self._initial(fields, len(own), like)
        rows, finals = self._run_rows(x.data, initial, given, packing, shape.shape, every_layer, training)
        outputs = [PackedSequence(r, x.batch_sizes, x.sorted_indices, x.unsorted_indices) for r in rows]
        return (tuple(outputs) if every_layer else outputs[0]), self._pack(finals)

    def _check_aux(self, aux: Mapping[str, Any], batched: bool) -> None:
        order = ("(B, T)" if self.batch_first else "(T, B)") if batched else "(T,)"
        check_aux_names(aux, self.aux_names, f"cell {describe(self.units)}", f"{order} or {order[:-1].rstrip(',')}, K)")

    def _given(self, x: Tensor, aux: Mapping[str, Any], reset: Any, lengths: Any, batched: bool) -> AuxInputs:
        """Return the auxiliary inputs of each layer direction, and the resets."""
        first = self.batch_first
        whole = {
            u.suffix: {
                a.name: sequence_aux(a.name, aux[a.name], x, u.widths[a.width], batched, first) for a in u.program.aux
            }
            for u in self.units
        }
        if reset is None:
            return AuxInputs(whole, None, None)
        starts = sequence_reset(reset, x, batched, first)
        # A state that comes from the step after starts anew where the next piece begins, if the sequence has one there.
        after = torch.cat((starts[1:], torch.zeros_like(starts[:1])))
        if lengths is not None:
            following = torch.arange(1, len(after) + 1, device=x.device).unsqueeze(1)
            after = after * (following < lengths).unsqueeze(-1)
        return AuxInputs(whole, starts, after)

    def _run_rows(
        self,
        rows: Tensor,
        initial: list[tuple[Tensor, ...]],
        given: AuxInputs,
        packing: Packing,
        shape: Sequence[int],
        every_layer: bool,
        training: bool,
    ) -> tuple[list[Tensor], list[tuple[Tensor, ...]]]:
        """Run on packed rows; initial and final states are in the order of the batch."""
        in_order = [tuple(s.index_select(0, packing.order) for s in states) for states in initial]
        steps, batch = packing.steps, packing.varlen.batch
        packed = AuxInputs(
            {u: {n: packing.pack(a.expand(steps, batch, -1)) for n, a in own.items()} for u, own in given.aux.items()},
            *(None if r is None else packing.pack(r) for r in (given.starts, given.ends)),
        )
        outputs, finals = self._run_layers(rows, in_order, packed, packing, shape, every_layer, training)
        return outputs, [tuple(s.index_select(0, packing.back) for s in states) for states in finals]

    def _run_layers(
        self,
        x: Tensor,
        initial: list[tuple[Tensor, ...]],
        given: AuxInputs,
        packing: Packing | None,
        shape: Sequence[int],
        every_layer: bool,
        training: bool,
        lengths: Tensor | None = None,
    ) -> tuple[list[Tensor], list[tuple[Tensor, ...]]]:
        """Return the output, or that of each layer, and the final states; `shape` is that of the padded input.

        `lengths` are those of sequences that stay padded.
        """
        steps, batch = shape[0], shape[1]
        masks = self._draw(x, steps, batch, packing) if training else masking.no_masks(self.num_layers)
        orders = [TimeDirection(steps, forwards, packing, lengths) for forwards in (True, False)[: self.num_directions]]
        layers = []
        for k in range(self.num_layers):
            directions = []
            for d, unit in enumerate(self._directions_of(k)):
                reset = given.ends if d else given.starts
                aux = {**given.aux[unit.suffix], **masks.units.get(unit.suffix, {})}
                if reset is not None:
                    aux[RESET] = reset
                params = unit.bind(self) if reset is None else unit.bind_resetting(self)
                directions.append(DirectionCall(unit, training, params.to(x.dtype), aux, orders[d]))
            output = masks.output if k == self.num_layers - 1 else None
            layers.append(LayerCall(directions, masks.below[k], masks.read[k], output))
        varlen = None if packing is None else packing.varlen
        every, recorder = self.checkpoint_every or 0, recorder_of(self)
        # The recorder keeps the values of each step anyway.
        every = 0 if every and (recorder is not None or keeps_padding()) else every
        call = StackCall(layers, self.backend_used, self.connections, varlen, every, every_layer, recorder)
        return call.run(x, initial)

    # States

    def _field(self, name: str) -> StateField:
        d = self.num_directions
        units = [[k * d + j for j in range(d)] for k in range(self.num_layers)]
        layers = [[u for u in layer if self.units[u].state_width(name) is not None] for layer in units]
        places = [[s.name for s in u.program.states].index(name) if u.state_width(name) else -1 for u in self.units]
        return StateField(name, layers, len({u.state_width(name) for u in self.units}) == 1, places)

    def _initial(self, fields: Fields | None, batch: int | None, like: Tensor) -> list[tuple[Tensor, ...]]:
        """Return the initial states of each layer direction, which backward checks for a freed graph."""
        states = self._unpack(fields, batch, like)
        return states if fields is None else watched(states, [[s.name for s in u.plain.states] for u in self.units])

    def _unpack(self, fields: Fields | None, batch: int | None, like: Tensor) -> list[tuple[Tensor, ...]]:
        """Return the initial states of each layer direction, (B, width) each; `batch` is None for an unbatched call."""
        if fields is None:
            rows = 1 if batch is None else batch
            if self.learn_initial_state:
                return [tuple(t.to(like.dtype).expand(rows, -1) for t in u.initial(self)) for u in self.units]
            return [tuple(like.new_zeros((rows, u.widths[s.width])) for s in u.program.states) for u in self.units]
        if not isinstance(fields, tuple | list) or len(fields) != len(self.state_fields):
            got = f"{len(fields)} of them" if isinstance(fields, tuple | list) else type(fields).__name__
            raise ArgumentTypeError(f"state is a tuple of ({', '.join(self.state_fields)}), got {got}")
        found: list[dict[str, Tensor]] = [{} for _ in self.units]
        for field, given in zip(self._fields, fields, strict=True):
            for index, tensor in self._split_field(field, given, batch, like):
                found[index][field.name] = tensor
        return [tuple(f[s.name] for s in u.program.states) for f, u in zip(found, self.units, strict=True)]

    def _split_field(self, field: StateField, given: Any, batch: int | None, like: Tensor) -> list[tuple[int, Tensor]]:
        def split(name: str, tensor: Any, units: Sequence[int]) -> list[tuple[int, Tensor]]:
            width = self.units[units[0]].state_width(field.name)
            assert width is not None
            shape = (len(units), width) if batch is None else (len(units), batch, width)
            check_state(name, tensor, shape, batch is not None, like, self._state_fix)
            return list(zip(units, (tensor.unsqueeze(1) if batch is None else tensor).unbind(0), strict=True))

        if field.even:
            return split(field.name, given, range(len(self.units)))
        if not isinstance(given, tuple | list) or len(given) != self.num_layers:
            raise ArgumentTypeError(
                f"state {field.name} is a tuple of one tensor a layer, since their widths differ; got"
                f" {type(given).__name__}"
            )
        pieces: list[tuple[int, Tensor]] = []
        for k, (units, tensor) in enumerate(zip(field.layers, given, strict=True)):
            pieces += split(f"{field.name} of layer {k}", tensor, units) if units else []
        return pieces

    def _pack(self, finals: list[tuple[Tensor, ...]]) -> Fields:
        """Stack the states of all layer directions into one entry per field."""

        def stack(field: StateField, units: Sequence[int]) -> Tensor:
            tensors = [finals[u][field.places[u]] for u in units]
            return tensors[0].unsqueeze(0) if len(tensors) == 1 else torch.stack(tensors)

        packed: list[Any] = []
        for field in self._fields:
            if field.even:
                packed.append(stack(field, range(len(self.units))))
            else:
                packed.append(tuple(stack(field, units) if units else None for units in field.layers))
        return tuple(packed)

    def _map_fields(self, fields: Fields, change: Callable[[Tensor], Tensor]) -> Fields:
        """Apply a function to every tensor of a state."""

        def apply(field: Any) -> Any:
            if isinstance(field, tuple):
                return tuple(apply(f) for f in field)
            return None if field is None else change(field)

        return tuple(apply(f) for f in fields)

    def _named(self, fields: Fields) -> Any:
        return tuple.__new__(self._state_class, fields)

    # Printing

    def _sizes_repr(self) -> str:
        hidden = [u.widths["H"] for u in self.units[:: self.num_directions]]
        return f"{self.input_size}, {hidden[0] if len(set(hidden)) == 1 else hidden}"

    def extra_repr(self) -> str:
        """Describe the arguments that are not the defaults."""
        said = [self._sizes_repr()]
        said += [f"num_layers={self.num_layers}"] if self.num_layers != 1 else []
        said += [f"{n}={v}" for n, v, usual in self._settings() if v != usual]
        return ", ".join(said)

    def _settings(self) -> list[tuple[str, Any, Any]]:
        return [
            ("bias", self.bias, True),
            ("batch_first", self.batch_first, False),
            ("dropout", self.dropout, 0.0),
            ("bidirectional", self.bidirectional, False),
            ("forget_bias", self.forget_bias, None),
            ("init", self.init, "torch"),
            ("learn_initial_state", self.learn_initial_state, False),
            ("variational_dropout", self.variational_dropout, None),
            ("zoneout", self.zoneout, None),
            ("connections", self.connections, "plain"),
            ("gradient_clip", self.gradient_clip, None),
            ("checkpoint_every", self.checkpoint_every, None),
            ("backend", self.backend, "auto"),
        ]
