"""Conformance: what every cell, backend and feature of conveyor promises, as checks that run on a cell of your own.

trial     a layer of the cell at small sizes, and numbers for it
compare   what counts as equal
agreement a backend against the reference, in float64 and float32, at the edges of shapes
sequences lengths, packed sequences, resets, both directions, initial states
training  dropout, zoneout, connections, limits on gradients, chunks, parts
single    steps, streams, and torch's functional calls
keeping   copies, pickles, files
run       the checks by name
"""

from conveyor.testing.compare import ConformanceError
from conveyor.testing.run import CHECKS, Finding, check, check_cell

__all__ = ["CHECKS", "ConformanceError", "Finding", "check", "check_cell"]
