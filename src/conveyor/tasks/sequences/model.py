"""The model of sequences: recurrent layers that read both ways, and a head on what they hold."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from conveyor.errors import ArgumentError
from conveyor.frontend import CellDefinition
from conveyor.layers import Recurrent
from conveyor.tasks.sequences.batching.features import Features
from conveyor.tasks.sequences.config import ModelConfig

_READS = {"mask", "delta"}
_ABOVE = "gru"


def decays(cell: CellDefinition) -> bool:
    """Tell whether a cell reads what is missing.

    Raises:
        ArgumentError: it reads something else beside its input.
    """
    names = {aux.name for aux in cell.program.aux}
    if names - _READS:
        raise ArgumentError(
            f"cell: {cell.name} reads {', '.join(sorted(names - _READS))}; a task on sequences gives a cell its input, "
            "and mask and delta if it reads them"
        )
    return bool(names)


class SequenceModel(nn.Module):
    """Scores sequences, or each of their steps.

    A sequence is judged by the last state of each direction, at the sequence's own ends, and by the mean of the outputs
    over its own steps. A cell that decays reads mask and time gaps; its second direction is a layer of its own, as time
    gaps differ when the sequence is read from its end, and layers above it are GRUs.

    Args:
        cell: of every layer, or of the first if it decays.
        features: of what it reads.
        outputs: K, classes or values.
        tagged: whether each step is scored.
        config: the sizes.
    """

    def __init__(
        self, cell: CellDefinition, features: Features, outputs: int, tagged: bool, config: ModelConfig
    ) -> None:
        super().__init__()
        self.noise = config.noise
        self.channels = features.channels
        self.tagged = tagged
        self.decays = features.kind == "decay"
        both = config.bidirectional
        above: CellDefinition | str = _ABOVE if self.decays else cell
        cells: list[CellDefinition | str] = [cell, *[above] * (config.num_layers - 1)]
        self.recurrent = self._layers(cells, features.width, config, both and not self.decays)
        self.reverse = self._layers(cells, features.width, config, False) if both and self.decays else None
        width = self.recurrent.output_size * (2 if self.reverse is not None else 1)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(width if tagged else 2 * width, outputs)

    @staticmethod
    def _layers(cells: list[CellDefinition | str], width: int, config: ModelConfig, bidirectional: bool) -> Recurrent:
        layers = Recurrent(
            cells if len(set(cells)) > 1 else cells[0],
            width,
            config.hidden_size,
            num_layers=config.num_layers,
            bidirectional=bidirectional,
            dropout=config.dropout if config.num_layers > 1 else 0.0,
            backend=config.backend,
        )
        # What a missing value decays to is the mean, which is 0 once standardised (Che et al. 2018, eq. 5).
        for name, parameter in layers.named_parameters():
            if name.startswith("x_mean_"):
                nn.init.zeros_(parameter)
                parameter.requires_grad_(False)
        return layers

    def forward(
        self,
        x: Tensor,
        lengths: Tensor,
        mask: Tensor | None = None,
        delta: Tensor | None = None,
        delta_back: Tensor | None = None,
    ) -> Tensor:
        """Score a batch.

        Args:
            x: (T, B, F).
            lengths: (B,).
            mask: (T, B, C), for a cell that decays.
            delta: (T, B, C), likewise.
            delta_back: (T, B, C), of the sequences read from their ends.

        Returns:
            (B, K), or (T, B, K) if each step is scored.
        """
        x = self._noisy(x)
        y, last = self._read(x, lengths, mask, delta, delta_back)
        if self.tagged:
            return self.head(self.dropout(y))  # type: ignore[no-any-return]
        mean = y.sum(0) / lengths.to(y.dtype).unsqueeze(1)
        return self.head(self.dropout(torch.cat([last, mean], 1)))  # type: ignore[no-any-return]

    def _noisy(self, x: Tensor) -> Tensor:
        if not self.training or not self.noise:
            return x
        values = x[..., : self.channels]
        values = values + self.noise * torch.randn_like(values)
        return torch.cat([values, x[..., self.channels :]], -1) if x.shape[-1] > self.channels else values

    def _read(
        self, x: Tensor, lengths: Tensor, mask: Tensor | None, delta: Tensor | None, delta_back: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Run the layers: the outputs (T, B, H) and the last states (B, H), both directions side by side."""
        if not self.decays:
            y, state = self.recurrent(x, lengths=lengths)
            return y, _last(state, self.recurrent.num_directions)
        assert mask is not None and delta is not None, "a cell that decays is given what is missing"
        reads = self.recurrent.aux_names
        y, state = self.recurrent(x, lengths=lengths, **_only(reads, mask=mask, delta=delta))
        last = _last(state, 1)
        if self.reverse is None:
            return y, last
        assert delta_back is not None, "a second direction is given its own time gaps"
        turn = turning(lengths, len(x))
        aux = _only(reads, mask=turned(mask, turn), delta=delta_back)
        back, state = self.reverse(turned(x, turn), lengths=lengths, **aux)
        return torch.cat([y, turned(back, turn)], -1), torch.cat([last, _last(state, 1)], -1)


def turning(lengths: Tensor, steps: int) -> Tensor:
    """Index (T, B) that reads each sequence from its end; padding stays where it is."""
    time = torch.arange(steps).unsqueeze(1)
    return torch.where(time < lengths, lengths - 1 - time, time)


def turned(x: Tensor, turn: Tensor) -> Tensor:
    """Read (T, B, F) in the order of an index (T, B)."""
    return x.gather(0, turn.unsqueeze(-1).expand_as(x))


def _last(state: tuple[Tensor | tuple[Tensor, ...], ...], directions: int) -> Tensor:
    """Take the last layer's output state, (B, directions · H)."""
    first = state[0]
    rows = first[-directions:] if isinstance(first, Tensor) else first[-1]
    return torch.cat(list(rows), -1)


def _only(names: tuple[str, ...], **aux: Tensor) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in aux.items() if name in names}
