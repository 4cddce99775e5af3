"""Keras's recurrent layers in all their settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from interop.keras.library import L

KINDS: Mapping[str, Callable[[], Any]] = {
    "LSTM": lambda: L.LSTM(4, return_sequences=True),
    "LSTM-last": lambda: L.LSTM(4),
    "LSTM-no-bias": lambda: L.LSTM(4, use_bias=False, return_sequences=True),
    "LSTM-activations": lambda: L.LSTM(
        4, activation="relu", recurrent_activation="hard_sigmoid", return_sequences=True
    ),
    "LSTM-backwards": lambda: L.LSTM(4, go_backwards=True, return_sequences=True),
    "LSTM-backwards-last": lambda: L.LSTM(4, go_backwards=True),
    "GRU": lambda: L.GRU(4, return_sequences=True),
    "GRU-last-no-bias": lambda: L.GRU(4, use_bias=False),
    "GRU-activations": lambda: L.GRU(4, activation="softsign", recurrent_activation="hard_sigmoid"),
    "GRU-reset-before": lambda: L.GRU(4, reset_after=False, return_sequences=True),
    "GRU-reset-before-no-bias": lambda: L.GRU(4, reset_after=False, use_bias=False, go_backwards=True),
    "SimpleRNN": lambda: L.SimpleRNN(4, return_sequences=True),
    "SimpleRNN-relu": lambda: L.SimpleRNN(4, activation="relu"),
    "SimpleRNN-linear-no-bias": lambda: L.SimpleRNN(4, activation=None, use_bias=False, return_sequences=True),
    "RNN-of-a-cell": lambda: L.RNN(L.GRUCell(4), return_sequences=True),
    "StackedRNNCells": lambda: L.RNN([L.LSTMCell(4), L.LSTMCell(2)], return_sequences=True),
    "StackedRNNCells-mixed": lambda: L.RNN([L.LSTMCell(4), L.GRUCell(5), L.SimpleRNNCell(2), L.LSTMCell(3)]),
    "StackedRNNCells-biases": lambda: L.RNN([L.LSTMCell(4, use_bias=False), L.GRUCell(4, reset_after=False)]),
    **{
        f"Bidirectional-{name}-{merge}{'-last' if last else ''}": lambda make=make, merge=merge, last=last: (
            L.Bidirectional(make(4, return_sequences=not last), merge_mode=merge)
        )
        for name, make in (("LSTM", L.LSTM), ("GRU", L.GRU), ("SimpleRNN", L.SimpleRNN))
        for merge in ("concat", "sum", "mul", "ave", None)
        for last in (False, True)
    },
    "Bidirectional-reset-before": lambda: L.Bidirectional(L.GRU(4, reset_after=False, return_sequences=True)),
}
