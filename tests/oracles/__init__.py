"""Every built-in cell's equations, computed in plain NumPy float64 from the papers; nothing here imports conveyor."""

from __future__ import annotations

from collections.abc import Callable

from oracles import ablations, exponential, gru, lstm, minimal, plain
from oracles.common import Oracle

_MAKERS: tuple[Callable[..., Oracle], ...] = (
    plain.rnn,
    plain.indrnn,
    lstm.lstm,
    lstm.lstm_peephole,
    lstm.lstm_coupled,
    lstm.lstm_layer_norm,
    lstm.lstm_projection,
    ablations.lstm_nig,
    ablations.lstm_nfg,
    ablations.lstm_nog,
    ablations.lstm_niaf,
    ablations.lstm_noaf,
    ablations.lstm_cifg,
    ablations.lstm_np,
    ablations.lstm_fgr,
    gru.gru,
    gru.gru_reset_before,
    gru.gru_d,
    minimal.mgu,
    minimal.janet,
    minimal.ugrnn,
    minimal.min_gru,
    minimal.min_lstm,
    exponential.slstm,
)

# By the cell's name; called with the cell's options.
ORACLES: dict[str, Callable[..., Oracle]] = {maker.__name__: maker for maker in _MAKERS}

__all__ = ["ORACLES", "Oracle"]
