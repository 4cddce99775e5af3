"""Layers: torch modules made of cells."""

from conveyor.layers.cell import Cell, GRUCell, LSTMCell, RNNCell
from conveyor.layers.recurrent import Recurrent
from conveyor.layers.rnn import GRU, LSTM, RNN

__all__ = ["GRU", "LSTM", "RNN", "Cell", "GRUCell", "LSTMCell", "RNNCell", "Recurrent"]
