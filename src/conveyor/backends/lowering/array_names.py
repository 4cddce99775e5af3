"""The names of the arrays in which values pass from one schedule to another."""


def node(n: int) -> str:
    """Name the array that holds a node's value between schedules."""
    return f"node {n}"


def step(n: int) -> str:
    """Name the array that holds a node's value within a step of the loop."""
    return f"step {n}"


def carried(n: int) -> str:
    """Name the array that holds a node's value from the step that ran before."""
    return f"carried {n}"
