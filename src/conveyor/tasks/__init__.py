"""Training tasks: the loop, schedules and checkpoints they share, and one folder a task (`text`).

Nothing is imported here, so that the command line can reach the light modules without loading torch.
"""
