"""`Recurrent`: a sequence layer of any cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from conveyor.errors import ArgumentError
from conveyor.frontend import CellDefinition
from conveyor.ir.transforms.param_layout import merged_layout
from conveyor.layers.arguments.conversion import as_cells, as_sizes, per_layer
from conveyor.layers.arguments.fx_proxies import call_node, is_symbolic
from conveyor.layers.call_plan import call_stack
from conveyor.layers.core.stack import Stack
from conveyor.scalars import plain_numbers


class Recurrent(Stack):
    """A layer (or several on top of each other) of any cell.

    Args:
        cell: A cell, the name of one in `conveyor.cells`, or a list of these, one a layer.
        input_size: Width of the input.
        hidden_size: Width of the hidden state; a list gives one a layer.
        num_layers: The number of stacked layers.
        bias: Whether `affine` adds biases.
        batch_first: Whether input and output are (B, T, width) instead of (T, B, width). States are not affected.
        dropout: Probability with which each layer's output but the last's is zeroed in training, a new draw each step.
        bidirectional: Whether a second direction runs from the end to the start; outputs are concatenated.
        proj_size: Short for `sizes={"proj": …}`.
        device: The device of the parameters.
        dtype: Their type, float32 by default.
        sizes: Numbers for the widths that the cell names (`size="proj"`, auxiliary inputs).
        forget_bias: First value of the bias of the gate that keeps the state.
        init: `torch`, `orthogonal` or `chrono`; see `conveyor.layers.initialise`.
        max_lag: The longest dependency in steps that `chrono` prepares for.
        learn_initial_state: Whether each state's value before the first step is a parameter, `initial_<state>_l0`, zero
            at first; otherwise it is zero.
        variational_dropout: Probability of dropout with one mask a sequence (Gal & Ghahramani 2016), or a dict of
            places to theirs: "input", each layer's input; "recurrent", the states that learned matrices and weights
            multiply, one mask for each state and all gates; "output", the last layer's output.
        zoneout: Probability with which each number of a state stays as it was for a step (Krueger et al. 2017), or a
            dict of states to theirs. Outside training the mean is taken.
        connections: The connections between layers: `plain`; `residual`, each but the first adds its input to its
            output; `skip`, each but the first reads x too, beside the output of the layer below.
        gradient_clip: Limit of the gradient that each step passes back to the states, number by number, or a dict of
            states to theirs.
        checkpoint_every: Keep for the gradient only the states every so many steps, and run the steps between again;
            see `memory_estimate`.
        backend: `auto`, or the name of a backend.
        strict_backend: Whether a backend that can't run raises instead of falling back to the reference.

    Raises:
        ArgumentError: An argument has a wrong value.
    """

    _layout_of = staticmethod(merged_layout)

    def __init__(
        self,
        cell: CellDefinition | str | Sequence[CellDefinition | str],
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
        *,
        sizes: Mapping[str, int] | None = None,
        forget_bias: float | None = None,
        init: str = "torch",
        max_lag: int = 1000,
        learn_initial_state: bool = False,
        variational_dropout: float | Mapping[str, float] | None = None,
        zoneout: float | Mapping[str, float] | None = None,
        connections: str = "plain",
        gradient_clip: float | Mapping[str, float] | None = None,
        checkpoint_every: int | None = None,
        backend: str = "auto",
        strict_backend: bool = False,
    ) -> None:
        cells = as_cells(cell)
        num_layers = len(cells) if len(cells) > 1 and num_layers == 1 else num_layers
        hidden_sizes = per_layer("hidden_size", hidden_size, num_layers)
        super().__init__(
            per_layer("cell", cells if len(cells) > 1 else cells[0], num_layers),
            input_size,
            hidden_sizes,
            bias=bias,
            batch_first=batch_first,
            dropout=dropout,
            bidirectional=bidirectional,
            sizes=as_sizes(sizes, proj_size),
            forget_bias=forget_bias,
            init=init,
            max_lag=max_lag,
            learn_initial_state=learn_initial_state,
            variational_dropout=variational_dropout,
            zoneout=zoneout,
            connections=connections,
            gradient_clip=gradient_clip,
            checkpoint_every=checkpoint_every,
            backend=backend,
            strict_backend=strict_backend,
            device=device,
            dtype=dtype,
        )
        self.hidden_size = plain_numbers(hidden_size)

    @property
    def cell(self) -> CellDefinition:
        """The cell of the first layer."""
        return self.units[0].cell

    def forward(
        self,
        x: Any,
        state: Any = None,
        *,
        lengths: Tensor | None = None,
        reset: Tensor | None = None,
        every_layer: bool = False,
        **aux: Tensor,
    ) -> tuple[Any, Any]:
        """Run over a sequence.

        Args:
            x: (T, B, input_size), (B, T, input_size) with `batch_first`, (T, input_size) for one sequence, or torch's
                `PackedSequence`, which gives one back.
            state: The initial states as this layer returns them, or a plain tuple of the same; None is the layer's own.
            lengths: (B,) integers: each sequence's length, 0 too. Padding past it is never read; outputs are zero
                there, final states those at each sequence's end, where the reverse direction begins.
            reset: (T, B) booleans ((B, T) with `batch_first`): where true, a new piece starts at that step: the state
                before it is the layer's own initial state, never one passed in. In the reverse direction a piece ends
                there: its state starts anew between that step and the one before.
            every_layer: Whether the output is a tuple, that of each layer from the first.
            aux: The auxiliary inputs that the cell reads: (T, B), (T, B, K), or (B, K), the same at each step.

        Returns:
            The output (T, B, output_size), laid out as the input is; and a named tuple of the final states, each
            (num_layers x directions, B, width), or a tuple of one (directions, B, width) a layer if widths differ.

        Raises:
            ArgumentError: A shape, dtype or device does not fit.
        """
        if lengths is None and reset is None and every_layer is False and not aux:
            found = call_stack(self, x, state)
            if found is not None:
                return found[0], tuple.__new__(self._state_class, found[1:])
        if is_symbolic(x):
            return call_node(self, x, state, lengths=lengths, reset=reset, every_layer=every_layer, aux=aux)  # type: ignore[no-any-return]
        y, fields = self._run(x, state, aux, reset, lengths, every_layer)
        return y, self._named(fields)

    def extra_repr(self) -> str:
        """Describe the cells, and the arguments that are not the defaults."""
        cells = list(dict.fromkeys(u.cell.name for u in self.units))
        return f"{cells[0] if len(cells) == 1 else cells}, {super().extra_repr()}"

    @classmethod
    def from_concatenated(
        cls, cell: CellDefinition | str, gates: Mapping[str, tuple[Tensor, Tensor | None]], **arguments: Any
    ) -> Recurrent:
        """Make a one-layer layer from the textbook form W·[h, x] + b.

        Args:
            cell: The cell.
            gates: For each affine map of the cell its W, (H, H + I) with the columns of h first, and b, (H,) or None.
            arguments: Further arguments of the layer.

        Raises:
            ArgumentError: A gate is missing or unknown, or a shape does not fit.
        """
        from conveyor.layers.concatenated import fill, sizes_of

        input_size, hidden_size = sizes_of(gates)
        layer = cls(cell, input_size, hidden_size, **arguments)
        if len(layer.units) > 1:
            raise ArgumentError("from_concatenated makes one layer of one direction; stack several of them by hand")
        fill(layer, layer.units[0], gates)
        return layer
