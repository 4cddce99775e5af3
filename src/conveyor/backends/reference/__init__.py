"""The reference backend: plain torch operations, a time loop in Python. It is the definition that others agree with.

sequence  the two passes
evaluate  nodes by torch operations, for a step or for all steps
"""

from conveyor.backends.reference.sequence import backward, forward

__all__ = ["backward", "forward"]
