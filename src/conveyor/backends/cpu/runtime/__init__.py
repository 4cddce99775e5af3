"""Runs compiled passes on tensors.

memory_plan       the memory of a pass, and the jobs on it
launch_plan       the memory layout, argument table and jobs of a pass, filled in for a number of steps
extents           checks that tensors still have the shapes that a pass was prepared for
workspace         the workspaces of passes, reused
threads           runs a pass on torch's threads
oversubscription  the check whether these threads get cores
sequence          the two passes
stack             the passes of a stack of layers and directions in one compiled call
launch            the launch of a stack's passes, prepared once for each signature
"""
