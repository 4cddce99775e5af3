"""The forecaster: any cell read over the past and run on over the horizon, with a quantile head a step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from conveyor.errors import ArgumentError
from conveyor.frontend import CellDefinition
from conveyor.layers import Recurrent
from conveyor.tasks.forecast.config import ModelConfig
from conveyor.tasks.forecast.data.windows import KNOWN, SINCE, Shape, Y
from conveyor.tasks.training.batch import Batch, Outcome
from conveyor.tasks.training.state import State

LEAST_SCALE = 0.1
"""Smallest deviation of a window, as a part of the series': a still hour must not blow its noise up."""
_AUX = {"mask", "delta"}


@dataclass(frozen=True)
class Variant:
    """The choices that validation makes.

    Args:
        scale: `series` or `window`.
        base: `none` or `seasonal`.
        linear: whether a linear path leads from the window's values to the forecast.
        dropout: before the head.
    """

    scale: str
    base: str
    linear: bool = False
    dropout: float = 0.0

    def words(self) -> str:
        """Name it in a line."""
        base = "correcting the seasonal naive forecast" if self.base == "seasonal" else "on its own"
        linear = ", with a linear path" if self.linear else ""
        return f"{self.scale} scale, {base}{linear}, dropout {self.dropout:g}"


class Forecaster(nn.Module):
    """Forecasts quantiles of every step of the horizon at once, without sampling or feedback.

    The recurrent layer reads the window's past and is run on over the horizon, where the target and the past columns
    are zero and a flag says so (the "direct" multi-horizon decoder of Wen et al. 2017, arXiv:1711.11053, with the
    encoder itself in the decoder's place). Quantiles cannot cross: the outer ones add positive steps to the median.

    Args:
        cell: of every layer.
        shape: of the windows.
        static: width of the encoded static columns.
        config: sizes and quantiles.
        variant: how values are scaled, and what is corrected.
        base_lag: which of the lags the seasonal base is.
    """

    def __init__(
        self, cell: CellDefinition, shape: Shape, static: int, config: ModelConfig, variant: Variant, base_lag: int
    ) -> None:
        super().__init__()
        self.shape, self.variant, self.base_lag = shape, variant, base_lag
        self.quantiles = config.quantiles
        self.median = config.quantiles.index(0.5)
        width = shape.width + (2 if variant.scale == "window" else 0)
        aux = {a.name for a in cell.program.aux}
        if aux - _AUX:
            raise ArgumentError(
                f"cell: expected one that reads x, or a mask and a delta beside it, got {cell.name}, which reads "
                f"{', '.join(sorted(aux))}"
            )
        self.recurrent = Recurrent(
            cell,
            width,
            config.hidden_size,
            num_layers=config.num_layers,
            dropout=variant.dropout if config.num_layers > 1 else 0.0,
            backend=config.backend,
        )
        self.dropout = nn.Dropout(variant.dropout)
        self.head = nn.Linear(self.recurrent.output_size, len(config.quantiles))
        # Forecasts begin near the base, with quantiles a small step apart.
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            self.head.bias.fill_(-2.0)
            self.head.bias[self.median] = 0.0
        self.initial: nn.Linear | None = None
        if static:
            self.initial = nn.Linear(static, sum(width for _, _, width in self.hidden_states()), bias=False)
        self.linear: nn.Linear | None = None
        if variant.linear:
            self.linear = nn.Linear(shape.context, shape.horizon, bias=False)
            nn.init.zeros_(self.linear.weight)

    def forward(self, x: Tensor, static: Tensor) -> Tensor:
        """Forecast.

        Args:
            x: windows (T, B, K), T = context + horizon.
            static: (B, S).

        Returns:
            Quantiles (horizon, B, Q) on the series' scale.
        """
        shape = self.shape
        location, scale = self._window_scale(x)
        features = self._features(x, location, scale)
        y, _ = self.recurrent(features, self._initial_state(static), **self._aux(features))
        out = self.head(self.dropout(y[-shape.horizon :]))
        quantiles = self._spread(out)
        if self.linear is not None:
            past = features[1 : shape.context + 1, :, Y]
            quantiles = quantiles + self.linear(past.T).T.unsqueeze(2)
        if scale is not None:
            quantiles = quantiles * scale.unsqueeze(2)
        return quantiles + self._base(x, location).unsqueeze(2)

    def _spread(self, out: Tensor) -> Tensor:
        """Make rising quantiles of a median and the logarithm-like steps between neighbours."""
        m = self.median
        middle = out[..., m : m + 1]
        above = functional.softplus(out[..., m + 1 :]).cumsum(-1)
        below = functional.softplus(out[..., :m]).flip(-1).cumsum(-1).flip(-1)
        return torch.cat([middle - below, middle, middle + above], -1)

    def _window_scale(self, x: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Mean and deviation (1, B) of the window's known values; None where the series' own are used."""
        if self.variant.scale != "window":
            return None, None
        past = x[1 : self.shape.context + 1]
        values, known = past[:, :, Y], past[:, :, KNOWN]
        count = known.sum(0, keepdim=True).clamp_min(1.0)
        location = (values * known).sum(0, keepdim=True) / count
        variance = ((values - location).square() * known).sum(0, keepdim=True) / count
        return location, variance.sqrt().clamp_min(LEAST_SCALE)

    def _features(self, x: Tensor, location: Tensor | None, scale: Tensor | None) -> Tensor:
        if location is None or scale is None:
            return x
        first, lags = self.shape.lagged, self.shape.lags
        y = (x[:, :, Y] - location) / scale * x[:, :, KNOWN]
        parts = [y.unsqueeze(2), x[:, :, 1:first]]
        if lags:
            flags = x[:, :, first + lags : first + 2 * lags]
            parts.append((x[:, :, first : first + lags] - location.unsqueeze(2)) / scale.unsqueeze(2) * flags)
        parts.append(x[:, :, first + lags :])
        stats = torch.stack([location, scale.log()], 2).expand(len(x), -1, -1)
        return torch.cat([*parts, stats], 2)

    def _base(self, x: Tensor, location: Tensor | None) -> Tensor:
        """Compute the base forecast that the network corrects: (horizon, B), or a tensor that broadcasts to it."""
        centre = x.new_zeros(1, x.shape[1]) if location is None else location
        if self.variant.base != "seasonal":
            return centre
        place = self.shape.lagged + self.base_lag
        ahead = x[self.shape.context :]
        return torch.where(ahead[:, :, place + self.shape.lags] > 0, ahead[:, :, place], centre)

    def _aux(self, features: Tensor) -> dict[str, Tensor]:
        """Build the masks and time gaps for cells that read them: the target may be missing, other columns are not."""
        if not self.recurrent.aux_names:
            return {}
        mask = torch.ones_like(features)
        mask[:, :, Y] = features[:, :, KNOWN]
        delta = torch.zeros_like(features)
        delta[:, :, Y] = features[:, :, SINCE]
        return {name: {"mask": mask, "delta": delta}[name] for name in self.recurrent.aux_names}

    def hidden_states(self) -> list[tuple[int, int, int]]:
        """Field, layer and width of every state that is as wide as its layer's output."""
        found = []
        for number, field in enumerate(self.recurrent.state_fields):
            for layer, unit in enumerate(self.recurrent.units):
                width = unit.state_width(field)
                if width is not None and width == unit.output_size:
                    found.append((number, layer, width))
        return found

    def _initial_state(self, static: Tensor) -> State:
        if self.initial is None:
            return None
        places = self.hidden_states()
        values = torch.tanh(self.initial(static)).split([width for _, _, width in places], 1)
        filled = {(field, layer): value for (field, layer, _), value in zip(places, values, strict=True)}
        return tuple(
            self._field_state(number, field, filled, static) for number, field in enumerate(self.recurrent.state_fields)
        )

    def _field_state(self, number: int, field: str, filled: dict[tuple[int, int], Tensor], static: Tensor) -> State:
        widths = [unit.state_width(field) for unit in self.recurrent.units]
        layers = [
            None if width is None else filled.get((number, k), static.new_zeros(len(static), width))
            for k, width in enumerate(widths)
        ]
        if len(set(widths)) == 1:
            return torch.stack([layer for layer in layers if layer is not None])
        return tuple(None if layer is None else layer.unsqueeze(0) for layer in layers)


def pinball(quantiles: Tensor, y: Tensor, levels: Tensor) -> Tensor:
    """Quantile loss (…, Q) of forecasts (…, Q) against values (…): Koenker & Bassett 1978."""
    error = y.unsqueeze(-1) - quantiles
    return torch.maximum(levels * error, (levels - 1) * error)


class QuantileObjective:
    """Mean pinball loss over the known values of the horizon and all quantiles.

    Args:
        levels: of the quantiles.
    """

    def __init__(self, levels: tuple[float, ...]) -> None:
        self.levels = torch.tensor(levels)

    def __call__(self, model: nn.Module, batch: Batch, state: State) -> Outcome:
        """Run a model on a batch; windows carry no state."""
        y, known = batch.targets["y"], batch.targets["known"]
        quantiles = model(batch.inputs["x"], batch.inputs["static"])
        scored = int(known.sum())
        loss = pinball(quantiles, y, self.levels)
        if scored == known.numel():
            return Outcome(loss.mean(), scored)
        total = torch.where(known.unsqueeze(-1) > 0, loss, 0.0).sum()
        return Outcome(total / (max(scored, 1) * len(self.levels)), scored)
