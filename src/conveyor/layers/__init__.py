"""Layers: torch modules made of cells."""

from conveyor.layers.recurrent import Recurrent
from conveyor.layers.step import Cell, GRUCell, LSTMCell, RNNCell
from conveyor.layers.torch_like import GRU, LSTM, RNN

__all__ = ["GRU", "LSTM", "RNN", "Cell", "GRUCell", "LSTMCell", "RNNCell", "Recurrent"]
