"""The reference backend: plain torch operations, a time loop in Python. It is the definition that others agree with.

sequence  the forward and backward pass
evaluate  nodes by torch operations, for one time step or for all
"""

from conveyor.backends.reference.sequence import backward, forward

__all__ = ["backward", "forward"]
