"""Runs compiled passes on tensors.

memory_plan       the memory of a pass, and the jobs on it
launch_plan       where everything lies for a batch; fitted for a number of steps
extents           whether tensors still have the sizes that a pass was prepared for
workspace         memory that passes work in, used again
threads           runs a pass on torch's threads
oversubscription  whether these threads get cores
sequence          the two passes
stack             the passes of a stack of layers and directions in one compiled call
launch            the passes of a whole stack, worked out once a signature
"""
