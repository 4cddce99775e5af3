"""Runs compiled passes on tensors.

memory_plan       the memory plan of a pass: bases, workspace, arrays and jobs
launch_plan       the launch plan of a pass for a batch, then for a number of time steps
extents           checks of the shapes of tensors against those of the plan
workspace         the pool of workspaces
threads           the run of a pass on torch's threads
oversubscription  the detection of oversubscribed cores
sequence          the forward and backward pass
stack             the passes of a stack of layers and directions in one compiled call
launch            the passes of all layers of a stack, planned once per signature
"""
