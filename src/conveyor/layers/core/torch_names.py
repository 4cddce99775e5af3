"""The attributes and methods of torch.nn.RNNBase that libraries use.

A layer reads its parameters anew at each call. So torch's second list of them, `_flat_weights`, is built on access,
and the methods by which torch updates it do nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from conveyor.errors import TensorError

if TYPE_CHECKING:
    from conveyor.layers.core.layer_direction import LayerDirection


class RecurrentNames(nn.RNNBase):
    """The base class of torch.nn's recurrent layers, without its own attributes."""

    units: tuple[LayerDirection, ...]

    # torch.nn's own would keep a second list of the parameters.
    _replicate_for_data_parallel = nn.Module._replicate_for_data_parallel

    def __setattr__(self, name: str, value: Any) -> None:
        nn.Module.__setattr__(self, name, value)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        return nn.Module._apply(self, fn, recurse)

    def _init_flat_weights(self) -> None:
        """Does nothing; torch.nn rebuilds its list of parameters here."""

    def _update_flat_weights(self) -> None:
        """Does nothing; torch.nn updates its list of parameters here."""

    def _weights_have_changed(self) -> bool:
        return False

    def flatten_parameters(self) -> None:
        """Does nothing: parameters are read anew at each call."""

    @property
    def _all_weights(self) -> list[list[str]]:  # type: ignore[override]
        """The names of the parameters, one list per layer and direction."""
        return [list(unit.names) for unit in self.units]

    @property
    def _flat_weights_names(self) -> list[str]:  # type: ignore[override]
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Tensor | None]:  # type: ignore[override]
        return [getattr(self, name, None) for name in self._flat_weights_names]

    @property
    def all_weights(self) -> list[list[Any]]:
        """The parameters, one list per layer and direction, in torch's order."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    # Checks that subclasses of torch's layers call before a forward pass of their own

    def _expected_size(self, input: Tensor, batch_sizes: Tensor | None, width: int) -> tuple[int, int, int]:
        batch = int(batch_sizes[0]) if batch_sizes is not None else input.size(0 if self.batch_first else 1)
        return len(self.units), batch, width

    def get_expected_hidden_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """Compute the shape of the first state, (num_layers x directions, B, width)."""
        return self._expected_size(input, batch_sizes, self.proj_size or self.hidden_size)

    def check_hidden_size(
        self, hx: Tensor, expected_hidden_size: tuple[int, int, int], msg: str = "Expected hidden size {}, got {}"
    ) -> None:
        """Check the shape of a state.

        Raises:
            TensorError: The shape differs.
        """
        if tuple(hx.shape) != tuple(expected_hidden_size):
            raise TensorError(msg.format(expected_hidden_size, list(hx.shape)))

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Checks an input with a batch, or packed rows if their sizes are passed.

        Raises:
            TensorError: Its dtype, number of dimensions or width does not fit.
        """
        weight = next((w for w in self._flat_weights if w is not None), input)
        if input.dtype != weight.dtype:
            raise TensorError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}). Convert input:"
                f" input.to({weight.dtype}), or convert model: model.to({input.dtype})"
            )
        dimensions = 3 if batch_sizes is None else 2
        if input.dim() != dimensions:
            raise TensorError(f"input must have {dimensions} dimensions, got {input.dim()}")
        if input.size(-1) != self.input_size:
            raise TensorError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}"
            )

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Check an input and a state.

        Raises:
            TensorError: One does not fit.
        """
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def _words_of_states(self, fields: Sequence[Any], batch: int | None) -> str:
        """Says which state has a wrong shape in the words of torch.nn's layers."""
        if not all(isinstance(field, Tensor) for field in fields):
            return ""  # one tensor a layer, which torch has not
        rank, ranks = 2 if batch is None else 3, [field.dim() for field in fields]
        if any(r != rank for r in ranks):
            lead = f"For {'unbatched' if batch is None else 'batched'} {rank}-D input"
            got = f"but got {ranks[0]}-D tensor" if len(ranks) == 1 else f"but got ({ranks[0]}-D, {ranks[1]}-D) tensors"
            return f"{lead}, {'hx' if len(ranks) == 1 else 'hx and cx'} should also be {rank}-D {got}"
        widths = (self.proj_size or self.hidden_size, self.hidden_size)
        for k, (field, width) in enumerate(zip(fields, widths, strict=False)):
            shape = list(field.shape if batch is not None else field.unsqueeze(1).shape)
            expected = (len(self.units), 1 if batch is None else batch, width)
            if shape != list(expected):
                return f"Expected hidden{'' if len(ranks) == 1 else f'[{k}]'} size {expected}, got {shape}"
        return ""

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """Permutes the rows of a state (…, B, width)."""
        return hx if permutation is None else hx.index_select(1, permutation)


class LSTMNames(RecurrentNames):
    """The same names for a layer with two states, h and c."""

    def get_expected_cell_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """Compute the shape of c, (num_layers x directions, B, hidden_size)."""
        return self._expected_size(input, batch_sizes, self.hidden_size)

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Check an input and the states (h, c).

        Raises:
            TensorError: One does not fit.
        """
        self.check_input(input, batch_sizes)
        expected = self.get_expected_hidden_size(input, batch_sizes)
        self.check_hidden_size(hidden[0], expected, "Expected hidden[0] size {}, got {}")
        expected = self.get_expected_cell_size(input, batch_sizes)
        self.check_hidden_size(hidden[1], expected, "Expected hidden[1] size {}, got {}")

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """Permutes the rows of the states (h, c)."""
        return hx if permutation is None else tuple(s.index_select(1, permutation) for s in hx)
